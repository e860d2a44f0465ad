//! One call of an operation, as handlers see it: who calls, with what, and the way to the state.

use std::sync::Arc;

use domain::access_key::Principal;
use domain::{Scope, Timestamp};
use http::HeaderMap;
use http::uri::Authority;
use store::Store;
use telemetry::history::History;
use telemetry::logs::Logs;
use wire::Operation;

use crate::control_plane::ControlPlane;
use crate::events::Events;
use crate::executions::Executions;
use crate::file_systems::FileSystems;
use crate::handlers::PageKey;
use crate::object_storage::ObjectStorage;
use crate::registry::Registry;
use crate::role_sessions::RoleSessions;
use crate::service_connect_metrics::CountedByProxies;
use crate::sessions::{Balancers, Sessions};
use crate::streams::Streams;
use crate::vault::Vault;

/// Who signed the request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Account of the access key, region of the credential scope.
    pub scope: Scope,
    /// What the key stands for.
    pub principal: Principal,
    /// `AKIA…`
    pub access_key_id: String,
}

impl Caller {
    /// As `sts get-caller-identity` and `registeredBy` show it.
    pub fn arn(&self) -> String {
        let account = &self.scope.account;
        match &self.principal {
            Principal::Root => format!("arn:aws:iam::{account}:root"),
            Principal::Agent => format!("arn:aws:iam::{account}:user/gantry/agent"),
            Principal::Role(session) => {
                format!(
                    "arn:aws:sts::{account}:assumed-role/{}/{}",
                    session.role, session.name
                )
            }
        }
    }
}

/// A call that may be carried out: the caller has been found to be allowed to make it.
pub struct Call<O: Operation> {
    input: O::Input,
    caller: Caller,
    access: Authorized,
    now: Timestamp,
    origin: Origin,
}

/// How a caller reaches this server, for URLs that it is to follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// `host:port`, as the caller signed it. `None`: the advertised endpoint.
    pub authority: Option<String>,
    /// A proxy before this server speaks TLS.
    pub is_encrypted: bool,
}

impl Origin {
    /// As the head of a request has it.
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
        let authority = text("host").filter(|it| it.parse::<Authority>().is_ok());
        Self {
            authority: authority.map(str::to_owned),
            is_encrypted: text("x-forwarded-proto") == Some("https"),
        }
    }

    /// URL of a websocket on this server, as the caller reaches it; `path` begins with a slash.
    pub fn websocket_url(&self, advertised_endpoint: &str, path: &str) -> String {
        self.url("ws", advertised_endpoint, path)
    }

    /// The same of what is asked for with HTTP.
    pub fn http_url(&self, advertised_endpoint: &str, path: &str) -> String {
        self.url("http", advertised_endpoint, path)
    }

    fn url(&self, scheme: &str, advertised_endpoint: &str, path: &str) -> String {
        let advertised = advertised_endpoint
            .split_once("://")
            .map_or(advertised_endpoint, |(_, authority)| authority);
        let authority = self.authority.as_deref().unwrap_or(advertised);
        let encrypted = if self.is_encrypted { "s" } else { "" };
        format!("{scheme}{encrypted}://{authority}{path}")
    }
}

/// The way to the state. Only [`authorize`] makes one.
#[derive(Clone)]
pub struct Authorized(Arc<ControlPlane>);

/// The caller may not make the call.
#[derive(Debug, PartialEq, Eq)]
pub struct AccessDenied {
    /// In Amazon's words.
    pub message: String,
}

/// What an agent's key may call, as the managed policy for container instances has it:
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html>
const AGENT_OPERATIONS: [(&str, &[&str]); 3] = [
    (
        "ecr",
        &[
            "BatchCheckLayerAvailability",
            "BatchGetImage",
            "GetAuthorizationToken",
            "GetDownloadUrlForLayer",
        ],
    ),
    (
        "ecs",
        &[
            "CreateCluster",
            "DeregisterContainerInstance",
            "DiscoverPollEndpoint",
            "ListTagsForResource",
            "RegisterContainerInstance",
            "SubmitAttachmentStateChanges",
            "SubmitContainerStateChange",
            "SubmitTaskStateChange",
            "UpdateContainerInstancesState",
        ],
    ),
    (
        "logs",
        &[
            "CreateLogGroup",
            "CreateLogStream",
            "DescribeLogStreams",
            "PutLogEvents",
        ],
    ),
];

