//! Listings of zones: by id, by name, and of a VPC.

use api::route53::{self, Error};
use domain::Scope;
use domain::cloud_map::zone_records::{absolute, reversed};
use domain::vpc::Vpc;

use super::errors::{invalid_input, invalid_token, no_delegation_set};
use super::{ids, render};
use crate::call::Call;
use crate::handlers::page::{PageRequest, page};

/// Most zones of a page, and as many as it has by default.
const ZONES_MAX: usize = 100;

/// `ListHostedZones`, by id.
///
/// # Errors
/// InvalidInput; NoSuchDelegationSet, as there are none.
pub async fn list_hosted_zones(
    call: Call<route53::ListHostedZones>,
) -> Result<route53::ListHostedZonesOutput, Error> {
    let (scopes, input) = (ids::scopes(&call), call.input());
    let most = ids::max_items(input.max_items.as_deref(), ZONES_MAX)?;
    if let Some(id) = &input.delegation_set_id {
        return Err(no_delegation_set(id));
    }
    let is_private_only = match &input.hosted_zone_type {
        None => false,
        Some(route53::HostedZoneType::PrivateHostedZone) => true,
        Some(other) => {
            return Err(invalid_input(format!(
                "Invalid hosted zone type: {}",
                other.as_str()
            )));
        }
    };
    let marker = input.marker.as_deref().unwrap_or_default();
    let from = ids::bare(marker)?;
    let store = call.access().store();
    let (page, next) = store.read(|state| {
        let mut zones = ids::zones(state, &scopes);
        zones.retain(|(zone, namespace)| {
            zone.id.as_str() >= from && (!is_private_only || namespace.vpc_id().is_some())
        });
        let next = zones.get(most).map(|(zone, _)| zone.id.clone());
        let page = zones.into_iter().take(most).map(ids::owned);
        (page.collect::<Vec<_>>(), next)
    });
    Ok(route53::ListHostedZonesOutput {
        hosted_zones: render::zones(store, &page).await,
        is_truncated: next.is_some(),
        marker: marker.to_owned(),
        max_items: most.to_string(),
        next_marker: next,
    })
}

/// `ListHostedZonesByName`: by name with its labels reversed, then by id.
///
/// # Errors
/// InvalidInput.
pub async fn list_hosted_zones_by_name(
    call: Call<route53::ListHostedZonesByName>,
) -> Result<route53::ListHostedZonesByNameOutput, Error> {
    let (scopes, input) = (ids::scopes(&call), call.input());
    let most = ids::max_items(input.max_items.as_deref(), ZONES_MAX)?;
    let name = input.dns_name.as_deref().filter(|it| !it.is_empty());
    let id = input.hosted_zone_id.as_deref().filter(|it| !it.is_empty());
    let from = match (name, id) {
        (None, Some(_)) => {
            return Err(invalid_input(
                "The dnsname parameter is required when hostedzoneid is specified",
            ));
        }
        (None, None) => (String::new(), String::new()),
        (Some(name), id) => (
            reversed(&ids::name(name)?),
            ids::bare(id.unwrap_or_default())?.to_owned(),
        ),
    };
    let store = call.access().store();
    let (page, next) = store.read(|state| {
        let zones = ids::zones(state, &scopes).into_iter();
        let placed = zones.map(|it| ((reversed(&absolute(&it.1.name)), it.0.id.clone()), it));
        let mut zones: Vec<_> = placed.filter(|(at, _)| *at >= from).collect();
        zones.sort_by(|(one, _), (other, _)| one.cmp(other));
        let next = zones.get(most).map(|(_, it)| ids::owned(*it));
        let page = zones.into_iter().take(most).map(|(_, it)| ids::owned(it));
        (page.collect::<Vec<_>>(), next)
    });
    Ok(route53::ListHostedZonesByNameOutput {
        dns_name: input.dns_name.clone(),
        hosted_zone_id: input.hosted_zone_id.clone(),
        hosted_zones: render::zones(store, &page).await,
        is_truncated: next.is_some(),
        max_items: most.to_string(),
        next_dns_name: next.as_ref().map(|(_, namespace)| absolute(&namespace.name)),
        next_hosted_zone_id: next.map(|(zone, _)| zone.id),
    })
}

/// `ListHostedZonesByVPC`: the private zones that are seen in a VPC.
///
/// # Errors
/// InvalidInput: there is no such VPC; InvalidPaginationToken.
pub async fn list_hosted_zones_by_vpc(
    call: Call<route53::ListHostedZonesByVPC>,
) -> Result<route53::ListHostedZonesByVPCOutput, Error> {
    let (scopes, input) = (ids::scopes(&call), call.input());
    let most = ids::max_items(input.max_items.as_deref(), ZONES_MAX)?;
    let (vpc_id, region) = (&input.vpc_id, input.vpc_region.as_str());
    let of_vpc = Scope::new(call.scope().account.clone(), region.to_owned());
    let request = PageRequest {
        listing: &format!("route53 zones of {vpc_id} in {region}"),
        next_token: input.next_token.as_deref().filter(|it| !it.is_empty()),
        max_results: most,
    };
    let (shown, next_token) = call.access().store().read(|state| {
        let vpc = state.get::<Vpc>(vpc_id).filter(|it| it.scope == of_vpc);
        vpc.ok_or_else(|| {
            invalid_input(format!(
                "The VPC {vpc_id} in region {region} that you provided is not authorized or does not exist."
            ))
        })?;
        let zones = ids::zones(state, &scopes).into_iter();
        let seen = zones.filter(|(_, namespace)| namespace.vpc_id() == Some(vpc_id.as_str()));
        let seen = seen.map(|it| (it.0.id.clone(), render::zone_summary(it)));
        page(call.access().page_key(), &request, seen).map_err(|_| invalid_token())
    })?;
    Ok(route53::ListHostedZonesByVPCOutput {
        hosted_zone_summaries: shown,
        max_items: most.to_string(),
        next_token,
    })
}
