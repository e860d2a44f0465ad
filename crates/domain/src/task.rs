//! Tasks and the rules of their life: a task is bound to one host and never moves backwards.

use std::net::Ipv4Addr;

mod health;
mod overrides;
mod queued;

use serde::{Deserialize, Serialize};

pub use health::{ContainerHealth, HealthStatus};
pub use overrides::{ContainerOverride, Overrides};
pub use queued::{
    CONCURRENCY_TAG, Concurrency, QueuePolicy, Queued, RETRIES_MAX, RETRIES_TAG, WAIT_MAX, WAIT_TAG, back_off,
};

use crate::client_request::ClientRequest;
use crate::container_definition::TransportProtocol;
use crate::host::Resources;
use crate::service_connect::TaskServiceConnect;
use crate::service_load_balancer::{TaskTarget, TaskTargetState};
use crate::service_registry::TaskRegistration;
use crate::tags::Pair;
use crate::task_definition::LaunchType;
use crate::{ClusterArn, ContainerInstanceArn, ServiceArn, TaskArn, TaskDefinitionArn, Timestamp};

#[cfg(test)]
mod tests;

/// A task. It refers to its task definition and copies nothing from it. There are many: what few have is in a box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The record's key.
    pub arn: TaskArn,
    /// What it runs.
    pub task_definition: TaskDefinitionArn,
    /// Where.
    pub launch_type: LaunchType,
    /// Name of the capacity provider, if a strategy chose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_provider: Option<String>,
    /// [`crate::host::Host::id`].
    pub host_id: String,
    /// Its container instance; `None` on Fargate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_instance: Option<ContainerInstanceArn>,
    /// Zone of the host or subnet.
    pub availability_zone: String,
    /// `family:<family>`, `service:<name>` or what RunTask said.
    pub group: String,
    /// The deployment of a service's task, else what RunTask said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// Its service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceArn>,
    /// Written by the control plane only.
    pub desired_status: DesiredStatus,
    /// Moved forward by what the agent reports.
    pub last_status: TaskStatus,
    /// Grows with each visible change, from 1.
    pub version: u64,
    /// Why it is to stop, once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Box<Stop>>,
    /// When it entered each state.
    pub times: TaskTimes,
    /// One for each container definition, in order.
    pub containers: Vec<TaskContainer>,
    /// What RunTask changes in the definition.
    #[serde(default, skip_serializing_if = "Overrides::is_empty")]
    pub overrides: Overrides,
    /// Its network interface, in `awsvpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eni: Option<Box<TaskEni>>,
    /// Its places in target groups.
    #[serde(default, skip_serializing_if = "<[TaskTarget]>::is_empty")]
    pub targets: Box<[TaskTarget]>,
    /// Its place in a service registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Box<TaskRegistration>>,
    /// What it offers by Service Connect, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect: Option<Box<TaskServiceConnect>>,
    /// What its host promised.
    pub promised: Resources,
    /// Platform version, FARGATE only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// Commands can be run in its containers.
    #[serde(default, skip_serializing_if = "is_false")]
    pub enable_execute_command: bool,
    /// The call that started it, if that call may be repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request: Option<Box<ClientRequest>>,
    /// Until then its service does not stop it to scale in or to deploy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected_until: Option<Timestamp>,
    /// It may wait for a place, in which case it has no host yet, or be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<Box<Queued>>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

impl Task {
    /// The cluster it belongs to.
    pub fn cluster(&self) -> ClusterArn {
        self.arn.cluster()
    }

    /// Until when it is protected, if it is so now: protection ends by itself.
    pub fn protection(&self, now: Timestamp) -> Option<Timestamp> {
        self.protected_until.filter(|until| *until > now)
    }

    /// What its agent shall do: one that is being deregistered from load balancers runs on until that is done.
    pub fn wish(&self) -> DesiredStatus {
        match self.last_status {
            TaskStatus::Deactivating => DesiredStatus::Running,
            _ => self.desired_status,
        }
    }

    /// It runs, and has to be registered with a target group.
    pub fn is_to_be_registered(&self) -> bool {
        let is_waiting = |it: &TaskTarget| it.state == TaskTargetState::Waiting;
        self.last_status == TaskStatus::Running
            && self.desired_status == DesiredStatus::Running
            && self.targets.iter().any(is_waiting)
    }

    /// It does not run on, and has to be deregistered from a target group.
    pub fn is_to_be_deregistered(&self) -> bool {
        self.last_status > TaskStatus::Running && self.is_registered()
    }

    /// It is to be registered or deregistered, or waits for what is in flight to end.
    pub fn has_moving_targets(&self) -> bool {
        self.is_to_be_registered()
            || self.is_to_be_deregistered()
            || self.last_status == TaskStatus::Deactivating
    }

    /// It runs, and what comes to it has to end before it stops: it is a target, or an endpoint.
    pub fn has_to_drain(&self) -> bool {
        self.is_registered() || self.service_connect.is_some() && self.last_status == TaskStatus::Running
    }

    /// It is a target now.
    pub fn is_registered(&self) -> bool {
        self.targets.iter().any(TaskTarget::is_registered)
    }

    /// Wishes it stopped. Returns whether that is news.
    pub fn stop(&mut self, stop: Stop, now: Timestamp) -> bool {
        if self.desired_status == DesiredStatus::Stopped {
            return false;
        }
        self.desired_status = DesiredStatus::Stopped;
        self.stop = Some(Box::new(stop));
        if self.last_status != TaskStatus::Stopped {
            self.times.stopping_at = Some(now);
        }
        self.version += 1;
        true
    }

