//! Signed calls to the control plane, with a deadline each.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::clock::Clock;
use http::Uri;
use http::request::Parts;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use wire::client::ClientError;
use wire::s3::S3Error;
use wire::sigv4::{Signer, sign};
use wire::{Operation, ServiceError};

use crate::config::AgentConfig;
use crate::credentials::RoleCredentials;
use crate::s3_object::S3Object;

/// A call that is not answered in this time has failed.
const CALL_DEADLINE: Duration = Duration::from_secs(30);
/// How long a connection is waited for.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How long an unused connection is kept.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);
/// An answer larger than this is a failure.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The control plane as this agent reaches it.
pub struct ControlPlane {
    /// `http://host:port`, without a slash at the end.
    endpoint: String,
    authority: String,
    region: String,
    access_key_id: String,
    secret_access_key: String,
    clock: Arc<dyn Clock>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// The endpoint cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("endpoint {0} is not of the form http://host:port")]
pub struct InvalidEndpoint(pub String);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E: std::fmt::Debug> {
    /// Nobody answered.
    #[error("the control plane cannot be reached: {0}")]
    Unreachable(String),
    /// The answer is an error.
    #[error(transparent)]
    Answer(#[from] ClientError<E>),
}

/// Why an object was not read.
#[derive(Debug, thiserror::Error)]
pub enum GetObjectError {
    /// Nobody answered.
    #[error("the control plane cannot be reached: {0}")]
    Unreachable(String),
    /// The answer is an error.
    #[error("{}: {}", .0.code, .0.message)]
    Refused(S3Error),
}

impl GetObjectError {
    /// Whether the same may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused(it) => it.status >= 500 || it.status == 429,
        }
    }
}

impl<E: std::fmt::Debug> CallError<E> {
    /// Whether the same call may succeed later: nobody answered, or the server is at fault or asks to slow down.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Answer(ClientError::Other { status, code, .. }) => {
                *status >= 500 || *status == 429 || code.contains("Throttling")
            }
            Self::Answer(ClientError::Service(_) | ClientError::Answer(_)) => false,
        }
    }
}

impl<E: ServiceError> CallError<E> {
    /// Name of the exception, if it is one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Answer(ClientError::Service(error)) => Some(error.code()),
            Self::Answer(ClientError::Other { code, .. }) => Some(code),
            Self::Answer(ClientError::Answer(_)) | Self::Unreachable(_) => None,
        }
    }

    /// What it says, without its name.
    pub fn message(&self) -> String {
        match self {
            Self::Answer(ClientError::Service(error)) => error.message().unwrap_or_default().to_owned(),
            Self::Answer(ClientError::Other { message, .. }) => message.clone(),
            other => other.to_string(),
        }
    }

    /// The status of the answer; `None` if there was none.
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::Answer(ClientError::Service(error)) => Some(error.http_status()),
            Self::Answer(ClientError::Other { status, .. }) => Some(*status),
            Self::Answer(ClientError::Answer(_)) | Self::Unreachable(_) => None,
        }
    }

    /// `Name: message`, as ECS prints exceptions in reasons.
    pub fn text(&self) -> String {
        match self {
            Self::Answer(ClientError::Service(error)) => {
                format!("{}: {}", error.code(), error.message().unwrap_or_default())
            }
            other => other.to_string(),
        }
    }
}

