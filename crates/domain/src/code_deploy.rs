//! CodeDeploy for services of ECS: applications, their deployment groups, and deployments that replace the task set of
//! a service by another one and shift its traffic.
//!
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-ecs.html>

pub mod application_revision;
pub mod deployment;
pub mod deployment_config;
pub mod deployment_group;
pub mod stage;

use serde::{Deserialize, Serialize};

use crate::tags::Pair;
use crate::{Scope, Timestamp};

/// An application: what deployment groups belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeDeployApplication {
    /// Part of the record's key.
    pub scope: Scope,
    /// Part of the record's key.
    pub name: String,
    /// A UUID shown to users.
    pub id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// A share of the traffic, in percent.
pub type Percent = u16;
/// All traffic.
pub const ALL_TRAFFIC: Percent = 100;