/// Decides whether a caller may use an operation.
///
/// # Errors
/// [`AccessDenied`].
pub fn authorize(
    control_plane: &Arc<ControlPlane>,
    caller: &Caller,
    service: &str,
    operation: &str,
) -> Result<Authorized, AccessDenied> {
    let is_allowed = match &caller.principal {
        // Policies of roles are kept, and decide nothing yet.
        Principal::Root | Principal::Role(_) => true,
        Principal::Agent => {
            let of_service = AGENT_OPERATIONS.iter().filter(|(of, _)| *of == service);
            of_service
                .flat_map(|(_, names)| names.iter())
                .any(|it| *it == operation)
                || (service, operation) == ("sts", "GetCallerIdentity")
        }
    };
    if !is_allowed {
        let message = format!(
            "User: {} is not authorized to perform: {service}:{operation} because no identity-based policy allows the {service}:{operation} action",
            caller.arn()
        );
        return Err(AccessDenied { message });
    }
    Ok(Authorized(Arc::clone(control_plane)))
}

impl Authorized {
    /// The state.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Sessions that follow load balancers.
    pub fn balancers(&self) -> &Balancers {
        &self.0.balancers
    }

    /// Log events.
    pub fn logs(&self) -> &Arc<Logs> {
        &self.0.logs
    }

    /// Tasks that have left the state.
    pub fn history(&self) -> &Arc<History> {
        &self.0.history
    }

    /// State changes.
    pub fn events(&self) -> &Arc<Events> {
        &self.0.events
    }

    /// Sessions with agents.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// What proxies of Service Connect have counted.
    pub(crate) fn counted_by_proxies(&self) -> &CountedByProxies {
        &self.0.counted_by_proxies
    }

    /// Seals parameters and secrets.
    pub fn values(&self) -> &Vault {
        &self.0.values
    }

    /// Issues credentials.
    pub fn role_sessions(&self) -> &RoleSessions {
        &self.0.role_sessions
    }

    /// Content of repositories.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.0.registry
    }

    /// Directories of file systems.
    pub fn file_systems(&self) -> &Arc<FileSystems> {
        &self.0.file_systems
    }

    /// Buckets with their objects.
    pub fn object_storage(&self) -> &Arc<ObjectStorage> {
        &self.0.object_storage
    }

    /// Signs page tokens.
    pub fn page_key(&self) -> &PageKey {
        &self.0.page_key
    }

    /// Commands in containers.
    pub fn executions(&self) -> &Arc<Executions> {
        &self.0.executions
    }

    /// Streams into tasks.
    pub fn streams(&self) -> &Arc<Streams> {
        &self.0.streams
    }

    /// Regions that are served.
    pub fn regions(&self) -> &[String] {
        &self.0.settings.regions
    }

    /// What public addresses are given of.
    pub fn public_addresses(&self) -> ipnet::Ipv4Net {
        self.0.settings.controllers.public_addresses
    }

    /// How the controllers are set.
    pub fn controllers(&self) -> &orchestrator::Settings {
        &self.0.settings.controllers
    }

    /// Where agents connect: `http://host:port`.
    pub fn advertised_endpoint(&self) -> &str {
        &self.0.settings.advertised_endpoint
    }
}

impl<O: Operation> Call<O> {
    /// Puts a call together.
    pub fn new(input: O::Input, caller: Caller, access: Authorized, now: Timestamp) -> Self {
        Self {
            input,
            caller,
            access,
            now,
            origin: Origin::default(),
        }
    }

    /// The same call, by a caller who reaches this server so.
    pub fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// How the caller reaches this server.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What was asked.
    pub fn input(&self) -> &O::Input {
        &self.input
    }

    /// Who asks.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Account and region of the call.
    pub fn scope(&self) -> &Scope {
        &self.caller.scope
    }

    /// The way to the state.
    pub fn access(&self) -> &Authorized {
        &self.access
    }

    /// When the request arrived. What is stored is stamped by the transaction instead.
    pub fn now(&self) -> Timestamp {
        self.now
    }
}
