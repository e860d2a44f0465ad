//! A host in memory: keeps sandboxes, does as it is told, and lets a test end containers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use agent::host::{
    AttachSpec, AttachedProcess, ContainerExit, ContainerFacts, ContainerInspection, ContainerSpec,
    ContainerUsage, Host, HostCapacity, HostError, HostEvent, ImageCleanup, ImagePull, LogChunk, LogLine,
    OutputStream, PortMapping, ProcessEnd, ProcessInput, ProcessSpec, PulledImage, RecoveredContainer,
    RecoveredSandbox, SandboxInspection, SandboxSpec, StartedContainer, TaskConnection,
};
use async_trait::async_trait;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, oneshot};

/// The time on this host, always.
pub const NOW: Timestamp = Timestamp::constant(1_795_234_916, 0);
/// How long a test waits for something to happen.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
pub struct FakeHost {
    pub world: Mutex<World>,
    /// An attached process was let go of.
    pub detached: Arc<Notify>,
    changed: Notify,
}

/// What a test may look at and change.
#[derive(Default)]
pub struct World {
    /// One line for each call.
    pub calls: Vec<String>,
    /// Containers by task.
    pub sandboxes: BTreeMap<String, BTreeMap<String, FakeContainer>>,
    /// Images that are not there.
    pub missing_images: BTreeSet<String>,
    /// Containers that do not end on SIGTERM.
    pub stubborn: BTreeSet<String>,
    /// Containers whose health checks fail.
    pub sick: BTreeSet<String>,
    /// Calls that never answer: `create` and `start` do nothing, `created` and `started` all they should.
    pub hanging: BTreeSet<&'static str>,
    /// How long starting a container takes.
    pub start_time: Duration,
    /// Tasks being started now, and the most there ever were.
    pub starting: usize,
    pub starting_max: usize,
    events: Option<mpsc::Sender<HostEvent>>,
    /// Where connections of tasks go.
    pub connections: Option<mpsc::Sender<TaskConnection>>,
}

pub struct FakeContainer {
    pub started: StartedContainer,
    pub exit: Option<ContainerExit>,
    pub lines: Vec<String>,
    /// What it was started with.
    pub environment: BTreeMap<String, String>,
    /// How often its usage was read.
    pub readings: u64,
}

impl FakeHost {
    /// Waits until the world is as a test wants it.
    pub async fn until(&self, what: &str, is_so: impl Fn(&World) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if is_so(&self.world.lock()) {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("not in time: {what}; calls: {:#?}", self.world.lock().calls);
        }
    }

    /// Ends a container by itself. Nobody hears of it if no agent listens.
    pub async fn exit(&self, task_id: &str, container: &str, exit_code: i32) {
        self.exit_after(task_id, container, exit_code, Duration::ZERO)
            .await;
    }

    /// Ends a container that has run for so long by the host's clock.
    pub async fn exit_after(&self, task_id: &str, container: &str, exit_code: i32, age: Duration) {
        self.exit_at(
            task_id,
            container,
            exit_code,
            NOW.saturating_add(age).unwrap_or(NOW),
        )
        .await;
    }

    /// Ends a container at a time by the host's clock.
    pub async fn exit_at(&self, task_id: &str, container: &str, exit_code: i32, finished_at: Timestamp) {
        let exit = ContainerExit {
            exit_code,
            is_out_of_memory: false,
            finished_at,
        };
        let events = {
            let mut world = self.world.lock();
            let found = world
                .sandboxes
                .get_mut(task_id)
                .and_then(|it| it.get_mut(container));
            match found {
                Some(container) if container.exit.is_none() => container.exit = Some(exit.clone()),
                _ => return,
            }
            world.events.clone()
        };
        if let Some(events) = events {
            let (task_id, container) = (task_id.to_owned(), container.to_owned());
            let _ = events
                .send(HostEvent::ContainerExited {
                    task_id,
                    container,
                    exit,
                })
                .await;
        }
        self.changed.notify_waiters();
    }

    /// A container writes lines.
    pub fn say(&self, task_id: &str, container: &str, lines: &[&str]) {
        let mut world = self.world.lock();
        let found = world
            .sandboxes
            .get_mut(task_id)
            .and_then(|it| it.get_mut(container));
        if let Some(container) = found {
            container.lines.extend(lines.iter().map(|it| (*it).to_owned()));
        }
    }

    /// The machine starts anew: no process is left.
    pub fn reboot(&self) {
        self.world.lock().sandboxes.clear();
    }

    fn note(&self, call: String) {
        self.world.lock().calls.push(call);
        self.changed.notify_waiters();
    }

