//! Why a host does not take a task.

use domain::host::Shortage;

/// A reason, in the words of ECS's `failures[]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlacementRefusal {
    /// Its container instance takes no new tasks.
    Inactive,
    /// Its agent is not connected.
    Agent,
    /// It lacks an attribute that the task definition requires.
    Attribute(String),
    /// Something of its ledger is too short.
    Resource(Shortage),
    /// It has a task of the group already.
    DistinctInstance,
    /// It is not what an expression means.
    MemberOf,
}

impl PlacementRefusal {
    /// `reason` of the failure.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Inactive => "INACTIVE",
            Self::Agent => "AGENT",
            Self::Attribute(_) => "ATTRIBUTE",
            Self::Resource(shortage) => shortage.as_str(),
            Self::DistinctInstance => "DistinctInstance placement constraint unsatisfied.",
            Self::MemberOf => "MemberOf placement constraint unsatisfied.",
        }
    }

    /// How a service event goes on after "The closest matching (container-instance …) ".
    pub fn in_event(&self) -> &'static str {
        match self {
            Self::Inactive => "is not active",
            Self::Agent => "encountered error \"AGENT\"",
            Self::Attribute(_) => "is missing an attribute required by your task",
            Self::DistinctInstance => {
                "encountered error \"DistinctInstance placement constraint unsatisfied.\""
            }
            Self::MemberOf => "encountered error \"MemberOf placement constraint unsatisfied.\"",
            Self::Resource(Shortage::Cpu) => "has insufficient CPU units available",
            Self::Resource(Shortage::Memory) => "has insufficient memory available",
            Self::Resource(Shortage::Ports) => "is already using a port required by your task",
            Self::Resource(Shortage::Gpu) => "has insufficient GPU resource available",
        }
    }
}
