//! Sets of DHCP options. They are kept with the VPCs that use them.

use std::net::IpAddr;

use api::ec2;
use domain::dhcp_options::{AMAZON_PROVIDED_DNS, DOMAIN_NAME, DOMAIN_NAME_SERVERS, DhcpOption, DhcpOptions};
use domain::vpc::Vpc;
use orchestrator::transitions::use_dhcp_options;

use super::filters::Rule;
use super::resources::{Resource, require};
use super::select::{Listing, describe};
use super::{check_dry_run, from_store, invalid_value, missing, refusal, tags};
use crate::call::Call;

/// Most servers of an option.
const SERVERS_MAX: usize = 4;
/// Most letters of a value.
const VALUE_MAX: usize = 255;
/// Stands for no set of one's own.
const DEFAULT: &str = "default";

fn of_options(it: &ec2::DhcpOptions, values: fn(&ec2::DhcpConfiguration) -> Vec<String>) -> Vec<String> {
    it.dhcp_configurations.iter().flatten().flat_map(values).collect()
}

const RULES: [Rule<ec2::DhcpOptions>; 4] = [
    Rule {
        names: &["dhcp-options-id"],
        values: |it| it.dhcp_options_id.iter().cloned().collect(),
    },
    Rule {
        names: &["owner-id"],
        values: |it| it.owner_id.iter().cloned().collect(),
    },
    Rule {
        names: &["key"],
        values: |it| of_options(it, |it| it.key.iter().cloned().collect()),
    },
    Rule {
        names: &["value"],
        values: |it| {
            of_options(it, |it| {
                let values = it.values.iter().flatten();
                values.filter_map(|it| it.value.clone()).collect()
            })
        },
    },
];

/// `DescribeDhcpOptions`.
///
/// # Errors
/// InvalidDhcpOptionID.NotFound, InvalidDhcpOptionsId.Malformed, InvalidParameterValue, MissingParameter,
/// DryRunOperation.
pub async fn describe_dhcp_options(
    call: Call<ec2::DescribeDhcpOptions>,
) -> Result<ec2::DescribeDhcpOptionsOutput, ec2::Error> {
    let input = call.input();
    let listing = Listing {
        ids: input.dhcp_options_ids.as_ref(),
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let (options, next_token) = describe(&call, &DhcpOptions::KIND, &RULES, &listing, |state| {
        let options = state.dhcp_options(call.scope());
        options.map(|it| (it.id.clone(), rendered(it))).collect()
    })?;
    Ok(ec2::DescribeDhcpOptionsOutput {
        dhcp_options: Some(options),
        next_token,
    })
}

/// `CreateDhcpOptions`.
///
/// # Errors
/// InvalidParameterValue, MissingParameter, TagLimitExceeded, DryRunOperation.
pub async fn create_dhcp_options(
    call: Call<ec2::CreateDhcpOptions>,
) -> Result<ec2::CreateDhcpOptionsOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input());
    let options = options(&input.dhcp_configurations)?;
    let tags = tags::of_new(input.tag_specifications.as_ref(), &DhcpOptions::RESOURCE_TYPE)?;
    check_dry_run(input.dry_run)?;
    let created = call.access().store().transact(move |tx| {
        let options = tx.put(DhcpOptions {
            id: tx.ids().ec2("dopt"),
            scope,
            is_default: false,
            options,
            vpc_ids: Vec::new(),
            tags,
        });
        Ok(rendered(&options))
    });
    Ok(ec2::CreateDhcpOptionsOutput {
        dhcp_options: Some(created.await.map_err(from_store)?),
    })
}

