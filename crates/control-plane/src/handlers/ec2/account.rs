//! What an account has without asking: its attributes and its regions.

use api::ec2;
use orchestrator::transitions::public_address_count;

use super::filters::{Filters, Rule};
use super::interfaces::GROUPS_MAX;
use super::vpcs::default_vpc;
use super::{check_dry_run, invalid_value};
use crate::call::Call;

const REGION_RULES: [Rule<ec2::Region>; 3] = [
    Rule {
        names: &["region-name"],
        values: |it| it.region_name.iter().cloned().collect(),
    },
    Rule {
        names: &["endpoint"],
        values: |it| it.endpoint.iter().cloned().collect(),
    },
    Rule {
        names: &["opt-in-status"],
        values: |it| it.opt_in_status.iter().cloned().collect(),
    },
];

/// What attributes are called, beside those of the model:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAccountAttributes.html>
const QUOTAS: [&str; 4] = [
    "max-instances",
    "max-elastic-ips",
    "vpc-max-elastic-ips",
    "vpc-max-security-groups-per-interface",
];

/// `DescribeAccountAttributes`, with the quotas that are in force here: there are no instances, and all accounts share
/// the range of elastic addresses.
///
/// # Errors
/// InvalidParameterValue for another attribute, DryRunOperation.
pub async fn describe_account_attributes(
    call: Call<ec2::DescribeAccountAttributes>,
) -> Result<ec2::DescribeAccountAttributesOutput, ec2::Error> {
    let input = call.input();
    let wanted = input.attribute_names.as_deref().unwrap_or_default();
    if let Some(unknown) = wanted.iter().find(
        |it| matches!(it, ec2::AccountAttributeName::Unmodelled(name) if !QUOTAS.contains(&name.as_str())),
    ) {
        return Err(invalid_value(format!(
            "Value ({}) for parameter attributeName is invalid. Unknown attribute.",
            unknown.as_str()
        )));
    }
    check_dry_run(input.dry_run)?;
    let vpc = call
        .access()
        .store()
        .read(|state| default_vpc(state, call.scope()).map(|it| it.id.clone()));
    let addresses = public_address_count(call.access().public_addresses()).to_string();
    let quotas = [
        "0".to_owned(),
        addresses.clone(),
        addresses,
        GROUPS_MAX.to_string(),
    ];
    let quotas = QUOTAS
        .map(ec2::AccountAttributeName::from)
        .into_iter()
        .zip(quotas);
    let all = [
        (ec2::AccountAttributeName::SupportedPlatforms, "VPC".to_owned()),
        // Amazon's word for an account without one.
        (
            ec2::AccountAttributeName::DefaultVpc,
            vpc.unwrap_or_else(|| "none".to_owned()),
        ),
    ];
    let attributes = all
        .into_iter()
        .chain(quotas)
        .filter(|(name, _)| wanted.is_empty() || wanted.contains(name));
    let attributes = attributes.map(|(name, value)| ec2::AccountAttribute {
        attribute_name: Some(name.as_str().to_owned()),
        attribute_values: Some(vec![ec2::AccountAttributeValue {
            attribute_value: Some(value),
        }]),
    });
    Ok(ec2::DescribeAccountAttributesOutput {
        account_attributes: Some(attributes.collect()),
    })
}

/// `DescribeRegions`: those that are served. None needs to be opted into: `AllRegions` adds none.
///
/// # Errors
/// InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn describe_regions(
    call: Call<ec2::DescribeRegions>,
) -> Result<ec2::DescribeRegionsOutput, ec2::Error> {
    let input = call.input();
    let filters = Filters::of(&REGION_RULES, input.filters.as_ref())?;
    check_dry_run(input.dry_run)?;
    let served = call.access().regions();
    let wanted = input.region_names.as_deref().unwrap_or_default();
    if let Some(unknown) = wanted.iter().find(|it| !served.contains(it)) {
        return Err(invalid_value(format!(
            "Invalid region names provided: [{unknown}]"
        )));
    }
    let named = served
        .iter()
        .filter(|it| wanted.is_empty() || wanted.contains(it));
    let regions = named.map(|name| ec2::Region {
        region_name: Some(name.clone()),
        endpoint: Some(format!("ec2.{name}.amazonaws.com")),
        opt_in_status: Some("opt-in-not-required".to_owned()),
        geography: None,
    });
    Ok(ec2::DescribeRegionsOutput {
        regions: Some(regions.filter(|it| filters.match_all(it)).collect()),
    })
}
