//! What to do next for a task, from what is known of it. Pure, and the same answer until something happens.

use std::time::Duration;

use tokio::time::Instant;

use super::state::{
    Check, DesiredStatus, Image, LogStream, Phase, Report, Sandbox, Status, TaskState, holds_up_stop, open,
    start_deadline,
};
use super::task::Task;
use crate::host::SandboxNetwork;
use crate::log_drivers::LogDriver;

#[cfg(test)]
mod tests;

/// How long the end of a container is waited for after SIGKILL.
pub const KILL_GRACE: Duration = Duration::from_secs(10);

/// One thing to do. Indexes are those of [`Task::containers`].
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Write the record at this revision.
    Save(u64),
    /// Make the image of a container present.
    PullImage(usize),
    /// Make the log stream of a container.
    OpenLogStream(usize),
    /// Make what the containers share.
    CreateSandbox,
    /// Start a container.
    StartContainer(usize),
    /// Start a container again that has ended.
    RestartContainer(usize),
    /// Ask for the health of a container.
    CheckHealth(usize),
    /// Send a signal to a container.
    SignalContainer(usize, i32),
    /// Ship what is left of the output and remove the sandbox.
    Release,
    /// Tell the control plane.
    Submit(Report),
    /// The control plane knows all: drop the record.
    Forget,
}

/// Actions to begin now, and when to look again if nothing happens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In this order.
    pub actions: Vec<Action>,
    /// `None`: only when something happens.
    pub wake_at: Option<Instant>,
}

/// What to do for a task in this state.
pub fn plan(task: &Task, state: &TaskState, now: Instant) -> Plan {
    let mut plan = Plan::default();
    if state.saving.is_none() && state.saved < state.revision {
        plan.actions.push(Action::Save(state.revision));
    }
    match state.desired {
        DesiredStatus::Running => {
            launch(task, state, &mut plan);
            tend(state, now, &mut plan);
        }
        DesiredStatus::Stopped => stop(task, state, now, &mut plan),
    }
    if let Some(report) = report(task, state) {
        plan.actions.push(Action::Submit(report));
    }
    if state.acknowledged == Status::Stopped && state.saving.is_none() {
        plan.actions = vec![Action::Forget];
    }
    plan
}

fn launch(task: &Task, state: &TaskState, plan: &mut Plan) {
    if matches!(state.sandbox, Sandbox::Absent | Sandbox::Partial) {
        plan.actions.push(Action::CreateSandbox);
    }
    for (index, (container, known)) in task.containers.iter().zip(&state.containers).enumerate() {
        if known.phase != Phase::Waiting {
            continue;
        }
        if known.image == Image::Absent {
            plan.actions.push(Action::PullImage(index));
        }
        let is_logged = match container.log_driver {
            LogDriver::HostOnly => true,
            LogDriver::JsonFile(_)
            | LogDriver::AwsLogs(_)
            | LogDriver::Fluentd(_)
            | LogDriver::Syslog(_)
            | LogDriver::Firelens(_)
            | LogDriver::Deferred(_) => known.log_stream == LogStream::Open,
        };
        if !is_logged && known.log_stream == LogStream::Closed {
            plan.actions.push(Action::OpenLogStream(index));
        }
        let is_prepared =
            state.sandbox == Sandbox::Present && is_logged && matches!(known.image, Image::Present(_));
        if is_prepared && is_turn_of(task, state, index, plan) {
            plan.actions.push(Action::StartContainer(index));
        }
    }
}

/// Whether what a container depends on is fulfilled; else notes when to look again.
fn is_turn_of(task: &Task, state: &TaskState, index: usize, plan: &mut Plan) -> bool {
    let mut is_turn = true;
    for dependency in open(task, &state.containers, index) {
        is_turn = false;
        let (on, known) = (&task.containers[dependency.on], &state.containers[dependency.on]);
        if let Some(deadline) = start_deadline(known, on.start_timeout) {
            wake_at(plan, deadline);
        }
    }
    is_turn
}

