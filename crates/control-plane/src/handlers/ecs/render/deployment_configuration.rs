//! How a service deploys: bounds, circuit breaker, strategy and lifecycle hooks.

use api::ecs;
use domain::circuit_breaker::{CircuitBreaker, Threshold};
use domain::deployment_strategy::{DeploymentStrategy, Weight};
use domain::lifecycle_hook::{HookTarget, LifecycleHook};
use domain::service::{DeploymentAlarms, DeploymentConfiguration};

use super::count;

/// All of it, with what is not built yet switched off.
pub fn deployment_configuration(
    it: DeploymentConfiguration,
    hooks: &[LifecycleHook],
    alarms: &DeploymentAlarms,
) -> ecs::DeploymentConfiguration {
    let (linear, canary) = match it.strategy {
        DeploymentStrategy::Linear { step, bake_minutes } => (
            Some(ecs::LinearConfiguration {
                step_percent: Some(percent(step)),
                step_bake_time_in_minutes: Some(count(bake_minutes)),
            }),
            None,
        ),
        DeploymentStrategy::Canary { part, bake_minutes } => (
            None,
            Some(ecs::CanaryConfiguration {
                canary_percent: Some(percent(part)),
                canary_bake_time_in_minutes: Some(count(bake_minutes)),
            }),
        ),
        DeploymentStrategy::Rolling | DeploymentStrategy::BlueGreen => (None, None),
    };
    ecs::DeploymentConfiguration {
        deployment_circuit_breaker: Some(circuit_breaker(it.circuit_breaker)),
        maximum_percent: Some(count(it.maximum_percent)),
        minimum_healthy_percent: Some(count(it.minimum_healthy_percent)),
        alarms: Some(ecs::DeploymentAlarms {
            alarm_names: alarms.names.clone(),
            rollback: alarms.rollback,
            enable: false,
        }),
        strategy: Some(ecs::DeploymentStrategy::from(it.strategy.as_str())),
        bake_time_in_minutes: Some(count(it.bake_minutes)),
        lifecycle_hooks: (!hooks.is_empty()).then(|| hooks.iter().map(hook).collect()),
        linear_configuration: linear,
        canary_configuration: canary,
    }
}

/// A share of the traffic, in percent.
pub fn percent(weight: Weight) -> f64 {
    f64::from(weight) / 10.0
}

/// The kind of a hook's target.
pub fn target_type(target: &HookTarget) -> ecs::DeploymentLifecycleHookTargetType {
    match target {
        HookTarget::Pause => ecs::DeploymentLifecycleHookTargetType::Pause,
        HookTarget::Webhook(_) | HookTarget::Task(_) => ecs::DeploymentLifecycleHookTargetType::AwsLambda,
    }
}

fn hook(it: &LifecycleHook) -> ecs::DeploymentLifecycleHook {
    let stages = it.stages.iter();
    let timeout = it
        .timeout
        .map(|it| ecs::DeploymentLifecycleHookTimeoutConfiguration {
            action: it
                .action
                .map(|it| ecs::DeploymentLifecycleHookAction::from(it.as_str())),
            timeout_in_minutes: it.minutes.map(count),
        });
    ecs::DeploymentLifecycleHook {
        hook_target_arn: it.target.arn(),
        target_type: Some(target_type(&it.target)),
        role_arn: it.role_arn.clone(),
        lifecycle_stages: Some(
            stages
                .map(|it| ecs::DeploymentLifecycleHookStage::from(it.as_str()))
                .collect(),
        ),
        hook_details: it.details.as_deref().and_then(|it| it.parse().ok()),
        timeout_configuration: timeout,
    }
}

fn circuit_breaker(it: CircuitBreaker) -> ecs::DeploymentCircuitBreaker {
    let threshold = |it: Threshold| {
        let (kind, value) = match it {
            Threshold::Count(value) => (ecs::ThresholdType::Count, value),
            Threshold::BoundedPercent(value) => (ecs::ThresholdType::BoundedPercent, value),
            Threshold::UnboundedPercent(value) => (ecs::ThresholdType::UnboundedPercent, value),
        };
        ecs::ThresholdConfiguration {
            r#type: kind,
            value: count(value),
        }
    };
    ecs::DeploymentCircuitBreaker {
        enable: it.enable,
        rollback: it.rollback,
        reset_on_healthy_task: it.reset_on_healthy_task,
        threshold_configuration: it.threshold.map(threshold),
    }
}
