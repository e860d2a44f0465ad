//! A client that costs next to nothing: requests are signed once and sent as often as wanted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use test_support::gantry::{ACCESS_KEY_ID, Gantry, SECRET_ACCESS_KEY};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderMap, Request};
use wire::client;
use wire::shape::Operation;
use wire::sigv4::{Signer, sign};

/// Version of the API of Amazon EC2.
const EC2_VERSION: &str = "2016-11-15";
/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(10);

#[expect(
    clippy::disallowed_methods,
    reason = "a signature is checked against the clock of the machine"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

fn signer(service: &str) -> Signer<'_> {
    Signer {
        access_key_id: ACCESS_KEY_ID,
        secret_access_key: SECRET_ACCESS_KEY,
        region: "us-east-1",
        service,
        session_token: None,
    }
}

/// Head and body of a signed request, as they go over the wire.
pub fn signed<O: Operation>(host: &str, input: &O::Input) -> Result<Vec<u8>> {
    let (mut parts, body) = client::request::<O>(host, input)?;
    sign(&signer(O::SERVICE.signing_name), &mut parts, &body, now());
    written(&parts.headers, &body)
}

/// The same for a service that takes forms: the parameters of a call of Amazon EC2, its action among them.
pub fn signed_form(host: &str, parameters: &[(&str, &str)]) -> Result<Vec<u8>> {
    let encoded =
        |it: &str| percent_encoding::utf8_percent_encode(it, percent_encoding::NON_ALPHANUMERIC).to_string();
    let version = [("Version", EC2_VERSION)];
    let pairs = parameters.iter().chain(&version);
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    let body = pairs.join("&");
    let request = Request::builder()
        .method("POST")
        .uri("/")
        .header("host", host)
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .body(())?;
    let (mut parts, ()) = request.into_parts();
    sign(&signer("ec2"), &mut parts, body.as_bytes(), now());
    written(&parts.headers, body.as_bytes())
}

fn written(headers: &HeaderMap, body: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = b"POST / HTTP/1.1\r\n".to_vec();
    for (name, value) in headers {
        write!(bytes, "{name}: {}\r\n", value.to_str()?)?;
    }
    write!(bytes, "content-length: {}\r\n\r\n", body.len())?;
    bytes.extend(body);
    Ok(bytes)
}

/// The signed request that an agent's socket begins with: a GET of a path and query of ECS.
pub fn signed_upgrade(host: &str, path: &str) -> Result<Request<()>> {
    let request = Request::builder().uri(path).header("host", host).body(())?;
    let (mut parts, ()) = request.into_parts();
    sign(&signer("ecs"), &mut parts, b"", now());
    let mut upgrade = format!("ws://{host}{path}").into_client_request()?;
    upgrade.headers_mut().extend(parts.headers);
    Ok(upgrade)
}

/// A kept-alive connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    /// Connects to a Gantry.
    pub fn to(gantry: &Gantry) -> Result<Self> {
        let endpoint = gantry.endpoint();
        let host = endpoint.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).with_context(|| host.clone())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(Self {
            stream: BufReader::new(stream),
            host,
        })
    }

    /// Sends a signed request and gives the body of the answer, which must be a success.
    pub fn send(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        self.stream.get_mut().write_all(request)?;
        let mut status = String::new();
        self.stream.read_line(&mut status)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            if line == "\r\n" || line.is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        if !status.contains(" 200 ") {
            bail!("{}: {}", status.trim(), String::from_utf8_lossy(&body));
        }
        Ok(body)
    }

    /// Calls Amazon EC2, and gives the answer as it is.
    pub fn ec2(&mut self, parameters: &[(&str, &str)]) -> Result<String> {
        let request = signed_form(&self.host, parameters)?;
        let body = self.send(&request).with_context(|| format!("{parameters:?}"))?;
        Ok(String::from_utf8(body)?)
    }

    /// Calls an operation.
    pub fn call<O: Operation>(&mut self, input: &O::Input) -> Result<O::Output> {
        let request = signed::<O>(&self.host, input)?;
        let body = self.send(&request)?;
        client::answer::<O>(200, &body).map_err(|error| anyhow::anyhow!("{}: {error}", O::NAME))
    }
}
