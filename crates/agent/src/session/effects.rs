//! Carries out what follows from messages, without holding up the next one.

use std::sync::Arc;
use std::time::Duration;

use api::{acs, gantry};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::exchange::{Effect, Present};
use super::messages::encode;
use crate::commands::Commands;
use crate::tasks::Tasks;
use crate::tasks::state_change::{Submission, TaskStateChange, submit};

/// A task that is expected here may still arrive for so long before it counts as lost.
const EXPECTED_GRACE: Duration = Duration::from_secs(10);
/// How long the host may take to look at a task; whoever asked does not wait longer.
const INSPECTION_DEADLINE: Duration = Duration::from_secs(8);
/// Longest answer.
const INSPECTION_BYTES_MAX: usize = 512 * 1024;
const TOO_SLOW: &str = "the host does not answer in time";
/// Reason of a task that is lost.
const LOST: &str = "ContainerVanishedError: The agent has no record of this task";

impl Present for Arc<Tasks> {
    fn desired_running(&self) -> Vec<String> {
        Tasks::desired_running(self)
    }

    fn knows(&self, arn: &str) -> bool {
        Tasks::knows(self, arn)
    }
}

fn answer(message_id: String, found: Result<gantry::TaskInspection, String>) -> acs::InspectTaskAnswer {
    let written = found.and_then(|it| {
        let bytes = wire::json::encode(&it);
        match bytes.len() {
            ..=INSPECTION_BYTES_MAX => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            length => Err(format!("the inspection is too long to be sent: {length} bytes")),
        }
    });
    acs::InspectTaskAnswer {
        message_id: Some(message_id),
        inspection: written.as_ref().ok().cloned(),
        reason: written.err(),
    }
}

/// Who carries effects out.
#[derive(Clone)]
pub struct Effects {
    /// Tasks of this host.
    pub tasks: Arc<Tasks>,
    /// Frames to send.
    pub replies: mpsc::Sender<String>,
    /// Who runs commands in containers.
    pub commands: Arc<Commands>,
    /// State changes to deliver.
    pub submissions: mpsc::Sender<Submission>,
    /// The agent ends.
    pub shutdown: CancellationToken,
}

impl Effects {
    /// Carries one out, as far as the next message must see it. Replies are left to whoever holds the socket.
    pub async fn carry_out(&self, effect: Effect) {
        match effect {
            Effect::Accept(arrivals, replies) => {
                let recorded = self.tasks.accept(arrivals).await;
                let effects = self.clone();
                tokio::spawn(async move {
                    recorded.await;
                    for frame in replies {
                        effects.reply(frame).await;
                    }
                });
            }
            Effect::Renew(arn, kind, credentials) => self.tasks.renew(&arn, kind, credentials),
            Effect::Stop(arn) => self.tasks.stop(&arn).await,
            Effect::Expected(arn) => {
                let effects = self.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = effects.shutdown.cancelled() => {}
                        () = tokio::time::sleep(EXPECTED_GRACE) => effects.tasks.settle_unknown(&arn, LOST),
                    }
                });
            }
            Effect::Attached(task_arn, attachment_arn) => {
                let change = TaskStateChange {
                    task_arn,
                    attached: vec![attachment_arn],
                    ..TaskStateChange::default()
                };
                let effects = self.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = effects.shutdown.cancelled() => {}
                        () = submit(effects.submissions.clone(), change) => {}
                    }
                });
            }
            Effect::Execute(order) => self.commands.begin(*order),
            Effect::Stream(order) => self.commands.stream(*order),
            Effect::Inspect(message_id, task_arn) => {
                let effects = self.clone();
                tokio::spawn(async move {
                    let found = timeout(INSPECTION_DEADLINE, effects.tasks.inspect(&task_arn)).await;
                    let answer = answer(message_id, found.unwrap_or_else(|_| Err(TOO_SLOW.to_owned())));
                    effects.reply(encode("InspectTaskAnswer", &answer)).await;
                });
            }
            Effect::Reply(_) | Effect::Inactive => {}
        }
    }

    async fn reply(&self, frame: String) {
        // Without a connection there is nobody to reply to: the message comes again.
        let _ = self.replies.send(frame).await;
    }
}
