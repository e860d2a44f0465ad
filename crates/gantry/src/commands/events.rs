//! `gantry events`: what has happened, and what happens.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use api::gantry;
use domain::clock::Clock;
use serde_json::Value;

use crate::arguments::Events;
use crate::client::call;
use crate::clock::SystemClock;

mod text;

/// Longest that one call waits for an event.
const WAIT_SECONDS: i32 = 20;
/// While following: how long a Gantry that does not answer may take to come back.
const AWAY_MAX: Duration = Duration::from_secs(60);
/// Until it is asked again then.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Prints events.
pub fn run(arguments: &Events) -> Result<()> {
    let since = match arguments.after {
        Some(_) => None,
        None => Some(SystemClock.now() - arguments.since),
    };
    let mut input = gantry::ListEventsInput {
        after_sequence: Some(i64::try_from(arguments.after.unwrap_or_default())?),
        since,
        cluster: arguments.cluster.clone(),
        service_name: arguments.service.clone(),
        task: arguments.task.clone(),
        detail_type: arguments.detail_type.clone(),
        ..gantry::ListEventsInput::default()
    };
    let mut is_first = true;
    loop {
        // The first answer comes at once: whoever asks for something wrong learns so.
        input.wait_seconds = Some(if arguments.follow && !is_first {
            WAIT_SECONDS
        } else {
            0
        });
        let page = match is_first {
            true => call::<gantry::ListEvents>(&arguments.place, &input)?,
            false => patiently(arguments, &input)?,
        };
        if let (true, Some(after)) = (is_first, arguments.after) {
            tell_gap(after, page.oldest_sequence);
        }
        is_first = false;
        let has_more = page.more.unwrap_or_default();
        input.after_sequence = page.through_sequence;
        if !print(arguments, &page.events.unwrap_or_default())? || !(has_more || arguments.follow) {
            return Ok(());
        }
    }
}

/// As [`call`], but while following a Gantry may be started again.
fn patiently(arguments: &Events, input: &gantry::ListEventsInput) -> Result<gantry::ListEventsOutput> {
    let since = Instant::now();
    loop {
        match call::<gantry::ListEvents>(&arguments.place, input) {
            Err(error) if !arguments.follow || since.elapsed() > AWAY_MAX => return Err(error),
            Err(_) => std::thread::sleep(RETRY_AFTER),
            Ok(page) => return Ok(page),
        }
    }
}

/// Says when events between are not kept any more.
fn tell_gap(after: u64, oldest: Option<i64>) {
    let oldest = oldest.and_then(|it| u64::try_from(it).ok()).unwrap_or_default();
    if oldest > after + 1 {
        eprintln!("gantry: events before {oldest} are not kept any more");
    }
}

/// `false`: nobody reads any more.
fn print(arguments: &Events, events: &[gantry::Event]) -> Result<bool> {
    let mut lines = String::new();
    for it in events {
        let event: Value =
            serde_json::from_str(it.event.as_deref().unwrap_or_default()).context("an event is no JSON")?;
        let sequence = it.sequence.unwrap_or_default();
        let line = match arguments.json {
            true => with_sequence(sequence, event)?,
            false => text::line(&event),
        };
        lines.push_str(&line);
        lines.push('\n');
    }
    let mut out = std::io::stdout().lock();
    match out.write_all(lines.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn with_sequence(sequence: i64, mut event: Value) -> Result<String> {
    if let Some(members) = event.as_object_mut() {
        members.insert("sequence".to_owned(), sequence.into());
    }
    Ok(serde_json::to_string(&event)?)
}
