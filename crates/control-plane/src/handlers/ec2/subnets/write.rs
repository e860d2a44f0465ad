//! Making and deleting subnets.

use std::sync::Arc;

use api::ec2;
use domain::tags::Pair;
use domain::vpc::{Cidr, Subnet, Vpc};
use orchestrator::transitions::{self, obey_default_acl, subnet_dependents};
use store::{State, Tx};

use super::rendered;
use crate::call::Call;
use crate::handlers::ec2::resources::{Resource, require};
use crate::handlers::ec2::vpcs::default_vpc;
use crate::handlers::ec2::zones::{names, zone_id};
use crate::handlers::ec2::{
    check_dry_run, from_store, invalid_value, missing, ranges, refusal, tags, unsupported,
};

/// Most subnets of a VPC.
const SUBNETS_MAX: usize = 200;
/// So many of what is in the way are told.
const DEPENDENTS_TOLD: usize = 10;
/// Prefix of a default subnet.
const DEFAULT_PREFIX: u8 = 20;

/// `CreateSubnet`: without a zone in the one that has the fewest of the VPC.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidSubnet.Range, InvalidSubnet.Conflict, SubnetLimitExceeded, InvalidParameterValue,
/// MissingParameter, UnsupportedOperation, DryRunOperation.
pub async fn create_subnet(call: Call<ec2::CreateSubnet>) -> Result<ec2::CreateSubnetOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_unbuilt(&input)?;
    let Some(given) = input.cidr_block.clone() else {
        return Err(refusal(
            "MissingParameter",
            "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.",
        ));
    };
    let range = ranges::parse(&given, "InvalidSubnet.Range")?;
    let tags = tags::of_new(input.tag_specifications.as_ref(), &Subnet::RESOURCE_TYPE)?;
    check_dry_run(input.dry_run)?;
    let created = call.access().store().transact(move |tx| {
        let vpc = require::<Vpc>(tx.state(), &scope, &input.vpc_id)?;
        if !ranges::lies_in(range, vpc.cidr) {
            return Err(ranges::invalid_range("InvalidSubnet.Range", &given));
        }
        let zone = zone(
            tx.state(),
            &vpc,
            input.availability_zone.as_deref(),
            input.availability_zone_id.as_deref(),
        )?;
        let subnet = put(tx, &vpc, range, zone, Purpose::Own(tags))?;
        Ok(rendered(tx.state(), &subnet))
    });
    let subnet = created.await.map_err(from_store)?;
    Ok(ec2::CreateSubnetOutput { subnet: Some(subnet) })
}

fn check_unbuilt(input: &ec2::CreateSubnetInput) -> Result<(), ec2::Error> {
    let is_ipv6 = input.ipv6_cidr_block.is_some()
        || input.ipv6_ipam_pool_id.is_some()
        || input.ipv6_netmask_length.is_some()
        || input.ipv6_native == Some(true);
    if is_ipv6 {
        return Err(unsupported(
            "IPv6 ranges of subnets are not supported by Gantry yet.",
        ));
    }
    if input.ipv4_ipam_pool_id.is_some() || input.ipv4_netmask_length.is_some() {
        return Err(unsupported("IPAM pools are not supported by Gantry yet."));
    }
    if input.outpost_arn.is_some() {
        return Err(unsupported("Outposts are not supported by Gantry."));
    }
    Ok(())
}

/// Who wants a subnet.
enum Purpose {
    Own(Vec<Pair>),
    Default,
}

fn put(
    tx: &mut Tx<'_>,
    vpc: &Vpc,
    cidr: Cidr,
    availability_zone: String,
    purpose: Purpose,
) -> Result<Arc<Subnet>, ec2::Error> {
    let (count, is_taken) = {
        let subnets: Vec<&Arc<Subnet>> = of_vpc(tx.state(), vpc).collect();
        let is_taken = subnets.iter().any(|it| ranges::overlap(it.cidr, cidr));
        (subnets.len(), is_taken)
    };
    if is_taken {
        return Err(refusal(
            "InvalidSubnet.Conflict",
            format!("The CIDR '{cidr}' conflicts with another subnet"),
        ));
    }
    if count >= SUBNETS_MAX {
        return Err(refusal(
            "SubnetLimitExceeded",
            "The maximum number of subnets has been reached.",
        ));
    }
    let is_default = matches!(purpose, Purpose::Default);
    let subnet = tx.put(Subnet {
        id: tx.ids().ec2("subnet"),
        scope: vpc.scope.clone(),
        vpc_id: vpc.id.clone(),
        cidr,
        availability_zone,
        is_default,
        maps_public_ip_on_launch: is_default,
        tags: match purpose {
            Purpose::Own(tags) => tags,
            Purpose::Default => Vec::new(),
        },
    });
    obey_default_acl(tx, &subnet);
    Ok(subnet)
}

