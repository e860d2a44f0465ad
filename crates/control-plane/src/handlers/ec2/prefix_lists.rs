//! Managed prefix lists of users: made, changed in versions, deleted. Changes are complete at once.

use api::ec2;
use domain::prefix_list::{ListChange, PrefixList};
use store::Tx;

use super::client_tokens::{client_request, earlier};
use super::resources::{Resource, require};
use super::{check_dry_run, from_store, invalid_value, missing, refusal, tags};
use crate::call::Call;

mod amazon;
mod describing;
mod entries;
mod shape;

pub(super) use amazon::{AmazonList, check_exists};
pub use describing::{
    describe_managed_prefix_lists, describe_prefix_lists, get_managed_prefix_list_associations,
    get_managed_prefix_list_entries,
};

/// Most entries that a list may be made for.
const MAX_ENTRIES: std::ops::RangeInclusive<i32> = 1..=1000;
/// Most letters of a name.
const NAME_MAX: usize = 255;
/// What names of Amazon's lists begin with.
const RESERVED: &str = "com.amazonaws";

/// `CreateManagedPrefixList`; with a token that was used, the list that it made.
///
/// # Errors
/// InvalidParameterValue, PrefixListMaxEntriesExceeded, IdempotentParameterMismatch, TagLimitExceeded, DryRunOperation.
pub async fn create_managed_prefix_list(
    call: Call<ec2::CreateManagedPrefixList>,
) -> Result<ec2::CreateManagedPrefixListOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let request = client_request(input.client_token.as_ref(), &input)?;
    check_name(&input.prefix_list_name)?;
    let max_entries = max_entries(input.max_entries)?;
    if !matches!(input.address_family.as_str(), "IPv4" | "IPv6") {
        return Err(invalid_value(format!(
            "Value ({}) for parameter addressFamily is invalid. Valid values are IPv4 and IPv6.",
            input.address_family
        )));
    }
    let mut list = PrefixList {
        id: String::new(),
        scope,
        name: input.prefix_list_name,
        max_entries,
        version: 1,
        versions: Vec::new(),
        last_change: ListChange::Creation,
        address_family: input.address_family,
        client_request: request,
        tags: tags::of_new(input.tag_specifications.as_ref(), &PrefixList::RESOURCE_TYPE)?,
    };
    let entries = entries::changed(&list, &input.entries.unwrap_or_default(), &[])?;
    list.versions.push(entries);
    check_dry_run(input.dry_run)?;
    let created = call.access().store().transact(move |tx| {
        if let Some(earlier) = earlier(tx.state(), &list.scope, list.client_request.as_ref())? {
            return Ok(shape::rendered(&earlier));
        }
        list.id = tx.ids().ec2("pl");
        Ok(shape::rendered(&tx.put(list)))
    });
    Ok(ec2::CreateManagedPrefixListOutput {
        prefix_list: Some(created.await.map_err(from_store)?),
    })
}

fn check_name(name: &str) -> Result<(), ec2::Error> {
    let is_valid = !name.is_empty() && name.chars().count() <= NAME_MAX && !name.starts_with(RESERVED);
    match is_valid {
        true => Ok(()),
        false => Err(invalid_value(format!(
            "Value ({name}) for parameter prefixListName is invalid. A name has up to {NAME_MAX} characters and cannot start with {RESERVED}."
        ))),
    }
}

fn max_entries(given: i32) -> Result<u32, ec2::Error> {
    let valid = u32::try_from(given).ok().filter(|_| MAX_ENTRIES.contains(&given));
    valid.ok_or_else(|| {
        invalid_value(format!(
            "Value ({given}) for parameter maxEntries is invalid. Must be between {} and {}.",
            MAX_ENTRIES.start(),
            MAX_ENTRIES.end()
        ))
    })
}

/// `ModifyManagedPrefixList`: entries make a new version; a name and a size do not.
///
/// # Errors
/// InvalidPrefixListID.NotFound, PrefixListVersionMismatch, InvalidPrefixListModification,
/// PrefixListMaxEntriesExceeded, InvalidParameterValue, InvalidParameterCombination, MissingParameter,
/// OperationNotPermitted for Amazon's lists, DryRunOperation.
pub async fn modify_managed_prefix_list(
    call: Call<ec2::ModifyManagedPrefixList>,
) -> Result<ec2::ModifyManagedPrefixListOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_modification(&input)?;
    check_dry_run(input.dry_run)?;
    let modified = call.access().store().transact(move |tx| {
        amazon::check_unmanaged(&input.prefix_list_id)?;
        let list = require::<PrefixList>(tx.state(), &scope, &input.prefix_list_id)?;
        entries::check_current(&list, input.current_version)?;
        let mut list = PrefixList::clone(&list);
        apply(&mut list, input)?;
        Ok(shape::rendered(&tx.put(list)))
    });
    Ok(ec2::ModifyManagedPrefixListOutput {
        prefix_list: Some(modified.await.map_err(from_store)?),
    })
}

