//! Network ACLs: made, associated with subnets, deleted, told.

use std::sync::Arc;

use api::ec2;
use domain::network_acl::{NetworkAcl, NetworkAclAssociation};
use domain::vpc::Vpc;

use super::client_tokens::{client_request, earlier};
use super::resources::{Resource, require};
use super::select::{Listing, describe};
use super::{check_dry_run, from_store, invalid_value, refusal, tags};
use crate::call::Call;

mod entries;
mod entry;
mod shape;

pub use entries::{create_network_acl_entry, delete_network_acl_entry, replace_network_acl_entry};
use shape::{RULES, rendered};

/// `DescribeNetworkAcls`.
///
/// # Errors
/// InvalidNetworkAclID.NotFound, InvalidNetworkAclID.Malformed, InvalidParameterValue, MissingParameter,
/// DryRunOperation.
pub async fn describe_network_acls(
    call: Call<ec2::DescribeNetworkAcls>,
) -> Result<ec2::DescribeNetworkAclsOutput, ec2::Error> {
    let input = call.input();
    let listing = Listing {
        ids: input.network_acl_ids.as_ref(),
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let (acls, next_token) = describe(&call, &NetworkAcl::KIND, &RULES, &listing, |state| {
        let acls = state.network_acls(call.scope());
        acls.map(|it| (it.id.clone(), rendered(it))).collect()
    })?;
    Ok(ec2::DescribeNetworkAclsOutput {
        network_acls: Some(acls),
        next_token,
    })
}

/// `CreateNetworkAcl`: without entries it denies everything. With a token that was used, the ACL that it made.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidParameterValue, IdempotentParameterMismatch, TagLimitExceeded, DryRunOperation.
pub async fn create_network_acl(
    call: Call<ec2::CreateNetworkAcl>,
) -> Result<ec2::CreateNetworkAclOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let tags = tags::of_new(input.tag_specifications.as_ref(), &NetworkAcl::RESOURCE_TYPE)?;
    let request = client_request(input.client_token.as_ref(), &input)?;
    check_dry_run(input.dry_run)?;
    let created = call.access().store().transact(move |tx| {
        if let Some(earlier) = earlier::<NetworkAcl>(tx.state(), &scope, request.as_ref())? {
            return Ok(rendered(&earlier));
        }
        let vpc = require::<Vpc>(tx.state(), &scope, &input.vpc_id)?;
        let acl = tx.put(NetworkAcl {
            id: tx.ids().ec2("acl"),
            scope,
            vpc_id: vpc.id.clone(),
            is_default: false,
            entries: Vec::new(),
            associations: Vec::new(),
            client_request: request,
            tags,
        });
        Ok(rendered(&acl))
    });
    Ok(ec2::CreateNetworkAclOutput {
        network_acl: Some(created.await.map_err(from_store)?),
        client_token: call.input().client_token.clone(),
    })
}

/// `DeleteNetworkAcl`.
///
/// # Errors
/// InvalidNetworkAclID.NotFound, InvalidParameterValue for a default one, DependencyViolation for one that a subnet
/// obeys, DryRunOperation.
pub async fn delete_network_acl(
    call: Call<ec2::DeleteNetworkAcl>,
) -> Result<ec2::DeleteNetworkAclOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let deleted = call.access().store().transact(move |tx| {
        let acl = require::<NetworkAcl>(tx.state(), &scope, &input.network_acl_id)?;
        if acl.is_default {
            return Err(invalid_value(format!(
                "cannot delete default network ACL {}",
                acl.id
            )));
        }
        if !acl.associations.is_empty() {
            return Err(refusal(
                "DependencyViolation",
                format!(
                    "The networkAcl '{}' has dependencies and cannot be deleted.",
                    acl.id
                ),
            ));
        }
        tx.delete::<NetworkAcl>(&acl.id);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(ec2::DeleteNetworkAclOutput {})
}

/// `ReplaceNetworkAclAssociation`: the subnet obeys another ACL from now on. To obey the one that it obeys already
/// changes nothing.
///
/// # Errors
/// InvalidAssociationID.NotFound, InvalidNetworkAclID.NotFound, InvalidParameterValue, DryRunOperation.
pub async fn replace_network_acl_association(
    call: Call<ec2::ReplaceNetworkAclAssociation>,
) -> Result<ec2::ReplaceNetworkAclAssociationOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let replaced = call.access().store().transact(move |tx| {
        let id = &input.association_id;
        let found = tx.state().network_acls(&scope).find_map(|acl| {
            let association = acl.associations.iter().find(|it| it.id == *id)?;
            Some((Arc::clone(acl), association.clone()))
        });
        let (old, association) = found.ok_or_else(|| {
            refusal(
                "InvalidAssociationID.NotFound",
                format!("The association ID '{id}' does not exist"),
            )
        })?;
        let new = require::<NetworkAcl>(tx.state(), &scope, &input.network_acl_id)?;
        if new.vpc_id != old.vpc_id {
            return Err(invalid_value(format!(
                "network ACL {} and subnet {} belong to different networks",
                new.id, association.subnet_id
            )));
        }
        if new.id == old.id {
            return Ok(association.id);
        }
        let mut old = NetworkAcl::clone(&old);
        old.associations.retain(|it| it.id != association.id);
        tx.put(old);
        let mut new = NetworkAcl::clone(&new);
        let id = tx.ids().ec2("aclassoc");
        new.associations.push(NetworkAclAssociation {
            id: id.clone(),
            subnet_id: association.subnet_id,
        });
        tx.put(new);
        Ok(id)
    });
    Ok(ec2::ReplaceNetworkAclAssociationOutput {
        new_association_id: Some(replaced.await.map_err(from_store)?),
    })
}
