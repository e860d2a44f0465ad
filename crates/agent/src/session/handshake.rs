//! Making a websocket connection to the control plane: the signed upgrade.

use std::time::Duration;

use http::request::Parts;
use http::{Request, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::{Error, protocol::WebSocketConfig};

use super::messages::{Incoming, exception};
use crate::control_plane::ControlPlane;

/// How long connecting and the upgrade may take.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(30);
/// A larger message is no message.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A connection.
pub type Socket = WebSocketStream<TcpStream>;

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// In order, or torn: to be followed by the next at once.
    Closed,
    /// There was no message for too long.
    Silent,
    /// It was not made, or closed for a reason that calls for patience.
    Failed(String),
    /// The container instance is not registered any more.
    Inactive,
    /// The agent ends.
    Shutdown,
}

/// Connects to a URL without query, signed.
///
/// # Errors
/// How it ended before it began.
pub async fn connect(
    control_plane: &ControlPlane,
    url: &str,
    query: &[(&str, &str)],
) -> Result<Socket, Ended> {
    let failed = |error: &dyn std::fmt::Display| Ended::Failed(error.to_string());
    let request = upgrade(control_plane, url, query)?;
    let host = request
        .uri()
        .host()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned();
    let port = request.uri().port_u16().unwrap_or(80);
    let stream = TcpStream::connect((host, port)).await.map_err(|it| failed(&it))?;
    stream.set_nodelay(true).map_err(|it| failed(&it))?;
    let limits = WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX));
    let upgraded = tokio_tungstenite::client_async_with_config(request, stream, Some(limits)).await;
    match upgraded {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => {
            let body = String::from_utf8_lossy(answer.body().as_deref().unwrap_or_default()).into_owned();
            match exception(&body) {
                Some(Incoming::Exception(name, _)) if name == "InactiveInstanceException" => {
                    Err(Ended::Inactive)
                }
                _ => Err(Ended::Failed(format!(
                    "upgrade refused: {} {body}",
                    answer.status()
                ))),
            }
        }
        Err(error) => Err(failed(&error)),
    }
}

/// The head of a signed GET; `body` is signed with it.
///
/// # Errors
/// The URL cannot be used.
pub fn signed(
    control_plane: &ControlPlane,
    url: &str,
    query: &[(&str, &str)],
    body: &[u8],
) -> Result<Parts, Ended> {
    let failed = |text: String| Ended::Failed(text);
    let rest = url.strip_prefix("http://");
    let rest = rest.ok_or_else(|| failed(format!("endpoint {url} is not http")))?;
    let pair =
        |(name, value): &(&str, &str)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
    let query = query.iter().map(pair).collect::<Vec<_>>().join("&");
    let uri: Uri = format!("ws://{rest}?{query}")
        .parse()
        .map_err(|it| failed(format!("endpoint {url}: {it}")))?;
    let host = uri.authority().map(ToString::to_string).unwrap_or_default();
    let request = Request::builder()
        .method("GET")
        .uri(uri)
        .header("host", host)
        .body(());
    let (mut parts, ()) = request.map_err(|it| failed(it.to_string()))?.into_parts();
    control_plane.sign_ecs(&mut parts, body);
    Ok(parts)
}

fn upgrade(control_plane: &ControlPlane, url: &str, query: &[(&str, &str)]) -> Result<Request<()>, Ended> {
    let failed = |text: String| Ended::Failed(text);
    let mut request = Request::from_parts(signed(control_plane, url, query, b"")?, ());
    let key = generate_key();
    let headers = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", &key),
    ];
    for (name, value) in headers {
        let value = value.parse().map_err(|_| failed(format!("header {name}")))?;
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}
