//! A session from the plug-in's first word to its end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use api::acs;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use wire::exec_channel::{FromAgent, ToAgent};

use super::client::{Client, Heard, Opening, to_agent};
use super::ending::Ending;
use super::log::SessionLog;
use super::table::Command;
use crate::control_plane::ControlPlane;
use crate::sessions::{Order, Socket};

/// How long the agent may take to connect.
const JOIN_DEADLINE: Duration = Duration::from_secs(15);
/// How often is looked for what is late.
const TICK: Duration = Duration::from_millis(500);
/// How often the agent is told that the session is alive.
const PING: Duration = Duration::from_secs(30);
/// How long a message to the agent may take.
const SEND_DEADLINE: Duration = Duration::from_secs(5 * 60);
/// Messages that may wait for the agent's socket.
const QUEUE_BOUND: usize = 16;
/// Messages that may wait for a place there: what is typed beyond is not acknowledged, so that it comes again.
const TYPED_MAX: usize = 64;

/// Runs a session on a websocket that has just been opened.
pub async fn run(
    control_plane: Arc<ControlPlane>,
    session_id: String,
    socket: Socket,
    shutdown: CancellationToken,
) {
    let mut client = Client::new(socket, Arc::clone(&control_plane.clock));
    let Some(opened) = client.open().await else {
        return client.close(&session_id, &Ending::ClientSilent).await;
    };
    let now = control_plane.clock.now();
    let claimed = control_plane
        .executions
        .claim(&session_id, &opened.token_value, now);
    let (command, place) = match claimed {
        Ok(Some(claimed)) => claimed,
        Ok(None) => {
            let text = "the session is not there, or its token is not valid (any more)";
            return client.close(&session_id, &Ending::Failed(text.to_owned())).await;
        }
        Err(refusal) => {
            return client
                .close(&session_id, &Ending::Failed(refusal.to_string()))
                .await;
        }
    };
    let begun = SessionLog::begin(&session_id, &command, &control_plane.logs, &control_plane.clock).await;
    let (mut log, is_logged) = begun;
    let ending = tokio::select! {
        biased;
        () = shutdown.cancelled() => Ending::Shutdown,
        ending = async {
            match is_logged {
                Ok(()) => serve(&control_plane, &session_id, &command, &mut client, &mut log).await,
                Err(reason) => Ending::Failed(reason),
            }
        } => ending,
    };
    log.end(&ending).await;
    drop(place);
    client.close(&session_id, &ending).await;
}

async fn serve(
    control_plane: &ControlPlane,
    session_id: &str,
    command: &Command,
    client: &mut Client,
    log: &mut SessionLog,
) -> Ending {
    let opening = match client.shake_hands().await {
        Ok(opening) => opening,
        Err(ending) => return ending,
    };
    let agent = match join(control_plane, session_id, command, &opening).await {
        Ok(agent) => agent,
        Err(ending) => return ending,
    };
    let (sink, from_agent) = agent.split();
    let (to_agent, queue) = mpsc::channel(QUEUE_BOUND);
    let writer = tokio::spawn(write(sink, queue));
    let carried = Carrier {
        client,
        log,
        from_agent,
        typed: opening.typed.into(),
        idle: control_plane.settings.execute_command_idle,
    };
    let ending = carried.carry(to_agent).await;
    // It ends with its queue, or is stuck.
    writer.abort();
    ending
}

