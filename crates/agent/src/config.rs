//! What an agent is told when it starts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::image_pulls::PullBehavior;

/// Configuration of an agent.
#[derive(Clone)]
pub struct AgentConfig {
    /// The control plane: `http://host:port`.
    pub endpoint: String,
    /// Region of the credential scope.
    pub region: String,
    /// Cluster to join, by name. `default` is created if it is missing.
    pub cluster: String,
    /// The key with which the agent signs.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// Folder for what must survive the agent.
    pub state_dir: PathBuf,
    /// Attributes besides those the agent knows itself: name and value.
    pub attributes: Vec<(String, Option<String>)>,
    /// TCP ports of the host that tasks must not take.
    pub reserved_ports: Vec<u16>,
    /// Whose tasks this host runs.
    pub capacity: CapacityKind,
    /// How images are pulled and when they are removed.
    pub images: ImageSettings,
    /// Version to report, e.g. `0.1.0`.
    pub version: String,
    /// Whether tasks reach the AWS APIs.
    pub task_api: TaskApi,
    /// How often each task may ask its endpoint.
    pub task_metadata_rate: RequestRate,
    /// Where the introspection API is served on the host, on loopback: 51678 on Amazon. A port that is taken is told in
    /// the log. `None`: nowhere.
    pub introspection: Option<SocketAddr>,
    /// Which load balancers listen on ports of the host too.
    pub publishing: Publishing,
}

/// Which load balancers listen on ports of the host too: those of their listeners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Publishing {
    /// None.
    #[default]
    Nothing,
    /// Those whose scheme is `internet-facing`.
    InternetFacing,
}

/// `ECS_TASK_METADATA_RPS_LIMIT`: how often somebody may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRate {
    /// Requests a second, on and on.
    pub per_second: u32,
    /// Requests at once.
    pub burst: u32,
}

impl Default for RequestRate {
    fn default() -> Self {
        Self {
            per_second: 40,
            burst: 60,
        }
    }
}

/// Whether tasks with a role find the AWS APIs at 169.254.170.2:4566.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskApi {
    /// Their SDKs are told by `AWS_ENDPOINT_URL`.
    Forwarded,
    /// Connections are closed, and nothing is told.
    Closed,
}

/// How images are pulled and when they are removed, with the defaults of Amazon's agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSettings {
    /// `ECS_IMAGE_PULL_BEHAVIOR`
    pub behavior: PullBehavior,
    /// `ECS_IMAGE_CLEANUP_INTERVAL`; `None` for `ECS_DISABLE_IMAGE_CLEANUP`.
    pub cleanup_interval: Option<Duration>,
    /// `ECS_IMAGE_MINIMUM_CLEANUP_AGE`: since an image was last used.
    pub minimum_age: Duration,
    /// `ECS_NUM_IMAGES_DELETE_PER_CYCLE`
    pub images_per_cycle: usize,
    /// Percent of the disk; beyond it images go that are younger, and more at once. 100: never.
    pub high_water_percent: u8,
}

impl Default for ImageSettings {
    fn default() -> Self {
        Self {
            behavior: PullBehavior::Default,
            cleanup_interval: Some(Duration::from_secs(30 * 60)),
            minimum_age: Duration::from_secs(60 * 60),
            images_per_cycle: 5,
            high_water_percent: 90,
        }
    }
}

/// Whose tasks a host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapacityKind {
    /// Tasks of launch type EC2 or EXTERNAL of its cluster.
    ContainerInstance,
    /// Those, and tasks of launch type FARGATE of all clusters of the account.
    ContainerInstanceAndFargate,
}

impl std::fmt::Debug for AgentConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentConfig")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("cluster", &self.cluster)
            .field("access_key_id", &self.access_key_id)
            .field("state_dir", &self.state_dir)
            .finish_non_exhaustive()
    }
}
