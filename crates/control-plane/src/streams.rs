//! Streams into tasks: to a port of a container, or files of it. From the answer of OpenTaskStream to the end.
//!
//! ```text
//!  OpenTaskStream ─▶ table: session, token        command line ─▶ /gantry/streams/<session>, token first
//!                                                    │ token claimed
//!  agent ◀── OpenStreamMessage ─── its ACS session ◀┘
//!    └─▶ /agent/exec: joined with the other socket; messages go to and fro as they are
//! ```

mod relay;
mod serve;
mod table;

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Incoming;
pub use table::{Streams, Wanted};
use tokio_util::sync::CancellationToken;
use wire::stream_channel::DATA_BYTES_MAX;

use crate::control_plane::ControlPlane;
use crate::sessions::accept;

/// Where users connect, before the id of the session.
pub const CLIENT_PATH: &str = "/gantry/streams/";
/// Longest message: data and its kind.
const MESSAGE_BYTES_MAX: usize = DATA_BYTES_MAX + 1;

/// Answers a user. Who it is is told by the token in the first message.
pub fn client(
    control_plane: &Arc<ControlPlane>,
    request: &mut Request<Incoming>,
    shutdown: CancellationToken,
) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let session_id = path.strip_prefix(CLIENT_PATH).unwrap_or_default().to_owned();
    let control_plane = Arc::clone(control_plane);
    accept(request, MESSAGE_BYTES_MAX, async move |socket| {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = serve::run(&control_plane, &session_id, socket) => {}
        }
    })
}
