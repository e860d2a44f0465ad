//! Internet gateways: made, attached to a VPC, and the way back.

use std::net::Ipv4Addr;

use api::ec2;
use domain::Scope;
use domain::route_table::InternetGateway;
use domain::vpc::Vpc;
use orchestrator::transitions::vpc_of_address;
use store::State;

use super::filters::Rule;
use super::resources::{Resource, require};
use super::select::{Listing, describe};
use super::{check_dry_run, from_store, invalid_value, refusal, tags};
use crate::call::Call;

fn of_attachments(
    it: &ec2::InternetGateway,
    value: fn(&ec2::InternetGatewayAttachment) -> Option<String>,
) -> Vec<String> {
    it.attachments.iter().flatten().filter_map(value).collect()
}

const RULES: [Rule<ec2::InternetGateway>; 4] = [
    Rule {
        names: &["internet-gateway-id"],
        values: |it| it.internet_gateway_id.iter().cloned().collect(),
    },
    Rule {
        names: &["owner-id"],
        values: |it| it.owner_id.iter().cloned().collect(),
    },
    Rule {
        names: &["attachment.vpc-id"],
        values: |it| of_attachments(it, |it| it.vpc_id.clone()),
    },
    Rule {
        names: &["attachment.state"],
        values: |it| of_attachments(it, |it| it.state.as_ref().map(|it| it.as_str().to_owned())),
    },
];

/// `DescribeInternetGateways`.
///
/// # Errors
/// InvalidInternetGatewayID.NotFound, InvalidInternetGatewayId.Malformed, InvalidParameterValue, MissingParameter,
/// DryRunOperation.
pub async fn describe_internet_gateways(
    call: Call<ec2::DescribeInternetGateways>,
) -> Result<ec2::DescribeInternetGatewaysOutput, ec2::Error> {
    let input = call.input();
    let listing = Listing {
        ids: input.internet_gateway_ids.as_ref(),
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let (gateways, next_token) = describe(&call, &InternetGateway::KIND, &RULES, &listing, |state| {
        let gateways = state.internet_gateways(call.scope());
        gateways.map(|it| (it.id.clone(), rendered(it))).collect()
    })?;
    Ok(ec2::DescribeInternetGatewaysOutput {
        internet_gateways: Some(gateways),
        next_token,
    })
}

/// `CreateInternetGateway`.
///
/// # Errors
/// InvalidParameterValue, TagLimitExceeded, DryRunOperation.
pub async fn create_internet_gateway(
    call: Call<ec2::CreateInternetGateway>,
) -> Result<ec2::CreateInternetGatewayOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input());
    let tags = tags::of_new(input.tag_specifications.as_ref(), &InternetGateway::RESOURCE_TYPE)?;
    check_dry_run(input.dry_run)?;
    let created = call.access().store().transact(move |tx| {
        let gateway = tx.put(InternetGateway {
            id: tx.ids().ec2("igw"),
            scope,
            vpc_id: None,
            tags,
        });
        Ok(rendered(&gateway))
    });
    Ok(ec2::CreateInternetGatewayOutput {
        internet_gateway: Some(created.await.map_err(from_store)?),
    })
}