fn of_vpc<'a>(state: &'a State, vpc: &'a Vpc) -> impl Iterator<Item = &'a Arc<Subnet>> {
    state.subnets(&vpc.scope).filter(|it| it.vpc_id == vpc.id)
}

/// The zone that is named, or the one in which the VPC has the fewest subnets.
fn zone(state: &State, vpc: &Vpc, name: Option<&str>, id: Option<&str>) -> Result<String, ec2::Error> {
    let zones = names(state, &vpc.scope);
    let all = || zones.iter().cloned().collect::<Vec<_>>().join(", ");
    let expected = "Subnets can currently only be created in the following availability zones";
    if let Some(name) = name {
        return zones.get(name).cloned().ok_or_else(|| {
            invalid_value(format!(
                "Value ({name}) for parameter availabilityZone is invalid. {expected}: {}.",
                all()
            ))
        });
    }
    if let Some(id) = id {
        let found = zones.iter().find(|it| zone_id(it) == id);
        return found.cloned().ok_or_else(|| {
            invalid_value(format!(
                "Value ({id}) for parameter availabilityZoneId is invalid. {expected}: {}.",
                all()
            ))
        });
    }
    let count = |zone: &String| {
        of_vpc(state, vpc)
            .filter(|it| it.availability_zone == *zone)
            .count()
    };
    let found = zones.iter().min_by_key(|it| count(it));
    found.cloned().ok_or_else(|| missing("availabilityZone"))
}

/// `CreateDefaultSubnet`: in the default VPC, where it has room.
///
/// # Errors
/// DefaultVpcDoesNotExist, DefaultSubnetAlreadyExistsInAvailabilityZone, InsufficientFreeAddressesInSubnet,
/// InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn create_default_subnet(
    call: Call<ec2::CreateDefaultSubnet>,
) -> Result<ec2::CreateDefaultSubnetOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    if input.availability_zone.is_none() && input.availability_zone_id.is_none() {
        return Err(missing("availabilityZone"));
    }
    if input.ipv6_native == Some(true) {
        return Err(unsupported(
            "IPv6 ranges of subnets are not supported by Gantry yet.",
        ));
    }
    check_dry_run(input.dry_run)?;
    let created = call.access().store().transact(move |tx| {
        let vpc = default_vpc(tx.state(), &scope).cloned();
        let vpc = vpc.ok_or_else(|| {
            refusal(
                "DefaultVpcDoesNotExist",
                "No default VPC exists for this account in this region.",
            )
        })?;
        let (name, id) = (
            input.availability_zone.as_deref(),
            input.availability_zone_id.as_deref(),
        );
        let zone = zone(tx.state(), &vpc, name, id)?;
        if let Some(there) = of_vpc(tx.state(), &vpc).find(|it| it.is_default && it.availability_zone == zone)
        {
            return Err(refusal(
                "DefaultSubnetAlreadyExistsInAvailabilityZone",
                format!("'{}' is already the default subnet in {zone}.", there.id),
            ));
        }
        let range = free_range(tx.state(), &vpc)?;
        let subnet = put(tx, &vpc, range, zone, Purpose::Default)?;
        Ok(rendered(tx.state(), &subnet))
    });
    let subnet = created.await.map_err(from_store)?;
    Ok(ec2::CreateDefaultSubnetOutput { subnet: Some(subnet) })
}

/// The first part of a VPC of the size of a default subnet in which there is nothing.
fn free_range(state: &State, vpc: &Vpc) -> Result<Cidr, ec2::Error> {
    let prefix = DEFAULT_PREFIX.max(vpc.cidr.prefix);
    let is_free = |part: &Cidr| !of_vpc(state, vpc).any(|it| ranges::overlap(it.cidr, *part));
    vpc.cidr.split(prefix).find(is_free).ok_or_else(|| {
        refusal(
            "InsufficientFreeAddressesInSubnet",
            format!("The vpc '{}' has no free range for a default subnet.", vpc.id),
        )
    })
}

/// `DeleteSubnet`: if nothing in it has an address.
///
/// # Errors
/// InvalidSubnetID.NotFound, InvalidSubnetID.Malformed, DependencyViolation, DryRunOperation.
pub async fn delete_subnet(call: Call<ec2::DeleteSubnet>) -> Result<ec2::DeleteSubnetOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let deleted = call.access().store().transact(move |tx| {
        let subnet = require::<Subnet>(tx.state(), &scope, &input.subnet_id)?;
        let dependents = subnet_dependents(tx.state(), &subnet);
        if !dependents.is_empty() {
            return Err(refusal(
                "DependencyViolation",
                format!(
                    "The subnet '{}' has dependencies and cannot be deleted. ({})",
                    subnet.id,
                    dependents
                        .iter()
                        .take(DEPENDENTS_TOLD)
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            ));
        }
        transitions::delete_subnet(tx, &subnet);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(ec2::DeleteSubnetOutput {})
}
