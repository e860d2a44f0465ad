//! A task as this host is to run it: what a payload says, read and checked.

use std::collections::BTreeMap;
use std::time::Duration;

use super::docker_config::LogConfig;
use crate::environment_files::EnvironmentFiles;
use crate::firelens::Firelens;
use crate::host::{
    ContainerSpec, DockerVolume, FileSystemVolume, IpcSharing, PidSharing, PortMapping, SandboxNetwork,
    SandboxSpec,
};
use crate::log_drivers::LogDriver;
use crate::secrets::{RegistryLogin, SecretSource};

/// One task. Nothing in it changes while it runs; see [`TaskState`](super::state::TaskState) for what does.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Long ARN.
    pub arn: String,
    /// Last part of the ARN.
    pub id: String,
    /// Of its task definition.
    pub family: String,
    /// Revision of its task definition.
    pub version: String,
    /// Network mode with what it needs.
    pub network: SandboxNetwork,
    /// Attachment to confirm once the network is there.
    pub attachment_arn: Option<String>,
    /// Hard limit for all containers in units of 1/1024 core.
    pub cpu_units: Option<u32>,
    /// Hard limit for all containers in MiB.
    pub memory_mib: Option<u64>,
    /// Whose processes the containers see.
    pub pid: PidSharing,
    /// With whom they share memory.
    pub ipc: IpcSharing,
    /// Volumes of Docker drivers.
    pub volumes: Vec<DockerVolume>,
    /// Volumes of file systems that all hosts see.
    pub file_systems: Vec<FileSystemVolume>,
    /// Names the credentials of its role, if it has one.
    pub credentials_id: Option<String>,
    /// Its log router, if it has one.
    pub firelens: Option<Firelens>,
    /// What its containers are told about it.
    pub about: AboutTask,
    /// In the order of the task definition.
    pub containers: Vec<Container>,
}

/// One container of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    /// What the host is asked to start; its `image_id` is known after the pull only.
    pub spec: ContainerSpec,
    /// Image reference as in the task definition.
    pub image: String,
    /// Its end is the end of the task.
    pub is_essential: bool,
    /// What must have happened before it starts.
    pub depends_on: Vec<Dependency>,
    /// How long its dependants wait for it.
    pub start_timeout: Option<Duration>,
    /// Time between the stop signal and SIGKILL.
    pub stop_timeout: Duration,
    /// Replaces the stop signal of the image.
    pub stop_signal: Option<i32>,
    /// How its health is asked for. `None`: it is not.
    pub health_check: Option<HealthCheck>,
    /// Whether it is started again where it ends. `None`: it is not.
    pub restart_policy: Option<RestartPolicy>,
    /// Where its output goes.
    pub log_driver: LogDriver,
    /// Files with variables, which are fetched.
    pub environment_files: EnvironmentFiles,
    /// Variables whose values are fetched.
    pub secrets: Vec<SecretSource>,
    /// Options of the log driver whose values are fetched.
    pub log_secrets: Vec<SecretSource>,
    /// For the registry of its image.
    pub registry_login: Option<RegistryLogin>,
    /// What is told about it.
    pub about: AboutContainer,
}

/// What the control plane says of a task that only its containers are told, by their metadata endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AboutTask {
    /// ARN of its cluster.
    pub cluster_arn: String,
    /// Its service, if it belongs to one.
    pub service_name: Option<String>,
    /// Where it runs, e.g. `us-east-1a`.
    pub availability_zone: Option<String>,
    /// `EC2`, `FARGATE` or `EXTERNAL`.
    pub launch_type: Option<String>,
    /// Length of the prefix of its subnet, in `awsvpc`.
    pub subnet_prefix: Option<u8>,
    /// Name servers of its network interface.
    pub domain_name_servers: Vec<String>,
    /// Search domains of its network interface.
    pub domain_names: Vec<String>,
    /// DNS name of its network interface.
    pub private_dns_name: Option<String>,
}

/// The same of a container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AboutContainer {
    /// Its ARN.
    pub arn: Option<String>,
    /// Units of CPU in the task definition.
    pub cpu_units: u32,
    /// Its ports, whatever the network mode.
    pub ports: Vec<PortMapping>,
    /// `dockerLabels`
    pub labels: BTreeMap<String, String>,
    /// Its log driver with its options, as declared.
    pub log: Option<LogConfig>,
}

/// "Start after": one line of `dependsOn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Index in [`Task::containers`].
    pub on: usize,
    /// What it must have reached.
    pub condition: Condition,
}

/// What a dependency must have reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `START`: it was started.
    Start,
    /// `COMPLETE`: it ended.
    Complete,
    /// `SUCCESS`: it ended with exit status 0.
    Success,
    /// `HEALTHY`: its health check succeeds.
    Healthy,
}

/// How the health of a container is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Program and arguments, run in the container. Exit status 0 is healthy.
    pub arguments: Vec<String>,
    /// Time between the end of a check and the next.
    pub interval: Duration,
    /// A check that takes longer has failed.
    pub timeout: Duration,
    /// Failures in a row that make it UNHEALTHY.
    pub retries: u32,
    /// Time after the start in which failures do not count, until the first success.
    pub start_period: Duration,
}

/// `restartPolicy` that is enabled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Exit codes after which it is not started again.
    pub ignored_exit_codes: Vec<i32>,
    /// It must have run for so long.
    pub attempt_period: Duration,
}

impl Task {
    /// A task of which only the ARN matters: it cannot run here and is reported STOPPED.
    pub fn unrunnable(arn: &str) -> Self {
        Self {
            arn: arn.to_owned(),
            id: task_id(arn).to_owned(),
            family: String::new(),
            version: String::new(),
            network: SandboxNetwork::None,
            attachment_arn: None,
            cpu_units: None,
            memory_mib: None,
            pid: PidSharing::Container,
            ipc: IpcSharing::Container,
            volumes: Vec::new(),
            file_systems: Vec::new(),
            credentials_id: None,
            firelens: None,
            about: AboutTask::default(),
            containers: Vec::new(),
        }
    }

    /// What the host makes before the first container.
    pub fn sandbox(&self) -> SandboxSpec {
        SandboxSpec {
            task_id: self.id.clone(),
            network: self.network.clone(),
            cpu_units: self.cpu_units,
            memory_mib: self.memory_mib,
            pid: self.pid,
            ipc: self.ipc,
            volumes: self.volumes.clone(),
            file_systems: self.file_systems.clone(),
        }
    }

    /// Whether its containers reach 169.254.170.2: they have a network of their own, and a way out of it.
    pub fn has_endpoint(&self) -> bool {
        matches!(self.network, SandboxNetwork::Awsvpc(_) | SandboxNetwork::Bridge)
    }

    /// Whether it has a network interface of its own.
    pub fn has_interface(&self) -> bool {
        matches!(self.network, SandboxNetwork::Awsvpc(_))
    }

    /// Index of a container.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.containers.iter().position(|it| it.spec.name == name)
    }

    /// Containers that depend on one.
    pub fn dependants(&self, of: usize) -> impl Iterator<Item = usize> {
        let all = self.containers.iter().enumerate();
        all.filter(move |(_, it)| it.depends_on.iter().any(|dependency| dependency.on == of))
            .map(|(index, _)| index)
    }
}

/// The task id of a task ARN.
pub fn task_id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