/// `DeleteInternetGateway`. Routes to it are black holes from then on.
///
/// # Errors
/// InvalidInternetGatewayID.NotFound, DependencyViolation while it is attached, DryRunOperation.
pub async fn delete_internet_gateway(
    call: Call<ec2::DeleteInternetGateway>,
) -> Result<ec2::DeleteInternetGatewayOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let deleted = call.access().store().transact(move |tx| {
        let gateway = require::<InternetGateway>(tx.state(), &scope, &input.internet_gateway_id)?;
        if gateway.vpc_id.is_some() {
            return Err(refusal(
                "DependencyViolation",
                format!(
                    "The internetGateway '{}' has dependencies and cannot be deleted.",
                    gateway.id
                ),
            ));
        }
        tx.delete::<InternetGateway>(&gateway.id);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(ec2::DeleteInternetGatewayOutput {})
}

/// `AttachInternetGateway`.
///
/// # Errors
/// InvalidInternetGatewayID.NotFound, InvalidVpcID.NotFound, Resource.AlreadyAssociated, InvalidParameterValue for a
/// VPC that has one, DryRunOperation.
pub async fn attach_internet_gateway(
    call: Call<ec2::AttachInternetGateway>,
) -> Result<ec2::AttachInternetGatewayOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let attached = call.access().store().transact(move |tx| {
        let gateway = require::<InternetGateway>(tx.state(), &scope, &input.internet_gateway_id)?;
        let vpc = require::<Vpc>(tx.state(), &scope, &input.vpc_id)?;
        if let Some(vpc_id) = &gateway.vpc_id {
            return Err(refusal(
                "Resource.AlreadyAssociated",
                format!("resource {} is already attached to network {vpc_id}", gateway.id),
            ));
        }
        if of_vpc(tx.state(), &scope, &vpc.id) {
            return Err(invalid_value(format!(
                "Network {} already has an internet gateway attached",
                vpc.id
            )));
        }
        let mut gateway = InternetGateway::clone(&gateway);
        gateway.vpc_id = Some(vpc.id.clone());
        tx.put(gateway);
        Ok(())
    });
    attached.await.map_err(from_store)?;
    Ok(ec2::AttachInternetGatewayOutput {})
}

/// Whether a VPC has an internet gateway.
pub(super) fn of_vpc(state: &State, scope: &Scope, vpc_id: &str) -> bool {
    let mut gateways = state.internet_gateways(scope);
    gateways.any(|it| it.vpc_id.as_deref() == Some(vpc_id))
}

/// `DetachInternetGateway`. Routes to it are black holes from then on.
///
/// # Errors
/// InvalidInternetGatewayID.NotFound, InvalidVpcID.NotFound, Gateway.NotAttached, DependencyViolation while something
/// in the VPC has a public address, DryRunOperation.
pub async fn detach_internet_gateway(
    call: Call<ec2::DetachInternetGateway>,
) -> Result<ec2::DetachInternetGatewayOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let detached = call.access().store().transact(move |tx| {
        let gateway = require::<InternetGateway>(tx.state(), &scope, &input.internet_gateway_id)?;
        let vpc = require::<Vpc>(tx.state(), &scope, &input.vpc_id)?;
        if gateway.vpc_id.as_ref() != Some(&vpc.id) {
            return Err(refusal(
                "Gateway.NotAttached",
                format!("resource {} is not attached to network {}", gateway.id, vpc.id),
            ));
        }
        if let Some(address) = mapped_address(tx.state(), &vpc) {
            return Err(refusal(
                "DependencyViolation",
                format!(
                    "Network {} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway. One is {address}.",
                    vpc.id
                ),
            ));
        }
        let mut gateway = InternetGateway::clone(&gateway);
        gateway.vpc_id = None;
        tx.put(gateway);
        Ok(())
    });
    detached.await.map_err(from_store)?;
    Ok(ec2::DetachInternetGatewayOutput {})
}

/// A public address that something in a VPC has: an elastic one, or that of a task.
fn mapped_address(state: &State, vpc: &Vpc) -> Option<Ipv4Addr> {
    let mut elastic = state.elastic_addresses(&vpc.scope);
    let elastic = elastic.find(|it| vpc_of_address(state, it).as_ref() == Some(&vpc.id));
    let of_tasks = || {
        let mut subnets = state.subnets(&vpc.scope).filter(|it| it.vpc_id == vpc.id);
        subnets.find_map(|it| state.public_addresses_of_tasks(&it.id).first().copied())
    };
    elastic.map(|it| it.address).or_else(of_tasks)
}

/// As Amazon tells it: an attachment of an internet gateway is `available`, not `attached`.
fn rendered(it: &InternetGateway) -> ec2::InternetGateway {
    let attachments = it.vpc_id.iter().map(|it| attachment(it));
    ec2::InternetGateway {
        internet_gateway_id: Some(it.id.clone()),
        owner_id: Some(it.scope.account.clone()),
        attachments: Some(attachments.collect()),
        tags: tags::render(&it.tags),
    }
}

fn attachment(vpc_id: &str) -> ec2::InternetGatewayAttachment {
    ec2::InternetGatewayAttachment {
        state: Some(ec2::AttachmentStatus::Unmodelled("available".to_owned())),
        vpc_id: Some(vpc_id.to_owned()),
    }
}
