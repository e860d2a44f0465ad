//! What tasks find at 169.254.170.2: credentials of their role on port 80, the AWS APIs on port 4566.

mod answers;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::config::{AgentConfig, TaskApi};
use crate::control_plane::ControlPlane;
use crate::credentials::Credentials;
use crate::host::{TaskConnection, TaskPort};

/// Where credentials are, before their id.
pub const CREDENTIALS_PATH: &str = "/v2/credentials";
/// Tells the SDKs in a container the path of their credentials.
pub const CREDENTIALS_VARIABLE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
/// The AWS APIs as tasks reach them.
pub const API_IN_TASKS: &str = "http://169.254.170.2:4566";
/// Tells the SDKs in a container of them.
pub const API_VARIABLE: &str = "AWS_ENDPOINT_URL";
/// Connections that are served at the same time, of all tasks of the host.
const CONNECTIONS_MAX: usize = 512;
/// How long a client may take over the head of a request.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection to the endpoint may stay.
const CONNECTION_DEADLINE: Duration = Duration::from_secs(60);
/// How long the control plane's port is waited for.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// What connections are served from.
pub struct TaskEndpoint {
    /// Of the roles of tasks.
    credentials: Arc<Credentials>,
    /// `host:port` of the control plane.
    api: String,
    /// Whether it is reached through here.
    task_api: TaskApi,
    /// The agent ends.
    shutdown: CancellationToken,
}

impl TaskEndpoint {
    /// As the configuration says; nothing is served yet.
    pub fn new(
        config: &AgentConfig,
        control_plane: &ControlPlane,
        credentials: Arc<Credentials>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            credentials,
            api: control_plane.authority().to_owned(),
            task_api: config.task_api,
            shutdown,
        }
    }

    /// Serves connections until the agent ends; the future ends when it has ended.
    pub fn start(self, connections: mpsc::Receiver<TaskConnection>) -> impl Future<Output = ()> {
        let serving = tokio::spawn(self.serve(connections));
        async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the endpoint of tasks failed");
            }
        }
    }

    async fn serve(self, mut connections: mpsc::Receiver<TaskConnection>) {
        let this = Arc::new(self);
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let connection = tokio::select! {
                biased;
                () = this.shutdown.cancelled() => return,
                connection = connections.recv() => connection,
            };
            let Some(connection) = connection else { return };
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            let this = this.clone();
            tokio::spawn(async move {
                tokio::select! {
                    biased;
                    () = this.shutdown.cancelled() => {}
                    () = this.handle(connection) => {}
                }
                drop(place);
            });
        }
    }

    async fn handle(&self, connection: TaskConnection) {
        match connection.port {
            TaskPort::Endpoint => self.answer(connection.task_id, connection.stream).await,
            TaskPort::Api if self.task_api == TaskApi::Forwarded => self.forward(connection.stream).await,
            TaskPort::Api => {}
        }
    }

    async fn answer(&self, task_id: String, stream: TcpStream) {
        let service = service_fn(|request: Request<Incoming>| {
            let answer = answers::answer(
                &self.credentials,
                &task_id,
                request.method(),
                request.uri().path(),
            );
            async move { Ok::<Response<Full<Bytes>>, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_DEADLINE)
            .serve_connection(TokioIo::new(stream), service);
        // A client that goes away is no news.
        let _ = tokio::time::timeout(CONNECTION_DEADLINE, connection).await;
    }

    /// Byte for byte: the signature of a request covers the host that the client named.
    async fn forward(&self, mut stream: TcpStream) {
        let connected = tokio::time::timeout(CONNECT_DEADLINE, TcpStream::connect(&self.api)).await;
        let Ok(Ok(mut api)) = connected else {
            tracing::warn!("a task's call cannot be forwarded: the control plane cannot be reached");
            return;
        };
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut api).await;
    }
}
