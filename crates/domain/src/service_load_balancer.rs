//! How services and their tasks stand behind load balancers.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html>

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::target::{TargetHealthState, TargetKey};
use crate::{ListenerArn, ListenerRuleArn, TargetGroupArn};

#[cfg(test)]
mod tests;

/// Most target groups of a service, as on Amazon.
pub const LOAD_BALANCERS_MAX: usize = 5;

/// What tasks are registered with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Behind {
    /// A target group: each task is a target of it.
    TargetGroup(TargetGroupArn),
    /// The classic load balancer of that name, of the scope of the service: the container instances of its tasks are
    /// registered. No name is an ARN, so that both are stored as their texts.
    Classic(String),
}

impl Behind {
    /// The target group, if it is one.
    pub fn target_group(&self) -> Option<&TargetGroupArn> {
        match self {
            Self::TargetGroup(arn) => Some(arn),
            Self::Classic(_) => None,
        }
    }

    /// The name of the classic load balancer, if it is one.
    pub fn classic(&self) -> Option<&str> {
        match self {
            Self::TargetGroup(_) => None,
            Self::Classic(name) => Some(name),
        }
    }

    /// The name of either.
    pub fn name(&self) -> &str {
        match self {
            Self::TargetGroup(arn) => arn.group_name(),
            Self::Classic(name) => name,
        }
    }

    /// What is registered with it, in the words of service events.
    pub fn registered_things(&self) -> &'static str {
        match self {
            Self::TargetGroup(_) => "targets",
            Self::Classic(_) => "instances",
        }
    }
}

impl fmt::Display for Behind {
    /// As service events and stopped tasks say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TargetGroup(arn) => write!(f, "(target-group {arn})"),
            Self::Classic(name) => write!(f, "(elb {name})"),
        }
    }
}

/// One of `loadBalancers` of a service or task set: a port of a container that gets requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceLoadBalancer {
    /// Tasks are registered here.
    #[serde(rename = "target_group")]
    pub behind: Behind,
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
        self.behind.target_group().into_iter().chain(other)
    }
}

/// A place of a task in a target group, or of its container instance behind a classic load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskTarget {
    /// What it is registered with.
    #[serde(rename = "group")]
    pub behind: Behind,
    /// Whose port gets requests.
    pub container: String,
    /// As the container sees it.
    pub container_port: u16,
    /// How far it is.
    pub state: TaskTargetState,
}

/// How far a task is with what it is registered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskTargetState {
    /// Not registered yet.
    Waiting,
    /// Registered.
    Registered {
        /// As what: an address or `i-…`.
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
    pub fn waiting(behind: Behind, container: String, container_port: u16) -> Self {
        Self {
            behind,
            container,
            container_port,
            state: TaskTargetState::Waiting,
        }
    }

    /// The target of its group that it is registered as, or was.
    pub fn key(&self) -> Option<TargetKey> {
        let (id, port) = self.registered_as()?;
        Some(TargetKey {
            group: self.behind.target_group()?.clone(),
            id: id.to_owned(),
            port,
        })
    }

    /// As what it is registered, or was, and on which port.
    pub fn registered_as(&self) -> Option<(&str, u16)> {
        match &self.state {
            TaskTargetState::Registered { id, port, .. } | TaskTargetState::Deregistered { id, port } => {
                Some((id, *port))
            }
            TaskTargetState::Waiting | TaskTargetState::Refused => None,
        }
    }

    /// The classic load balancer that its instance is registered with, or was, and that instance.
    pub fn instance(&self) -> Option<(&str, &str)> {
        let (id, _) = self.registered_as()?;
        Some((self.behind.classic()?, id))
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
