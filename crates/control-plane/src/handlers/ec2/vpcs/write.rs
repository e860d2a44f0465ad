//! Making and deleting VPCs.

use api::ec2;
use domain::Scope;
use domain::vpc::{Cidr, Vpc};
use orchestrator::transitions::{ensure_default_network, forget_vpc, furnish_vpc, vpc_dependents};
use store::State;

use super::rendered;
use crate::call::Call;
use crate::handlers::ec2::resources::{Resource, require};
use crate::handlers::ec2::{check_dry_run, from_store, missing, ranges, refusal, tags, unsupported};

/// Most VPCs of a region. Amazon begins with 5 and gives more to those who ask: here nobody has to.
const VPCS_MAX: usize = 100;
/// Range of the default VPC, as Amazon's.
const DEFAULT_RANGE: Cidr = Cidr {
    network: std::net::Ipv4Addr::new(172, 31, 0, 0),
    prefix: 16,
};

/// `CreateVpc`: it comes with its default security group, its default network ACL and its main route table.
///
/// # Errors
/// InvalidVpc.Range, InvalidParameterValue, MissingParameter, VpcLimitExceeded, UnsupportedOperation, DryRunOperation.
pub async fn create_vpc(call: Call<ec2::CreateVpc>) -> Result<ec2::CreateVpcOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_unbuilt(&input)?;
    let Some(range) = input.cidr_block.as_deref() else {
        return Err(refusal(
            "MissingParameter",
            "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.",
        ));
    };
    let range = ranges::parse(range, "InvalidVpc.Range")?;
    let tags = tags::of_new(input.tag_specifications.as_ref(), &Vpc::RESOURCE_TYPE)?;
    check_dry_run(input.dry_run)?;
    let created = call.access().store().transact(move |tx| {
        check_limit(tx.state(), &scope)?;
        let ids = tx.ids();
        let vpc = Vpc {
            tags,
            ..Vpc::new(ids.ec2("vpc"), scope, range, ids.ec2("sg"))
        };
        let vpc = furnish_vpc(tx, &vpc);
        Ok(rendered(tx.state(), &vpc))
    });
    let vpc = created.await.map_err(from_store)?;
    Ok(ec2::CreateVpcOutput { vpc: Some(vpc) })
}

fn check_unbuilt(input: &ec2::CreateVpcInput) -> Result<(), ec2::Error> {
    let is_ipv6 = input.amazon_provided_ipv6_cidr_block == Some(true)
        || input.ipv6_cidr_block.is_some()
        || input.ipv6_ipam_pool_id.is_some()
        || input.ipv6_netmask_length.is_some()
        || input.ipv6_pool.is_some()
        || input.ipv6_cidr_block_network_border_group.is_some();
    if is_ipv6 {
        return Err(unsupported(
            "IPv6 ranges of VPCs are not supported by Gantry yet.",
        ));
    }
    if input.ipv4_ipam_pool_id.is_some() || input.ipv4_netmask_length.is_some() {
        return Err(unsupported("IPAM pools are not supported by Gantry yet."));
    }
    match &input.instance_tenancy {
        None | Some(ec2::Tenancy::Default) => {}
        Some(other) => {
            return Err(unsupported(format!(
                "Tenancy '{}' is not supported by Gantry: hosts are whoever joins.",
                other.as_str()
            )));
        }
    }
    if input.vpc_encryption_control.is_some() {
        return Err(unsupported("Encryption control is not supported by Gantry yet."));
    }
    Ok(())
}

fn check_limit(state: &State, scope: &Scope) -> Result<(), ec2::Error> {
    if state.vpcs(scope).count() >= VPCS_MAX {
        return Err(refusal(
            "VpcLimitExceeded",
            "The maximum number of VPCs has been reached.",
        ));
    }
    Ok(())
}

/// `CreateDefaultVpc`: with its internet gateway and a subnet in each zone.
///
/// # Errors
/// DefaultVpcAlreadyExists, VpcLimitExceeded, DryRunOperation.
pub async fn create_default_vpc(
    call: Call<ec2::CreateDefaultVpc>,
) -> Result<ec2::CreateDefaultVpcOutput, ec2::Error> {
    let scope = call.scope().clone();
    check_dry_run(call.input().dry_run)?;
    let created = call.access().store().transact(move |tx| {
        if tx.state().vpcs(&scope).any(|it| it.is_default) {
            return Err(refusal(
                "DefaultVpcAlreadyExists",
                "A Default VPC already exists for this account in this region.",
            ));
        }
        check_limit(tx.state(), &scope)?;
        let (vpc, _) = ensure_default_network(tx, &scope, DEFAULT_RANGE);
        Ok(rendered(tx.state(), &vpc))
    });
    let vpc = created.await.map_err(from_store)?;
    Ok(ec2::CreateDefaultVpcOutput { vpc: Some(vpc) })
}

/// `DeleteVpc`: with what it came with, if nothing else is left in it.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidVpcID.Malformed, DependencyViolation, DryRunOperation.
pub async fn delete_vpc(call: Call<ec2::DeleteVpc>) -> Result<ec2::DeleteVpcOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    if input.vpc_id.is_empty() {
        return Err(missing("vpcId"));
    }
    check_dry_run(input.dry_run)?;
    let deleted = call.access().store().transact(move |tx| {
        let vpc = require::<Vpc>(tx.state(), &scope, &input.vpc_id)?;
        let dependents = vpc_dependents(tx.state(), &vpc);
        if !dependents.is_empty() {
            return Err(refusal(
                "DependencyViolation",
                format!(
                    "The vpc '{}' has dependencies and cannot be deleted. ({})",
                    vpc.id,
                    dependents.join(", ")
                ),
            ));
        }
        forget_vpc(tx, &vpc);
        tx.delete::<Vpc>(&vpc.id);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(ec2::DeleteVpcOutput {})
}
