//! A capacity provider with every field filled in.

use domain::CapacityProviderArn;
use domain::capacity_provider::{
    AutoScalingGroupProvider, CapacityProvider, CapacityProviderStatus, CapacityProviderStrategyItem,
    ManagedScaling, Toggle, UpdateStatus,
};

use crate::records::{scope, tags};

pub fn capacity_provider() -> CapacityProvider {
    CapacityProvider {
        arn: CapacityProviderArn::of(&scope(), "machines"),
        status: CapacityProviderStatus::Active,
        update_status: Some(UpdateStatus::UpdateComplete),
        auto_scaling_group: AutoScalingGroupProvider {
            auto_scaling_group: "machines".into(),
            managed_scaling: ManagedScaling {
                status: Toggle::Enabled,
                target_capacity: 80,
                minimum_scaling_step_size: 2,
                maximum_scaling_step_size: 20,
                instance_warmup_period: 60,
            },
            managed_termination_protection: Toggle::Enabled,
            managed_draining: Toggle::Disabled,
        },
        tags: tags(),
    }
}

pub fn strategy() -> Vec<CapacityProviderStrategyItem> {
    vec![CapacityProviderStrategyItem {
        capacity_provider: "FARGATE_SPOT".into(),
        base: 1,
        weight: 3,
    }]
}
