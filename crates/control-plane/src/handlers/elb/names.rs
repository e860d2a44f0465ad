//! From names to records of the caller's scope.

use std::sync::Arc;

use api::elb::Error;
use domain::Scope;
use domain::classic_load_balancer::ClassicLoadBalancer;
use store::State;

use super::errors::{no_load_balancer, validation};

/// Longest name of a load balancer.
const NAME_MAX: usize = 32;

/// The classic load balancer of that name.
///
/// # Errors
/// LoadBalancerNotFound.
pub fn load_balancer(state: &State, scope: &Scope, name: &str) -> Result<Arc<ClassicLoadBalancer>, Error> {
    let found = state.classic_load_balancer_of_name(scope, name).cloned();
    found.ok_or_else(|| no_load_balancer(name))
}

/// Checks the name of a new load balancer.
///
/// # Errors
/// ValidationError.
pub fn check(name: &str) -> Result<(), Error> {
    if name.chars().count() > NAME_MAX {
        return Err(validation(format!(
            "LoadBalancer name cannot be longer than {NAME_MAX} characters"
        )));
    }
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || it == b'-';
    if name.is_empty() || !name.bytes().all(is_letter) {
        return Err(validation(
            "LoadBalancer name must contain only alphanumeric characters or hyphens",
        ));
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err(validation(
            "LoadBalancer name must not begin or end with a hyphen",
        ));
    }
    Ok(())
}