fn has_entries(input: &ec2::ModifyManagedPrefixListInput) -> bool {
    let adds = input.add_entries.as_ref().is_some_and(|it| !it.is_empty());
    adds || input.remove_entries.as_ref().is_some_and(|it| !it.is_empty())
}

fn check_modification(input: &ec2::ModifyManagedPrefixListInput) -> Result<(), ec2::Error> {
    if input.ipam_prefix_list_resolver_sync_enabled == Some(true) {
        return Err(super::unsupported("IPAM is not supported by Gantry."));
    }
    if has_entries(input) && input.max_entries.is_some() {
        return Err(refusal(
            "InvalidParameterCombination",
            "You cannot modify the entries of a prefix list and modify the size of a prefix list at the same time.",
        ));
    }
    if has_entries(input) && input.current_version.is_none() {
        return Err(missing("currentVersion"));
    }
    input.prefix_list_name.as_deref().map_or(Ok(()), check_name)
}

fn apply(list: &mut PrefixList, input: ec2::ModifyManagedPrefixListInput) -> Result<(), ec2::Error> {
    if has_entries(&input) {
        let added = input.add_entries.unwrap_or_default();
        let removed = input.remove_entries.unwrap_or_default();
        let entries = entries::changed(list, &added, &removed)?;
        entries::begin_version(list, entries);
    }
    if let Some(given) = input.max_entries {
        let given = max_entries(given)?;
        if list.entries().len() > given as usize {
            return Err(refusal(
                "PrefixListMaxEntriesExceeded",
                format!("The prefix list has more than {given} entries."),
            ));
        }
        list.max_entries = given;
    }
    if let Some(name) = input.prefix_list_name {
        list.name = name;
    }
    list.last_change = ListChange::Modification;
    Ok(())
}

/// `RestoreManagedPrefixListVersion`: a new version with the entries of an earlier one that is still kept.
///
/// # Errors
/// InvalidPrefixListID.NotFound, PrefixListVersionMismatch, InvalidParameterValue, PrefixListMaxEntriesExceeded,
/// OperationNotPermitted for Amazon's lists, DryRunOperation.
pub async fn restore_managed_prefix_list_version(
    call: Call<ec2::RestoreManagedPrefixListVersion>,
) -> Result<ec2::RestoreManagedPrefixListVersionOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let restored = call.access().store().transact(move |tx| {
        amazon::check_unmanaged(&input.prefix_list_id)?;
        let list = require::<PrefixList>(tx.state(), &scope, &input.prefix_list_id)?;
        entries::check_current(&list, Some(input.current_version))?;
        let mut list = PrefixList::clone(&list);
        let earlier = entries::of_version(&list, input.previous_version)?.to_vec();
        entries::check_size(&list, &earlier)?;
        entries::begin_version(&mut list, earlier);
        list.last_change = ListChange::Restoration;
        Ok(shape::rendered(&tx.put(list)))
    });
    Ok(ec2::RestoreManagedPrefixListVersionOutput {
        prefix_list: Some(restored.await.map_err(from_store)?),
    })
}

/// `DeleteManagedPrefixList`.
///
/// # Errors
/// InvalidPrefixListID.NotFound, DependencyViolation for one that rules or routes name, OperationNotPermitted for
/// Amazon's lists, DryRunOperation.
pub async fn delete_managed_prefix_list(
    call: Call<ec2::DeleteManagedPrefixList>,
) -> Result<ec2::DeleteManagedPrefixListOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let deleted = call.access().store().transact(move |tx: &mut Tx<'_>| {
        amazon::check_unmanaged(&input.prefix_list_id)?;
        let list = require::<PrefixList>(tx.state(), &scope, &input.prefix_list_id)?;
        let users = describing::users(tx.state(), &scope, &list.id);
        if let Some((user, _)) = users.first() {
            return Err(refusal(
                "DependencyViolation",
                format!(
                    "The prefixList '{}' has dependencies and cannot be deleted. One is {user}.",
                    list.id
                ),
            ));
        }
        tx.delete::<PrefixList>(&list.id);
        Ok(ec2::ManagedPrefixList {
            state: Some(ec2::PrefixListState::DeleteComplete),
            ..shape::rendered(&list)
        })
    });
    Ok(ec2::DeleteManagedPrefixListOutput {
        prefix_list: Some(deleted.await.map_err(from_store)?),
    })
}
