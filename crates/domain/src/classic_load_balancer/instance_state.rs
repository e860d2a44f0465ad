//! What is said of an instance behind a classic load balancer, in Amazon's words.
//! <https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_InstanceState.html>

use super::{ClassicInstance, ClassicLoadBalancer};
use crate::target::{TargetHealthReason, TargetHealthState};

/// What stands where there is no reason, and no description.
const NONE: &str = "N/A";

/// The state of an instance, and why it is out of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceState {
    /// `InService`, else `OutOfService`.
    pub is_in_service: bool,
    /// Who is the reason: `ELB`, `Instance` or `N/A`.
    pub reason: &'static str,
    /// In a sentence.
    pub description: &'static str,
}

impl InstanceState {
    /// One that is not registered.
    pub const NOT_REGISTERED: Self = Self::out_of_service(
        "Instance",
        "Instance is not currently registered with the LoadBalancer.",
    );
    /// One that was registered, and whose host is gone.
    pub const TERMINATED: Self = Self::out_of_service("Instance", "Instance is in terminated state.");

    const fn out_of_service(reason: &'static str, description: &'static str) -> Self {
        Self {
            is_in_service: false,
            reason,
            description,
        }
    }
}

impl ClassicLoadBalancer {
    /// The state of one of its instances.
    pub fn state_of(&self, instance: &ClassicInstance) -> InstanceState {
        if instance.draining_since.is_some() {
            return InstanceState {
                is_in_service: true,
                reason: "ELB",
                description: "Instance deregistration currently in progress.",
            };
        }
        if !self.is_in_zone_of(instance) {
            return InstanceState::out_of_service(
                "ELB",
                "Instance is in the EC2 Availability Zone for which LoadBalancer is not configured to route traffic to.",
            );
        }
        let health = self.health_of(instance);
        match (health.state, health.reason) {
            (TargetHealthState::Healthy, _) => InstanceState {
                is_in_service: true,
                reason: NONE,
                description: NONE,
            },
            (TargetHealthState::Initial, Some(TargetHealthReason::RegistrationInProgress)) => {
                InstanceState::out_of_service("ELB", "Instance registration is still in progress.")
            }
            (TargetHealthState::Initial, _) => InstanceState::out_of_service(
                "Instance",
                "Instance has not passed the configured HealthyThreshold number of health checks consecutively.",
            ),
            _ => InstanceState::out_of_service(
                "Instance",
                "Instance has failed at least the UnhealthyThreshold number of health checks consecutively.",
            ),
        }
    }

    /// The same as tasks know it. One in a zone that the load balancer is not in never gets into service: it fails.
    pub fn task_health_of(&self, instance: &ClassicInstance) -> TargetHealthState {
        if instance.draining_since.is_some() {
            return TargetHealthState::Draining;
        }
        match self.is_in_zone_of(instance) {
            true => self.health_of(instance).state,
            false => TargetHealthState::Unhealthy,
        }
    }
}
