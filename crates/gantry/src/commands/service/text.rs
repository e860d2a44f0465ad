//! Answers about services, for people.

use std::fmt::Write;

use api::gantry::{HostExplanation, PlacementExplanation, ServiceExplanation, ServicePartExplanation};

use crate::commands::task::text::{last_part, line, list, printable, time};

#[cfg(test)]
mod tests;

/// Container instances that are shown at most.
const HOSTS_SHOWN: usize = 20;

/// An explanation as text.
pub fn explanation(it: &ServiceExplanation) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Service {}", it.service_arn.as_deref().unwrap_or("?"));
    let _ = writeln!(
        text,
        "{}: {}\n",
        it.status.as_deref().unwrap_or("?"),
        it.summary.as_deref().unwrap_or_default()
    );
    let number = |it: Option<i32>| it.unwrap_or_default();
    let bounds = format!(
        "at least {} healthy, at most {} in all while tasks are replaced",
        number(it.minimum_healthy),
        number(it.maximum)
    );
    line(&mut text, "desired", Some(&number(it.desired_count).to_string()));
    line(&mut text, "bounds", Some(&bounds));
    for it in it.parts.iter().flatten() {
        part(&mut text, it);
    }
    list(&mut text, "Waits for", it.waits_for.as_ref());
    if let Some(it) = &it.placement {
        placement(&mut text, it);
    }
    let mut failed = it.failed_tasks.iter().flatten().peekable();
    if failed.peek().is_some() {
        let _ = writeln!(text, "\nLast failed");
    }
    for it in failed {
        let _ = writeln!(
            text,
            "  - {}  task {}: {}",
            it.stopped_at.map(time).unwrap_or_default(),
            it.task_arn.as_deref().map_or("?", last_part),
            printable(it.reason.as_deref().unwrap_or_default())
        );
    }
    list(&mut text, "Try next", it.next_steps.as_ref());
    text
}

fn part(text: &mut String, it: &ServicePartExplanation) {
    let definition = it.task_definition_arn.as_deref().map_or("?", last_part);
    let _ = writeln!(
        text,
        "\n{} {} of {definition}",
        it.status.as_deref().unwrap_or("?"),
        it.id.as_deref().unwrap_or("?")
    );
    let number = |it: Option<i32>| it.unwrap_or_default();
    let mut tasks = format!(
        "{} wanted, {} running",
        number(it.desired_count),
        number(it.running_count)
    );
    if let Some(healthy) = it.healthy_count {
        let _ = write!(tasks, " ({healthy} healthy)");
    }
    let _ = write!(
        tasks,
        ", {} pending, {} stopping",
        number(it.pending_count),
        number(it.stopping_count)
    );
    line(text, "tasks", Some(&tasks));
    let next = [("start", number(it.starts)), ("stop", number(it.stops))];
    let next: Vec<String> = next
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{what} {count}"))
        .collect();
    line(text, "would now", Some(&next.join(", ")));
    line(text, "rollout", it.rollout_state.as_deref());
    line(text, "because", it.rollout_state_reason.as_deref());
    let failed = it.failed_tasks.filter(|it| *it > 0).map(|it| it.to_string());
    line(text, "failed tasks", failed.as_deref());
}

fn placement(text: &mut String, it: &PlacementExplanation) {
    let _ = writeln!(
        text,
        "\nPlacement of the next task, which needs {}",
        it.needs.as_deref().unwrap_or("?")
    );
    line(text, "in all", it.summary.as_deref());
    let hosts: Vec<&HostExplanation> = it.hosts.iter().flatten().collect();
    for host in hosts.iter().take(HOSTS_SHOWN) {
        let id = host.container_instance_arn.as_deref().map_or("?", last_part);
        let told = match host.takes {
            Some(true) => "takes it".to_owned(),
            _ => host.refusals.as_deref().unwrap_or_default().join(", "),
        };
        let _ = writeln!(text, "  {id}  {}", printable(&told));
    }
    if let Some(more) = hosts.len().checked_sub(HOSTS_SHOWN).filter(|it| *it > 0) {
        let _ = writeln!(text, "  and {more} more: see --json");
    }
}
