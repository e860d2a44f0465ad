//! `ListResourceRecordSets`: pages of a zone in the order of Route 53.

use api::route53::{self, Error};
use domain::cloud_map::Namespace;
use domain::cloud_map::zone_records::{ZonePosition, ZoneRecordSet, beginning, own_sets, reversed, sets_of};
use store::Store;

use super::errors::invalid_input;
use super::{ids, pieces, render};
use crate::call::Call;

/// Most sets of a page, and as many as it has by default.
const SETS_MAX: usize = 300;

/// `ListResourceRecordSets`.
///
/// # Errors
/// NoSuchHostedZone; InvalidInput.
pub async fn list_resource_record_sets(
    call: Call<route53::ListResourceRecordSets>,
) -> Result<route53::ListResourceRecordSetsOutput, Error> {
    let (scopes, input) = (ids::scopes(&call), call.input());
    let most = ids::max_items(input.max_items.as_deref(), SETS_MAX)?;
    let from = start(input)?;
    let store = call.access().store();
    let (_, namespace) =
        store.read(|state| ids::zone(state, &scopes, &input.hosted_zone_id).map(ids::owned))?;
    let mut sets = sets_from(store, &namespace, &from, most + 1).await;
    let next = (sets.len() > most).then(|| sets.remove(most));
    Ok(route53::ListResourceRecordSetsOutput {
        is_truncated: next.is_some(),
        max_items: most.to_string(),
        next_record_identifier: next
            .as_ref()
            .and_then(|it| it.choice.as_ref().map(|(id, _)| id.clone())),
        next_record_name: next.as_ref().map(|it| it.name.clone()),
        next_record_type: next.as_ref().map(|it| it.record_type.into()),
        resource_record_sets: sets.into_iter().map(render::record_set).collect(),
    })
}

/// Where a page begins.
fn start(input: &route53::ListResourceRecordSetsInput) -> Result<ZonePosition, Error> {
    let kind = input.start_record_type.as_ref().map(route53::RRType::as_str);
    if let Some(route53::RRType::Unmodelled(other)) = &input.start_record_type {
        return Err(invalid_input(format!("Invalid record type: {other:?}")));
    }
    match (&input.start_record_name, kind, &input.start_record_identifier) {
        (None, None, None) => Ok(ZonePosition::default()),
        (None, ..) => Err(invalid_input("Cannot specify record type without record name.")),
        (_, None, Some(_)) => Err(invalid_input(
            "Cannot specify record set identifier without record type.",
        )),
        (Some(name), kind, identifier) => Ok(ZonePosition {
            name: reversed(&ids::name(name)?),
            record_type: kind.unwrap_or_default().to_owned(),
            set_identifier: identifier.clone().unwrap_or_default(),
        }),
    }
}

/// The first sets of a zone from a position on: of each service that may have some there, and of none beyond.
async fn sets_from(
    store: &Store,
    namespace: &Namespace,
    from: &ZonePosition,
    count: usize,
) -> Vec<ZoneRecordSet> {
    let mut found: Vec<(ZonePosition, ZoneRecordSet)> = Vec::new();
    let add = |found: &mut Vec<_>, sets: Vec<ZoneRecordSet>| {
        let placed = sets.into_iter().map(|it| (it.position(), it));
        found.extend(placed.filter(|(at, _)| at >= from));
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found.truncate(count);
    };
    add(&mut found, own_sets(namespace));
    let services = pieces::services(store, &namespace.id).await.into_iter();
    let mut services: Vec<_> = services.map(|it| (beginning(namespace, &it), it)).collect();
    services.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (beginning, service) in services {
        // Its names begin like this, so all of them stand before the start, or beyond the end of a full page.
        let is_before = beginning < from.name && !from.name.starts_with(&beginning);
        let is_beyond = found.len() == count && found.last().is_some_and(|(at, _)| at.name < beginning);
        if is_beyond {
            break;
        }
        if !is_before {
            let instances = pieces::instances(store, &service.id).await;
            let instances = instances.iter().map(AsRef::as_ref);
            add(&mut found, sets_of(namespace, &service, instances));
        }
    }
    found.into_iter().map(|(_, it)| it).collect()
}
