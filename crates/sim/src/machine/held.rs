//! A task on a machine: what its agent thinks of it, what is on disk, and what is true.

use std::net::Ipv4Addr;
use std::time::Duration;

use agent::host::{
    ContainerExit, HostError, ProcessEnd, PulledImage, RecoveredContainer, RecoveredSandbox, StartedContainer,
};
use agent::stepped::{Action, HealthStatus, Observation, Record, SteppedTask};
use domain::host::Resources;
use domain::{TaskArn, Timestamp};
use serde_json::Value;
use tokio::time::Instant;

use super::Order;
use crate::behaviour::Life;

/// Name of every container.
pub const CONTAINER: &str = "app";
/// Exit status of what is killed, and of what ends when it is asked to.
const KILLED: i32 = 137;
const TERMINATED: i32 = 143;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;
/// What the host takes for small things.
const MOMENT: Duration = Duration::from_millis(2);

/// What happens to a task.
#[derive(Clone, Debug)]
pub enum Step {
    /// An answer for the agent of that life; one that has died meanwhile hears nothing.
    Heard(u64, Observation),
    /// The process runs.
    Started(u64),
    /// The process ends, if it has not yet.
    Ends(i32),
    /// The sandbox is gone.
    Removed(u64),
}

/// What follows, and when.
pub type Steps = Vec<(Duration, Step)>;

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
    /// The call that tells the control plane how it stands, until that is acknowledged.
    pub report: Option<Value>,
    /// The call is on its way.
    pub is_sending: bool,
    /// The control plane knows all of it.
    pub is_over: bool,
    /// The agent has said how it stands last.
    agent: Option<SteppedTask>,
    record: Option<Record>,
    has_sandbox: bool,
    started: Option<StartedContainer>,
    started_since: Option<Instant>,
    exit: Option<ContainerExit>,
}

impl Held {
    /// One that has just arrived. `None`: it cannot be read.
    pub fn new(order: &Order, life: Life) -> Option<Self> {
        let eni = order.task.eni.as_ref();
        Some(Self {
            arn: order.task.arn.clone(),
            promised: order.task.promised.clone(),
            address: eni.map(|it| (it.subnet_id.clone(), it.address)),
            life,
            report: None,
            is_sending: false,
            is_over: false,
            agent: Some(SteppedTask::arrive(order.payload.clone())?),
            record: None,
            has_sandbox: false,
            started: None,
            started_since: None,
            exit: None,
        })
    }

    /// The agent learns something, and does what follows from it.
    pub fn hear(&mut self, observation: Observation, agent_life: u64, wall: Timestamp) -> Steps {
        let Some(agent) = &mut self.agent else {
            return Steps::new();
        };
        agent.observe(observation, wall);
        let plan = agent.plan();
        let mut steps = Steps::new();
        for action in plan.actions {
            steps.extend(self.act(action, agent_life, wall));
        }
        if let Some(at) = plan.wake_at {
            let wait = at.saturating_duration_since(Instant::now()).max(MOMENT);
            steps.push((wait, Step::Heard(agent_life, Observation::Tick)));
        }
        steps
    }

    /// What the host makes of an action.
    fn act(&mut self, action: Action, agent_life: u64, wall: Timestamp) -> Steps {
        let Some(agent) = &mut self.agent else {
            return Steps::new();
        };
        agent.begin(&action, wall);
        let heard = |observation| Step::Heard(agent_life, observation);
        let step = match action {
            Action::Save(revision) => {
                self.record = Some(agent.record());
                (MOMENT, heard(Observation::Saved(revision)))
            }
            Action::PullImage(index) => {
                let error = |it: &str| HostError::CannotPullContainer(it.to_owned());
                let pulled = self
                    .life
                    .pull_error
                    .map_or_else(|| Ok(image()), |it| Err(error(it)));
                (self.life.pull, heard(Observation::ImagePulled(index, pulled)))
            }
            Action::OpenLogStream(index) => (MOMENT, heard(Observation::LogStreamOpened(index, Ok(())))),
            Action::CreateSandbox => {
                self.has_sandbox = true;
                (self.life.start / 2, heard(Observation::SandboxCreated(Ok(()))))
            }
            Action::StartContainer(_) | Action::RestartContainer(_) => {
                (self.life.start, Step::Started(agent_life))
            }
            Action::CheckHealth(index) => {
                let end = ProcessEnd {
                    exit_code: i32::from(!self.is_well()),
                    output: String::new(),
                    is_timed_out: false,
                };
                (MOMENT, heard(Observation::HealthChecked(index, Ok(end))))
            }
            Action::SignalContainer(index, signal) => {
                let (after, code) = match signal {
                    SIGKILL => (MOMENT, KILLED),
                    _ => (self.life.stop, TERMINATED),
                };
                let signalled = Observation::ContainerSignalled(index, signal, Ok(()));
                return vec![(after, Step::Ends(code)), (MOMENT, heard(signalled))];
            }
            Action::Release => (MOMENT, Step::Removed(agent_life)),
            Action::Submit(report) => {
                self.report = Some(agent.submission(self.arn.cluster().as_str(), &report));
                return Steps::new();
            }
            Action::Forget => {
                self.is_over = true;
                return Steps::new();
            }
        };
        vec![step]
    }

