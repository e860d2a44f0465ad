//! What follows from each message of a session. Pure: effects are carried out elsewhere.

use api::acs;
use serde_json::Value;

use super::messages::{Incoming, Payload, encode};
use crate::commands::{Order, StreamOrder};
use crate::credentials::{RoleCredentials, RoleType};
use crate::tasks::payload::{Arrival, Refusal, arrival};

#[cfg(test)]
mod tests;

/// Answer to messages that offer a new version.
const UPDATES_DISABLED: &str = "Updates are disabled";

/// What the agent remembers of its exchange with the control plane, over all connections.
#[derive(Debug, Default)]
pub struct Exchange {
    cluster: String,
    container_instance_arn: String,
    /// Highest sequence number of a payload or timeline of a manifest.
    latest: i64,
    /// Message id of the manifest whose stop candidates are not confirmed yet.
    unconfirmed_manifest: Option<String>,
}

/// Something to do about a message.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Send a frame.
    Reply(String),
    /// Take tasks over; send the frames once they are recorded.
    Accept(Vec<Arrival>, Vec<String>),
    /// Keep new credentials of a task's role.
    Renew(String, RoleType, RoleCredentials),
    /// Stop a task.
    Stop(String),
    /// A task is expected here that was not here when the message came.
    Expected(String),
    /// Tell that the interfaces of a task are there: task and attachment.
    Attached(String, String),
    /// Run a command in a container.
    Execute(Box<Order>),
    /// Open a stream into a container.
    Stream(Box<StreamOrder>),
    /// Say what has been made of a task: message id and task.
    Inspect(String, String),
    /// The control plane does not count on this container instance any more.
    Inactive,
}

/// What a message is compared with.
pub trait Present {
    /// ARNs of tasks that are to run.
    fn desired_running(&self) -> Vec<String>;
    /// Whether a task is here, running or on its way out.
    fn knows(&self, arn: &str) -> bool;
}