fn options(given: &[ec2::NewDhcpConfiguration]) -> Result<Vec<DhcpOption>, ec2::Error> {
    if given.is_empty() {
        return Err(missing("dhcpConfiguration"));
    }
    let mut options: Vec<DhcpOption> = Vec::new();
    for one in given {
        let key = one.key.as_deref().unwrap_or_default();
        // Several values may be one text.
        let values = one.values.iter().flatten().flat_map(|it| it.split(','));
        let values: Vec<String> = values.map(|it| it.trim().to_owned()).collect();
        if options.iter().any(|it| it.key == key) {
            return Err(invalid_value(format!("Option {key} is given more than once.")));
        }
        if !is_valid(key, &values) {
            return Err(invalid_value(format!(
                "Value ({}) for parameter {key} is invalid.",
                values.join(", ")
            )));
        }
        options.push(DhcpOption {
            key: key.to_owned(),
            values,
        });
    }
    Ok(options)
}

fn is_valid(key: &str, values: &[String]) -> bool {
    let is_address = |it: &String| it.parse::<IpAddr>().is_ok();
    let is_text = |it: &String| !it.is_empty() && it.len() <= VALUE_MAX;
    let are_few = (1..=SERVERS_MAX).contains(&values.len());
    match key {
        DOMAIN_NAME_SERVERS => {
            are_few
                && values
                    .iter()
                    .all(|it| it == AMAZON_PROVIDED_DNS || is_address(it))
        }
        "ntp-servers" | "netbios-name-servers" => are_few && values.iter().all(is_address),
        DOMAIN_NAME => values.len() == 1 && values.iter().all(is_text),
        "netbios-node-type" => matches!(values, [one] if matches!(one.as_str(), "1" | "2" | "4" | "8")),
        "ipv6-address-preferred-lease-time" => {
            matches!(values, [one] if one.parse::<u32>().is_ok_and(|it| (140..=2_147_483_647).contains(&it)))
        }
        _ => false,
    }
}

/// `DeleteDhcpOptions`.
///
/// # Errors
/// InvalidDhcpOptionID.NotFound, DependencyViolation for one that a VPC uses, DryRunOperation.
pub async fn delete_dhcp_options(
    call: Call<ec2::DeleteDhcpOptions>,
) -> Result<ec2::DeleteDhcpOptionsOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let deleted = call.access().store().transact(move |tx| {
        let options = require::<DhcpOptions>(tx.state(), &scope, &input.dhcp_options_id)?;
        if !options.vpc_ids.is_empty() {
            return Err(refusal(
                "DependencyViolation",
                format!(
                    "The dhcpOptions '{}' has dependencies and cannot be deleted.",
                    options.id
                ),
            ));
        }
        tx.delete::<DhcpOptions>(&options.id);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(ec2::DeleteDhcpOptionsOutput {})
}

/// `AssociateDhcpOptions`: with `default`, the VPC uses no set any more.
///
/// # Errors
/// InvalidDhcpOptionID.NotFound, InvalidVpcID.NotFound, DryRunOperation.
pub async fn associate_dhcp_options(
    call: Call<ec2::AssociateDhcpOptions>,
) -> Result<ec2::AssociateDhcpOptionsOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let done = call.access().store().transact(move |tx| {
        let vpc = require::<Vpc>(tx.state(), &scope, &input.vpc_id)?;
        let wanted = match input.dhcp_options_id.as_str() {
            DEFAULT => None,
            id => Some(require::<DhcpOptions>(tx.state(), &scope, id)?),
        };
        use_dhcp_options(tx, &vpc, wanted.as_deref());
        Ok(())
    });
    done.await.map_err(from_store)?;
    Ok(ec2::AssociateDhcpOptionsOutput {})
}

fn rendered(it: &DhcpOptions) -> ec2::DhcpOptions {
    let value = |it: &String| ec2::AttributeValue {
        value: Some(it.clone()),
    };
    let options = it.options.iter().map(|it| ec2::DhcpConfiguration {
        key: Some(it.key.clone()),
        values: Some(it.values.iter().map(value).collect()),
    });
    ec2::DhcpOptions {
        dhcp_options_id: Some(it.id.clone()),
        owner_id: Some(it.scope.account.clone()),
        dhcp_configurations: Some(options.collect()),
        tags: tags::render(&it.tags),
    }
}
