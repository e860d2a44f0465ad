//! Security policies of listeners, and DescribeSSLPolicies.

use api::elbv2::{self, Error};
use domain::ssl_policy::SslPolicy;

use super::errors::{constraint, no_ssl_policy};
use super::paging::{Wanted, cut};
use crate::call::Call;

/// Kinds of load balancers that each policy goes with.
const TYPES: [&str; 2] = ["application", "network"];

/// The name of a policy that is there.
///
/// # Errors
/// SSLPolicyNotFound.
pub fn require(name: &str) -> Result<&'static str, Error> {
    let found = SslPolicy::find(name).map(|it| it.name);
    found.ok_or_else(|| no_ssl_policy(name))
}

/// `DescribeSSLPolicies`: all, or those of the names given; each goes with both kinds of load balancer.
///
/// # Errors
/// SSLPolicyNotFound, ValidationError.
pub async fn describe_ssl_policies(
    call: Call<elbv2::DescribeSSLPolicies>,
) -> Result<elbv2::DescribeSSLPoliciesOutput, Error> {
    let input = call.input();
    let names = input.names.as_deref().unwrap_or_default();
    for name in names {
        require(name)?;
    }
    let of_type = match &input.load_balancer_type {
        Some(elbv2::LoadBalancerTypeEnum::Unmodelled(word)) => {
            let rule = "Member must satisfy enum value set: [application, network, gateway]";
            return Err(constraint(word, "loadBalancerType", rule));
        }
        given => given.as_ref().map(elbv2::LoadBalancerTypeEnum::as_str),
    };
    let wanted = Wanted {
        listing: &format!("SSL policies {names:?} {of_type:?}"),
        marker: input.marker.as_deref(),
        page_size: input.page_size,
    };
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|it| it == name);
    let mut found: Vec<(String, elbv2::SslPolicy)> = SslPolicy::all()
        .iter()
        .filter(|it| is_wanted(it.name) && of_type.is_none_or(|it| TYPES.contains(&it)))
        .map(|it| (it.name.to_owned(), rendered(it)))
        .collect();
    found.sort_by(|left, right| left.0.cmp(&right.0));
    let (policies, next_marker) = cut(call.access(), &wanted, found)?;
    Ok(elbv2::DescribeSSLPoliciesOutput {
        next_marker,
        ssl_policies: Some(policies),
    })
}

fn rendered(policy: &SslPolicy) -> elbv2::SslPolicy {
    let text = |it: &&str| (*it).to_owned();
    elbv2::SslPolicy {
        ciphers: Some(
            policy
                .ciphers()
                .zip(1..)
                .map(|(name, priority)| elbv2::Cipher {
                    name: Some(name.to_owned()),
                    priority: Some(priority),
                })
                .collect(),
        ),
        name: Some(policy.name.to_owned()),
        ssl_protocols: Some(policy.versions.iter().map(text).collect()),
        supported_load_balancer_types: Some(TYPES.iter().map(text).collect()),
    }
}
