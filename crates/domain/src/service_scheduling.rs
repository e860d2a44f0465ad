//! How the tasks of a service are kept where they are: its scheduling strategy, and its balance.

use serde::{Deserialize, Serialize};

use crate::{TaskArn, Timestamp};

/// How many tasks a service keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SchedulingStrategy {
    /// As many as are desired.
    #[default]
    Replica,
    /// One on each container instance that meets its placement constraints.
    Daemon,
}

impl SchedulingStrategy {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replica => "REPLICA",
            Self::Daemon => "DAEMON",
        }
    }

    /// What is not stored.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether tasks move so that they are spread over availability zones. A service that never said so keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AvailabilityZoneRebalancing {
    /// They move.
    Enabled,
    /// They stay.
    #[default]
    Disabled,
}

impl AvailabilityZoneRebalancing {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
        }
    }

    /// What is not stored.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What is known of the balance of a service between two looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Balance {
    /// Its tasks were said not to be balanced over availability zones, and not to be balanced again yet.
    #[serde(skip_serializing_if = "crate::task::is_false")]
    pub is_uneven: bool,
    /// The move under way: one at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moving: Option<Move>,
    /// When a move last began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved_at: Option<Timestamp>,
    /// The last thing said of a move that cannot be made, so that it is not repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announced: Option<String>,
}

impl Balance {
    /// What is not stored.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A task is replaced elsewhere before it stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The task that was started for it.
    pub replacement: TaskArn,
    /// Where it leaves one task too many.
    pub from: MovedFrom,
}

/// Where a move takes a task away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MovedFrom {
    /// An availability zone, by name.
    Zone(String),
    /// A host, by id.
    Host(String),
}
