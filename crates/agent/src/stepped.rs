//! A task as this agent decides for it, moved on by hand: for simulations, which are its host and its control plane.

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::host::RecoveredSandbox;
use crate::submissions;
use crate::tasks::payload::{self, arrival};
use crate::tasks::plan::plan;
pub use crate::tasks::plan::{Action, Plan};
use crate::tasks::record::Progress;
use crate::tasks::recovery::restore;
use crate::tasks::state::TaskState;
pub use crate::tasks::state::{HealthStatus, Observation, Report};
use crate::tasks::state_change::state_change;
use crate::tasks::task::Task;

/// A task and what is known of it. Time is that of the runtime, and `wall` the same moment.
pub struct SteppedTask {
    task: Task,
    payload: Value,
    state: TaskState,
}

/// What lasts of a task when its agent dies: its record.
#[derive(Clone)]
pub struct Record {
    arn: String,
    payload: Value,
    progress: Progress,
}

impl SteppedTask {
    /// Takes over a task of a payload, in the JSON of ACS. `None`: it has no name.
    pub fn arrive(payload: Value) -> Option<Self> {
        let arrival = arrival(payload)?;
        let mut state = TaskState::new(&arrival.task, arrival.desired);
        if let Some(refusal) = arrival.refusal {
            state.fail(refusal.to_string());
        }
        Some(Self {
            task: arrival.task,
            payload: arrival.payload,
            state,
        })
    }

    /// Finds it again after a restart, from its record and what the host still has of it.
    pub fn recover(record: Record, found: Option<&RecoveredSandbox>, wall: Timestamp) -> Self {
        let (task, refusal) = payload::read(&record.arn, &record.payload);
        let mut state = restore(&task, &record.progress, found, Instant::now(), wall);
        if let Some(reason) = refusal {
            state.fail(reason.to_string());
        }
        Self {
            task,
            payload: record.payload,
            state,
        }
    }

    /// What is to be done now, and when to look again.
    pub fn plan(&self) -> Plan {
        plan(&self.task, &self.state, Instant::now())
    }

    /// Notes that an action has begun.
    pub fn begin(&mut self, action: &Action, wall: Timestamp) {
        self.state.begin(action, &self.task, Instant::now(), wall);
    }

    /// Notes what happened.
    pub fn observe(&mut self, observation: Observation, wall: Timestamp) {
        self.state.observe(&self.task, observation, Instant::now(), wall);
    }

    /// What is written to disk now.
    pub fn record(&self) -> Record {
        Record {
            arn: self.task.arn.clone(),
            payload: self.payload.clone(),
            progress: Progress::of(&self.state),
        }
    }

    /// The input of SubmitTaskStateChange, in JSON.
    pub fn submission(&self, cluster: &str, report: &Report) -> Value {
        let change = state_change(&self.task, &self.state, report);
        let input = wire::json::encode(&submissions::input(cluster, &change));
        serde_json::from_slice(&input).unwrap_or_default()
    }

    /// What the health check of its first container comes to, if it has one.
    pub fn health(&self) -> Option<HealthStatus> {
        Some(self.state.containers.first()?.health.as_ref()?.status)
    }
}
