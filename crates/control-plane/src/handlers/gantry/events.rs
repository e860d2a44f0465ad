//! ListEvents.

use std::sync::Arc;
use std::time::Duration;

use api::gantry;
use domain::TaskArn;
use telemetry::events::{Event, EventFilter, EventPage};
use tokio::time::Instant;

use super::errors::{self, invalid_parameter};
use super::find::{cluster, find};
use crate::call::Call;
use crate::events::DETAIL_TYPES;
use crate::handlers::ecs::names;

/// Most events of an answer, and how many come unless the caller says.
const EVENTS_MAX: i32 = 1000;
/// Longest that a call may wait for an event, in seconds.
const WAIT_MAX_SECONDS: i32 = 20;

/// `ListEvents`: state changes in their order, after a sequence number. Where there is none, it waits for one, if it is
/// to.
///
/// # Errors
/// InvalidParameterException.
pub async fn list_events(call: Call<gantry::ListEvents>) -> Result<gantry::ListEventsOutput, gantry::Error> {
    let input = call.input();
    let most = number(
        "maxResults",
        input.max_results.unwrap_or(EVENTS_MAX),
        1..=EVENTS_MAX,
    )?;
    let wait = number(
        "waitSeconds",
        input.wait_seconds.unwrap_or(0),
        0..=WAIT_MAX_SECONDS,
    )?;
    let after = input.after_sequence.unwrap_or(0);
    let mut after = u64::try_from(after)
        .map_err(|_| invalid_parameter(format!("afterSequence must be 0 or more, not {after}.")))?;
    let filter = filter(&call).await?;
    let deadline = Instant::now() + Duration::from_secs(wait);
    loop {
        let page = read(&call, after, &filter, most).await?;
        after = page.through;
        let is_over = !page.events.is_empty() || !page.is_end || Instant::now() >= deadline;
        let news = call.access().events().later_than(after);
        if is_over || tokio::time::timeout_at(deadline, news).await.is_err() {
            return Ok(render(page));
        }
    }
}

fn number(name: &str, given: i32, range: std::ops::RangeInclusive<i32>) -> Result<u64, gantry::Error> {
    let found = u64::try_from(given).ok().filter(|_| range.contains(&given));
    found.ok_or_else(|| {
        let (first, last) = (range.start(), range.end());
        invalid_parameter(format!("{name} must be between {first} and {last}, not {given}."))
    })
}

async fn filter(call: &Call<gantry::ListEvents>) -> Result<EventFilter, gantry::Error> {
    let (input, scope) = (call.input(), call.scope());
    let in_cluster = input.cluster.as_deref().filter(|it| !it.is_empty());
    let service = input.service_name.as_deref().map(|name| {
        let cluster = names::cluster(scope, in_cluster);
        cluster.and_then(|it| names::service(&it, name))
    });
    let task = match input.task.as_deref() {
        None => None,
        Some(given) => Some(match TaskArn::parse(given) {
            Ok(arn) => arn,
            Err(_) => find(call, in_cluster, given).await?.0.arn.clone(),
        }),
    };
    if let Some(given) = input
        .detail_type
        .as_deref()
        .filter(|it| !DETAIL_TYPES.contains(it))
    {
        return Err(invalid_parameter(format!(
            "There are no events of the detail type {given:?}, but of {}.",
            DETAIL_TYPES.join(", ")
        )));
    }
    Ok(EventFilter {
        cluster: cluster(scope, in_cluster)?.map(|it| it.to_string()),
        service: service
            .transpose()
            .map_err(|error| errors::of_name(&error))?
            .map(|it| it.to_string()),
        task: task.map(|it| it.to_string()),
        detail_type: input.detail_type.clone(),
        since_ms: input.since.map(|it| it.as_millisecond()),
    })
}

async fn read(
    call: &Call<gantry::ListEvents>,
    after: u64,
    filter: &EventFilter,
    most: u64,
) -> Result<EventPage, gantry::Error> {
    let (events, filter) = (Arc::clone(call.access().events()), filter.clone());
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let read = tokio::task::spawn_blocking(move || events.read(after, &filter, most)).await;
    let page = read.map_err(|error| errors::events(&error))?;
    page.map_err(|error| errors::events(&error))
}

fn render(page: EventPage) -> gantry::ListEventsOutput {
    let sequence = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    let event = |it: Event| gantry::Event {
        sequence: Some(sequence(it.sequence)),
        event: Some(it.event.record.get().to_owned()),
    };
    gantry::ListEventsOutput {
        events: Some(page.events.into_iter().map(event).collect()),
        through_sequence: Some(sequence(page.through)),
        oldest_sequence: Some(sequence(page.first_kept)),
        more: Some(!page.is_end),
    }
}