/// Asks the agent for a connection.
async fn join(
    control_plane: &ControlPlane,
    session_id: &str,
    command: &Command,
    opening: &Opening,
) -> Result<Socket, Ending> {
    let executions = &control_plane.executions;
    let expected = executions.expect(session_id, &command.host_id);
    let (token, arrival) = expected.map_err(|it| Ending::Failed(it.to_string()))?;
    let dimension = |it: u32| i32::try_from(it).ok();
    let message = acs::ExecuteCommandMessage {
        message_id: Some(uuid::Uuid::new_v4().to_string()),
        session_id: Some(session_id.to_owned()),
        token: Some(token),
        task_arn: Some(command.task.to_string()),
        container_name: Some(command.container.clone()),
        command: Some(command.arguments.clone()),
        columns: opening.size.and_then(|it| dimension(it.cols)),
        rows: opening.size.and_then(|it| dimension(it.rows)),
    };
    if control_plane
        .sessions
        .order(&command.host_id, Order::Command(message))
        && let Ok(Ok(socket)) = timeout(JOIN_DEADLINE, arrival).await
    {
        return Ok(socket);
    }
    executions.forget(session_id);
    Err(Ending::AgentLost)
}

/// Writes to the agent beside the session, so that one who does not read input does not hold up its own output.
async fn write(mut sink: SplitSink<Socket, Message>, mut queue: mpsc::Receiver<ToAgent>) {
    loop {
        let message = match timeout(PING, queue.recv()).await {
            Ok(Some(message)) => Message::binary(message.encode()),
            Ok(None) => break,
            Err(_) => Message::Ping(Vec::new().into()),
        };
        if !matches!(timeout(SEND_DEADLINE, sink.send(message)).await, Ok(Ok(()))) {
            break;
        }
    }
}

struct Carrier<'a> {
    client: &'a mut Client,
    log: &'a mut SessionLog,
    from_agent: SplitStream<Socket>,
    typed: VecDeque<ToAgent>,
    idle: Duration,
}

impl Carrier<'_> {
    /// Moves bytes both ways until something ends the session.
    async fn carry(mut self, to_agent: mpsc::Sender<ToAgent>) -> Ending {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut idle_at = Instant::now() + self.idle;
        loop {
            let takes_data = self.typed.len() < TYPED_MAX;
            let has_room = self.client.has_room();
            let step = tokio::select! {
                message = self.client.next() => match self.client.hear(message, takes_data).await {
                    Ok(events) => self.hear(events),
                    Err(ending) => Err(ending),
                },
                place = to_agent.reserve(), if !self.typed.is_empty() => match place {
                    Ok(place) => {
                        if let Some(message) = self.typed.pop_front() {
                            place.send(message);
                        }
                        Ok(Step::Quiet)
                    }
                    // How it left comes from its own stream.
                    Err(_) => {
                        self.typed.clear();
                        Ok(Step::Quiet)
                    }
                },
                message = self.from_agent.next(), if has_room => self.say(message).await,
                _ = tick.tick() => {
                    self.log.flush().await;
                    self.client.resend().await.map(|()| Step::Quiet)
                }
                () = tokio::time::sleep_until(idle_at) => Err(Ending::Idle),
            };
            match step {
                Ok(Step::Busy) => idle_at = Instant::now() + self.idle,
                Ok(Step::Quiet) => {}
                Err(ending) => return ending,
            }
        }
    }

    fn hear(&mut self, events: Vec<wire::data_channel::Event>) -> Result<Step, Ending> {
        let mut step = Step::Quiet;
        for event in events {
            if let Some(message) = to_agent(event)? {
                self.typed.push_back(message);
                step = Step::Busy;
            }
        }
        Ok(step)
    }

    async fn say(&mut self, message: Heard) -> Result<Step, Ending> {
        let bytes = match message {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Ending::AgentLost),
            Some(Ok(_)) => return Ok(Step::Quiet),
        };
        match FromAgent::decode(&bytes) {
            Ok(FromAgent::Output(output)) => {
                self.log.take(&output).await;
                self.client.output(&output).await?;
                Ok(Step::Busy)
            }
            Ok(FromAgent::Exited(code)) => Err(Ending::Exited(code)),
            Ok(FromAgent::Failed(text)) => Err(Ending::Failed(text)),
            Err(error) => {
                tracing::debug!(%error, "a message of an agent about a command is dropped");
                Ok(Step::Quiet)
            }
        }
    }
}

/// Whether somebody said something.
enum Step {
    Busy,
    Quiet,
}
