//! A capacity provider.

use api::ecs;
use domain::capacity_provider::{AutoScalingGroupProvider, CapacityProvider};
use domain::{CapacityProviderArn, Scope};

use super::count;
use crate::handlers::ecs::tags;

/// One of an Auto Scaling group; its tags are shown only when asked for.
pub fn capacity_provider(it: &CapacityProvider, with_tags: bool) -> ecs::CapacityProvider {
    let status = it.update_status.map(|it| it.as_str());
    ecs::CapacityProvider {
        capacity_provider_arn: Some(it.arn.to_string()),
        name: Some(it.arn.name().to_owned()),
        status: Some(ecs::CapacityProviderStatus::from(it.status.as_str())),
        r#type: Some(ecs::CapacityProviderType::Ec2Autoscaling),
        auto_scaling_group_provider: Some(group(&it.auto_scaling_group)),
        update_status: status.map(ecs::CapacityProviderUpdateStatus::from),
        tags: Some(if with_tags {
            tags::render(&it.tags)
        } else {
            Vec::new()
        }),
        ..ecs::CapacityProvider::default()
    }
}

fn group(it: &AutoScalingGroupProvider) -> ecs::AutoScalingGroupProvider {
    let scaling = it.managed_scaling;
    ecs::AutoScalingGroupProvider {
        auto_scaling_group_arn: it.auto_scaling_group.clone(),
        managed_scaling: Some(ecs::ManagedScaling {
            status: Some(ecs::ManagedScalingStatus::from(scaling.status.as_str())),
            target_capacity: Some(count(scaling.target_capacity)),
            minimum_scaling_step_size: Some(count(scaling.minimum_scaling_step_size)),
            maximum_scaling_step_size: Some(count(scaling.maximum_scaling_step_size)),
            instance_warmup_period: Some(count(scaling.instance_warmup_period)),
        }),
        managed_termination_protection: Some(ecs::ManagedTerminationProtection::from(
            it.managed_termination_protection.as_str(),
        )),
        managed_draining: Some(ecs::ManagedDraining::from(it.managed_draining.as_str())),
    }
}

/// FARGATE or FARGATE_SPOT: there is no record of them.
pub fn fargate_capacity_provider(scope: &Scope, name: &str) -> ecs::CapacityProvider {
    ecs::CapacityProvider {
        capacity_provider_arn: Some(CapacityProviderArn::of(scope, name).to_string()),
        name: Some(name.to_owned()),
        status: Some(ecs::CapacityProviderStatus::Active),
        r#type: Some(ecs::CapacityProviderType::from(name)),
        tags: Some(Vec::new()),
        ..ecs::CapacityProvider::default()
    }
}
