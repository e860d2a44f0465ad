//! How a prefix list is told.

use api::ec2;
use domain::prefix_list::{ListChange, PrefixList};

use crate::handlers::ec2::tags;

/// A user's prefix list as Amazon tells it.
pub fn rendered(it: &PrefixList) -> ec2::ManagedPrefixList {
    let (region, account) = (&it.scope.region, &it.scope.account);
    ec2::ManagedPrefixList {
        prefix_list_id: Some(it.id.clone()),
        prefix_list_name: Some(it.name.clone()),
        prefix_list_arn: Some(format!("arn:aws:ec2:{region}:{account}:prefix-list/{}", it.id)),
        address_family: Some(it.address_family.clone()),
        max_entries: i32::try_from(it.max_entries).ok(),
        version: i64::try_from(it.version).ok(),
        owner_id: Some(account.clone()),
        state: Some(match it.last_change {
            ListChange::Creation => ec2::PrefixListState::CreateComplete,
            ListChange::Modification => ec2::PrefixListState::ModifyComplete,
            ListChange::Restoration => ec2::PrefixListState::RestoreComplete,
        }),
        tags: tags::render(&it.tags),
        ..ec2::ManagedPrefixList::default()
    }
}
