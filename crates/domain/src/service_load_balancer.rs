//! How services and their tasks stand behind load balancers.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html>

use serde::{Deserialize, Serialize};

use crate::target::{TargetHealthState, TargetKey};
use crate::{ListenerArn, ListenerRuleArn, TargetGroupArn};

#[cfg(test)]
mod tests;

/// Most target groups of a service, as on Amazon.
pub const LOAD_BALANCERS_MAX: usize = 5;

/// One of `loadBalancers` of a service or task set: a port of a container that gets requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceLoadBalancer {
    /// Tasks are registered here.
    pub target_group: TargetGroupArn,
    /// Whose port it is.
    pub container: String,
    /// As the container sees it.
    pub container_port: u16,
    /// How traffic moves from one revision to the next, in deployments that are not rolling ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advanced: Option<AdvancedConfiguration>,
}

/// `advancedConfiguration`: a second group that takes turns with the first, and the rules that choose between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvancedConfiguration {
    /// The other group.
    pub alternate_target_group: TargetGroupArn,
    /// Where production traffic comes from.
    pub production_listener_rule: TrafficSource,
    /// Where test traffic comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_listener_rule: Option<TrafficSource>,
    /// As given: Gantry shifts traffic by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
}

/// What sends traffic to target groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrafficSource {
    /// A rule of an application load balancer, maybe the default one of a listener.
    Rule(ListenerRuleArn),
    /// A listener of a network load balancer.
    Listener(ListenerArn),
}

impl TrafficSource {
    /// The ARN of either kind; `None` for any other.
    pub fn parse(arn: &str) -> Option<Self> {
        let rule = ListenerRuleArn::parse(arn).map(Self::Rule);
        let either = rule.or_else(|_| ListenerArn::parse(arn).map(Self::Listener));
        either.ok()
    }

    /// Its ARN.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Rule(arn) => arn.as_str(),
            Self::Listener(arn) => arn.as_str(),
        }
    }
}

impl ServiceLoadBalancer {
    /// The groups that tasks of one or another revision are registered with.
    pub fn target_groups(&self) -> impl Iterator<Item = &TargetGroupArn> {
        let other = self.advanced.iter().map(|it| &it.alternate_target_group);
        std::iter::once(&self.target_group).chain(other)
    }
}

/// A place of a task in a target group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskTarget {
    /// The group.
    pub group: TargetGroupArn,
    /// Whose port gets requests.
    pub container: String,
    /// As the container sees it.
    pub container_port: u16,
    /// How far it is.
    pub state: TaskTargetState,
}

/// How far a task is with a target group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskTargetState {
    /// Not registered yet.
    Waiting,
    /// Registered.
    Registered {
        /// As what in the group: an address or `i-…`.
        id: String,
        /// On which port.
        port: u16,
        /// What the load balancer says of it.
        health: TargetHealthState,
    },
    /// It could not be registered.
    Refused,
    /// Deregistered: it gets no new requests.
    Deregistered {
        /// As what it was registered.
        id: String,
        /// On which port.
        port: u16,
    },
}

impl TaskTarget {
    /// A place that the task is to get.
    pub fn waiting(group: TargetGroupArn, container: String, container_port: u16) -> Self {
        Self {
            group,
            container,
            container_port,
            state: TaskTargetState::Waiting,
        }
    }

    /// The target that it is registered as, or was.
    pub fn key(&self) -> Option<TargetKey> {
        match &self.state {
            TaskTargetState::Registered { id, port, .. } | TaskTargetState::Deregistered { id, port } => {
                Some(TargetKey {
                    group: self.group.clone(),
                    id: id.clone(),
                    port: *port,
                })
            }
            TaskTargetState::Waiting | TaskTargetState::Refused => None,
        }
    }

    /// It is registered now.
    pub fn is_registered(&self) -> bool {
        matches!(self.state, TaskTargetState::Registered { .. })
    }

    /// Requests can be sent to it.
    pub fn is_healthy(&self) -> bool {
        matches!(
            self.state,
            TaskTargetState::Registered {
                health: TargetHealthState::Healthy,
                ..
            }
        )
    }

    /// The load balancer has found that it fails, or it cannot be registered at all.
    pub fn is_unhealthy(&self) -> bool {
        matches!(
            self.state,
            TaskTargetState::Refused
                | TaskTargetState::Registered {
                    health: TargetHealthState::Unhealthy | TargetHealthState::UnhealthyDraining,
                    ..
                }
        )
    }
}
