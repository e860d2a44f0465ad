//! Policies of classic load balancers: those that keep clients with their instances.

use api::elb::{self, Error};
use domain::classic_load_balancer::{ClassicLoadBalancer, ClassicPolicy, ClassicPolicyKind};
use domain::listener::Protocol;
use domain::ssl_policy::SslPolicy;

use super::errors::{from_store, invalid_configuration, no_listener, no_policy, not_permitted, validation};
use super::{names, render};
use crate::call::Call;

/// Most policies of a load balancer.
const POLICIES_MAX: usize = 100;

async fn create<O: wire::Operation>(
    call: &Call<O>,
    name: String,
    policy: ClassicPolicy,
) -> Result<(), Error> {
    let is_letter = |it: char| it.is_ascii_alphanumeric() || it == '-';
    if policy.name.is_empty() || !policy.name.chars().all(is_letter) {
        return Err(validation(
            "Policy name must contain only alphanumeric characters or hyphens",
        ));
    }
    let scope = call.scope().clone();
    let created = call.access().store().transact(move |tx| {
        let it = names::load_balancer(tx.state(), &scope, &name)?;
        // A predefined policy has its name for each load balancer.
        let is_predefined = SslPolicy::find(&policy.name).is_some();
        if is_predefined || it.policies.iter().any(|it| it.name == policy.name) {
            return Err(Error::DuplicatePolicyNameException(
                elb::DuplicatePolicyNameException {
                    message: Some(format!("Policy name {} is already used for {name}", policy.name)),
                },
            ));
        }
        if it.policies.len() >= POLICIES_MAX {
            return Err(Error::TooManyPoliciesException(elb::TooManyPoliciesException {
                message: Some(format!(
                    "A load balancer can have at most {POLICIES_MAX} policies"
                )),
            }));
        }
        let mut it = ClassicLoadBalancer::clone(&it);
        it.policies.push(policy);
        tx.put(it);
        Ok(())
    });
    created.await.map_err(from_store)
}

/// `CreateLBCookieStickinessPolicy`: the cookie AWSELB.
///
/// # Errors
/// LoadBalancerNotFound, DuplicatePolicyName, TooManyPolicies, ValidationError.
pub async fn create_lb_cookie_stickiness_policy(
    call: Call<elb::CreateLBCookieStickinessPolicy>,
) -> Result<elb::CreateLBCookieStickinessPolicyOutput, Error> {
    let input = call.input().clone();
    let seconds = input.cookie_expiration_period.map(|it| {
        let seconds = u32::try_from(it).ok().filter(|it| *it > 0);
        seconds.ok_or_else(|| validation("CookieExpirationPeriod must be a positive number of seconds"))
    });
    let policy = ClassicPolicy {
        name: input.policy_name,
        kind: ClassicPolicyKind::LbCookie {
            seconds: seconds.transpose()?,
        },
    };
    create(&call, input.load_balancer_name, policy).await?;
    Ok(elb::CreateLBCookieStickinessPolicyOutput {})
}

/// `CreateAppCookieStickinessPolicy`: AWSELB follows a cookie of the application.
///
/// # Errors
/// LoadBalancerNotFound, DuplicatePolicyName, TooManyPolicies, ValidationError.
pub async fn create_app_cookie_stickiness_policy(
    call: Call<elb::CreateAppCookieStickinessPolicy>,
) -> Result<elb::CreateAppCookieStickinessPolicyOutput, Error> {
    let input = call.input().clone();
    let is_letter = |it: u8| it.is_ascii_graphic() && !b"=;,\"\\()<>@:/[]?{}".contains(&it);
    if input.cookie_name.is_empty() || !input.cookie_name.bytes().all(is_letter) {
        return Err(validation(format!(
            "CookieName '{}' is not a valid name of a cookie",
            input.cookie_name
        )));
    }
    let policy = ClassicPolicy {
        name: input.policy_name,
        kind: ClassicPolicyKind::AppCookie {
            cookie: input.cookie_name,
        },
    };
    create(&call, input.load_balancer_name, policy).await?;
    Ok(elb::CreateAppCookieStickinessPolicyOutput {})
}