/// Looks after containers that have been started: their health, and those to be started again.
fn tend(state: &TaskState, now: Instant, plan: &mut Plan) {
    for (index, known) in state.containers.iter().enumerate() {
        if state.is_restart_due(index) {
            plan.actions.push(Action::RestartContainer(index));
        }
        match known.health.as_ref().map(|it| it.check) {
            _ if known.phase != Phase::Running => {}
            Some(Check::Due(at)) if at <= now => plan.actions.push(Action::CheckHealth(index)),
            Some(Check::Due(at)) => wake_at(plan, at),
            Some(Check::UnderWay) | None => {}
        }
    }
}

fn stop(task: &Task, state: &TaskState, now: Instant, plan: &mut Plan) {
    for (index, known) in state.containers.iter().enumerate() {
        match known.phase {
            Phase::Running => {
                let has_dependant = task
                    .dependants(index)
                    .any(|dependant| holds_up_stop(&state.containers[dependant]));
                if !has_dependant {
                    plan.actions
                        .push(Action::SignalContainer(index, stop_signal(task, state, index)));
                }
            }
            Phase::Stopping { kill_at } if now >= kill_at => {
                plan.actions.push(Action::SignalContainer(index, libc::SIGKILL));
            }
            Phase::Stopping { kill_at } => wake_at(plan, kill_at),
            Phase::Killing { give_up_at } => wake_at(plan, give_up_at),
            Phase::Waiting
            | Phase::Starting(_)
            | Phase::Restartable(_)
            | Phase::Restarting { .. }
            | Phase::Stopped => {}
        }
    }
    // How it ended must be on disk before the host forgets it.
    let is_recorded = state.saved == state.revision;
    if state.has_ended() && is_recorded && matches!(state.sandbox, Sandbox::Present | Sandbox::Partial) {
        plan.actions.push(Action::Release);
    }
}

fn stop_signal(task: &Task, state: &TaskState, index: usize) -> i32 {
    let of_image = match &state.containers[index].image {
        Image::Present(image) => image.stop_signal,
        Image::Absent | Image::Pulling => libc::SIGTERM,
    };
    task.containers[index].stop_signal.unwrap_or(of_image)
}

/// The next state change to submit, if any: one at a time, and none of them goes backwards.
///
/// STOPPED comes when all the task held is free again, so that its address and ports may be given to another.
fn report(task: &Task, state: &TaskState) -> Option<Report> {
    // What the control plane knows of must be found again after a crash, so there is a record first.
    if state.submitting.is_some() || state.saved == 0 {
        return None;
    }
    let is_free = matches!(state.sandbox, Sandbox::Absent | Sandbox::Removed);
    let status = if state.was_running(task) && state.acknowledged < Status::Running {
        // Also for a task that ended meanwhile: the control plane dates its start by this.
        Status::Running
    } else if state.has_ended() && is_free {
        Status::Stopped
    } else {
        state.acknowledged
    };
    let is_first = status > state.acknowledged;
    let containers: Vec<_> = state
        .containers
        .iter()
        .enumerate()
        .map(|(index, it)| (index, it.status(), it))
        .filter(|(_, reached, it)| *reached > it.acknowledged)
        // The end of a container of a running or starting task is news of its own.
        .filter(|(_, reached, _)| is_first || *reached == Status::Stopped)
        .map(|(index, reached, it)| match (status, it.started.is_some()) {
            // It is told that it ran before it is told that it ended.
            (Status::Running, true) if is_first && state.desired == DesiredStatus::Stopped => {
                (index, Status::Running)
            }
            _ => (index, reached),
        })
        .collect();
    // Where only the network is left of a task that was asked to stop, it is DEPROVISIONING. The end of one that
    // stops by itself is told as a whole: nobody is to take its place before it has given back what it holds.
    let is_told = match state.desired {
        DesiredStatus::Running => true,
        DesiredStatus::Stopped => {
            state.is_asked_to_stop && state.has_ended() && matches!(task.network, SandboxNetwork::Awsvpc(_))
        }
    };
    let is_news = is_first || is_told && !containers.is_empty() && status < Status::Stopped;
    is_news.then_some(Report { status, containers })
}

fn wake_at(plan: &mut Plan, at: Instant) {
    plan.wake_at = Some(plan.wake_at.map_or(at, |earlier| earlier.min(at)));
}
