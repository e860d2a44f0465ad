//! What all requests share.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use store::Store;
use telemetry::history::History;
use telemetry::logs::Logs;

use crate::access_logs::AccessLogs;
use crate::events::Events;
use crate::executions::Executions;
use crate::file_systems::FileSystems;
use crate::handlers::PageKey;
use crate::identity::SigningKeys;
use crate::object_storage::ObjectStorage;
use crate::registry::Registry;
use crate::request_limits::{Buckets, RequestLimits};
use crate::role_sessions::RoleSessions;
use crate::service_connect_metrics::CountedByProxies;
use crate::sessions::{Balancers, NetworkFollowers, Resolvers, Sessions};
use crate::streams::Streams;
use crate::vault::{MasterKey, Vault};

/// Settings of a control plane.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Regions that are served.
    pub regions: Vec<String>,
    /// Where agents connect: `http://host:port`.
    pub advertised_endpoint: String,
    /// How many requests an account may make.
    pub request_limits: RequestLimits,
    /// After so long without a byte in either direction a command in a container is ended.
    pub execute_command_idle: Duration,
    /// How the controllers are set: explanations say what they do, and addresses are given of the same range.
    pub controllers: orchestrator::Settings,
}

/// What is kept on disk outside the store.
pub struct Kept {
    /// Log groups, streams and events.
    pub logs: Arc<Logs>,
    /// Tasks that have left the state.
    pub history: Arc<History>,
    /// State changes.
    pub events: Arc<Events>,
    /// Content of repositories.
    pub registry: Arc<Registry>,
    /// Directories of file systems.
    pub file_systems: Arc<FileSystems>,
    /// Buckets with their objects.
    pub object_storage: Arc<ObjectStorage>,
}

/// A control plane, without its connections.
pub struct ControlPlane {
    pub(crate) store: Store,
    pub(crate) logs: Arc<Logs>,
    /// Tasks that have left the state.
    pub(crate) history: Arc<History>,
    /// State changes.
    pub(crate) events: Arc<Events>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) file_systems: Arc<FileSystems>,
    pub(crate) object_storage: Arc<ObjectStorage>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    pub(crate) page_key: PageKey,
    pub(crate) signing_keys: SigningKeys,
    pub(crate) sessions: Sessions,
    /// Sessions that follow load balancers.
    pub(crate) balancers: Balancers,
    /// Sessions that follow names.
    pub(crate) resolvers: Resolvers,
    /// Sessions that follow networks.
    pub(crate) network_followers: NetworkFollowers,
    /// Lines of access logs that wait to be written.
    pub(crate) access_logs: AccessLogs,
    /// What proxies of Service Connect have counted.
    pub(crate) counted_by_proxies: CountedByProxies,
    /// Seals the cookies of load balancers.
    pub(crate) cookie_key: [u8; 32],
    pub(crate) executions: Arc<Executions>,
    pub(crate) streams: Arc<Streams>,
    /// Seals parameters and secrets.
    pub(crate) values: Vault,
    pub(crate) role_sessions: RoleSessions,
    pub(crate) buckets: Buckets,
}

impl ControlPlane {
    /// Puts a control plane together.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn new(
        store: Store,
        kept: Kept,
        clock: Arc<dyn Clock>,
        settings: Settings,
        master_key: &MasterKey,
    ) -> Result<Arc<Self>, getrandom::Error> {
        let mut page_key = [0; 32];
        getrandom::fill(&mut page_key)?;
        Ok(Arc::new(Self {
            store,
            logs: kept.logs,
            history: kept.history,
            events: kept.events,
            registry: kept.registry,
            file_systems: kept.file_systems,
            object_storage: kept.object_storage,
            clock,
            buckets: Buckets::new(settings.request_limits),
            settings,
            page_key: PageKey(page_key),
            signing_keys: SigningKeys::default(),
            sessions: Sessions::default(),
            balancers: Balancers::default(),
            resolvers: Resolvers::default(),
            network_followers: NetworkFollowers::default(),
            access_logs: AccessLogs::default(),
            counted_by_proxies: CountedByProxies::default(),
            cookie_key: master_key.key("cookies of load balancers"),
            executions: Arc::default(),
            streams: Arc::default(),
            values: master_key.vault("values"),
            role_sessions: RoleSessions::new(master_key),
        }))
    }
}
