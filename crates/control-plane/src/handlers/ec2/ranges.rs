//! Ranges of VPCs and subnets, as callers write them.

use api::ec2;
use domain::vpc::Cidr;
use ipnet::Ipv4Net;

use super::{invalid_value, refusal};

/// Prefixes that Amazon lets VPCs and subnets have.
const PREFIXES: std::ops::RangeInclusive<u8> = 16..=28;

/// A range; what lies behind the prefix is dropped, as Amazon does.
///
/// # Errors
/// InvalidParameterValue, and `out_of_range` for a prefix that may not be: `InvalidVpc.Range` or `InvalidSubnet.Range`.
pub fn parse(given: &str, out_of_range: &'static str) -> Result<Cidr, ec2::Error> {
    let range: Ipv4Net = given.parse().map_err(|_| {
        invalid_value(format!(
            "Value ({given}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        ))
    })?;
    let prefix = range.prefix_len();
    if !PREFIXES.contains(&prefix) {
        return Err(invalid_range(out_of_range, given));
    }
    Ok(Cidr {
        network: range.network(),
        prefix,
    })
}

/// What is said of a range that may not be there.
pub fn invalid_range(code: &'static str, given: &str) -> ec2::Error {
    refusal(code, format!("The CIDR '{given}' is invalid."))
}

/// Whether two ranges have an address in common.
pub fn overlap(one: Cidr, other: Cidr) -> bool {
    one.contains(other.network) || other.contains(one.network)
}

/// Whether all of a range lies in another.
pub fn lies_in(inner: Cidr, outer: Cidr) -> bool {
    inner.prefix >= outer.prefix && outer.contains(inner.network)
}
