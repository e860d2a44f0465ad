//! A control plane on loopback that speaks the real protocol, checks every signature, and does as a test wants.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, frame::coding::CloseCode};

use wire::exec_channel::FromAgent;

use crate::fake_host::NOW;

pub const ACCESS_KEY_ID: &str = "AKIAGANTRYAGENT";
pub const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI";
pub const INSTANCE: &str = "arn:aws:ecs:us-east-1:123456789012:container-instance/default/3900e442";
pub const CLUSTER: &str = "arn:aws:ecs:us-east-1:123456789012:cluster/default";
/// How long a test waits for something to happen.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct FakeControlPlane {
    pub address: SocketAddr,
    pub world: Mutex<World>,
    changed: Notify,
}

/// What a test may look at and change.
#[derive(Default)]
pub struct World {
    /// Operation and input of each call that was answered with success.
    pub calls: Vec<(String, Value)>,
    /// Frames from the agent.
    pub frames: Vec<Value>,
    /// Query of each websocket upgrade.
    pub upgrades: Vec<BTreeMap<String, String>>,
    /// Close codes that the agent sent.
    pub closes: Vec<u16>,
    /// Answers for the next calls of an operation: status and body.
    pub refusals: BTreeMap<String, VecDeque<(u16, Value)>>,
    /// Clusters there are.
    pub clusters: BTreeSet<String>,
    /// Log groups and streams there are.
    pub groups: BTreeSet<String>,
    pub streams: BTreeSet<String>,
    session: Option<mpsc::UnboundedSender<Message>>,
    /// Of a command that runs: its websocket, and what came over it.
    pub command: Option<mpsc::UnboundedSender<Message>>,
    pub said: Vec<FromAgent>,
}

impl FakeControlPlane {
    pub async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let world = World {
            clusters: ["default".to_owned()].into(),
            ..World::default()
        };
        let fake = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            world: Mutex::new(world),
            changed: Notify::new(),
        });
        let serving = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = serving.clone();
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(move |request| fake.clone().answer(request));
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection
                        .serve_connection(TokioIo::new(stream), service)
                        .with_upgrades()
                        .await;
                });
            }
        });
        fake
    }

    /// Waits until the world holds what a test looks for.
    pub async fn until<T>(&self, what: &str, find: impl Fn(&World) -> Option<T>) -> T {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if let Some(found) = find(&self.world.lock()) {
                    return found;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(found) => found,
            Err(_) => {
                let world = self.world.lock();
                panic!(
                    "not in time: {what}; calls: {:#?}; frames: {:#?}",
                    world.calls, world.frames
                )
            }
        }
    }

    /// Sends a message on the newest session, once there is one.
    pub async fn send(&self, kind: &str, mut message: Value) {
        let session = self.until("a session", |it| it.session.clone()).await;
        message["clusterArn"] = json!(CLUSTER);
        message["containerInstanceArn"] = json!(INSTANCE);
        session
            .send(Message::text(
                json!({"type": kind, "message": message}).to_string(),
            ))
            .unwrap();
    }

    /// Closes the newest session; the next one is another.
    pub async fn close(&self, code: u16) {
        let session = self.until("a session", |it| it.session.clone()).await;
        self.world.lock().session = None;
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: "".into(),
        };
        session.send(Message::Close(Some(frame))).unwrap();
    }

    /// Waits for a frame of the agent; gives its message.
    pub async fn frame(&self, kind: &str, message_id: &str) -> Value {
        let is_it = |it: &&Value| it["type"] == kind && it["message"]["messageId"] == message_id;
        self.until(kind, |world| {
            world.frames.iter().find(is_it).map(|it| it["message"].clone())
        })
        .await
    }

    /// Waits for a state change of a task.
    pub async fn state_change(&self, task: &str, status: &str) -> Value {
        let is_it = |(operation, input): &&(String, Value)| {
            operation == "SubmitTaskStateChange" && input["task"] == task && input["status"] == status
        };
        let what = format!("{status} of {task}");
        self.until(&what, |world| {
            world.calls.iter().find(is_it).map(|it| it.1.clone())
        })
        .await
    }

    /// Inputs of all calls of an operation that succeeded.
    pub fn calls(&self, operation: &str) -> Vec<Value> {
        let world = self.world.lock();
        world
            .calls
            .iter()
            .filter(|it| it.0 == operation)
            .map(|it| it.1.clone())
            .collect()
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let is_upgrade = request.headers().contains_key("upgrade");
        let answer = if is_upgrade {
            self.clone().upgrade(request)
        } else {
            self.clone().call(request).await
        };
        self.changed.notify_waiters();
        Ok(answer)
    }

    async fn call(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        if let Err(text) = check_signature(&parts, &body) {
            return respond(
                403,
                &json!({"__type": "InvalidSignatureException", "message": text}),
            );
        }
        let target = parts.headers["x-amz-target"].to_str().unwrap();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let input: Value = serde_json::from_slice(&body).unwrap();
        let mut world = self.world.lock();
        if let Some((status, body)) = world.refusals.get_mut(&operation).and_then(VecDeque::pop_front) {
            return respond(status, &body);
        }
        let answer = world.operate(&operation, &input, self.address);
        if answer.0 == 200 {
            world.calls.push((operation, input));
        }
        respond(answer.0, &answer.1)
    }

    fn upgrade(self: Arc<Self>, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
        let upgraded = hyper::upgrade::on(&mut request);
        let (parts, _) = request.into_parts();
        if let Err(text) = check_signature(&parts, b"") {
            return respond(403, &json!({"AccessDeniedException": text}));
        }
        // As a control plane answers that knows of neither: the agent does without, and asks again.
        if matches!(
            parts.uri.path(),
            "/agent/load-balancers" | "/agent/networks" | "/agent/names"
        ) {
            return respond(404, &json!({"NotFoundException": "There is nothing to follow."}));
        }
        let is_command = parts.uri.path() == "/agent/exec";
        let key = parts.headers["sec-websocket-key"].as_bytes();
        let accept = derive_accept_key(key);
        let query = parts
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .map(|it| it.split_once('=').unwrap());
        let decode = |it: &str| {
            percent_encoding::percent_decode_str(it)
                .decode_utf8_lossy()
                .into_owned()
        };
        let query = query
            .map(|(name, value)| (name.to_owned(), decode(value)))
            .collect();
        tokio::spawn(async move {
            let stream = TokioIo::new(upgraded.await.unwrap());
            let socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
            let (session, outgoing) = mpsc::unbounded_channel();
            {
                let mut world = self.world.lock();
                world.upgrades.push(query);
                if is_command {
                    world.command = Some(session);
                } else {
                    world.session = Some(session);
                }
            }
            self.changed.notify_waiters();
            self.serve(socket, outgoing).await;
        });
        let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
        let response = response
            .header("connection", "Upgrade")
            .header("upgrade", "websocket");
        response
            .header("sec-websocket-accept", accept)
            .body(Full::default())
            .unwrap()
    }

    async fn serve(
        &self,
        mut socket: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>,
        mut outgoing: mpsc::UnboundedReceiver<Message>,
    ) {
        loop {
            tokio::select! {
                Some(message) = outgoing.recv() => {
                    if socket.send(message).await.is_err() {
                        return;
                    }
                }
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        self.world.lock().frames.push(serde_json::from_str(&text).unwrap());
                        self.changed.notify_waiters();
                    }
                    Some(Ok(Message::Close(frame))) => {
                        self.world.lock().closes.extend(frame.map(|it| u16::from(it.code)));
                        self.changed.notify_waiters();
                    }
                    Some(Ok(Message::Binary(bytes))) => {
                        self.world.lock().said.push(FromAgent::decode(&bytes).unwrap());
                        self.changed.notify_waiters();
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return,
                },
            }
        }
    }
}

