//! Account settings: what an account, or one of its users, wants of ECS as a whole.

use serde::{Deserialize, Serialize};

use crate::Scope;

/// A setting that somebody has made. What nobody has made has [`SettingName::default_value`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSetting {
    /// Account and region: part of the record's key.
    pub scope: Scope,
    /// ARN of a user or role, or [`root_of`] for the account's default: part of the record's key.
    pub principal: String,
    /// Part of the record's key.
    pub name: SettingName,
    /// One of [`SettingName::values`].
    pub value: String,
}

/// The principal whose settings are the defaults of its account.
pub fn root_of(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

/// Names of settings.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SettingName {
    /// More network interfaces for each container instance.
    AwsvpcTrunking,
    /// What new clusters begin with.
    ContainerInsights,
    /// Long ARNs of container instances: for good.
    ContainerInstanceLongArnFormat,
    /// Whether logging may hold up a container.
    DefaultLogDriverMode,
    /// Event windows of FARGATE.
    FargateEventWindows,
    /// Cryptography by FIPS 140 on FARGATE.
    FargateFipsMode,
    /// Days between the notice and the retirement of a FARGATE task.
    FargateTaskRetirementWaitPeriod,
    /// Runtime monitoring; made by Amazon itself.
    GuardDutyActivate,
    /// Long ARNs of services: for good.
    ServiceLongArnFormat,
    /// Whether tags on creation need `ecs:TagResource`.
    TagResourceAuthorization,
    /// Long ARNs of tasks: for good.
    TaskLongArnFormat,
}

const SWITCH: &[&str] = &["enabled", "disabled"];

impl SettingName {
    /// All of them, in the order of their words.
    pub const ALL: [Self; 11] = [
        Self::AwsvpcTrunking,
        Self::ContainerInsights,
        Self::ContainerInstanceLongArnFormat,
        Self::DefaultLogDriverMode,
        Self::FargateEventWindows,
        Self::FargateFipsMode,
        Self::FargateTaskRetirementWaitPeriod,
        Self::GuardDutyActivate,
        Self::ServiceLongArnFormat,
        Self::TagResourceAuthorization,
        Self::TaskLongArnFormat,
    ];

    /// The setting of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwsvpcTrunking => "awsvpcTrunking",
            Self::ContainerInsights => "containerInsights",
            Self::ContainerInstanceLongArnFormat => "containerInstanceLongArnFormat",
            Self::DefaultLogDriverMode => "defaultLogDriverMode",
            Self::FargateEventWindows => "fargateEventWindows",
            Self::FargateFipsMode => "fargateFIPSMode",
            Self::FargateTaskRetirementWaitPeriod => "fargateTaskRetirementWaitPeriod",
            Self::GuardDutyActivate => "guardDutyActivate",
            Self::ServiceLongArnFormat => "serviceLongArnFormat",
            Self::TagResourceAuthorization => "tagResourceAuthorization",
            Self::TaskLongArnFormat => "taskLongArnFormat",
        }
    }

    /// What it may be.
    pub fn values(self) -> &'static [&'static str] {
        match self {
            Self::AwsvpcTrunking
            | Self::FargateEventWindows
            | Self::FargateFipsMode
            | Self::ContainerInstanceLongArnFormat
            | Self::ServiceLongArnFormat
            | Self::TaskLongArnFormat => SWITCH,
            Self::ContainerInsights => &["enabled", "disabled", "enhanced"],
            Self::DefaultLogDriverMode => &["blocking", "non-blocking"],
            Self::FargateTaskRetirementWaitPeriod => &["0", "7", "14"],
            Self::GuardDutyActivate | Self::TagResourceAuthorization => &["on", "off"],
        }
    }

    /// What it is while nobody has made it.
    pub fn default_value(self) -> &'static str {
        match self {
            Self::AwsvpcTrunking
            | Self::ContainerInsights
            | Self::FargateEventWindows
            | Self::FargateFipsMode => "disabled",
            Self::ContainerInstanceLongArnFormat | Self::ServiceLongArnFormat | Self::TaskLongArnFormat => {
                "enabled"
            }
            Self::DefaultLogDriverMode => "non-blocking",
            Self::FargateTaskRetirementWaitPeriod => "7",
            Self::GuardDutyActivate => "off",
            Self::TagResourceAuthorization => "on",
        }
    }

    /// Was a choice until April 2021.
    pub fn is_long_arn_format(self) -> bool {
        matches!(
            self,
            Self::ContainerInstanceLongArnFormat | Self::ServiceLongArnFormat | Self::TaskLongArnFormat
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_word_and_a_default_that_it_may_be() {
        for name in SettingName::ALL {
            assert_eq!(SettingName::parse(name.as_str()), Some(name));
            assert!(name.values().contains(&name.default_value()), "{name:?}");
        }
        assert!(SettingName::ALL.is_sorted_by_key(|it| it.as_str()));
        assert_eq!(SettingName::parse("dualStackIPv6"), None);
    }
}
