//! Amazon EC2, as far as it is needed to fill in a network configuration: reading the default VPC.

mod account;
mod filters;
mod security_groups;
mod select;
mod subnets;
#[cfg(test)]
mod tests;
mod vpcs;
mod zones;

pub use account::{describe_account_attributes, describe_regions};
pub use security_groups::describe_security_groups;
pub use subnets::describe_subnets;
pub use vpcs::describe_vpcs;
pub use zones::describe_availability_zones;

use api::ec2;

/// Errors of Amazon EC2 are codes of its documentation:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
fn refusal(code: &'static str, message: impl Into<String>) -> ec2::Error {
    ec2::Error {
        status: 400,
        code,
        message: message.into(),
    }
}

fn invalid_value(message: impl Into<String>) -> ec2::Error {
    refusal("InvalidParameterValue", message)
}

/// Whoever only asks whether the call is allowed is told so, by an error.
fn check_dry_run(dry_run: Option<bool>) -> Result<(), ec2::Error> {
    match dry_run {
        Some(true) => Err(ec2::Error {
            status: 412,
            code: "DryRunOperation",
            message: "Request would have succeeded, but DryRun flag is set.".to_owned(),
        }),
        Some(false) | None => Ok(()),
    }
}