impl Exchange {
    /// Nothing has been said yet.
    pub fn new(cluster: &str, container_instance_arn: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            container_instance_arn: container_instance_arn.to_owned(),
            ..Self::default()
        }
    }

    /// What to do about a message, in this order.
    pub fn receive(&mut self, message: Incoming, present: &impl Present) -> Vec<Effect> {
        match message {
            Incoming::Heartbeat(it) => {
                let reply = acs::HeartbeatAckRequest {
                    message_id: it.message_id,
                };
                vec![Effect::Reply(encode("HeartbeatAckRequest", &reply))]
            }
            Incoming::Payload(it) => self.payload(it),
            Incoming::Credentials(it) => credentials(it),
            Incoming::Manifest(it) => self.manifest(it, present),
            Incoming::StopVerification(it) => self.stop_verification(it),
            Incoming::AttachTaskInterfaces(it) => self.attach(it),
            Incoming::ExecuteCommand(it) => Order::read(it)
                .map(|it| Effect::Execute(Box::new(it)))
                .into_iter()
                .collect(),
            Incoming::OpenStream(it) => StreamOrder::read(it)
                .map(|it| Effect::Stream(Box::new(it)))
                .into_iter()
                .collect(),
            Incoming::Inspect(it) => {
                let question = it.message_id.zip(it.task_arn);
                question
                    .map(|(id, task)| Effect::Inspect(id, task))
                    .into_iter()
                    .collect()
            }
            Incoming::Update(it) => {
                let nack = acs::NackRequest {
                    cluster: it.cluster_arn,
                    container_instance: it.container_instance_arn,
                    message_id: it.message_id,
                    reason: Some(UPDATES_DISABLED.to_owned()),
                };
                vec![Effect::Reply(encode("NackRequest", &nack))]
            }
            Incoming::Exception(name, text) => {
                tracing::warn!(name, text, "the control plane objects");
                let is_inactive = name == "InactiveInstanceException";
                if is_inactive {
                    vec![Effect::Inactive]
                } else {
                    Vec::new()
                }
            }
        }
    }

    fn payload(&mut self, payload: Payload) -> Vec<Effect> {
        self.latest = self.latest.max(payload.seq_num);
        let mut replies: Vec<String> = payload
            .tasks
            .iter()
            .flat_map(|task| credentials_acks(&payload.message_id, task))
            .collect();
        let count = payload.tasks.len();
        let arrivals: Vec<Arrival> = payload.tasks.into_iter().filter_map(arrival).collect();
        let is_malformed = |it: &Arrival| matches!(it.refusal, Some(Refusal::Malformed(_)));
        // A payload that was not understood as a whole is not acknowledged; what was understood is done.
        if arrivals.len() == count && !arrivals.iter().any(is_malformed) {
            replies.insert(
                0,
                ack(
                    payload.cluster_arn,
                    payload.container_instance_arn,
                    payload.message_id,
                ),
            );
        } else {
            tracing::warn!(
                message_id = payload.message_id,
                "a task of a payload cannot be read"
            );
        }
        vec![Effect::Accept(arrivals, replies)]
    }

    fn manifest(&mut self, manifest: acs::TaskManifestMessage, present: &impl Present) -> Vec<Effect> {
        let timeline = manifest.timeline.unwrap_or(0);
        let (Some(message_id), Some(cluster), Some(container_instance)) = (
            manifest.message_id,
            manifest.cluster_arn,
            manifest.container_instance_arn,
        ) else {
            return Vec::new();
        };
        // One of the same number says nothing less: numbers may be those of commits, and messages come again.
        if timeline < self.latest {
            tracing::debug!(timeline, latest = self.latest, "an old manifest");
            return Vec::new();
        }
        self.latest = timeline;
        let listed = manifest.tasks.unwrap_or_default();
        let expected: Vec<String> = listed
            .into_iter()
            .filter(|it| it.desired_status.as_deref() == Some("RUNNING"))
            .filter_map(|it| it.task_arn)
            .collect();
        let mut running = present.desired_running();
        running.retain(|it| !expected.contains(it));
        let mut effects = vec![Effect::Reply(ack(
            cluster.clone(),
            container_instance,
            message_id.clone(),
        ))];
        if !running.is_empty() {
            let candidates = running.into_iter().map(|arn| acs::TaskIdentifier {
                task_arn: Some(arn),
                task_cluster_arn: Some(cluster.clone()),
                desired_status: Some("STOPPED".to_owned()),
            });
            let verification = acs::TaskStopVerificationMessage {
                message_id: Some(message_id.clone()),
                stop_candidates: Some(candidates.collect()),
            };
            effects.push(Effect::Reply(encode(
                "TaskStopVerificationMessage",
                &verification,
            )));
        }
        self.unconfirmed_manifest = Some(message_id);
        effects.extend(
            expected
                .into_iter()
                .filter(|it| !present.knows(it))
                .map(Effect::Expected),
        );
        effects
    }

    fn stop_verification(&mut self, ack: acs::TaskStopVerificationAck) -> Vec<Effect> {
        if ack.message_id.is_none() || ack.message_id != self.unconfirmed_manifest {
            tracing::warn!(
                message_id = ack.message_id,
                "a stop verification that nobody asked for"
            );
            return Vec::new();
        }
        self.unconfirmed_manifest = None;
        let tasks = ack.stop_tasks.unwrap_or_default().into_iter();
        tasks.filter_map(|it| it.task_arn).map(Effect::Stop).collect()
    }

    /// Interfaces are made with the sandbox of their task and need no device, so they count as attached at once.
    fn attach(&self, message: acs::AttachTaskNetworkInterfacesMessage) -> Vec<Effect> {
        let (Some(message_id), Some(task)) = (message.message_id, message.task_arn) else {
            return Vec::new();
        };
        let cluster = message.cluster_arn.unwrap_or_else(|| self.cluster.clone());
        let instance = message
            .container_instance_arn
            .unwrap_or_else(|| self.container_instance_arn.clone());
        let mut effects = vec![Effect::Reply(ack(cluster, instance, message_id))];
        let interfaces = message.elastic_network_interfaces.unwrap_or_default().into_iter();
        effects.extend(
            interfaces
                .filter_map(|it| it.attachment_arn)
                .map(|it| Effect::Attached(task.clone(), it)),
        );
        effects
    }
}

fn ack(cluster: String, container_instance: String, message_id: String) -> String {
    let ack = acs::AckRequest {
        cluster: Some(cluster),
        container_instance: Some(container_instance),
        message_id: Some(message_id),
    };
    encode("AckRequest", &ack)
}

/// Credentials are kept, and their receipt is acknowledged.
fn credentials(message: acs::IAMRoleCredentialsMessage) -> Vec<Effect> {
    let kind = message.role_type.as_deref().and_then(RoleType::parse);
    let credentials = message.role_credentials.as_ref().and_then(RoleCredentials::read);
    let (Some(kind), Some(credentials)) = (kind, credentials) else {
        return Vec::new();
    };
    let message_id = message.message_id.as_deref().unwrap_or_default();
    let reply = credentials_ack(message_id, &credentials.id, &credentials.expiration);
    let task = message.task_arn.unwrap_or_default();
    vec![Effect::Renew(task, kind, credentials), Effect::Reply(reply)]
}

fn credentials_acks<'a>(message_id: &'a str, task: &'a Value) -> impl Iterator<Item = String> + 'a {
    ["executionRoleCredentials", "roleCredentials"]
        .into_iter()
        .filter_map(move |member| {
            let credentials = task.get(member)?;
            let text = |name: &str| credentials.get(name).and_then(Value::as_str).unwrap_or_default();
            let id = text("credentialsId");
            (!id.is_empty()).then(|| credentials_ack(message_id, id, text("expiration")))
        })
}

fn credentials_ack(message_id: &str, credentials_id: &str, expiration: &str) -> String {
    let ack = acs::IAMRoleCredentialsAckRequest {
        message_id: Some(message_id.to_owned()),
        credentials_id: Some(credentials_id.to_owned()),
        expiration: Some(expiration.to_owned()),
    };
    encode("IAMRoleCredentialsAckRequest", &ack)
}
