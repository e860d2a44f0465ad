//! ConfigureHealthCheck, DescribeInstanceHealth.

use api::elb::{self, Error};
use domain::classic_load_balancer::{CheckTarget, ClassicHealthCheck, ClassicLoadBalancer, InstanceState};

use super::errors::{from_store, range, validation};
use super::instances::check_known;
use super::{names, render};
use crate::call::Call;
use crate::handlers::instances::{Instances, instances_of};

/// `ConfigureHealthCheck`.
///
/// # Errors
/// LoadBalancerNotFound, ValidationError.
pub async fn configure_health_check(
    call: Call<elb::ConfigureHealthCheck>,
) -> Result<elb::ConfigureHealthCheckOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let health_check = check(&input.health_check)?;
    let changed = call.access().store().transact(move |tx| {
        let it = names::load_balancer(tx.state(), &scope, &input.load_balancer_name)?;
        Ok(tx.put(ClassicLoadBalancer {
            health_check,
            ..ClassicLoadBalancer::clone(&it)
        }))
    });
    let changed = changed.await.map_err(from_store)?;
    Ok(elb::ConfigureHealthCheckOutput {
        health_check: Some(render::health_check(&changed.health_check)),
    })
}

fn check(given: &elb::HealthCheck) -> Result<ClassicHealthCheck, Error> {
    let within = |value: i32, member: &str, bounds: (i64, i64)| {
        range(value.into(), &format!("healthCheck.{member}"), bounds)?;
        u32::try_from(value).map_err(|_| validation(format!("healthCheck.{member} must not be negative")))
    };
    let target: CheckTarget = given
        .target
        .parse()
        .map_err(|error: domain::classic_load_balancer::InvalidCheckTarget| validation(error.to_string()))?;
    let check = ClassicHealthCheck {
        target,
        interval_seconds: within(given.interval, "interval", (5, 300))?,
        timeout_seconds: within(given.timeout, "timeout", (2, 60))?,
        healthy_threshold: within(given.healthy_threshold, "healthyThreshold", (2, 10))?,
        unhealthy_threshold: within(given.unhealthy_threshold, "unhealthyThreshold", (2, 10))?,
    };
    match check.timeout_seconds < check.interval_seconds {
        true => Ok(check),
        false => Err(validation("HealthCheck timeout must be less than interval")),
    }
}

/// `DescribeInstanceHealth`: of all instances, or of those given.
///
/// # Errors
/// LoadBalancerNotFound, InvalidInstance.
pub async fn describe_instance_health(
    call: Call<elb::DescribeInstanceHealth>,
) -> Result<elb::DescribeInstanceHealthOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let states = call.access().store().read(|state| {
        let it = names::load_balancer(state, scope, &input.load_balancer_name)?;
        let known = instances_of(state, scope);
        let wanted = input.instances.as_deref().unwrap_or_default();
        let wanted = wanted.iter().filter_map(|it| it.instance_id.clone());
        let wanted: Vec<String> = wanted.collect();
        check_known(&it, &known, &wanted)?;
        let ids: Vec<&str> = match wanted.is_empty() {
            true => it.instances.iter().map(|it| it.id.as_str()).collect(),
            false => wanted.iter().map(String::as_str).collect(),
        };
        Ok(ids.into_iter().map(|id| state_of(&it, &known, id)).collect())
    })?;
    Ok(elb::DescribeInstanceHealthOutput {
        instance_states: Some(states),
    })
}

fn state_of(it: &ClassicLoadBalancer, known: &Instances<'_>, id: &str) -> elb::InstanceState {
    let state = match it.instance(id) {
        None => InstanceState::NOT_REGISTERED,
        Some(_) if !known.contains_key(id) => InstanceState::TERMINATED,
        Some(instance) => it.state_of(instance),
    };
    let word = match state.is_in_service {
        true => "InService",
        false => "OutOfService",
    };
    elb::InstanceState {
        description: Some(state.description.to_owned()),
        instance_id: Some(id.to_owned()),
        reason_code: Some(state.reason.to_owned()),
        state: Some(word.to_owned()),
    }
}
