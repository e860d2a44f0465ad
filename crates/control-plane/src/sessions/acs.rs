//! ACS: what an agent is told, and what it answers. See [`super`] for the rest.
//!
//! A session keeps nothing that matters: after a reconnect, the state says again what each task shall do.

use std::sync::Arc;
use std::time::Duration;

use api::acs;
use domain::task::{DesiredStatus, Task, TaskStatus};
use futures_util::{SinkExt, StreamExt};
use orchestrator::transitions::{self, Connection, TaskReport};
use store::{CommitId, State};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_util::sync::CancellationToken;
use wire::shape::Value;

use super::credentials::{Issuer, REFRESH, RoleType, Unassumable};
use super::inspection::{Asked, Question};
use super::mailbox::{Mailbox, News, Order};
use super::outbox::Outbox;
use super::payload;
use super::upgrade::{Agent, Socket};
use crate::control_plane::ControlPlane;

/// Agents give up after 60 seconds without a message.
const HEARTBEAT: Duration = Duration::from_secs(25);
/// An agent acknowledges each heartbeat.
const SILENCE_MAX: Duration = Duration::from_secs(90);
/// How long a message may take to be written.
const SEND_DEADLINE: Duration = Duration::from_secs(30);
/// Most tasks of one payload.
const TASKS_MAX: usize = 32;

struct Session {
    control_plane: Arc<ControlPlane>,
    agent: Agent,
    host_id: String,
    socket: Socket,
    mailbox: Arc<Mailbox>,
    questions: mpsc::Receiver<Question>,
    asked: Asked,
    outbox: Outbox,
    /// The last commit that [`Session::catch_up`] saw: what the mailbox has of it and before is old.
    seen: CommitId,
    /// The last manifest sent: candidates of others are not answered.
    manifest_id: String,
    heard_at: Instant,
}

/// The session is over.
struct Over;

/// Runs a session until either side ends it, and notes both edges in the state.
pub async fn run(
    control_plane: Arc<ControlPlane>,
    agent: Agent,
    socket: Socket,
    shutdown: CancellationToken,
) {
    let host_id = agent.instance.name().to_owned();
    let mut place = control_plane.sessions.open(&host_id, agent.kind, &shutdown);
    // It is taken here only.
    let questions = place.questions.take().unwrap_or_else(|| mpsc::channel(1).1);
    let instance = agent.instance.clone();
    tracing::info!(container_instance = %instance, "agent connected");
    note(&control_plane, &agent, Connection::Connected).await;
    let mut session = Session {
        control_plane: Arc::clone(&control_plane),
        agent,
        host_id: host_id.clone(),
        socket,
        mailbox: Arc::clone(&place.mailbox),
        questions,
        asked: Asked::default(),
        outbox: Outbox::default(),
        seen: CommitId::default(),
        manifest_id: String::new(),
        heard_at: Instant::now(),
    };
    let ended = tokio::select! {
        biased;
        () = place.end.cancelled() => None,
        over = session.serve() => over.err(),
    };
    if ended.is_none() {
        let frame = CloseFrame {
            code: CloseCode::Away,
            reason: "".into(),
        };
        let _ = tokio::time::timeout(SEND_DEADLINE, session.socket.close(Some(frame))).await;
    }
    if control_plane.sessions.close(&host_id, &place) && !shutdown.is_cancelled() {
        tracing::info!(container_instance = %instance, "agent disconnected");
        note(&control_plane, &session.agent, Connection::Lost).await;
    }
}

async fn note(control_plane: &ControlPlane, agent: &Agent, connection: Connection) {
    let (instance, agent_version) = (agent.instance.clone(), agent.agent_version.clone());
    let docker_version = agent.docker_version.clone();
    let noted = control_plane
        .store
        .transact(move |tx| {
            transitions::connect_host(tx, &instance, connection, &agent_version, &docker_version)
        })
        .await;
    if let Err(error) = noted {
        tracing::warn!(container_instance = %agent.instance, ?error, "cannot note the agent's connection");
    }
}

