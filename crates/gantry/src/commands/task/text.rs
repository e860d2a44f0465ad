//! Answers about tasks, for people.

use std::fmt::Write;

use api::gantry::{ContainerExplanation, StoppedTask, TaskExplanation};
use domain::Timestamp;

#[cfg(test)]
mod tests;

/// Width of the names before values.
const NAME_WIDTH: usize = 14;

/// An explanation as text.
pub fn explanation(it: &TaskExplanation) -> String {
    let mut text = String::new();
    let status = it.last_status.as_deref().unwrap_or("?");
    let _ = writeln!(text, "Task {}", it.task_arn.as_deref().unwrap_or("?"));
    let _ = writeln!(text, "{status}: {}\n", it.summary.as_deref().unwrap_or_default());
    let definition = it.task_definition_arn.as_deref().map(last_part);
    let of = [definition, it.group.as_deref(), it.launch_type.as_deref()];
    let of: Vec<&str> = of.into_iter().flatten().collect();
    line(&mut text, "of", Some(&of.join(", ")));
    line(&mut text, "decision", it.decision.as_deref());
    line(&mut text, "stop code", it.stop_code.as_deref());
    line(&mut text, "first to end", it.first_container_to_end.as_deref());
    let times = [
        ("created", it.created_at),
        ("pull began", it.pull_started_at),
        ("pull ended", it.pull_stopped_at),
        ("started", it.started_at),
        ("stopping", it.stopping_at),
        ("execution end", it.execution_stopped_at),
        ("stopped", it.stopped_at),
    ];
    for (name, at) in times {
        line(&mut text, name, at.map(time).as_deref());
    }
    if it.source.as_deref() == Some("HISTORY") {
        line(
            &mut text,
            "known from",
            Some("the history: DescribeTasks does not show it any more"),
        );
    }
    list(&mut text, "Waits for", it.waits_for.as_ref());
    for it in it.containers.iter().flatten() {
        container(&mut text, it);
    }
    list(&mut text, "Try next", it.next_steps.as_ref());
    text
}

fn container(text: &mut String, it: &ContainerExplanation) {
    let essential = match it.essential {
        Some(true) => ", essential",
        Some(false) => ", not essential",
        None => "",
    };
    let (name, status) = (
        it.name.as_deref().unwrap_or("?"),
        it.last_status.as_deref().unwrap_or("?"),
    );
    let _ = writeln!(text, "\nContainer {name} ({status}{essential})");
    line(text, "image", it.image.as_deref());
    line(text, "exit code", it.exit_meaning.as_deref());
    line(text, "reason", it.reason.as_deref());
    line(text, "started", it.started_at.map(time).as_deref());
    line(text, "ended", it.finished_at.map(time).as_deref());
    let restarts = it.restart_count.filter(|it| *it > 0).map(|it| it.to_string());
    line(text, "restarts", restarts.as_deref());
    if let Some(status) = it.health_status.as_deref().filter(|it| *it != "UNKNOWN") {
        let since = it.health_since.map(|at| format!(" since {}", time(at)));
        line(
            text,
            "health",
            Some(&format!("{status}{}", since.unwrap_or_default())),
        );
        let output = it.health_output.as_deref().unwrap_or_default();
        block(text, "last health output", output.lines());
    }
    block(
        text,
        "last lines",
        it.last_lines.iter().flatten().map(String::as_str),
    );
}

/// A named value, if there is one.
pub fn line(text: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|it| !it.is_empty()) {
        let _ = writeln!(text, "  {name:<NAME_WIDTH$}{}", printable(value));
    }
}

fn block<'a>(text: &mut String, name: &str, lines: impl Iterator<Item = &'a str>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        let _ = writeln!(text, "  {name}");
    }
    for line in lines {
        let _ = writeln!(text, "    | {}", printable(line));
    }
}

/// A named list, if there is any item.
pub fn list(text: &mut String, name: &str, items: Option<&Vec<String>>) {
    let mut items = items.into_iter().flatten().peekable();
    if items.peek().is_some() {
        let _ = writeln!(text, "\n{name}");
    }
    for item in items {
        let _ = writeln!(text, "  - {}", printable(item));
    }
}

/// What containers say must not steer the terminal of whoever reads it.
pub fn printable(text: &str) -> String {
    let is_harmless = |it: char| !it.is_control() || it == '\t';
    text.chars()
        .map(|it| if is_harmless(it) { it } else { '\u{fffd}' })
        .collect()
}

/// Stopped tasks as a table.
pub fn stopped_tasks(tasks: &[StoppedTask]) -> String {
    if tasks.is_empty() {
        return "No task has stopped.\n".to_owned();
    }
    let mut text = format!(
        "{:<34}{:<22}{:<24}{:<18}REASON\n",
        "TASK", "STOPPED", "DEFINITION", "EXIT CODES"
    );
    for it in tasks {
        let codes = it.containers.iter().flatten().filter_map(|it| it.exit_code);
        let codes: Vec<String> = codes.map(|it| it.to_string()).collect();
        let _ = writeln!(
            text,
            "{:<34}{:<22}{:<24}{:<18}{}",
            it.task_arn.as_deref().map_or("?", last_part),
            it.stopped_at.map(time).unwrap_or_default(),
            it.task_definition_arn.as_deref().map_or("?", last_part),
            codes.join(" "),
            printable(it.stopped_reason.as_deref().unwrap_or_default()),
        );
    }
    text
}

/// The last part of an ARN.
pub fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// To the second.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
