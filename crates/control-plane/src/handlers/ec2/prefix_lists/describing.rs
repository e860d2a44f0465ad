//! Reading prefix lists: the user's and Amazon's, their entries, and who names them.

use api::ec2;
use domain::Scope;
use domain::prefix_list::PrefixList;
use domain::route_table::Destination;
use domain::security_group::Peer;
use store::State;

use super::amazon::{AmazonList, check_exists};
use super::{entries, shape};
use crate::call::Call;
use crate::handlers::ec2::check_dry_run;
use crate::handlers::ec2::filters::Rule;
use crate::handlers::ec2::resources::{Resource, require};
use crate::handlers::ec2::select::{Listing, Wanted, cut, describe};

const RULES: [Rule<ec2::ManagedPrefixList>; 3] = [
    Rule {
        names: &["prefix-list-id"],
        values: |it| it.prefix_list_id.iter().cloned().collect(),
    },
    Rule {
        names: &["prefix-list-name"],
        values: |it| it.prefix_list_name.iter().cloned().collect(),
    },
    Rule {
        names: &["owner-id"],
        values: |it| it.owner_id.iter().cloned().collect(),
    },
];

const AMAZON_RULES: [Rule<ec2::PrefixList>; 2] = [
    Rule {
        names: &["prefix-list-id"],
        values: |it| it.prefix_list_id.iter().cloned().collect(),
    },
    Rule {
        names: &["prefix-list-name"],
        values: |it| it.prefix_list_name.iter().cloned().collect(),
    },
];

