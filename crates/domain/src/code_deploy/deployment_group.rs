//! Deployment groups: which service is deployed to, over which listeners and target groups, and what becomes of the
//! task set that is replaced.

use serde::{Deserialize, Serialize};

use crate::tags::Pair;
use crate::{ListenerArn, Scope, ServiceArn, Timestamp};

/// A deployment group of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentGroup {
    /// Part of the record's key.
    pub scope: Scope,
    /// Name of its application. Part of the record's key.
    pub application: String,
    /// Part of the record's key.
    pub name: String,
    /// A UUID shown to users.
    pub id: String,
    /// As given.
    pub service_role_arn: String,
    /// What deployments go by that name no config.
    pub deployment_config_name: String,
    /// What is deployed to.
    pub service: ServiceArn,
    /// How its traffic comes.
    pub routes: TrafficRoutes,
    /// What is waited for.
    pub blue_green: BlueGreen,
    /// When traffic goes back by itself.
    pub auto_rollback: AutoRollback,
    /// When it was made.
    pub created_at: Timestamp,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// How traffic comes to a service: two target groups take turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficRoutes {
    /// Names of the two groups.
    pub target_groups: [String; 2],
    /// The listener of production traffic.
    pub production: ListenerArn,
    /// The listener of test traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<ListenerArn>,
}

/// What a deployment waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlueGreen {
    /// Minutes in which somebody has to call ContinueDeployment before production traffic is shifted; `None` if it is
    /// shifted at once.
    pub ready_minutes: Option<u32>,
    /// Minutes after which the original task set is deleted; `None` if it is kept.
    pub termination_minutes: Option<u32>,
}

/// When a deployment is rolled back by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoRollback {
    /// Whether the others mean anything.
    pub enabled: bool,
    /// When it fails.
    pub on_failure: bool,
    /// When an alarm stops it.
    pub on_alarm: bool,
    /// When somebody stops it.
    pub on_request: bool,
}
