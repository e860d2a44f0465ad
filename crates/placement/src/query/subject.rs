//! Subjects, and the operators that each takes.

use std::fmt;

use super::operator::Operator;

/// What is looked at of a container instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `true` or `false`
    AgentConnected,
    AgentVersion,
    Ec2InstanceId,
    RegisteredAt,
    /// Tasks in RUNNING.
    RunningTasksCount,
    /// Tasks on their way to RUNNING. Not in Amazon's list of subjects, but a member of every container instance.
    PendingTasksCount,
    /// The groups of all its tasks: a comparison holds if it holds for one of them.
    TaskGroup,
    Attribute(String),
}

impl Subject {
    /// Amazon's table of valid operators. It names none for attributes and groups: they take all, and all that
    /// have to do with texts.
    pub fn takes(&self, operator: Operator) -> bool {
        let is_text = matches!(
            operator,
            Operator::Equals
                | Operator::NotEquals
                | Operator::In
                | Operator::NotIn
                | Operator::Matches
                | Operator::NotMatches
        );
        let is_existence = matches!(operator, Operator::Exists | Operator::NotExists);
        let is_order = matches!(
            operator,
            Operator::Equals
                | Operator::NotEquals
                | Operator::GreaterThan
                | Operator::GreaterThanEqual
                | Operator::LessThan
                | Operator::LessThanEqual
        );
        match self {
            Self::Attribute(_) => true,
            Self::TaskGroup => is_text || is_existence,
            Self::AgentConnected | Self::Ec2InstanceId => is_text,
            Self::AgentVersion | Self::RegisteredAt | Self::RunningTasksCount | Self::PendingTasksCount => {
                is_order
            }
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentConnected => out.write_str("agentConnected"),
            Self::AgentVersion => out.write_str("agentVersion"),
            Self::Ec2InstanceId => out.write_str("ec2InstanceId"),
            Self::RegisteredAt => out.write_str("registeredAt"),
            Self::RunningTasksCount => out.write_str("runningTasksCount"),
            Self::PendingTasksCount => out.write_str("pendingTasksCount"),
            Self::TaskGroup => out.write_str("task:group"),
            Self::Attribute(name) => write!(out, "attribute:{name}"),
        }
    }
}
