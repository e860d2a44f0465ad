//! What to try next, by cause.

use domain::task::TaskContainer;

use super::cause::{Cause, failure_text, unhealthy};
use super::exit::{Killer, is_out_of_memory, killer};
use super::{AgentConnection, Facts, stop_timeout_seconds};

/// What to try about a task that stopped.
pub fn of(facts: &Facts<'_>, cause: Cause, first: Option<&TaskContainer>) -> Vec<String> {
    let mut steps = match cause {
        Cause::StoppedByUser | Cause::Deregistered | Cause::ScaledIn | Cause::Replaced | Cause::StoppedByService => {
            Vec::new()
        }
        Cause::OutOfMemory => vec![out_of_memory(facts, first)],
        Cause::EssentialExited => exited(first),
        Cause::Unhealthy => vec![unhealthy_step(facts)],
        Cause::ImageNotPulled => vec![image_step(failure_text(facts, first))],
        Cause::NotExecuted => vec![program_step(failure_text(facts, first))],
        Cause::NotCreated => {
            vec!["Correct what the reason names (a mount, user, limit or device) in the task definition.".to_owned()]
        }
        Cause::NotInitialized => vec![resource_step(failure_text(facts, first))],
        Cause::DependencyFailed => vec![
            "Look at the container that the reason names in brackets: why it ended or did not become healthy; or \
             raise startTimeout."
                .to_owned(),
        ],
        Cause::HostLost => vec![
            "Look at the log of `gantry up`, or of the agent on that host: the machine may have been started anew."
                .to_owned(),
        ],
        Cause::FailedToStart => vec!["Look at the reason, and at the log of `gantry up`.".to_owned()],
    };
    if cause != Cause::OutOfMemory
        && let Some(killed) = facts.task.containers.iter().find(|it| killed_late(it))
    {
        steps.push(format!(
            "Container {} ignored its stop signal for {} s: let it handle the signal (a shell as entry point does not \
             hand it on; use exec, or initProcessEnabled), or set stopTimeout.",
            killed.name,
            stop_timeout_seconds(facts.definition, &killed.name)
        ));
    }
    steps
}

fn killed_late(container: &TaskContainer) -> bool {
    container.exit_code == Some(137) && killer(container) == Killer::StopTimeout
}

fn out_of_memory(facts: &Facts<'_>, first: Option<&TaskContainer>) -> String {
    let definition = first.and_then(|it| facts.definition?.container(&it.name));
    let limit = definition.and_then(|it| it.memory);
    let limit = limit.map(|it| format!(" (now {it} MiB)")).unwrap_or_default();
    format!("Raise `memory` of the container{limit} or of the task, or make the program use less.")
}

fn exited(first: Option<&TaskContainer>) -> Vec<String> {
    let Some(first) = first else {
        return Vec::new();
    };
    let step = match first.exit_code {
        _ if is_out_of_memory(first) => "Raise the memory limit of that container.",
        Some(0) => {
            "If the container is meant to end, set `essential` to false or run the task on its own; if it is meant to \
             stay, keep its program in the foreground."
        }
        Some(126) => {
            "Check the file's execute permission, its #! line, and the processor that the image is for."
        }
        Some(127) => {
            "Check the spelling of the command, and that the image has it (PATH, and the shell of the #! line)."
        }
        Some(132) => "Check that the image is for this machine's processor, and its newer instructions.",
        Some(137) if killer(first) != Killer::StopTimeout => {
            "Look at the kernel's log of the host (dmesg) for `Out of memory`, and for whoever sends signals there."
        }
        Some(_) if first.last_lines.is_empty() => {
            "It said nothing before it ended: run its command by hand, or make it log more."
        }
        Some(_) => "Read its last lines above; they are its own account.",
        None => "Look at the log of its host.",
    };
    vec![step.to_owned()]
}

fn unhealthy_step(facts: &Facts<'_>) -> String {
    let container = unhealthy(facts).and_then(|it| facts.definition?.container(&it.name));
    match container.and_then(|it| it.health_check.as_ref()) {
        Some(check) if check.start_period_seconds.is_none() => {
            "Run the health check's command in a task by hand; if the program is slow to start, set startPeriod.".to_owned()
        }
        Some(_) | None => {
            "Run the health check's command in a task by hand: its last output above says what it met.".to_owned()
        }
    }
}

fn image_step(reason: &str) -> String {
    let has = |words: &[&str]| words.iter().any(|it| reason.to_ascii_lowercase().contains(it));
    let step = if has(&["unauthorized", "authentication", "denied", "403", "401"]) {
        "Log in to the registry: give repositoryCredentials, or for ECR an execution role."
    } else if has(&["not found", "manifest unknown", "404"]) {
        "Check the image's name and tag; load one from a file with `gantry image load`."
    } else if has(&["no space"]) {
        "Make room on the disk: `gantry image ls`, `gantry image rm`."
    } else {
        "Check that the host reaches the registry: `gantry image pull IMAGE` tries it and shows progress."
    };
    step.to_owned()
}

fn program_step(reason: &str) -> String {
    let step = if reason.contains("exec format error") {
        "The program is not for this machine: check the image's processor and the #! line of a script."
    } else if reason.contains("ermission denied") {
        "The file is not executable: chmod +x in the image, or name another command."
    } else {
        "Check entryPoint and command: the image has no such program on its PATH. A command line with blanks, && or | \
         needs a shell: [\"sh\", \"-c\", \"...\"]."
    };
    step.to_owned()
}

fn resource_step(reason: &str) -> String {
    let has = |word: &str| reason.contains(word);
    let step = if has("role") {
        "Create the role that the task definition names, or name another one."
    } else if has("secret") || has("ssm") || has("asm") {
        "Check that the secret or parameter exists in this region, and its name in `valueFrom`."
    } else if has("log") {
        "Check logConfiguration: the log group, and awslogs-create-group."
    } else {
        "Correct what the reason names, then run the task again."
    };
    step.to_owned()
}

/// What to try about a task that does not get on.
pub fn of_waiting(facts: &Facts<'_>, waits_for: &[String]) -> Vec<String> {
    match facts.agent {
        AgentConnection::Lost if !waits_for.is_empty() => vec![
            "Look whether the agent of its host runs and reaches this control plane (DescribeContainerInstances, \
             agentConnected)."
                .to_owned(),
        ],
        AgentConnection::Connected | AgentConnection::Lost => Vec::new(),
    }
}
