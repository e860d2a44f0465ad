//! What callers say about where tasks may go, and where they go best.

use serde::{Deserialize, Serialize};

/// The attribute by which tasks spread over availability zones.
pub const AVAILABILITY_ZONE_ATTRIBUTE: &str = "ecs.availability-zone";

/// An entry of `placementConstraints`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlacementConstraint {
    /// No two tasks of a group on one container instance.
    DistinctInstance,
    /// Only container instances that an expression of the cluster query language means; kept as given.
    MemberOf(String),
}

impl PlacementConstraint {
    /// `type`
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::DistinctInstance => "distinctInstance",
            Self::MemberOf(_) => "memberOf",
        }
    }

    /// `expression`
    pub fn expression(&self) -> Option<&str> {
        match self {
            Self::DistinctInstance => None,
            Self::MemberOf(expression) => Some(expression),
        }
    }
}

/// An entry of `placementStrategy`. The first decides; each further one decides where those before it see no
/// difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlacementStrategy {
    /// Anywhere.
    Random,
    /// Where the fewest tasks of the group are.
    Spread(SpreadField),
    /// Where the least is left.
    Binpack(BinpackField),
}

/// What tasks spread over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpreadField {
    /// Container instances: `instanceId`, also written `host`.
    InstanceId,
    /// The values of the attribute of this name: `attribute:…`.
    Attribute(String),
}

/// What is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BinpackField {
    /// CPU units.
    Cpu,
    /// MiB.
    Memory,
}

impl PlacementStrategy {
    /// `type`
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Spread(_) => "spread",
            Self::Binpack(_) => "binpack",
        }
    }

    /// `field`, as Amazon reads it back: `host` has become `instanceId`.
    pub fn field(&self) -> Option<String> {
        match self {
            Self::Random => None,
            Self::Spread(SpreadField::InstanceId) => Some("instanceId".to_owned()),
            Self::Spread(SpreadField::Attribute(name)) => Some(format!("attribute:{name}")),
            Self::Binpack(BinpackField::Cpu) => Some("cpu".to_owned()),
            Self::Binpack(BinpackField::Memory) => Some("memory".to_owned()),
        }
    }
}
