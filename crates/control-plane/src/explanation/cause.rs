//! The kinds of cause of a stop, and the sentences that say which it was.

use domain::task::{StopCode, TaskContainer};

use super::exit::{is_out_of_memory, meaning};
use super::{Facts, ServiceStop, is_essential, stop_timeout_seconds};

/// Why a task stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// StopTask.
    StoppedByUser,
    /// Its container instance was deregistered by force.
    Deregistered,
    /// Its service had too many tasks.
    ScaledIn,
    /// A newer deployment of its service took its place.
    Replaced,
    /// Its service, for another reason.
    StoppedByService,
    /// Its service, because of its health check.
    Unhealthy,
    /// An essential container was killed by the kernel.
    OutOfMemory,
    /// An essential container ended.
    EssentialExited,
    /// An image could not be had.
    ImageNotPulled,
    /// The program of a container could not be executed.
    NotExecuted,
    /// A container could not be made: mounts, users, limits.
    NotCreated,
    /// Secrets, roles, log drivers or the network were not to be had.
    NotInitialized,
    /// A container that another one waits for did not get so far.
    DependencyFailed,
    /// Its host, or what was on it, went away.
    HostLost,
    /// It failed to start for another reason.
    FailedToStart,
}

impl Cause {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StoppedByUser => "STOPPED_BY_USER",
            Self::Deregistered => "DEREGISTERED",
            Self::ScaledIn => "SCALED_IN",
            Self::Replaced => "REPLACED",
            Self::StoppedByService => "STOPPED_BY_SERVICE",
            Self::Unhealthy => "UNHEALTHY",
            Self::OutOfMemory => "OUT_OF_MEMORY",
            Self::EssentialExited => "ESSENTIAL_CONTAINER_EXITED",
            Self::ImageNotPulled => "IMAGE_NOT_PULLED",
            Self::NotExecuted => "NOT_EXECUTED",
            Self::NotCreated => "NOT_CREATED",
            Self::NotInitialized => "NOT_INITIALIZED",
            Self::DependencyFailed => "DEPENDENCY_FAILED",
            Self::HostLost => "HOST_LOST",
            Self::FailedToStart => "FAILED_TO_START",
        }
    }
}

/// The cause of a stop.
pub fn of(facts: &Facts<'_>, first: Option<&TaskContainer>) -> Cause {
    let Some(stop) = &facts.task.stop else {
        return Cause::FailedToStart;
    };
    match stop.code {
        StopCode::UserInitiated if stop.reason.contains("deregistration") => Cause::Deregistered,
        StopCode::UserInitiated => Cause::StoppedByUser,
        StopCode::TerminationNotice => Cause::HostLost,
        StopCode::ServiceSchedulerInitiated if stop.reason.contains("health checks") => Cause::Unhealthy,
        StopCode::ServiceSchedulerInitiated => match facts.service_stop {
            ServiceStop::Replaced => Cause::Replaced,
            ServiceStop::ScaledIn => Cause::ScaledIn,
            ServiceStop::Unknown => Cause::StoppedByService,
        },
        StopCode::EssentialContainerExited => match first {
            Some(it) if is_essential(facts, &it.name) && is_out_of_memory(it) => Cause::OutOfMemory,
            _ if has_vanished(facts) => Cause::HostLost,
            _ => Cause::EssentialExited,
        },
        StopCode::TaskFailedToStart => failure(failure_text(facts, first)),
    }
}

fn has_vanished(facts: &Facts<'_>) -> bool {
    let mut reasons = facts.task.containers.iter().filter_map(|it| it.reason.as_deref());
    reasons.any(|it| it.starts_with("ContainerVanishedError"))
}

/// The reason that says most: that of the container which failed, else that of the task.
pub fn failure_text<'a>(facts: &Facts<'a>, first: Option<&'a TaskContainer>) -> &'a str {
    let of_container = first
        .filter(|it| it.exit_code.is_none())
        .and_then(|it| it.reason.as_deref());
    let of_task = facts.task.stop.as_ref().map(|it| it.reason.as_str());
    of_container.or(of_task).unwrap_or_default()
}