    /// Never answers, if the test wants it.
    async fn hang(&self, call: &'static str) {
        let hangs = self.world.lock().hanging.contains(call);
        if hangs {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Host for FakeHost {
    fn capacity(&self) -> HostCapacity {
        HostCapacity {
            cpu_units: 2048,
            memory_mib: 4096,
        }
    }

    async fn pull_image(&self, pull: &ImagePull) -> Result<PulledImage, HostError> {
        let reference = &pull.reference;
        self.note(format!("pull {reference}"));
        self.hang("pull").await;
        if self.world.lock().missing_images.contains(reference) {
            return Err(HostError::CannotPullContainer(format!(
                "manifest for {reference} not found"
            )));
        }
        let manifest_digest = Some("sha256:m".to_owned());
        Ok(PulledImage {
            image_id: "sha256:i".to_owned(),
            manifest_digest,
            stop_signal: 15,
        })
    }

    async fn remove_unused_images(&self, cleanup: &ImageCleanup) -> Result<usize, HostError> {
        self.note(format!("clean, but {}", cleanup.in_use.join(" ")));
        Ok(0)
    }

    async fn create_sandbox(&self, sandbox: &SandboxSpec) -> Result<(), HostError> {
        self.note(format!("create {}", sandbox.task_id));
        self.hang("create").await;
        let start_time = {
            let mut world = self.world.lock();
            world.starting += 1;
            world.starting_max = world.starting_max.max(world.starting);
            world.start_time
        };
        tokio::time::sleep(start_time).await;
        {
            let mut world = self.world.lock();
            world.starting -= 1;
            world.sandboxes.entry(sandbox.task_id.clone()).or_default();
        }
        self.hang("created").await;
        Ok(())
    }

    async fn start_container(&self, container: &ContainerSpec) -> Result<StartedContainer, HostError> {
        self.note(format!("start {} {}", container.task_id, container.name));
        self.hang("start").await;
        if container.command.as_deref() == Some(&["no-such-command".to_owned()]) {
            let text = "exec: \"no-such-command\": executable file not found in $PATH";
            return Err(HostError::CannotStartContainer(text.to_owned()));
        }
        let ports = container.port_mappings.iter().map(|it| PortMapping {
            host_port: if it.host_port == 0 { 32768 } else { it.host_port },
            ..*it
        });
        let started = StartedContainer {
            runtime_id: format!("{:0>64}", container.task_id),
            started_at: NOW,
            port_mappings: ports.collect(),
        };
        let fake = FakeContainer {
            started: started.clone(),
            exit: None,
            lines: Vec::new(),
            environment: container.environment.clone(),
            readings: 0,
        };
        {
            let mut world = self.world.lock();
            let Some(sandbox) = world.sandboxes.get_mut(&container.task_id) else {
                return Err(HostError::CannotCreateContainer("no sandbox".to_owned()));
            };
            sandbox.insert(container.name.clone(), fake);
        }
        self.changed.notify_waiters();
        self.hang("started").await;
        Ok(started)
    }

    async fn restart_container(&self, container: &ContainerSpec) -> Result<StartedContainer, HostError> {
        self.note(format!("restart {} {}", container.task_id, container.name));
        let mut world = self.world.lock();
        let found = world
            .sandboxes
            .get_mut(&container.task_id)
            .and_then(|it| it.get_mut(&container.name));
        let found = found.ok_or_else(|| HostError::ContainerRuntime("never started".to_owned()))?;
        found.exit = None;
        Ok(found.started.clone())
    }

    async fn execute(&self, process: &ProcessSpec) -> Result<ProcessEnd, HostError> {
        self.note(format!("execute {} {}", process.task_id, process.container));
        self.hang("execute").await;
        let is_sick = self.world.lock().sick.contains(&process.container);
        Ok(ProcessEnd {
            exit_code: i32::from(is_sick),
            output: if is_sick { "refused" } else { "ok" }.to_owned(),
            is_timed_out: false,
        })
    }

    /// It repeats what it is told until that is `exit`, or it is let go of.
    async fn attach(&self, process: &AttachSpec) -> Result<AttachedProcess, HostError> {
        let arguments = process.arguments.join(" ");
        self.note(format!(
            "attach {} {} {arguments}",
            process.task_id, process.container
        ));
        if arguments == "no-such-command" {
            return Err(HostError::CannotExecute(
                "executable file not found in $PATH".to_owned(),
            ));
        }
        let (input, mut inputs) = mpsc::channel(1);
        let (outputs, output) = mpsc::channel(1);
        let (told, end) = oneshot::channel();
        let size = format!(
            "{}x{} {}",
            process.columns,
            process.rows,
            process.environment.join(" ")
        );
        let detached = self.detached.clone();
        tokio::spawn(async move {
            let _ = outputs.send(size.into()).await;
            while let Some(input) = inputs.recv().await {
                let said = match input {
                    ProcessInput::Data(data) if &data[..] == b"exit" => {
                        let _ = told.send(Ok(3));
                        return;
                    }
                    ProcessInput::Data(data) => data,
                    ProcessInput::Size { columns, rows } => format!("{columns}x{rows}").into(),
                };
                if outputs.send(said).await.is_err() {
                    break;
                }
            }
            detached.notify_one();
        });
        Ok(AttachedProcess { input, output, end })
    }

    async fn signal_container(&self, task_id: &str, container: &str, signal: i32) -> Result<(), HostError> {
        self.note(format!("signal {task_id} {container} {signal}"));
        self.hang("signal").await;
        let is_stubborn = self.world.lock().stubborn.contains(container);
        if signal == 9 || !is_stubborn {
            self.exit(task_id, container, 128 + signal).await;
        }
        Ok(())
    }

    async fn remove_sandbox(&self, task_id: &str) -> Result<(), HostError> {
        self.hang("remove").await;
        self.world.lock().sandboxes.remove(task_id);
        self.note(format!("remove {task_id}"));
        Ok(())
    }

    async fn recover(&self) -> Result<Vec<RecoveredSandbox>, HostError> {
        let world = self.world.lock();
        let sandboxes = world.sandboxes.iter().map(|(task_id, containers)| {
            let containers = containers.iter().map(|(name, it)| RecoveredContainer {
                name: name.clone(),
                started: it.started.clone(),
                exit: it.exit.clone(),
            });
            RecoveredSandbox {
                task_id: task_id.clone(),
                containers: containers.collect(),
            }
        });
        Ok(sandboxes.collect())
    }

    fn take_events(&self) -> mpsc::Receiver<HostEvent> {
        let (sender, receiver) = mpsc::channel(64);
        self.world.lock().events = Some(sender);
        receiver
    }

    fn take_task_connections(&self) -> mpsc::Receiver<TaskConnection> {
        let (sender, receiver) = mpsc::channel(64);
        self.world.lock().connections = Some(sender);
        receiver
    }

    async fn endpoint_in_host_network(&self) -> Option<SocketAddr> {
        Some(SocketAddr::from(([10, 231, 0, 1], 51679)))
    }

    async fn container_usage(&self, task_id: &str, container: &str) -> Result<ContainerUsage, HostError> {
        let mut world = self.world.lock();
        let found = world
            .sandboxes
            .get_mut(task_id)
            .and_then(|it| it.get_mut(container))
            .filter(|it| it.exit.is_none());
        let found = found.ok_or_else(|| HostError::ContainerRuntime("not running".to_owned()))?;
        // Each reading is a second after the one before, and finds a megabyte and a million nanoseconds more.
        found.readings += 1;
        let mut usage = ContainerUsage {
            read_at: NOW
                .saturating_add(Duration::from_secs(found.readings))
                .unwrap_or(NOW),
            ..ContainerUsage::default()
        };
        usage.memory.usage = found.readings << 20;
        usage.cpu.total = found.readings * 1_000_000;
        Ok(usage)
    }

    async fn container_facts(&self, task_id: &str, container: &str) -> Result<ContainerFacts, HostError> {
        let world = self.world.lock();
        let found = world.sandboxes.get(task_id).and_then(|it| it.get(container));
        found.ok_or_else(|| HostError::ContainerRuntime("never started".to_owned()))?;
        Ok(ContainerFacts {
            created_at: Some(NOW),
            bridge_address: Some(Ipv4Addr::new(10, 231, 0, 2)),
            volumes: Vec::new(),
        })
    }

    async fn read_log(
        &self,
        task_id: &str,
        container: &str,
        position: u64,
        _max_bytes: usize,
    ) -> Result<LogChunk, HostError> {
        let world = self.world.lock();
        let container = world.sandboxes.get(task_id).and_then(|it| it.get(container));
        let container =
            container.ok_or_else(|| HostError::ContainerRuntime("no such container".to_owned()))?;
        let skipped = usize::try_from(position).unwrap_or(usize::MAX);
        let lines = (0_u64..)
            .zip(&container.lines)
            .skip(skipped)
            .map(|(at, message)| LogLine {
                timestamp: NOW,
                message: message.clone(),
                stream: OutputStream::Stdout,
                position: at,
            });
        Ok(LogChunk {
            lines: lines.collect(),
            next_position: container.lines.len() as u64,
        })
    }

    async fn read_log_end(
        &self,
        task_id: &str,
        container: &str,
        count: usize,
    ) -> Result<Vec<LogLine>, HostError> {
        let mut lines = self.read_log(task_id, container, 0, usize::MAX).await?.lines;
        lines.drain(..lines.len().saturating_sub(count));
        Ok(lines)
    }

    async fn inspect_sandbox(&self, task_id: &str) -> Result<SandboxInspection, HostError> {
        let world = self.world.lock();
        let sandbox = world.sandboxes.get(task_id);
        let sandbox = sandbox.ok_or_else(|| HostError::ContainerRuntime("no such sandbox".to_owned()))?;
        let containers = sandbox.iter().map(|(name, it)| ContainerInspection {
            name: name.clone(),
            runtime_id: it.started.runtime_id.clone(),
            environment: vec![
                ("PLAIN".to_owned(), "seen".to_owned()),
                ("TOKEN".to_owned(), "hidden".to_owned()),
            ],
            ..ContainerInspection::default()
        });
        Ok(SandboxInspection {
            containers: containers.collect(),
            ..SandboxInspection::default()
        })
    }
}
