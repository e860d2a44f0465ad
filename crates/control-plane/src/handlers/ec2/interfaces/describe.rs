//! DescribeNetworkInterfaces.

use api::ec2;
use domain::network_interface::NetworkInterface;
use store::State;

use super::filters::RULES;
use super::find::{Narrowing, candidates, unknown};
use super::render::rendered;
use crate::call::Call;
use crate::handlers::ec2::check_dry_run;
use crate::handlers::ec2::filters::{Filters, exact_values_of};
use crate::handlers::ec2::resources::Resource;
use crate::handlers::ec2::select::{Wanted, listing, page_request};
use crate::handlers::ec2::stretches::{Stretch, page_of_stretches};

/// `DescribeNetworkInterfaces`: what is asked for by id, subnet or group is found without looking at all tasks. Pages
/// have 1,000 at most.
///
/// # Errors
/// InvalidNetworkInterfaceID.NotFound, InvalidNetworkInterfaceId.Malformed, InvalidParameterValue, MissingParameter,
/// DryRunOperation.
pub async fn describe_network_interfaces(
    call: Call<ec2::DescribeNetworkInterfaces>,
) -> Result<ec2::DescribeNetworkInterfacesOutput, ec2::Error> {
    let (scope, input) = (call.scope(), call.input());
    let filters = Filters::of(&RULES, input.filters.as_ref())?;
    check_dry_run(input.dry_run)?;
    let narrowing = narrowing(input);
    let chosen_by = format!("{scope:?} {:?} {:?}", input.network_interface_ids, input.filters);
    let listing = listing::<ec2::DescribeNetworkInterfaces>(&chosen_by);
    let wanted = Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let request = page_request::<ec2::DescribeNetworkInterfaces>(&listing, &wanted)?;
    let store = call.access().store();
    let ids = input.network_interface_ids.as_deref().unwrap_or_default();
    if let Some(unknown) = store.read(|state| unknown(state, scope, ids)) {
        return Err(NetworkInterface::KIND.unknown(unknown));
    }
    let look = |state: &State, after: Option<&str>| {
        let Stretch { items, resume } = candidates(state, scope, narrowing, after);
        let matching = items.into_iter().filter_map(|(position, candidate)| {
            let shown = rendered(state, &candidate.interface(state, scope)?);
            filters.match_all(&shown).then_some((position, shown))
        });
        Stretch {
            items: matching.collect(),
            resume,
        }
    };
    let found = page_of_stretches(store, call.access().page_key(), request, look).await;
    let (network_interfaces, next_token) = found?;
    Ok(ec2::DescribeNetworkInterfacesOutput {
        network_interfaces: Some(network_interfaces),
        next_token,
    })
}

fn narrowing(input: &ec2::DescribeNetworkInterfacesInput) -> Narrowing<'_> {
    if let Some(ids) = input.network_interface_ids.as_deref().filter(|it| !it.is_empty()) {
        return Narrowing::Ids(ids);
    }
    let exact = |names: &[&str]| exact_values_of(input.filters.as_ref(), names);
    if let Some(ids) = exact(&["network-interface-id"]) {
        return Narrowing::Ids(ids);
    }
    if let Some(ids) = exact(&["group-id"]) {
        return Narrowing::SecurityGroups(ids);
    }
    match exact(&["subnet-id"]) {
        Some(ids) => Narrowing::Subnets(ids),
        None => Narrowing::All,
    }
}
