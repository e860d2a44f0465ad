//! DescribeNetworkInterfaces.

use api::ec2;
use domain::network_interface::NetworkInterface;

use super::filters::RULES;
use super::find::{Narrowing, candidates};
use super::render::rendered;
use crate::call::Call;
use crate::handlers::ec2::filters::{Filters, values_of};
use crate::handlers::ec2::resources::Resource;
use crate::handlers::ec2::select::page_request;
use crate::handlers::ec2::{check_dry_run, invalid_value};
use crate::handlers::page::page;

/// `DescribeNetworkInterfaces`: what is asked for by id, subnet or group is found without looking at all tasks, and
/// only a page is rendered.
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
    let listing = format!(
        "DescribeNetworkInterfaces {scope:?} {:?} {:?}",
        input.network_interface_ids, input.filters
    );
    let request = page_request(&listing, input.max_results, input.next_token.as_deref())?;
    let ids = input.network_interface_ids.as_deref().unwrap_or_default();
    call.access().store().read(|state| {
        let found = candidates(state, scope, narrowing);
        if let Some(unknown) = ids.iter().find(|id| !found.iter().any(|(it, _)| it == *id)) {
            return Err(NetworkInterface::KIND.unknown(unknown));
        }
        let matching = found.into_iter().filter_map(|(id, candidate)| {
            let shown = rendered(state, &candidate.interface(state, scope)?);
            filters.match_all(&shown).then_some((id, shown))
        });
        let cut = page(call.access().page_key(), &request, matching);
        let (network_interfaces, next_token) =
            cut.map_err(|_| invalid_value("Unable to parse pagination token"))?;
        Ok(ec2::DescribeNetworkInterfacesOutput {
            network_interfaces: Some(network_interfaces),
            next_token,
        })
    })
}

fn narrowing(input: &ec2::DescribeNetworkInterfacesInput) -> Narrowing<'_> {
    if let Some(ids) = input.network_interface_ids.as_deref().filter(|it| !it.is_empty()) {
        return Narrowing::Ids(ids);
    }
    let exact = |names: &[&str]| {
        let values = values_of(input.filters.as_ref(), names)?;
        let is_exact = |it: &String| !it.contains(['*', '?', '\\']);
        values.iter().all(is_exact).then_some(values)
    };
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