    /// Follows a report. Returns whether it moved: reports that lag behind change nothing.
    pub fn advance(&mut self, to: TaskStatus, now: Timestamp) -> bool {
        if to <= self.last_status {
            return false;
        }
        self.last_status = to;
        self.version += 1;
        match to {
            TaskStatus::Running => self.times.started_at = Some(now),
            TaskStatus::Stopped => {
                self.times.stopping_at.get_or_insert(now);
                self.times.stopped_at = Some(now);
            }
            _ => {}
        }
        true
    }
}

/// States of a task, in order: it only moves to the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TaskStatus {
    /// Placed; its network interface is being made.
    Provisioning,
    /// Placed; images are pulled, containers created.
    Pending,
    /// Runs, is not yet registered everywhere.
    Activating,
    /// Runs.
    Running,
    /// Is being deregistered.
    Deactivating,
    /// Its containers have been asked to stop.
    Stopping,
    /// Its network interface is being removed.
    Deprovisioning,
    /// Final.
    Stopped,
}

impl TaskStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Activating => "ACTIVATING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }

    /// Counts as pending in clusters, services and deployments.
    pub fn is_pending(self) -> bool {
        self < Self::Running
    }
}

/// What the control plane wants of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DesiredStatus {
    /// It shall run.
    Running,
    /// It shall stop: there is no way back.
    Stopped,
}

impl DesiredStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// Why a task stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Kind of cause.
    pub code: StopCode,
    /// In Amazon's words.
    pub reason: String,
}

/// Kinds of cause of a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StopCode {
    /// It never ran.
    TaskFailedToStart,
    /// A container it cannot do without ended.
    EssentialContainerExited,
    /// StopTask.
    UserInitiated,
    /// Its service.
    ServiceSchedulerInitiated,
    /// Its host went away.
    TerminationNotice,
}

impl StopCode {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TaskFailedToStart => "TaskFailedToStart",
            Self::EssentialContainerExited => "EssentialContainerExited",
            Self::UserInitiated => "UserInitiated",
            Self::ServiceSchedulerInitiated => "ServiceSchedulerInitiated",
            Self::TerminationNotice => "TerminationNotice",
        }
    }
}

/// When a task entered its states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskTimes {
    /// Placed.
    pub created_at: Timestamp,
    /// First news from its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connectivity_at: Option<Timestamp>,
    /// First pull began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_started_at: Option<Timestamp>,
    /// Last pull ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_stopped_at: Option<Timestamp>,
    /// RUNNING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Was to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping_at: Option<Timestamp>,
    /// Its containers had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_stopped_at: Option<Timestamp>,
    /// STOPPED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Timestamp>,
}

impl TaskTimes {
    /// Of a task that is made now.
    pub fn of_new(created_at: Timestamp) -> Self {
        Self {
            created_at,
            connectivity_at: None,
            pull_started_at: None,
            pull_stopped_at: None,
            started_at: None,
            stopping_at: None,
            execution_stopped_at: None,
            stopped_at: None,
        }
    }
}

/// A container of a task, as its agent reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskContainer {
    /// Name in the task definition.
    pub name: String,
    /// UUID at the end of its ARN.
    pub id: String,
    /// Where it stands.
    pub last_status: ContainerStatus,
    /// Exit status, once it ended; absent if it never ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The runtime's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_id: Option<String>,
    /// Digest of the image's manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<String>,
    /// Published ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_bindings: Vec<NetworkBinding>,
    /// What its health check last came to; absent without one, or before its first news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Box<ContainerHealth>>,
    /// How it last spoke before it ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_lines: Vec<String>,
    /// How it ended, if its agent has said so: Amazon's agent does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Box<ContainerEnd>>,
}

/// How a container ended, by its agent's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerEnd {
    /// Its process was executed, the last time.
    pub started_at: Option<Timestamp>,
    /// Its process ended.
    pub finished_at: Option<Timestamp>,
    /// The agent sent it its stop signal.
    pub stop_signalled_at: Option<Timestamp>,
    /// The agent sent it SIGKILL.
    pub killed_at: Option<Timestamp>,
    /// How often its restart policy had started it again.
    pub restart_count: u32,
}

/// States of a container, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ContainerStatus {
    /// Not started yet.
    Pending,
    /// Runs.
    Running,
    /// Ended, or never to run.
    Stopped,
}

impl ContainerStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// A published port, or a range of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkBinding {
    /// `0.0.0.0`
    pub bind_ip: String,
    /// In the container; of a range, the first.
    pub container_port: u16,
    /// On the host; of a range, the first.
    pub host_port: u16,
    /// Transport.
    pub protocol: TransportProtocol,
    /// How many ports follow the first, on both sides: 0 unless it is a range.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub following: u16,
}

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(number: &u16) -> bool {
    *number == 0
}

/// The network interface of an `awsvpc` task. Its address is free again when the task is STOPPED.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskEni {
    /// UUID of the attachment.
    pub attachment_id: String,
    /// `eni-…`
    pub network_interface_id: String,
    /// Its subnet.
    pub subnet_id: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// `02:…`
    pub mac_address: String,
    /// Its security groups.
    pub security_groups: Vec<String>,
    /// It goes out by an internet gateway: `assignPublicIp` is ENABLED.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_public: bool,
    /// The public address that was given to it for as long as it is there: none where all were given already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_address: Option<Ipv4Addr>,
    /// Tags of the interface itself, which few have; those that ECS gives it are tags of the task.
    #[serde(default, skip_serializing_if = "<[Pair]>::is_empty")]
    pub tags: Box<[Pair]>,
}

/// `awsvpcConfiguration` of a service or RunTask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkConfiguration {
    /// At least one.
    pub subnets: Vec<String>,
    /// As given; if empty, tasks get the VPC's default one.
    pub security_groups: Vec<String>,
    /// `ENABLED` was asked for.
    pub is_public_ip_assigned: bool,
}
