//! Entries of network ACLs: made, replaced, deleted.

use api::ec2;
use domain::Scope;
use domain::network_acl::{NetworkAcl, NetworkAclEntry};
use domain::network_traffic::Direction;
use store::Tx;

use super::entry::{Members, direction, entry, number};
use crate::call::Call;
use crate::handlers::ec2::resources::require;
use crate::handlers::ec2::{check_dry_run, from_store, refusal};

/// Most entries of a direction: what Amazon raises its quota to at most.
const ENTRIES_MAX: usize = 40;

/// `CreateNetworkAclEntry`.
///
/// # Errors
/// InvalidNetworkAclID.NotFound, NetworkAclEntryAlreadyExists, NetworkAclEntryLimitExceeded, InvalidParameterValue,
/// InvalidParameterCombination, MissingParameter, DryRunOperation.
pub async fn create_network_acl_entry(
    call: Call<ec2::CreateNetworkAclEntry>,
) -> Result<ec2::CreateNetworkAclEntryOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let entry = entry(&Members::from(&input))?;
    check_dry_run(input.dry_run)?;
    let created = call.access().store().transact(move |tx| {
        change(tx, &scope, &input.network_acl_id, |entries| {
            if position(entries, entry.number, entry.direction).is_some() {
                return Err(refusal(
                    "NetworkAclEntryAlreadyExists",
                    format!(
                        "The network acl entry identified by {} already exists.",
                        entry.number
                    ),
                ));
            }
            let own = entries.iter().filter(|it| it.direction == entry.direction);
            if own.count() >= ENTRIES_MAX {
                return Err(refusal(
                    "NetworkAclEntryLimitExceeded",
                    format!("The maximum number of network acl entries ({ENTRIES_MAX}) has been reached."),
                ));
            }
            entries.push(entry);
            Ok(())
        })
    });
    created.await.map_err(from_store)?;
    Ok(ec2::CreateNetworkAclEntryOutput {})
}

/// `ReplaceNetworkAclEntry`.
///
/// # Errors
/// InvalidNetworkAclID.NotFound, InvalidNetworkAclEntry.NotFound, InvalidParameterValue,
/// InvalidParameterCombination, MissingParameter, DryRunOperation.
pub async fn replace_network_acl_entry(
    call: Call<ec2::ReplaceNetworkAclEntry>,
) -> Result<ec2::ReplaceNetworkAclEntryOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let entry = entry(&Members::from(&input))?;
    check_dry_run(input.dry_run)?;
    let replaced = call.access().store().transact(move |tx| {
        change(tx, &scope, &input.network_acl_id, |entries| {
            let at = position(entries, entry.number, entry.direction);
            let at = at.ok_or_else(|| unknown(entry.number))?;
            entries[at] = entry;
            Ok(())
        })
    });
    replaced.await.map_err(from_store)?;
    Ok(ec2::ReplaceNetworkAclEntryOutput {})
}

/// `DeleteNetworkAclEntry`.
///
/// # Errors
/// InvalidNetworkAclID.NotFound, InvalidNetworkAclEntry.NotFound, InvalidParameterValue, DryRunOperation.
pub async fn delete_network_acl_entry(
    call: Call<ec2::DeleteNetworkAclEntry>,
) -> Result<ec2::DeleteNetworkAclEntryOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let number = number(input.rule_number)?;
    check_dry_run(input.dry_run)?;
    let deleted = call.access().store().transact(move |tx| {
        change(tx, &scope, &input.network_acl_id, |entries| {
            let at = position(entries, number, direction(input.egress));
            entries.remove(at.ok_or_else(|| unknown(number))?);
            Ok(())
        })
    });
    deleted.await.map_err(from_store)?;
    Ok(ec2::DeleteNetworkAclEntryOutput {})
}

fn change(
    tx: &mut Tx<'_>,
    scope: &Scope,
    id: &str,
    how: impl FnOnce(&mut Vec<NetworkAclEntry>) -> Result<(), ec2::Error>,
) -> Result<(), ec2::Error> {
    let mut acl = NetworkAcl::clone(&*require::<NetworkAcl>(tx.state(), scope, id)?);
    how(&mut acl.entries)?;
    tx.put(acl);
    Ok(())
}

fn position(entries: &[NetworkAclEntry], number: u16, direction: Direction) -> Option<usize> {
    let is_it = |it: &NetworkAclEntry| it.number == number && it.direction == direction;
    entries.iter().position(is_it)
}

fn unknown(number: u16) -> ec2::Error {
    refusal(
        "InvalidNetworkAclEntry.NotFound",
        format!("The network acl entry identified by {number} does not exist."),
    )
}