/// `DescribeManagedPrefixLists`: those of the user and those of Amazon.
///
/// # Errors
/// InvalidPrefixListID.NotFound, InvalidPrefixListId.Malformed, InvalidParameterValue, MissingParameter,
/// DryRunOperation.
pub async fn describe_managed_prefix_lists(
    call: Call<ec2::DescribeManagedPrefixLists>,
) -> Result<ec2::DescribeManagedPrefixListsOutput, ec2::Error> {
    let input = call.input();
    let listing = Listing {
        ids: input.prefix_list_ids.as_ref(),
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let region = &call.scope().region;
    let (lists, next_token) = describe(&call, &PrefixList::KIND, &RULES, &listing, |state| {
        let own = state.prefix_lists(call.scope());
        let own = own.map(|it| (it.id.clone(), shape::rendered(it)));
        let amazon = AmazonList::ALL.map(|it| (it.id.to_owned(), it.rendered(region)));
        own.chain(amazon).collect()
    })?;
    Ok(ec2::DescribeManagedPrefixListsOutput {
        prefix_lists: Some(lists),
        next_token,
    })
}

/// `DescribePrefixLists`: those of Amazon.
///
/// # Errors
/// InvalidPrefixListID.NotFound, InvalidPrefixListId.Malformed, InvalidParameterValue, MissingParameter,
/// DryRunOperation.
pub async fn describe_prefix_lists(
    call: Call<ec2::DescribePrefixLists>,
) -> Result<ec2::DescribePrefixListsOutput, ec2::Error> {
    let input = call.input();
    let listing = Listing {
        ids: input.prefix_list_ids.as_ref(),
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let (region, endpoint) = (&call.scope().region, call.access().advertised_endpoint());
    let one = |it: AmazonList| {
        let told = ec2::PrefixList {
            prefix_list_id: Some(it.id.to_owned()),
            prefix_list_name: Some(it.name(region)),
            cidrs: Some(it.ranges(endpoint)),
        };
        (it.id.to_owned(), told)
    };
    let (lists, next_token) = describe(&call, &PrefixList::KIND, &AMAZON_RULES, &listing, |_| {
        AmazonList::ALL.map(one).into()
    })?;
    Ok(ec2::DescribePrefixListsOutput {
        prefix_lists: Some(lists),
        next_token,
    })
}

/// `GetManagedPrefixListEntries`: of the last version, or of an earlier one that is still kept.
///
/// # Errors
/// InvalidPrefixListID.NotFound, InvalidParameterValue, DryRunOperation.
pub async fn get_managed_prefix_list_entries(
    call: Call<ec2::GetManagedPrefixListEntries>,
) -> Result<ec2::GetManagedPrefixListEntriesOutput, ec2::Error> {
    let (scope, input) = (call.scope(), call.input());
    check_dry_run(input.dry_run)?;
    let id = &input.prefix_list_id;
    let found = match AmazonList::of_id(id) {
        Some(list) => of_amazon(list, call.access().advertised_endpoint()),
        None => call
            .access()
            .store()
            .read(|state| of_user(state, scope, id, input.target_version))?,
    };
    let wanted = Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let chosen_by = format!("{scope:?} {id} {:?}", input.target_version);
    let (entries, next_token) =
        cut::<ec2::GetManagedPrefixListEntries, _>(call.access().page_key(), &wanted, &chosen_by, found)?;
    Ok(ec2::GetManagedPrefixListEntriesOutput {
        entries: Some(entries),
        next_token,
    })
}

/// Ranges with what is told of them.
type Entries = Vec<(String, ec2::PrefixListEntry)>;

fn of_amazon(list: AmazonList, endpoint: &str) -> Entries {
    let one = |range: String| {
        let told = ec2::PrefixListEntry {
            cidr: Some(range.clone()),
            description: None,
        };
        (range, told)
    };
    list.ranges(endpoint).into_iter().map(one).collect()
}

fn of_user(
    state: &State,
    scope: &Scope,
    id: &str,
    target_version: Option<i64>,
) -> Result<Entries, ec2::Error> {
    let list = require::<PrefixList>(state, scope, id)?;
    let found = match target_version {
        None => list.entries(),
        Some(version) => entries::of_version(&list, version)?,
    };
    let one = |it: &domain::prefix_list::PrefixListEntry| {
        let told = ec2::PrefixListEntry {
            cidr: Some(it.range.to_string()),
            description: it.description.clone(),
        };
        (it.range.to_string(), told)
    };
    Ok(found.iter().map(one).collect())
}

/// `GetManagedPrefixListAssociations`: security groups and route tables that name a list.
///
/// # Errors
/// InvalidPrefixListID.NotFound, InvalidParameterValue, DryRunOperation.
pub async fn get_managed_prefix_list_associations(
    call: Call<ec2::GetManagedPrefixListAssociations>,
) -> Result<ec2::GetManagedPrefixListAssociationsOutput, ec2::Error> {
    let (scope, input) = (call.scope(), call.input());
    check_dry_run(input.dry_run)?;
    let id = &input.prefix_list_id;
    let found = call.access().store().read(|state| {
        check_exists(state, scope, id)?;
        Ok(users(state, scope, id))
    })?;
    let wanted = Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let chosen_by = format!("{scope:?} {id}");
    let (associations, next_token) = cut::<ec2::GetManagedPrefixListAssociations, _>(
        call.access().page_key(),
        &wanted,
        &chosen_by,
        found,
    )?;
    Ok(ec2::GetManagedPrefixListAssociationsOutput {
        prefix_list_associations: Some(associations),
        next_token,
    })
}

/// Who names a list, by id.
pub fn users(state: &State, scope: &Scope, list_id: &str) -> Vec<(String, ec2::PrefixListAssociation)> {
    let groups = state.security_groups(scope).filter(|it| {
        let mut peers = it.rules.iter().map(|it| &it.peer);
        peers.any(|it| matches!(it, Peer::PrefixList(id) if id == list_id))
    });
    let tables = state.route_tables(scope).filter(|it| {
        let mut destinations = it.routes.iter().map(|it| &it.destination);
        destinations.any(|it| matches!(it, Destination::PrefixList(id) if id == list_id))
    });
    let ids = groups
        .map(|it| it.id.clone())
        .chain(tables.map(|it| it.id.clone()));
    let one = |id: String| {
        let told = ec2::PrefixListAssociation {
            resource_id: Some(id.clone()),
            resource_owner: Some(scope.account.clone()),
        };
        (id, told)
    };
    ids.map(one).collect()
}