fn order(it: &Order) -> String {
    match it {
        Order::Command(it) => frame("ExecuteCommandMessage", it),
        Order::Stream(it) => frame("OpenStreamMessage", it),
    }
}

impl Session {
    async fn serve(&mut self) -> Result<(), Over> {
        let mailbox = Arc::clone(&self.mailbox);
        self.catch_up().await?;
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        let mut refresh = tokio::time::interval_at(Instant::now() + REFRESH, REFRESH);
        loop {
            tokio::select! {
                biased;
                message = self.socket.next() => self.hear(message).await?,
                news = mailbox.next() => match news {
                    News::Tasks(tasks) => self.follow(&tasks).await?,
                    News::Missed => self.catch_up().await?,
                    News::Orders(orders) => {
                        for it in orders {
                            self.send(order(&it)).await?;
                        }
                    }
                },
                Some(question) = self.questions.recv() => {
                    let message = self.asked.ask(new_id(), question);
                    self.send(frame("InspectTaskMessage", &message)).await?;
                }
                _ = heartbeat.tick() => self.beat().await?,
                _ = refresh.tick() => self.send_credentials().await?,
            }
        }
    }

    /// Sends what the agent may have missed: tasks it has not confirmed, tasks that shall stop, and the manifest.
    async fn catch_up(&mut self) -> Result<(), Over> {
        let host_id = self.host_id.as_str();
        let (tasks, manifest, at) = self.control_plane.store.read(|state| {
            let mine: Vec<&Arc<Task>> = state.tasks_of_host(host_id).collect();
            let open = mine
                .iter()
                .filter(|it| is_unconfirmed(it))
                .map(|it| self.equipped(state, it));
            let manifest = mine.iter().map(|it| identifier(it)).collect::<Vec<_>>();
            (open.collect::<Vec<_>>(), manifest, state.last_commit())
        });
        self.seen = at;
        self.send_tasks(tasks, at).await?;
        self.send_credentials().await?;
        let message_id = new_id();
        self.manifest_id.clone_from(&message_id);
        let message = acs::TaskManifestMessage {
            message_id: Some(message_id.clone()),
            cluster_arn: Some(self.agent.instance.cluster().to_string()),
            container_instance_arn: Some(self.agent.instance.to_string()),
            generated_at: Some(self.now_millis()),
            timeline: Some(number(at) + 1),
            tasks: Some(manifest),
        };
        self.send_tracked("TaskManifestMessage", message_id, &message)
            .await
    }

    /// Tells the agent of its tasks in commits: new ones, and those that shall stop from then on.
    async fn follow(&mut self, changed: &[(CommitId, Arc<Task>)]) -> Result<(), Over> {
        let news = || changed.iter().filter(|(at, _)| *at > self.seen);
        let Some((last, _)) = news().next_back() else {
            return Ok(());
        };
        let render = |state: &State| news().map(|(_, it)| self.equipped(state, it)).collect();
        let tasks = self.control_plane.store.read(render);
        self.send_tasks(tasks, *last).await
    }

