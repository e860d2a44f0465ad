//! Tags of zones: those of a namespace are Cloud Map's, its zone has none of its own.

use api::route53::{self, Error, TagResourceType};
use domain::Scope;
use store::State;

use super::errors::{invalid_input, no_health_check};
use super::ids;
use crate::call::Call;

/// Most resources of a request.
const RESOURCES_MAX: usize = 10;

fn tag_set(
    state: &State,
    scopes: &[Scope],
    kind: &TagResourceType,
    id: &str,
) -> Result<route53::ResourceTagSet, Error> {
    match kind {
        TagResourceType::Hostedzone => {
            let (zone, _) = ids::zone(state, scopes, id)?;
            Ok(route53::ResourceTagSet {
                resource_id: Some(zone.id.clone()),
                resource_type: Some(TagResourceType::Hostedzone),
                tags: Some(Vec::new()),
            })
        }
        TagResourceType::Healthcheck => Err(no_health_check(id)),
        TagResourceType::Unmodelled(other) => Err(invalid_input(format!("Invalid resource type: {other:?}"))),
    }
}

/// `ListTagsForResource`.
///
/// # Errors
/// NoSuchHostedZone, NoSuchHealthCheck, InvalidInput.
pub async fn list_tags_for_resource(
    call: Call<route53::ListTagsForResource>,
) -> Result<route53::ListTagsForResourceOutput, Error> {
    let (scopes, input) = (ids::scopes(&call), call.input());
    let store = call.access().store();
    let resource_tag_set =
        store.read(|state| tag_set(state, &scopes, &input.resource_type, &input.resource_id))?;
    Ok(route53::ListTagsForResourceOutput { resource_tag_set })
}

/// `ListTagsForResources`.
///
/// # Errors
/// The same.
pub async fn list_tags_for_resources(
    call: Call<route53::ListTagsForResources>,
) -> Result<route53::ListTagsForResourcesOutput, Error> {
    let (scopes, input) = (ids::scopes(&call), call.input());
    if !(1..=RESOURCES_MAX).contains(&input.resource_ids.len()) {
        return Err(invalid_input(format!(
            "ResourceIds must have 1 to {RESOURCES_MAX} items"
        )));
    }
    let resource_tag_sets = call.access().store().read(|state| {
        let ids = input.resource_ids.iter();
        ids.map(|id| tag_set(state, &scopes, &input.resource_type, id))
            .collect::<Result<_, _>>()
    })?;
    Ok(route53::ListTagsForResourcesOutput { resource_tag_sets })
}