/// `SetLoadBalancerPoliciesOfListener`: in place of those that it had; one at most.
///
/// # Errors
/// LoadBalancerNotFound, ListenerNotFound, PolicyNotFound, InvalidConfigurationRequest.
pub async fn set_load_balancer_policies_of_listener(
    call: Call<elb::SetLoadBalancerPoliciesOfListener>,
) -> Result<elb::SetLoadBalancerPoliciesOfListenerOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let changed = call.access().store().transact(move |tx| {
        let name = input.load_balancer_name;
        let it = names::load_balancer(tx.state(), &scope, &name)?;
        let mut it = ClassicLoadBalancer::clone(&it);
        let port = input.load_balancer_port;
        let mut listeners = it.listeners.iter_mut();
        let listener = listeners.find(|it| i32::from(it.port) == port);
        let mut wanted = input.policy_names;
        if let Some(own) = listener.as_ref().and_then(|it| it.ssl_policy()) {
            // the one that it has in any case
            wanted.retain(|it| it != own);
        }
        let is_known = |wanted: &String| it.policies.iter().any(|it| it.name == *wanted);
        if let Some(stranger) = wanted.iter().find(|wanted| !is_known(wanted)) {
            return Err(no_policy(&name, stranger));
        }
        let listener = listener.ok_or_else(|| no_listener(&name, port))?;
        if wanted.len() > 1 {
            return Err(invalid_configuration(
                "Only one stickiness policy may be set for a listener",
            ));
        }
        if !wanted.is_empty() && !matches!(listener.protocol, Protocol::Http | Protocol::Https) {
            return Err(invalid_configuration(
                "Stickiness policies can be set for listeners with the protocol HTTP or HTTPS only",
            ));
        }
        listener.policies = wanted;
        tx.put(it);
        Ok(())
    });
    changed.await.map_err(from_store)?;
    Ok(elb::SetLoadBalancerPoliciesOfListenerOutput {})
}

/// `DeleteLoadBalancerPolicy`: one that no listener has. One that is not there is deleted already.
///
/// # Errors
/// LoadBalancerNotFound, InvalidConfigurationRequest.
pub async fn delete_load_balancer_policy(
    call: Call<elb::DeleteLoadBalancerPolicy>,
) -> Result<elb::DeleteLoadBalancerPolicyOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let changed = call.access().store().transact(move |tx| {
        let it = names::load_balancer(tx.state(), &scope, &input.load_balancer_name)?;
        let mut it = ClassicLoadBalancer::clone(&it);
        let policy = input.policy_name;
        if it.listeners.iter().any(|it| it.policies.contains(&policy)) {
            return Err(invalid_configuration(format!(
                "The policy {policy} cannot be deleted: a listener has it"
            )));
        }
        it.policies.retain(|it| it.name != policy);
        tx.put(it);
        Ok(())
    });
    changed.await.map_err(from_store)?;
    Ok(elb::DeleteLoadBalancerPolicyOutput {})
}

/// `DescribeLoadBalancerPolicies`: all of a load balancer, or those named.
///
/// # Errors
/// LoadBalancerNotFound, PolicyNotFound; OperationNotPermitted without a load balancer: there are no sample policies.
pub async fn describe_load_balancer_policies(
    call: Call<elb::DescribeLoadBalancerPolicies>,
) -> Result<elb::DescribeLoadBalancerPoliciesOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let Some(name) = &input.load_balancer_name else {
        return Err(not_permitted(
            "This operation is not allowed: Gantry has no sample policies; LoadBalancerName is needed.",
        ));
    };
    let store = call.access().store();
    let it = store.read(|state| names::load_balancer(state, scope, name))?;
    let wanted = input.policy_names.as_deref().unwrap_or_default();
    let found = match wanted {
        [] => {
            let own = it.policies.iter().map(render::policy);
            own.chain(it.ssl_policy().map(render::ssl_policy)).collect()
        }
        wanted => {
            let find = |wanted: &String| {
                if it.ssl_policy() == Some(wanted) {
                    return Ok(render::ssl_policy(wanted));
                }
                let found = it.policies.iter().find(|it| it.name == *wanted);
                found.map(render::policy).ok_or_else(|| no_policy(name, wanted))
            };
            wanted.iter().map(find).collect::<Result<Vec<_>, Error>>()?
        }
    };
    Ok(elb::DescribeLoadBalancerPoliciesOutput {
        policy_descriptions: Some(found),
    })
}
