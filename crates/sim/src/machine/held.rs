//! A task on a machine: one container, from its payload to its last report.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use domain::TaskArn;
use domain::host::Resources;
use domain::task::HealthStatus;
use serde_json::{Value, json};

use super::Order;
use crate::behaviour::Life;

/// Name of every container.
pub const CONTAINER: &str = "app";
/// Exit status of what is killed.
const KILLED: i32 = 137;

/// Where a task stands in truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Its image comes.
    Pulling,
    /// Its process is made.
    Starting,
    /// Its process runs.
    Running,
    /// Its process has been asked to end.
    Stopping,
    /// There is no process, and will be none.
    Ended,
}

/// What happens to a task by itself. Too late, it does not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The image is there, or cannot be had.
    Pulled,
    /// The process runs.
    Started,
    /// The process has ended by itself.
    Ends(i32),
    /// The process has ended since it was asked to.
    Stopped,
    /// The health check came to something.
    Health(HealthStatus),
}

/// A task that a machine holds.
pub struct Held {
    /// Its name.
    pub arn: TaskArn,
    /// What it takes of the machine.
    pub promised: Resources,
    /// Its subnet and address.
    pub address: Option<(String, Ipv4Addr)>,
    /// What is going to become of it.
    pub life: Life,
    /// What has become of it.
    pub stage: Stage,
    /// What its health check last came to.
    pub health: HealthStatus,
    /// Reports that the control plane has not acknowledged, oldest first.
    pub reports: VecDeque<Value>,
    /// The oldest is on its way.
    pub is_sending: bool,
    exit_code: Option<i32>,
    reason: Option<&'static str>,
}

impl Held {
    /// One that has just arrived.
    pub fn new(order: &Order, life: Life) -> Self {
        let eni = order.task.eni.as_ref();
        let mut held = Self {
            arn: order.task.arn.clone(),
            promised: order.task.promised.clone(),
            address: eni.map(|it| (it.subnet_id.clone(), it.address)),
            life,
            stage: Stage::Pulling,
            health: HealthStatus::Unknown,
            reports: VecDeque::new(),
            is_sending: false,
            exit_code: None,
            reason: None,
        };
        if held.address.is_some() {
            held.report("PENDING");
        }
        held
    }

    /// Follows what happens. What follows from it, and when.
    pub fn step(&mut self, step: Step) -> Vec<(Duration, Step)> {
        match (step, self.stage) {
            (Step::Pulled, Stage::Pulling) => {
                if let Some(error) = self.life.pull_error {
                    self.end(None, Some(error));
                    return Vec::new();
                }
                self.stage = Stage::Starting;
                vec![(self.life.start, Step::Started)]
            }
            (Step::Started, Stage::Starting) => {
                self.stage = Stage::Running;
                self.report("RUNNING");
                let end = self.life.end.map(|(after, code)| (after, Step::Ends(code)));
                let health = self.life.health.iter();
                let health = health.map(|(after, status)| (*after, Step::Health(*status)));
                end.into_iter().chain(health).collect()
            }
            (Step::Ends(code), Stage::Running | Stage::Stopping) => {
                self.end(Some(code), None);
                Vec::new()
            }
            (Step::Stopped, Stage::Stopping) => {
                self.end(Some(KILLED), None);
                Vec::new()
            }
            (Step::Health(status), Stage::Running) => {
                self.health = status;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// It shall stop. What follows, and when.
    pub fn stop(&mut self) -> Vec<(Duration, Step)> {
        match self.stage {
            Stage::Pulling | Stage::Starting => {
                self.end(None, None);
                Vec::new()
            }
            Stage::Running => {
                self.stage = Stage::Stopping;
                vec![(self.life.stop, Step::Stopped)]
            }
            Stage::Stopping | Stage::Ended => Vec::new(),
        }
    }

    /// The machine goes down under it.
    pub fn perish(&mut self) {
        if self.stage != Stage::Ended {
            self.end(None, Some("the machine was restarted"));
        }
    }

    /// Says again how it stands.
    pub fn repeat(&mut self) {
        self.is_sending = false;
        self.reports.clear();
        match self.stage {
            Stage::Pulling | Stage::Starting => self.report("PENDING"),
            Stage::Running | Stage::Stopping => self.report("RUNNING"),
            Stage::Ended => self.report("STOPPED"),
        }
    }

    fn end(&mut self, exit_code: Option<i32>, reason: Option<&'static str>) {
        self.stage = Stage::Ended;
        self.exit_code = exit_code;
        self.reason = reason;
        self.report("STOPPED");
    }

    fn report(&mut self, status: &str) {
        self.reports.push_back(json!({
            "cluster": self.arn.cluster().as_str(),
            "task": self.arn.as_str(),
            "status": status,
            "containers": [{
                "containerName": CONTAINER,
                "status": status,
                "exitCode": self.exit_code,
                "reason": self.reason,
            }],
        }));
    }
}
