//! From an HTTP request to a websocket: verified first, refused in the way that agents understand.

use std::sync::Arc;

use bytes::Bytes;
use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::{ContainerInstanceArn, Timestamp};
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_util::sync::CancellationToken;

use super::{acs, load_balancers, names, networks, tcs};
use crate::control_plane::ControlPlane;
use crate::identity;

/// Longest message of an agent.
const MESSAGE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What is read at once: each session has a buffer of that size, which is cleared before each attempt to read. Agents
/// send little.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Where Gantry's agents follow the load balancers that they serve.
pub const LOAD_BALANCERS_PATH: &str = "/agent/load-balancers";

/// Where they follow the names that their resolvers answer.
pub const NAMES_PATH: &str = "/agent/names";
/// Where Gantry's agents follow what may pass in VPCs.
pub const NETWORKS_PATH: &str = "/agent/networks";

/// A websocket of an agent.
pub type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// Who connects.
pub struct Agent {
    /// The container instance it registered as.
    pub instance: ContainerInstanceArn,
    /// The cluster as the agent names it, echoed in messages.
    pub agent_version: String,
    /// As the agent says it.
    pub docker_version: String,
    /// Gantry's own, or Amazon's.
    pub kind: AgentKind,
}

/// Whose agent it is, which decides what it understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentKind {
    /// Gantry's: it runs commands in containers when it is asked over its session.
    Gantry,
    /// Any other: it speaks what Amazon's does.
    Stock,
}

/// What Gantry's agent says in place of the hash of its build.
const GANTRY: &str = "gantry";

/// Why a socket is refused: name of the exception and text.
pub type Refusal = (&'static str, String);

/// Answers `GET` of `/acs/ws`, `/tcs/ws` and the paths above; the session runs on after the answer.
pub fn upgrade(
    control_plane: &Arc<ControlPlane>,
    request: &mut Request<Incoming>,
    shutdown: CancellationToken,
) -> Response<Full<Bytes>> {
    let agent = match identify(control_plane, request) {
        Ok(agent) => agent,
        Err((name, text)) => return refused(name, &text),
    };
    let path = request.uri().path().to_owned();
    let control_plane = Arc::clone(control_plane);
    accept(request, MESSAGE_BYTES_MAX, async move |socket| {
        match path.as_str() {
            "/acs/ws" => acs::run(control_plane, agent, socket, shutdown).await,
            LOAD_BALANCERS_PATH => load_balancers::run(control_plane, agent, socket, shutdown).await,
            NAMES_PATH => names::run(control_plane, agent, socket, shutdown).await,
            NETWORKS_PATH => networks::run(control_plane, agent, socket, shutdown).await,
            _ => tcs::run(control_plane, agent.instance, socket, shutdown).await,
        }
    })
}

/// Answers an upgrade request and serves the websocket after the answer; refuses what is no such request.
pub fn accept<F, R>(
    request: &mut Request<Incoming>,
    message_bytes_max: usize,
    serve: F,
) -> Response<Full<Bytes>>
where
    F: FnOnce(Socket) -> R + Send + 'static,
    R: Future<Output = ()> + Send,
{
    let Some(key) = request
        .headers()
        .get("sec-websocket-key")
        .map(|it| derive_accept_key(it.as_bytes()))
    else {
        return refused(
            "BadRequestException",
            "This is a websocket: send an upgrade request.",
        );
    };
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(message_bytes_max))
            .max_frame_size(Some(message_bytes_max));
        let socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        serve(socket).await;
    });
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(key) = HeaderValue::from_str(&key) {
        headers.insert("sec-websocket-accept", key);
    }
    response
}

/// Who asks for a websocket as an agent.
///
/// # Errors
/// The refusal, in the way that agents understand.
pub fn identify(control_plane: &ControlPlane, request: &Request<Incoming>) -> Result<Agent, Refusal> {
    let now: Timestamp = control_plane.clock.now();
    let parts = {
        let mut parts = Request::new(()).into_parts().0;
        parts.method = request.method().clone();
        parts.uri = request.uri().clone();
        parts.headers = request.headers().clone();
        parts
    };
    identity::verify(control_plane, "ecs", &parts, b"", now)
        .map_err(|error| ("AccessDeniedException", error.message))?;
    let query = wire::sigv4::query_pairs(request.uri().query().unwrap_or_default());
    let field = |names: [&str; 2]| {
        let found = query.iter().find(|(name, _)| names.contains(&name.as_str()));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let given = field(["containerInstanceArn", "containerInstance"]);
    let instance = ContainerInstanceArn::parse(&given).map_err(|_| {
        (
            "InvalidInstanceException",
            format!("{given:?} is not the ARN of a container instance."),
        )
    })?;
    let known = control_plane
        .store
        .read(|state| state.get::<ContainerInstance>(&instance).cloned());
    match known {
        Some(it) if it.status != ContainerInstanceStatus::Inactive => Ok(Agent {
            instance,
            agent_version: field(["agentVersion", "agentVersion"]),
            docker_version: field(["dockerVersion", "dockerVersion"]),
            kind: if field(["agentHash", "agentHash"]) == GANTRY {
                AgentKind::Gantry
            } else {
                AgentKind::Stock
            },
        }),
        _ => Err((
            "InactiveInstanceException",
            "The container instance has been deregistered.".to_owned(),
        )),
    }
}

/// A refusal as agents understand it.
pub fn refused(name: &str, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(json!({ name: text }).to_string())));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}
