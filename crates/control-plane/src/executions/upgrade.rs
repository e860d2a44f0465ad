//! The two websockets of a session: the plug-in's and the agent's.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;

use super::serve;
use crate::control_plane::ControlPlane;
use crate::sessions::{accept, identify, refused};

/// Where plug-ins connect, before the id of the session; the path is Amazon's.
pub const CLIENT_PATH: &str = "/v1/data-channel/";
/// Where agents connect.
pub const AGENT_PATH: &str = "/agent/exec";
/// Longest message of either.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// Answers a plug-in. Who it is is told by the token in its first message.
pub fn client(
    control_plane: &Arc<ControlPlane>,
    request: &mut Request<Incoming>,
    shutdown: CancellationToken,
) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let session_id = path.strip_prefix(CLIENT_PATH).unwrap_or_default().to_owned();
    let control_plane = Arc::clone(control_plane);
    accept(request, MESSAGE_BYTES_MAX, async move |socket| {
        serve::run(control_plane, session_id, socket, shutdown).await;
    })
}

/// Answers an agent that was asked to run a command.
pub fn agent(control_plane: &Arc<ControlPlane>, request: &mut Request<Incoming>) -> Response<Full<Bytes>> {
    let agent = match identify(control_plane, request) {
        Ok(agent) => agent,
        Err((name, text)) => return refused(name, &text),
    };
    let query = wire::sigv4::query_pairs(request.uri().query().unwrap_or_default());
    let field = |name: &str| {
        let found = query.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let executions = &control_plane.executions;
    let waiting = executions.arrived(field("sessionId"), agent.instance.name(), field("token"));
    let Some(waiting) = waiting else {
        return refused("InvalidParameterException", "Nobody waits for this session.");
    };
    accept(request, MESSAGE_BYTES_MAX, async move |socket| {
        // Whoever waited may have given up.
        drop(waiting.send(socket));
    })
}