    /// Something happens, whether an agent hears of it or not.
    pub fn step(&mut self, step: Step, agent_life: u64, wall: Timestamp) -> Steps {
        match step {
            Step::Heard(life, observation) if life == agent_life => self.hear(observation, agent_life, wall),
            Step::Heard(..) => Steps::new(),
            Step::Started(_) if !self.has_sandbox || self.started.is_some() => Steps::new(),
            Step::Started(life) => {
                let started = StartedContainer {
                    runtime_id: self.arn.name().repeat(2),
                    started_at: wall,
                    port_mappings: Vec::new(),
                };
                self.started = Some(started.clone());
                self.started_since = Some(Instant::now());
                let mut steps: Steps = Vec::new();
                steps.extend(self.life.end.map(|(after, code)| (after, Step::Ends(code))));
                if life == agent_life {
                    let observation = Observation::ContainerStarted(0, Ok(started));
                    steps.extend(self.hear(observation, agent_life, wall));
                }
                steps
            }
            Step::Ends(_) if self.started.is_none() || self.exit.is_some() => Steps::new(),
            Step::Ends(exit_code) => {
                let exit = ContainerExit {
                    exit_code,
                    is_out_of_memory: false,
                    finished_at: wall,
                };
                self.exit = Some(exit.clone());
                self.hear(Observation::ContainerExited(0, exit), agent_life, wall)
            }
            Step::Removed(life) => {
                self.vanish();
                match life == agent_life {
                    true => self.hear(Observation::Released, agent_life, wall),
                    false => Steps::new(),
                }
            }
        }
    }

    /// The control plane has taken the report.
    pub fn acknowledged(&mut self, agent_life: u64, wall: Timestamp) -> Steps {
        self.is_sending = false;
        self.report = None;
        self.hear(Observation::Acknowledged, agent_life, wall)
    }

    /// The agent dies: what it knew, and has not written, is gone.
    pub fn orphan(&mut self) {
        self.agent = None;
        self.report = None;
        self.is_sending = false;
    }

    /// What the host has of it goes: with its power, or since it is over.
    pub fn vanish(&mut self) {
        self.has_sandbox = false;
        self.started = None;
        self.started_since = None;
        self.exit = None;
    }

    /// A new agent finds it. What it has no record of it does not know, and removes.
    pub fn find(&mut self, agent_life: u64, wall: Timestamp) -> Steps {
        let Some(record) = self.record.clone() else {
            self.vanish();
            self.is_over = true;
            return Steps::new();
        };
        let container = self.started.clone().map(|started| RecoveredContainer {
            name: CONTAINER.to_owned(),
            started,
            exit: self.exit.clone(),
        });
        let found = self.has_sandbox.then(|| RecoveredSandbox {
            task_id: self.arn.name().to_owned(),
            containers: container.into_iter().collect(),
        });
        self.agent = Some(SteppedTask::recover(record, found.as_ref(), wall));
        self.hear(Observation::Tick, agent_life, wall)
    }

    /// Whether it takes anything of the machine.
    pub fn is_live(&self) -> bool {
        self.has_sandbox && self.exit.is_none()
    }

    /// Whether it answers requests at an address.
    pub fn serves(&self, address: &str) -> bool {
        let is_here = |(_, it): &(String, Ipv4Addr)| it.to_string() == address;
        let is_well = self.life.health.is_empty() || self.is_well();
        self.started.is_some() && self.exit.is_none() && is_well && self.address.as_ref().is_some_and(is_here)
    }

    /// What the agent says of its health; nothing without a check.
    pub fn health(&self) -> Option<HealthStatus> {
        self.agent.as_ref().filter(|_| self.exit.is_none())?.health()
    }

    /// What its health check would find now.
    fn is_well(&self) -> bool {
        let age = self.started_since.map(|it| it.elapsed()).unwrap_or_default();
        let mut past = self.life.health.iter().filter(|(after, _)| *after <= age);
        past.next_back().is_some_and(|(_, is_well)| *is_well)
    }
}

fn image() -> PulledImage {
    PulledImage {
        image_id: "sha256:0".to_owned(),
        manifest_digest: None,
        stop_signal: SIGTERM,
    }
}
