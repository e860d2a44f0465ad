//! Targets: who gets requests, and in what health they are.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{TargetGroupArn, TaskArn, Timestamp};

mod anomaly;
#[cfg(test)]
mod tests;

pub use anomaly::AnomalyDetection;

/// What identifies a target: the same id may be there on several ports.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TargetKey {
    /// The group that it is registered with.
    pub group: TargetGroupArn,
    /// An address, `i-…`, or the ARN of a load balancer.
    pub id: String,
    /// Where it gets requests.
    pub port: u16,
}

/// A target of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The record's key.
    pub key: TargetKey,
    /// The zone that it is taken to be in; `None` is every zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Where it can be reached, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// Whether it gets new requests.
    pub state: TargetState,
    /// The task that its service has registered as this; `None` if somebody else has registered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskArn>,
    /// It drains, and its load balancer has nothing in flight to it any more.
    #[serde(default, skip_serializing_if = "crate::task::is_false")]
    pub is_idle: bool,
    /// How it is: written by the session of the balancer that checks it, and by the transitions of its group.
    pub health: TargetHealth,
    /// Whether it fails more often than its peers: written by the session of the balancer.
    #[serde(default, skip_serializing_if = "AnomalyDetection::is_normal")]
    pub anomaly: AnomalyDetection,
}

/// Whether a target gets new requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetState {
    /// It does, as long as its health allows.
    Registered,
    /// It does not; those in flight may end. It goes when the delay of its group is over.
    Draining {
        /// When it was deregistered.
        since: Timestamp,
    },
}

/// How a target is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetHealth {
    /// In one word.
    pub state: TargetHealthState,
    /// Why it is not healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<TargetHealthReason>,
    /// What Amazon says about the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The health of a target in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TargetHealthState {
    /// Not known yet.
    Initial,
    /// It passes checks.
    Healthy,
    /// It does not.
    Unhealthy,
    /// An unhealthy one of a network load balancer whose connections may end.
    UnhealthyDraining,
    /// Nothing uses it.
    Unused,
    /// It was deregistered.
    Draining,
    /// Nobody checks.
    Unavailable,
}

impl TargetHealthState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Initial,
        Self::Healthy,
        Self::Unhealthy,
        Self::UnhealthyDraining,
        Self::Unused,
        Self::Draining,
        Self::Unavailable,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::UnhealthyDraining => "unhealthy.draining",
            Self::Unused => "unused",
            Self::Draining => "draining",
            Self::Unavailable => "unavailable",
        }
    }

    /// The state of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// Why a target is not healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TargetHealthReason {
    /// It is being registered.
    RegistrationInProgress,
    /// It has not been checked often enough.
    InitialHealthChecking,
    /// An error of the load balancer.
    InternalError,
    /// It answers with other codes than wanted.
    ResponseCodeMismatch,
    /// It does not answer in time.
    Timeout,
    /// It cannot be reached, or does not answer as the protocol wants.
    FailedHealthChecks,
    /// It is in no group.
    NotRegistered,
    /// No listener uses its group, or its zone is not one of the load balancer's.
    NotInUse,
    /// Its instance is stopped.
    InvalidState,
    /// Its address is the load balancer's own.
    IpUnusable,
    /// It was deregistered.
    DeregistrationInProgress,
    /// Checks are off.
    HealthCheckDisabled,
}

impl TargetHealthReason {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::RegistrationInProgress,
        Self::InitialHealthChecking,
        Self::InternalError,
        Self::ResponseCodeMismatch,
        Self::Timeout,
        Self::FailedHealthChecks,
        Self::NotRegistered,
        Self::NotInUse,
        Self::InvalidState,
        Self::IpUnusable,
        Self::DeregistrationInProgress,
        Self::HealthCheckDisabled,
    ];

    /// The code on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RegistrationInProgress => "Elb.RegistrationInProgress",
            Self::InitialHealthChecking => "Elb.InitialHealthChecking",
            Self::InternalError => "Elb.InternalError",
            Self::ResponseCodeMismatch => "Target.ResponseCodeMismatch",
            Self::Timeout => "Target.Timeout",
            Self::FailedHealthChecks => "Target.FailedHealthChecks",
            Self::NotRegistered => "Target.NotRegistered",
            Self::NotInUse => "Target.NotInUse",
            Self::InvalidState => "Target.InvalidState",
            Self::IpUnusable => "Target.IpUnusable",
            Self::DeregistrationInProgress => "Target.DeregistrationInProgress",
            Self::HealthCheckDisabled => "Target.HealthCheckDisabled",
        }
    }

    /// The reason of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == code)
    }

    /// What Amazon says about it, where nothing more is known.
    pub fn description(self) -> &'static str {
        match self {
            Self::RegistrationInProgress => "Target registration is in progress",
            Self::InitialHealthChecking => "Initial health checks in progress",
            Self::InternalError => "Internal error",
            Self::ResponseCodeMismatch => "Health checks failed with these codes: []",
            Self::Timeout => "Request timed out",
            Self::FailedHealthChecks => "Health checks failed",
            Self::NotRegistered => "Target is not registered to the target group",
            Self::NotInUse => "Target group is not configured to receive traffic from the load balancer",
            Self::InvalidState => "Target is in the stopped state",
            Self::IpUnusable => {
                "The target IP address is reserved for use by a load balancer or other service"
            }
            Self::DeregistrationInProgress => "Target deregistration is in progress",
            Self::HealthCheckDisabled => "Health checks are not enabled for this target",
        }
    }
}

impl TargetHealth {
    /// Healthy, for which there is no reason.
    pub fn healthy() -> Self {
        Self {
            state: TargetHealthState::Healthy,
            reason: None,
            description: None,
        }
    }

    /// Another state with its reason and the text that belongs to it.
    pub fn because(state: TargetHealthState, reason: TargetHealthReason) -> Self {
        Self {
            state,
            reason: Some(reason),
            description: Some(reason.description().to_owned()),
        }
    }

    /// That of a target that was just registered: something may use its group, or not.
    pub fn at_first(is_in_use: bool) -> Self {
        match is_in_use {
            true => Self::because(
                TargetHealthState::Initial,
                TargetHealthReason::RegistrationInProgress,
            ),
            false => Self::because(TargetHealthState::Unused, TargetHealthReason::NotInUse),
        }
    }

    /// That of a target in a zone that is none of the load balancer's: it gets no traffic.
    pub fn outside_zones() -> Self {
        let description = "Target is in an Availability Zone that is not enabled for the load balancer";
        Self {
            description: Some(description.to_owned()),
            ..Self::at_first(false)
        }
    }
}
