//! Limits that are kept, and DescribeAccountLimits, which tells them.

use api::elbv2::{self, Error};

use super::paging::{Wanted, cut};
use crate::call::Call;

/// Most load balancers of a kind.
pub const LOAD_BALANCERS_MAX: usize = 50;
/// Most listeners of a load balancer.
pub const LISTENERS_MAX: usize = 50;
/// Most rules of a load balancer, not counting default ones.
pub const RULES_MAX: usize = 100;
/// Most values of all conditions of a rule.
pub const CONDITION_VALUES_MAX: usize = 5;
/// Most wildcards of all conditions of a rule.
pub const CONDITION_WILDCARDS_MAX: usize = 6;
/// Most target groups.
pub const TARGET_GROUPS_MAX: usize = 3000;
/// Most target groups of an action.
pub const TARGET_GROUPS_OF_ACTION_MAX: usize = 5;
/// Most target groups that an application load balancer forwards to.
pub const TARGET_GROUPS_OF_LOAD_BALANCER_MAX: usize = 100;
/// Most targets of a group.
pub const TARGETS_MAX: usize = 1000;
/// Most certificates of a listener besides the default one.
pub const CERTIFICATES_MAX: usize = 25;

/// Amazon's names of those.
const LIMITS: [(&str, usize); 13] = [
    ("application-load-balancers", LOAD_BALANCERS_MAX),
    ("certificates-per-application-load-balancer", CERTIFICATES_MAX),
    ("certificates-per-network-load-balancer", CERTIFICATES_MAX),
    ("condition-values-per-alb-rule", CONDITION_VALUES_MAX),
    ("condition-wildcards-per-alb-rule", CONDITION_WILDCARDS_MAX),
    ("listeners-per-application-load-balancer", LISTENERS_MAX),
    ("listeners-per-network-load-balancer", LISTENERS_MAX),
    ("network-load-balancers", LOAD_BALANCERS_MAX),
    ("rules-per-application-load-balancer", RULES_MAX),
    ("target-groups", TARGET_GROUPS_MAX),
    (
        "target-groups-per-action-on-application-load-balancer",
        TARGET_GROUPS_OF_ACTION_MAX,
    ),
    (
        "target-groups-per-application-load-balancer",
        TARGET_GROUPS_OF_LOAD_BALANCER_MAX,
    ),
    ("targets-per-target-group", TARGETS_MAX),
];

/// `DescribeAccountLimits`.
///
/// # Errors
/// ValidationError.
pub async fn describe_account_limits(
    call: Call<elbv2::DescribeAccountLimits>,
) -> Result<elbv2::DescribeAccountLimitsOutput, Error> {
    let wanted = Wanted {
        listing: "limits",
        marker: call.input().marker.as_deref(),
        page_size: call.input().page_size,
    };
    let all = LIMITS.iter().map(|(name, max)| {
        let limit = elbv2::Limit {
            max: Some(max.to_string()),
            name: Some((*name).to_owned()),
        };
        ((*name).to_owned(), limit)
    });
    let (limits, next_marker) = cut(call.access(), &wanted, all.collect())?;
    Ok(elbv2::DescribeAccountLimitsOutput {
        limits: Some(limits),
        next_marker,
    })
}