    fn issuer(&self) -> Issuer<'_> {
        Issuer {
            sessions: &self.control_plane.role_sessions,
            now: self.control_plane.clock.now(),
        }
    }

    /// A task with the credentials of its roles, if it is to run.
    fn equipped(&self, state: &State, task: &Task) -> Result<acs::Task, Unassumable> {
        let mut rendered = payload::task(state, task);
        if task.wish() == DesiredStatus::Running {
            for (kind, credentials) in self.issuer().credentials(state, task)? {
                match kind {
                    RoleType::Application => rendered.role_credentials = Some(credentials),
                    RoleType::Execution => rendered.execution_role_credentials = Some(credentials),
                }
            }
        }
        Ok(rendered)
    }

    /// New credentials for the tasks that have arrived: agents keep them in memory only.
    async fn send_credentials(&mut self) -> Result<(), Over> {
        let messages = self.control_plane.store.read(|state| {
            let running = state
                .tasks_of_host(&self.host_id)
                .filter(|it| it.wish() == DesiredStatus::Running && !is_unconfirmed(it));
            running
                .flat_map(|task| {
                    let issued = self.issuer().credentials(state, task).unwrap_or_else(|error| {
                        tracing::warn!(task = %task.arn, role = error.role, "a running task's role is gone");
                        Vec::new()
                    });
                    issued
                        .into_iter()
                        .map(|(kind, credentials)| acs::IAMRoleCredentialsMessage {
                            message_id: Some(new_id()),
                            task_arn: Some(task.arn.to_string()),
                            task_cluster_arn: Some(task.cluster().to_string()),
                            role_type: Some(kind.as_str().to_owned()),
                            role_credentials: Some(credentials),
                        })
                })
                .collect::<Vec<_>>()
        });
        for message in messages {
            self.send(frame("IAMRoleCredentialsMessage", &message)).await?;
        }
        Ok(())
    }

    /// A task whose role is not there never reaches the agent.
    async fn fail(&mut self, unassumable: Unassumable) {
        let report = TaskReport {
            status: Some(TaskStatus::Stopped),
            reason: Some(unassumable.to_string()),
            ..TaskReport::default()
        };
        let task = unassumable.task.clone();
        let failed = self
            .control_plane
            .store
            .transact(move |tx| transitions::observe_task(tx, &task, &report));
        if let Err(error) = failed.await {
            tracing::warn!(task = %unassumable.task, ?error, "cannot stop a task whose role is not there");
        }
    }

    async fn send_tasks(
        &mut self,
        tasks: Vec<Result<acs::Task, Unassumable>>,
        at: CommitId,
    ) -> Result<(), Over> {
        let mut equipped = Vec::with_capacity(tasks.len());
        for task in tasks {
            match task {
                Ok(task) => equipped.push(task),
                Err(unassumable) => self.fail(unassumable).await,
            }
        }
        let tasks = equipped;
        for part in tasks.chunks(TASKS_MAX) {
            let message_id = new_id();
            let message = acs::PayloadMessage {
                message_id: Some(message_id.clone()),
                cluster_arn: Some(self.agent.instance.cluster().to_string()),
                container_instance_arn: Some(self.agent.instance.to_string()),
                generated_at: Some(self.now_millis()),
                seq_num: Some(number(at)),
                tasks: Some(part.to_vec()),
            };
            self.send_tracked("PayloadMessage", message_id, &message).await?;
        }
        Ok(())
    }

    async fn beat(&mut self) -> Result<(), Over> {
        if self.heard_at.elapsed() > SILENCE_MAX {
            tracing::warn!(container_instance = %self.agent.instance, "the agent is silent: ending its session");
            return Err(Over);
        }
        for text in self.outbox.due(Instant::now()).map_err(|_| Over)? {
            self.send(text).await?;
        }
        let message = acs::HeartbeatMessage {
            message_id: Some(new_id()),
            healthy: Some(true),
        };
        self.send(frame("HeartbeatMessage", &message)).await
    }

    async fn hear(
        &mut self,
        message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<(), Over> {
        self.heard_at = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => self.understand(text.as_str()).await,
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(Over),
            Some(Ok(_)) => Ok(()),
        }
    }

    async fn understand(&mut self, text: &str) -> Result<(), Over> {
        let Some((kind, body)) = open(text) else {
            return Ok(());
        };
        match kind.as_str() {
            "AckRequest" => {
                if let Ok(ack) = wire::json::decode::<acs::AckRequest>(body.as_bytes()) {
                    self.outbox
                        .acknowledged(ack.message_id.as_deref().unwrap_or_default());
                }
            }
            "NackRequest" => {
                if let Ok(nack) = wire::json::decode::<acs::NackRequest>(body.as_bytes()) {
                    tracing::warn!(reason = nack.reason, "the agent refuses a message");
                    self.outbox
                        .acknowledged(nack.message_id.as_deref().unwrap_or_default());
                }
            }
            "TaskStopVerificationMessage" => {
                if let Ok(message) = wire::json::decode(body.as_bytes()) {
                    self.verify_stops(message).await?;
                }
            }
            "InspectTaskAnswer" => {
                if let Ok(answer) = wire::json::decode(body.as_bytes()) {
                    self.asked.answered(answer);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The agent runs tasks that the manifest does not name. Those that shall indeed not run are confirmed.
    async fn verify_stops(&mut self, message: acs::TaskStopVerificationMessage) -> Result<(), Over> {
        if message.message_id.as_deref() != Some(&self.manifest_id) {
            return Ok(());
        }
        let candidates = message.stop_candidates.unwrap_or_default();
        let stop_tasks = self.control_plane.store.read(|state| {
            let shall_stop = |it: &acs::TaskIdentifier| {
                let arn = domain::TaskArn::parse(it.task_arn.as_deref().unwrap_or_default());
                let task = arn.ok().and_then(|arn| state.get::<Task>(&arn).cloned());
                task.is_none_or(|it| it.host_id != self.host_id || it.wish() == DesiredStatus::Stopped)
            };
            candidates.into_iter().filter(shall_stop).collect::<Vec<_>>()
        });
        let answer = acs::TaskStopVerificationAck {
            message_id: message.message_id,
            generated_at: Some(self.now_millis()),
            stop_tasks: Some(stop_tasks),
        };
        self.send(frame("TaskStopVerificationAck", &answer)).await
    }

    async fn send_tracked<T: Value>(
        &mut self,
        kind: &str,
        message_id: String,
        message: &T,
    ) -> Result<(), Over> {
        let text = frame(kind, message);
        self.outbox.sent(message_id, text.clone(), Instant::now());
        self.send(text).await
    }

    async fn send(&mut self, text: String) -> Result<(), Over> {
        let sent = tokio::time::timeout(SEND_DEADLINE, self.socket.send(Message::text(text))).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            _ => Err(Over),
        }
    }

    fn now_millis(&self) -> i64 {
        self.control_plane.clock.now().as_millisecond()
    }
}

/// Whether the agent still has to act: start a task it has not reported running, or stop one.
pub fn is_unconfirmed(task: &Task) -> bool {
    match task.wish() {
        DesiredStatus::Running => task.last_status < TaskStatus::Running,
        DesiredStatus::Stopped => task.last_status < TaskStatus::Stopped,
    }
}

fn identifier(task: &Task) -> acs::TaskIdentifier {
    acs::TaskIdentifier {
        task_arn: Some(task.arn.to_string()),
        task_cluster_arn: Some(task.cluster().to_string()),
        desired_status: Some(task.wish().as_str().to_owned()),
    }
}

/// Payloads have even numbers; the manifest that follows them has the odd one after, since agents drop a manifest that
/// is not newer than the last payload.
fn number(at: CommitId) -> i64 {
    i64::try_from(at.0.saturating_mul(2)).unwrap_or(i64::MAX - 1)
}

fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn frame<T: Value>(kind: &str, message: &T) -> String {
    let message = String::from_utf8(wire::json::encode(message)).unwrap_or_default();
    format!("{{\"type\":\"{kind}\",\"message\":{message}}}")
}

/// Type and message of a frame; `None` for what is no frame, which is passed over as agents do it.
fn open(text: &str) -> Option<(String, String)> {
    let frame: serde_json::Value = serde_json::from_str(text).ok()?;
    Some((frame["type"].as_str()?.to_owned(), frame["message"].to_string()))
}
