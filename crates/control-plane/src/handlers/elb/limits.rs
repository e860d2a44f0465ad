//! Limits that are kept, and DescribeAccountLimits, which tells them.

use api::elb::{self, Error};
use domain::classic_load_balancer::INSTANCES_MAX;

use crate::call::Call;

/// Most classic load balancers.
pub const LOAD_BALANCERS_MAX: usize = 20;
/// Most listeners of one.
pub const LISTENERS_MAX: usize = 100;

/// `DescribeAccountLimits`: they fit on one page.
///
/// # Errors
/// None.
pub async fn describe_account_limits(
    _: Call<elb::DescribeAccountLimits>,
) -> Result<elb::DescribeAccountLimitsOutput, Error> {
    let limits = [
        ("classic-load-balancers", LOAD_BALANCERS_MAX),
        ("classic-listeners", LISTENERS_MAX),
        ("classic-registered-instances", INSTANCES_MAX),
    ];
    let limits = limits.map(|(name, max)| elb::Limit {
        max: Some(max.to_string()),
        name: Some(name.to_owned()),
    });
    Ok(elb::DescribeAccountLimitsOutput {
        limits: Some(limits.to_vec()),
        next_marker: None,
    })
}