impl World {
    fn operate(&mut self, operation: &str, input: &Value, address: SocketAddr) -> (u16, Value) {
        let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
        let error = |name: &str, message: &str| (400, json!({"__type": name, "message": message}));
        match operation {
            "RegisterContainerInstance" if !self.clusters.contains(&text("cluster")) => {
                error("ClusterNotFoundException", "Cluster not found.")
            }
            "RegisterContainerInstance" => {
                let instance = json!({"containerInstanceArn": INSTANCE, "attributes": input["attributes"]});
                (200, json!({"containerInstance": instance}))
            }
            "CreateCluster" => {
                self.clusters.insert(text("clusterName"));
                (200, json!({"cluster": {"clusterName": text("clusterName")}}))
            }
            "DiscoverPollEndpoint" => (200, json!({"endpoint": format!("http://{address}/acs/")})),
            "SubmitTaskStateChange" => (200, json!({"acknowledgment": "ok"})),
            "CreateLogGroup" => {
                self.groups.insert(text("logGroupName"));
                (200, json!({}))
            }
            "CreateLogStream" | "PutLogEvents" if !self.groups.contains(&text("logGroupName")) => error(
                "ResourceNotFoundException",
                "The specified log group does not exist.",
            ),
            "CreateLogStream" if !self.streams.insert(text("logStreamName")) => error(
                "ResourceAlreadyExistsException",
                "The specified log stream already exists",
            ),
            "PutLogEvents" if !self.streams.contains(&text("logStreamName")) => error(
                "ResourceNotFoundException",
                "The specified log stream does not exist.",
            ),
            "CreateLogStream" | "PutLogEvents" => (200, json!({})),
            _ => error("UnknownOperationException", operation),
        }
    }
}

fn check_signature(parts: &Parts, body: &[u8]) -> Result<(), String> {
    let signature = wire::sigv4::read(parts).map_err(|it| it.message)?;
    if signature.access_key_id != ACCESS_KEY_ID {
        return Err("unknown key".to_owned());
    }
    let (date, region, service) = (&signature.date, &signature.region, &signature.service);
    let key = wire::sigv4::signing_key(SECRET_ACCESS_KEY, date, region, service);
    wire::sigv4::verify(&signature, &key, parts, body, NOW).map_err(|it| it.message)
}

fn respond(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.1");
    response.body(Full::from(body.to_string())).unwrap()
}