impl ControlPlane {
    /// A client for the control plane of a configuration. Nothing is sent yet.
    ///
    /// # Errors
    /// [`InvalidEndpoint`].
    pub fn new(config: &AgentConfig, clock: Arc<dyn Clock>) -> Result<Self, InvalidEndpoint> {
        let invalid = || InvalidEndpoint(config.endpoint.clone());
        let uri: Uri = config.endpoint.parse().map_err(|_| invalid())?;
        let authority = uri
            .authority()
            .filter(|_| uri.scheme_str() == Some("http"))
            .ok_or_else(invalid)?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_DEADLINE));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self {
            endpoint: format!("http://{authority}"),
            authority: authority.to_string(),
            region: config.region.clone(),
            access_key_id: config.access_key_id.clone(),
            secret_access_key: config.secret_access_key.clone(),
            clock,
            client,
        })
    }

    /// `host:port`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// `http://host:port`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Calls an operation in the agent's own region.
    ///
    /// # Errors
    /// [`CallError`]; nothing is tried again here.
    pub async fn call<O: Operation>(&self, input: &O::Input) -> Result<O::Output, CallError<O::Error>> {
        self.call_in::<O>(&self.region, input).await
    }

    /// Calls an operation in a region.
    ///
    /// # Errors
    /// [`CallError`]; nothing is tried again here.
    pub async fn call_in<O: Operation>(
        &self,
        region: &str,
        input: &O::Input,
    ) -> Result<O::Output, CallError<O::Error>> {
        self.exchange::<O>(&self.signer(region, O::SERVICE.signing_name), input)
            .await
    }

    /// Calls an operation in a region, as a task's role.
    ///
    /// # Errors
    /// [`CallError`]; nothing is tried again here.
    pub async fn call_as<O: Operation>(
        &self,
        role: &RoleCredentials,
        region: &str,
        input: &O::Input,
    ) -> Result<O::Output, CallError<O::Error>> {
        let signer = Signer {
            access_key_id: &role.access_key_id,
            secret_access_key: &role.secret_access_key,
            region,
            service: O::SERVICE.signing_name,
            session_token: Some(&role.session_token),
        };
        self.exchange::<O>(&signer, input).await
    }

    async fn exchange<O: Operation>(
        &self,
        signer: &Signer<'_>,
        input: &O::Input,
    ) -> Result<O::Output, CallError<O::Error>> {
        let (mut parts, body) = wire::client::request::<O>(&self.authority, input)
            .map_err(|it| CallError::Unreachable(it.to_string()))?;
        sign(signer, &mut parts, &body, self.clock.now());
        let exchange = self.send(parts, body).await;
        let (status, body) = exchange.map_err(CallError::Unreachable)?;
        Ok(wire::client::answer::<O>(status, &body)?)
    }

    /// Reads an object of S3 as a task's role. Larger ones than an answer may be are a failure.
    ///
    /// # Errors
    /// [`GetObjectError`]; nothing is tried again here.
    pub async fn get_object(
        &self,
        role: &RoleCredentials,
        region: &str,
        object: &S3Object,
    ) -> Result<Bytes, GetObjectError> {
        let signer = Signer {
            access_key_id: &role.access_key_id,
            secret_access_key: &role.secret_access_key,
            region,
            service: wire::s3::SIGNING_NAME,
            session_token: Some(&role.session_token),
        };
        let path = wire::s3::object_path(&object.bucket, &object.key);
        let request = http::Request::get(path).header("host", &self.authority).body(());
        let request = request.map_err(|it| GetObjectError::Unreachable(it.to_string()))?;
        let mut parts = request.into_parts().0;
        sign(&signer, &mut parts, b"", self.clock.now());
        let (status, body) = self
            .send(parts, Vec::new())
            .await
            .map_err(GetObjectError::Unreachable)?;
        match status {
            200 => Ok(body),
            _ => Err(GetObjectError::Refused(S3Error::parse(status, &body))),
        }
    }

    /// Sends a signed request, of which the address is still only a path. Answers status and body.
    async fn send(&self, mut parts: Parts, body: Vec<u8>) -> Result<(u16, Bytes), String> {
        let address = format!("{}{}", self.endpoint, parts.uri);
        parts.uri = address
            .parse()
            .map_err(|it: http::uri::InvalidUri| it.to_string())?;
        let request = http::Request::from_parts(parts, Full::new(Bytes::from(body)));
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|it| chain(&it))?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
            Ok((status, body.map_err(|it| it.to_string())?.to_bytes()))
        };
        let exchange = tokio::time::timeout(CALL_DEADLINE, exchange).await;
        exchange.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    /// Signs a request that is sent by other means.
    pub fn sign(&self, parts: &mut Parts, body: &[u8], region: &str, service: &str) {
        sign(&self.signer(region, service), parts, body, self.clock.now());
    }

    fn signer<'a>(&'a self, region: &'a str, service: &'a str) -> Signer<'a> {
        Signer {
            access_key_id: &self.access_key_id,
            secret_access_key: &self.secret_access_key,
            region,
            service,
            session_token: None,
        }
    }

    /// Signs a request to ECS in the agent's own region.
    pub fn sign_ecs(&self, parts: &mut Parts, body: &[u8]) {
        self.sign(parts, body, &self.region, "ecs");
    }
}

/// An error with its causes: hyper's own text does not say why.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
