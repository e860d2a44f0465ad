//! What tasks find at 169.254.170.2: on port 80 credentials of their role, metadata, what they use and the agent's own
//! API; the AWS APIs on port 4566. Beside it, the introspection API of the agent on ports of the host.

mod answers;
mod environment;
mod ids;
mod introspection;
mod limits;
mod metadata;
mod path;
mod protection;
mod reply;
mod samples;
mod stats;
mod tags;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use self::answers::{Agent, Answers};
pub use self::environment::{add_endpoint, is_key};
pub use self::ids::EndpointIds;
use self::limits::Limits;
pub use self::metadata::labels;
use self::reply::{Answer, text};
use self::samples::Samples;
use crate::config::{AgentConfig, TaskApi};
use crate::control_plane::ControlPlane;
use crate::credentials::Credentials;
use crate::host::{Caller, Host, TaskConnection, TaskPort};
use crate::registration::Identity;
use crate::tasks::Tasks;

/// Connections that are served at the same time, of all tasks of the host.
const CONNECTIONS_MAX: usize = 512;
/// How long a client may take over the head of a request.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection to the endpoint may stay.
const CONNECTION_DEADLINE: Duration = Duration::from_secs(60);
/// How long the control plane's port is waited for.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// Pause after a failed accept, e.g. for want of files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// No request has more.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What connections are served from.
pub struct TaskEndpoint {
    /// Port 80.
    answers: Answers,
    /// `host:port` of the control plane.
    api: String,
    /// Whether it is reached through here.
    task_api: TaskApi,
    /// Where the introspection API is served on the host.
    introspection: Option<SocketAddr>,
    /// The agent ends.
    shutdown: CancellationToken,
}

/// Parts of the agent that the endpoint speaks for.
pub struct Parts {
    /// What runs tasks.
    pub host: Arc<dyn Host>,
    /// For what it alone knows.
    pub control_plane: Arc<ControlPlane>,
    /// Of the roles of tasks.
    pub credentials: Arc<Credentials>,
    /// All of this host.
    pub tasks: Arc<Tasks>,
    /// Makes the ids of containers.
    pub ids: EndpointIds,
    /// Who the agent is, once it is registered.
    pub identity: Arc<OnceLock<Identity>>,
}

impl TaskEndpoint {
    /// As the configuration says; nothing is served yet.
    pub fn new(config: &AgentConfig, parts: Parts, shutdown: CancellationToken) -> Self {
        Self {
            api: parts.control_plane.authority().to_owned(),
            task_api: config.task_api,
            introspection: config.introspection,
            shutdown,
            answers: Answers {
                samples: Samples::new(parts.host.clone()),
                host: parts.host,
                credentials: parts.credentials,
                tasks: parts.tasks,
                control_plane: parts.control_plane,
                region: config.region.clone(),
                identity: parts.identity,
                ids: parts.ids,
                limits: Limits::new(config.task_metadata_rate),
                agent: Agent {
                    cluster: config.cluster.clone(),
                    version: config.version.clone(),
                },
            },
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
        let introspection = self.listen().await;
        let this = Arc::new(self);
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let connection = tokio::select! {
                biased;
                () = this.shutdown.cancelled() => return,
                connection = connections.recv() => connection,
                connection = accept(introspection.as_ref()) => Some(connection),
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

    /// Nothing depends on the introspection API: without its port, e.g. beside another agent, everything else goes on.
    async fn listen(&self) -> Option<TcpListener> {
        let address = self.introspection?;
        match TcpListener::bind(address).await {
            Ok(listener) => Some(listener),
            Err(error) => {
                tracing::warn!(%address, %error, "the introspection API of the agent is not served");
                None
            }
        }
    }

    async fn handle(&self, connection: TaskConnection) {
        match connection.port {
            TaskPort::Endpoint => self.serve_endpoint(connection.caller, connection.stream).await,
            TaskPort::Introspection => self.serve_introspection(connection.stream).await,
            TaskPort::Api if self.task_api == TaskApi::Forwarded => self.forward(connection.stream).await,
            TaskPort::Api => {}
        }
    }

    async fn serve_endpoint(&self, caller: Caller, stream: TcpStream) {
        let address = stream.peer_addr().ok().map(|it| it.ip());
        let service = service_fn(|request: Request<Incoming>| {
            let answer = self.answer(&caller, address, request);
            async move { Ok::<Answer, Infallible>(answer.await) }
        });
        let connection = http().serve_connection(TokioIo::new(stream), service);
        // A client that goes away is no news.
        let _ = tokio::time::timeout(CONNECTION_DEADLINE, connection).await;
    }

    async fn serve_introspection(&self, stream: TcpStream) {
        let service = service_fn(|request: Request<Incoming>| async move {
            Ok::<Answer, Infallible>(self.answers.introspect(request.method(), request.uri()).await)
        });
        let connection = http().serve_connection(TokioIo::new(stream), service);
        let _ = tokio::time::timeout(CONNECTION_DEADLINE, connection).await;
    }

    async fn answer(&self, caller: &Caller, address: Option<IpAddr>, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
            return text(StatusCode::BAD_REQUEST, "The body cannot be read\n");
        };
        let body = body.to_bytes();
        self.answers
            .answer(caller, address, &head.method, head.uri.path(), &body)
            .await
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

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        // Some clients close their side once they have asked.
        .half_close(true);
    http
}

/// The next connection to the introspection API; never any without a listener.
async fn accept(listener: Option<&TcpListener>) -> TaskConnection {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                return TaskConnection {
                    caller: Caller::HostNetwork,
                    port: TaskPort::Introspection,
                    stream,
                };
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the introspection API was lost");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
