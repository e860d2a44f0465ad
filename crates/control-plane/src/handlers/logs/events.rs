//! Log events.

use api::logs;
use telemetry::logs::{FilterLogEvents, GetLogEvents, InputEvent, RejectedEvents, StartFrom, StreamChoice};

use super::{blocking, error, group, invalid, limit, scope};
use crate::call::Call;

/// `PutLogEvents`: answered once written.
///
/// # Errors
/// ResourceNotFoundException, InvalidParameterException.
pub async fn put_log_events(call: Call<logs::PutLogEvents>) -> Result<logs::PutLogEventsOutput, logs::Error> {
    let input = call.input();
    if input.entity.is_some() {
        return Err(invalid("entity is not supported by Gantry yet."));
    }
    let event = |it: &logs::InputLogEvent| InputEvent {
        timestamp_ms: it.timestamp,
        message: it.message.clone(),
    };
    let events: Vec<InputEvent> = input.log_events.iter().map(event).collect();
    let (group, stream) = (&input.log_group_name, &input.log_stream_name);
    let put = call
        .access()
        .logs()
        .put_events(&scope(&call), group, stream, &events, call.now())
        .map_err(error)?;
    Ok(logs::PutLogEventsOutput {
        next_sequence_token: Some(put.next_sequence_token),
        rejected_log_events_info: (!put.rejected.is_empty()).then(|| rejected(&put.rejected)),
        ..logs::PutLogEventsOutput::default()
    })
}

pub(super) fn rejected(it: &RejectedEvents) -> logs::RejectedLogEventsInfo {
    let index = |it: Option<usize>| it.and_then(|it| i32::try_from(it).ok());
    logs::RejectedLogEventsInfo {
        expired_log_event_end_index: index(it.expired_end),
        too_new_log_event_start_index: index(it.too_new_start),
        too_old_log_event_end_index: index(it.too_old_end),
    }
}

/// `GetLogEvents`: one stream, a page forward or backward.
///
/// # Errors
/// ResourceNotFoundException, InvalidParameterException.
pub async fn get_log_events(call: Call<logs::GetLogEvents>) -> Result<logs::GetLogEventsOutput, logs::Error> {
    let input = call.input();
    let scope = scope(&call);
    let get = GetLogEvents {
        group: group(
            &scope,
            input.log_group_name.as_deref(),
            input.log_group_identifier.as_deref(),
        )?,
        stream: input.log_stream_name.clone(),
        start_ms: input.start_time,
        end_ms: input.end_time,
        start_from: if input.start_from_head == Some(true) {
            StartFrom::Head
        } else {
            StartFrom::Tail
        },
        limit: limit(input.limit)?,
        next_token: input.next_token.clone(),
    };
    let page = blocking(call.access().logs(), move |logs| logs.get_events(&scope, &get)).await?;
    let events = page.events.into_iter().map(|it| logs::OutputLogEvent {
        ingestion_time: Some(it.ingestion_ms),
        message: Some(it.message),
        timestamp: Some(it.timestamp_ms),
    });
    Ok(logs::GetLogEventsOutput {
        events: Some(events.collect()),
        next_backward_token: Some(page.next_backward_token),
        next_forward_token: Some(page.next_forward_token),
    })
}

/// `FilterLogEvents`: many streams of a group, interleaved by time.
///
/// # Errors
/// ResourceNotFoundException, InvalidParameterException.
pub async fn filter_log_events(
    call: Call<logs::FilterLogEvents>,
) -> Result<logs::FilterLogEventsOutput, logs::Error> {
    let input = call.input();
    let streams = StreamChoice::new(
        input.log_stream_names.clone(),
        input.log_stream_name_prefix.clone(),
    );
    let scope = scope(&call);
    let filter = FilterLogEvents {
        group: group(
            &scope,
            input.log_group_name.as_deref(),
            input.log_group_identifier.as_deref(),
        )?,
        streams: streams.map_err(error)?,
        start_ms: input.start_time,
        end_ms: input.end_time,
        filter_pattern: input.filter_pattern.clone(),
        start_from: filter_from(input)?,
        limit: limit(input.limit)?,
        next_token: input.next_token.clone(),
    };
    let page = blocking(call.access().logs(), move |logs| {
        logs.filter_events(&scope, &filter)
    })
    .await?;
    let events = page.events.into_iter().map(|it| logs::FilteredLogEvent {
        event_id: Some(it.event_id),
        ingestion_time: Some(it.ingestion_ms),
        log_stream_name: Some(it.stream),
        message: Some(it.message),
        timestamp: Some(it.timestamp_ms),
    });
    Ok(logs::FilterLogEventsOutput {
        events: Some(events.collect()),
        next_token: page.next_token,
        searched_log_streams: Some(Vec::new()),
    })
}

/// From which end FilterLogEvents begins. Amazon goes back from the latest event no further than to the year 2024.
fn filter_from(input: &logs::FilterLogEventsInput) -> Result<Option<StartFrom>, logs::Error> {
    /// 2024-01-01T00:00:00Z, in milliseconds.
    const BACKWARD_SINCE: i64 = 1_704_067_200_000;
    match (input.start_from_head, input.start_time) {
        (Some(false), start) if start.unwrap_or_default() < BACKWARD_SINCE => Err(invalid(
            "startFromHead can be false only with a startTime on or after 2024-01-01T00:00:00Z: give startTime.",
        )),
        (Some(false), _) => Ok(Some(StartFrom::Tail)),
        (Some(true), _) => Ok(Some(StartFrom::Head)),
        (None, _) => Ok(None),
    }
}
