//! How a service gets from one revision to the next: by rolling, or in stages between which somebody may object.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html>

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// A share of the traffic, in tenths of a percent.
pub type Weight = u32;
/// All traffic.
pub const ALL_TRAFFIC: Weight = 1000;

/// How a service gets from one revision to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeploymentStrategy {
    /// Tasks are replaced within the service's bounds.
    #[default]
    Rolling,
    /// The new revision comes up beside the old one, then takes all traffic at once.
    BlueGreen,
    /// It takes the traffic in equal steps.
    Linear {
        /// What one step shifts.
        step: Weight,
        /// How long a step is watched before the next.
        bake_minutes: u32,
    },
    /// It takes a small part of the traffic, then the rest.
    Canary {
        /// The small part.
        part: Weight,
        /// How long it is watched before the rest follows.
        bake_minutes: u32,
    },
}

impl DeploymentStrategy {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rolling => "ROLLING",
            Self::BlueGreen => "BLUE_GREEN",
            Self::Linear { .. } => "LINEAR",
            Self::Canary { .. } => "CANARY",
        }
    }

    /// The share of the new revision after the next shift.
    pub fn next_weight(self, weight: Weight) -> Weight {
        match self {
            Self::Rolling | Self::BlueGreen => ALL_TRAFFIC,
            Self::Linear { step, .. } => weight.saturating_add(step.max(1)).min(ALL_TRAFFIC),
            Self::Canary { part, .. } if weight == 0 => part.clamp(1, ALL_TRAFFIC),
            Self::Canary { .. } => ALL_TRAFFIC,
        }
    }

    /// How long a shift that leaves traffic behind is watched, in minutes.
    pub fn step_bake_minutes(self) -> u32 {
        match self {
            Self::Rolling | Self::BlueGreen => 0,
            Self::Linear { bake_minutes, .. } | Self::Canary { bake_minutes, .. } => bake_minutes,
        }
    }
}
