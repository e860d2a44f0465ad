//! Deployment configs: how traffic gets from one task set to the other.

use serde::{Deserialize, Serialize};

use super::{ALL_TRAFFIC, Percent};
use crate::{Scope, Timestamp};

/// A config that a user has made. Predefined ones are in no record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentConfig {
    /// Part of the record's key.
    pub scope: Scope,
    /// Part of the record's key.
    pub name: String,
    /// A UUID shown to users.
    pub id: String,
    /// What it says.
    pub routing: TrafficRouting,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How traffic gets from one task set to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrafficRouting {
    /// All of it at once.
    AllAtOnce,
    /// In equal steps.
    TimeBasedLinear {
        /// What a step shifts.
        percentage: Percent,
        /// Minutes between two steps.
        interval: u32,
    },
    /// A small part, then the rest.
    TimeBasedCanary {
        /// The small part.
        percentage: Percent,
        /// Minutes until the rest follows.
        interval: u32,
    },
}

impl TrafficRouting {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllAtOnce => "AllAtOnce",
            Self::TimeBasedLinear { .. } => "TimeBasedLinear",
            Self::TimeBasedCanary { .. } => "TimeBasedCanary",
        }
    }

    /// The share of the replacement after the next shift.
    pub fn next_share(self, share: Percent) -> Percent {
        match self {
            Self::AllAtOnce => ALL_TRAFFIC,
            Self::TimeBasedLinear { percentage, .. } => {
                share.saturating_add(percentage.max(1)).min(ALL_TRAFFIC)
            }
            Self::TimeBasedCanary { percentage, .. } if share == 0 => percentage.clamp(1, ALL_TRAFFIC),
            Self::TimeBasedCanary { .. } => ALL_TRAFFIC,
        }
    }

    /// Minutes between a shift that leaves traffic behind and the next.
    pub fn interval(self) -> u32 {
        match self {
            Self::AllAtOnce => 0,
            Self::TimeBasedLinear { interval, .. } | Self::TimeBasedCanary { interval, .. } => interval,
        }
    }
}

/// The config of deployment groups that name none.
pub const ALL_AT_ONCE: &str = "CodeDeployDefault.ECSAllAtOnce";
/// How the names of predefined configs begin.
pub const PREDEFINED_PREFIX: &str = "CodeDeployDefault.";

/// The predefined configs for ECS:
/// <https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html>
pub const PREDEFINED: [(&str, TrafficRouting); 5] = [
    (ALL_AT_ONCE, TrafficRouting::AllAtOnce),
    (
        "CodeDeployDefault.ECSCanary10Percent15Minutes",
        TrafficRouting::TimeBasedCanary {
            percentage: 10,
            interval: 15,
        },
    ),
    (
        "CodeDeployDefault.ECSCanary10Percent5Minutes",
        TrafficRouting::TimeBasedCanary {
            percentage: 10,
            interval: 5,
        },
    ),
    (
        "CodeDeployDefault.ECSLinear10PercentEvery1Minutes",
        TrafficRouting::TimeBasedLinear {
            percentage: 10,
            interval: 1,
        },
    ),
    (
        "CodeDeployDefault.ECSLinear10PercentEvery3Minutes",
        TrafficRouting::TimeBasedLinear {
            percentage: 10,
            interval: 3,
        },
    ),
];

/// The predefined config of that name.
pub fn predefined(name: &str) -> Option<TrafficRouting> {
    let found = PREDEFINED.iter().find(|(known, _)| *known == name);
    found.map(|(_, routing)| *routing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_is_shifted_in_the_steps_of_the_config() {
        let shares = |name: &str| {
            let routing = predefined(name).expect("is predefined");
            let mut shares = vec![routing.next_share(0)];
            while let Some(last) = shares.last().copied().filter(|it| *it < ALL_TRAFFIC) {
                shares.push(routing.next_share(last));
            }
            (shares, routing.interval())
        };
        assert_eq!(shares(ALL_AT_ONCE), (vec![100], 0));
        let canary = shares("CodeDeployDefault.ECSCanary10Percent5Minutes");
        assert_eq!(canary, (vec![10, 100], 5));
        let linear = shares("CodeDeployDefault.ECSLinear10PercentEvery3Minutes");
        assert_eq!(linear, (vec![10, 20, 30, 40, 50, 60, 70, 80, 90, 100], 3));
    }

    #[test]
    fn steps_that_do_not_divide_the_whole_end_with_the_rest() {
        let linear = TrafficRouting::TimeBasedLinear {
            percentage: 45,
            interval: 1,
        };
        assert_eq!((linear.next_share(0), linear.next_share(90)), (45, 100));
    }
}
