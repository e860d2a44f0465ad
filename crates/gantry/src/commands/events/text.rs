//! Events for people: when, what, why.

use serde_json::Value;

#[cfg(test)]
mod tests;

/// Digits of an id that tell tasks apart.
const ID_LENGTH: usize = 8;

/// An event as one line.
pub fn line(event: &Value) -> String {
    let at = event["time"].as_str().unwrap_or("?").replacen('T', " ", 1);
    let resource = event["resources"][0].as_str().unwrap_or("?");
    let (name, detail) = (last_part(resource), &event["detail"]);
    let what = match event["detail-type"].as_str().unwrap_or_default() {
        "ECS Task State Change" => task(name, detail),
        "ECS Container Instance State Change" => container_instance(name, detail),
        "ECS Deployment State Change" => deployment(name, detail),
        "ECS Service Action" => action(name, detail),
        other => format!("{other} {resource}"),
    };
    printable(&format!("{at}  {what}"))
}

fn task(id: &str, detail: &Value) -> String {
    let (last, desired) = (text(&detail["lastStatus"]), text(&detail["desiredStatus"]));
    let definition = last_part(text(&detail["taskDefinitionArn"]));
    let mut line = format!(
        "task {} {last}  {definition}, {}",
        short(id),
        text(&detail["group"])
    );
    if desired == "STOPPED" && last != "STOPPED" {
        line.push_str("; to be stopped");
    }
    match text(&detail["healthStatus"]) {
        "" | "UNKNOWN" => {}
        health => line.push_str(&format!("; {health}")),
    }
    let reason = text(&detail["stoppedReason"]);
    if !reason.is_empty() {
        line.push_str(&format!("; {reason}"));
    }
    for container in detail["containers"].as_array().into_iter().flatten() {
        let name = text(&container["name"]);
        if let Some(code) = container["exitCode"].as_i64() {
            line.push_str(&format!("; {name} exited with {code}"));
        }
        let reason = text(&container["reason"]);
        if !reason.is_empty() {
            line.push_str(&format!("; {name}: {reason}"));
        }
    }
    line
}

fn container_instance(id: &str, detail: &Value) -> String {
    let connected = match detail["agentConnected"].as_bool() {
        Some(true) => "agent connected",
        _ => "agent not connected",
    };
    let left = |name: &str| {
        let all = detail["remainingResources"].as_array().into_iter().flatten();
        let found = all.clone().find(|it| it["name"] == name);
        found.and_then(|it| it["integerValue"].as_i64()).unwrap_or(0)
    };
    format!(
        "container instance {} {}  {connected}; {} CPU units and {} MiB left",
        short(id),
        text(&detail["status"]),
        left("CPU"),
        left("MEMORY")
    )
}

fn deployment(service: &str, detail: &Value) -> String {
    format!(
        "service {service} {}  {}",
        text(&detail["eventName"]),
        text(&detail["reason"])
    )
}

fn action(service: &str, detail: &Value) -> String {
    let name = text(&detail["eventName"]);
    // The message says it with numbers, where there is one.
    let why = match text(&detail["message"]) {
        "" => text(&detail["reason"]),
        message => message,
    };
    format!("service {service} {name}  {why}")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn short(id: &str) -> &str {
    id.get(..ID_LENGTH).unwrap_or(id)
}

fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// What containers say must not steer the terminal of whoever reads it.
fn printable(text: &str) -> String {
    text.chars()
        .map(|it| if it.is_control() { '\u{fffd}' } else { it })
        .collect()
}