fn failure(text: &str) -> Cause {
    let kinds = [
        ("CannotPull", Cause::ImageNotPulled),
        ("CannotStartContainerError", Cause::NotExecuted),
        ("CannotCreateContainerError", Cause::NotCreated),
        ("CannotCreateVolumeError", Cause::NotCreated),
        ("initialize volume", Cause::NotCreated),
        ("ResourceInitializationError", Cause::NotInitialized),
        ("dependency graph", Cause::DependencyFailed),
        ("ContainerVanishedError", Cause::HostLost),
    ];
    let found = kinds.iter().find(|(head, _)| text.starts_with(head));
    match found {
        Some((_, cause)) => *cause,
        // In Amazon's words: "ECS was unable to assume the role".
        None if text.contains("unable to assume") => Cause::NotInitialized,
        None => Cause::FailedToStart,
    }
}

/// One sentence: what happened.
pub fn summary(facts: &Facts<'_>, cause: Cause, first: Option<&TaskContainer>) -> String {
    let name = first.map_or("a container", |it| it.name.as_str());
    match cause {
        Cause::StoppedByUser => "A user stopped the task.".to_owned(),
        Cause::Deregistered => {
            "Its container instance was deregistered by force, which stops its tasks.".to_owned()
        }
        Cause::ScaledIn => "Its service had more tasks than it wants, and stopped this one.".to_owned(),
        Cause::Replaced => "A newer deployment of its service replaced it.".to_owned(),
        Cause::StoppedByService => "Its service stopped it, to scale in or to replace it.".to_owned(),
        Cause::Unhealthy => match unhealthy(facts) {
            Some(it) => format!(
                "The health check of container {} failed, so its service replaced the task.",
                it.name
            ),
            None => "Its health check failed, so its service replaced the task.".to_owned(),
        },
        Cause::OutOfMemory => {
            format!("Container {name} needed more memory than its limit allows, and was killed.")
        }
        Cause::EssentialExited => essential_exit(facts, first),
        Cause::ImageNotPulled => format!("The image of container {name} could not be pulled."),
        Cause::NotExecuted => format!("The program of container {name} could not be executed."),
        Cause::NotCreated => format!("Container {name} could not be created."),
        Cause::NotInitialized => "What the task needs before its containers could not be had.".to_owned(),
        Cause::DependencyFailed => {
            format!("Container {name} was never started: what it depends on did not come true.")
        }
        Cause::HostLost => "Its host, or what ran on it, went away.".to_owned(),
        Cause::FailedToStart => "The task failed to start.".to_owned(),
    }
}

fn essential_exit(facts: &Facts<'_>, first: Option<&TaskContainer>) -> String {
    let Some(first) = first else {
        return "An essential container ended, and the task with it.".to_owned();
    };
    let code = meaning(first, stop_timeout_seconds(facts.definition, &first.name));
    let code = code.unwrap_or_else(|| "nobody saw its exit code".to_owned());
    match is_essential(facts, &first.name) {
        true => format!("Essential container {} ended with exit code {code}.", first.name),
        false => format!(
            "An essential container ended. Before it, container {} ended with exit code {code}.",
            first.name
        ),
    }
}

/// The container whose health check failed.
pub fn unhealthy<'a>(facts: &Facts<'a>) -> Option<&'a TaskContainer> {
    let is_unhealthy = |it: &&TaskContainer| {
        let health = it.health.as_ref();
        health.is_some_and(|it| it.status == domain::task::HealthStatus::Unhealthy)
    };
    facts.task.containers.iter().find(is_unhealthy)
}

/// Who decided that the task stops, in Amazon's words and in others.
pub fn decision(facts: &Facts<'_>, cause: Cause) -> String {
    let reason = facts
        .task
        .stop
        .as_ref()
        .map(|it| it.reason.as_str())
        .unwrap_or_default();
    let by = match cause {
        Cause::StoppedByUser => "StopTask was called",
        Cause::Deregistered => "DeregisterContainerInstance was called with force",
        Cause::ScaledIn | Cause::Replaced | Cause::StoppedByService | Cause::Unhealthy => {
            "the scheduler of its service decided it"
        }
        Cause::OutOfMemory | Cause::EssentialExited => {
            "a task ends when an essential container ends, whatever its exit code"
        }
        Cause::HostLost => "nothing is left to run",
        Cause::ImageNotPulled
        | Cause::NotExecuted
        | Cause::NotCreated
        | Cause::NotInitialized
        | Cause::DependencyFailed
        | Cause::FailedToStart => "a task whose containers cannot all start is stopped",
    };
    match reason {
        "" => format!("{by}."),
        reason => format!("{reason} ({by})"),
    }
}
