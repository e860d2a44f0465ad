//! From ARNs to records of the caller's scope.

use std::sync::Arc;

use api::elbv2::Error;
use domain::arn::{Arn, Resource};
use domain::listener::Listener;
use domain::listener_rule::ListenerRule;
use domain::load_balancer::LoadBalancer;
use domain::target_group::TargetGroup;
use domain::{Scope, TargetGroupArn};
use store::State;

use super::errors::{no_listener, no_load_balancer, no_rule, no_target_group, validation};

/// Longest name of a load balancer or a target group.
const NAME_MAX: usize = 32;

fn parse<R: Resource>(kind: &str, given: &str) -> Result<Arn<R>, Error> {
    Arn::parse(given).map_err(|_| validation(format!("'{given}' is not a valid {kind} ARN")))
}

/// The load balancer of an ARN.
///
/// # Errors
/// ValidationError, LoadBalancerNotFound.
pub fn load_balancer(state: &State, scope: &Scope, given: &str) -> Result<Arc<LoadBalancer>, Error> {
    let arn = parse("load balancer", given)?;
    let found = state.get::<LoadBalancer>(&arn).filter(|_| arn.scope() == *scope);
    found
        .cloned()
        .ok_or_else(|| no_load_balancer(format!("Load balancer '{given}' not found")))
}

/// The listener of an ARN.
///
/// # Errors
/// ValidationError, ListenerNotFound.
pub fn listener(state: &State, scope: &Scope, given: &str) -> Result<Arc<Listener>, Error> {
    let arn = parse("listener", given)?;
    let found = state.get::<Listener>(&arn).filter(|_| arn.scope() == *scope);
    found
        .cloned()
        .ok_or_else(|| no_listener(format!("Listener '{given}' not found")))
}

/// The rule of an ARN.
///
/// # Errors
/// ValidationError, RuleNotFound.
pub fn rule(state: &State, scope: &Scope, given: &str) -> Result<Arc<ListenerRule>, Error> {
    let arn = parse("listener rule", given)?;
    let found = state.get::<ListenerRule>(&arn).filter(|_| arn.scope() == *scope);
    found
        .cloned()
        .ok_or_else(|| no_rule(format!("Rule '{given}' not found")))
}

/// The target group of an ARN.
///
/// # Errors
/// ValidationError, TargetGroupNotFound.
pub fn target_group(state: &State, scope: &Scope, given: &str) -> Result<Arc<TargetGroup>, Error> {
    let arn: TargetGroupArn = parse("target group", given)?;
    let found = state.get::<TargetGroup>(&arn).filter(|_| arn.scope() == *scope);
    found
        .cloned()
        .ok_or_else(|| no_target_group(format!("Target groups '{given}' not found")))
}

/// The load balancer of a listener's records.
///
/// # Errors
/// LoadBalancerNotFound; only if a record is damaged.
pub fn load_balancer_of(state: &State, listener: &Listener) -> Result<Arc<LoadBalancer>, Error> {
    let found = state.get::<LoadBalancer>(&listener.load_balancer).cloned();
    found.ok_or_else(|| no_load_balancer(format!("Load balancer '{}' not found", listener.load_balancer)))
}

/// Checks the name of a load balancer or a target group; `subject` begins the sentence.
///
/// # Errors
/// ValidationError.
pub fn check_name(subject: &str, name: &str) -> Result<(), Error> {
    if name.chars().count() > NAME_MAX {
        return Err(validation(format!(
            "{subject} name '{name}' cannot be longer than '{NAME_MAX}' characters"
        )));
    }
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || it == b'-';
    if name.is_empty() || !name.bytes().all(is_letter) {
        return Err(validation(format!(
            "{subject} name '{name}' can only contain characters that are alphanumeric characters or hyphens(-)"
        )));
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err(validation(format!(
            "{subject} name '{name}' cannot begin or end with '-'"
        )));
    }
    Ok(())
}
