//! Limits that are kept, and DescribeAccountLimits, which tells them.

use api::elb::{self, Error};
use domain::classic_load_balancer::INSTANCES_MAX;

use super::paging::cut;
use crate::call::Call;

/// Most classic load balancers.
pub const LOAD_BALANCERS_MAX: usize = 20;
/// Most listeners of one.
pub const LISTENERS_MAX: usize = 100;

/// `DescribeAccountLimits`: by name.
///
/// # Errors
/// ValidationError.
pub async fn describe_account_limits(
    call: Call<elb::DescribeAccountLimits>,
) -> Result<elb::DescribeAccountLimitsOutput, Error> {
    let input = call.input();
    let limits = [
        ("classic-listeners", LISTENERS_MAX),
        ("classic-load-balancers", LOAD_BALANCERS_MAX),
        ("classic-registered-instances", INSTANCES_MAX),
    ];
    let limits = limits.into_iter().map(|(name, max)| {
        let limit = elb::Limit {
            max: Some(max.to_string()),
            name: Some(name.to_owned()),
        };
        (name.to_owned(), limit)
    });
    let asked = (input.marker.as_deref(), input.page_size);
    let (limits, next_marker) = cut(call.access(), "limits", asked, limits)?;
    Ok(elb::DescribeAccountLimitsOutput {
        limits: Some(limits),
        next_marker,
    })
}
