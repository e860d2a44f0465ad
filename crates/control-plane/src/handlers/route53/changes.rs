//! Changes: Cloud Map makes its own, and nobody else may.

use api::route53::{self, Error};
use wire::Operation;

use super::errors::{managed_by_cloud_map, no_change};
use super::ids;
use crate::call::Call;

/// `GetChange`: no change of Route 53's has been made.
///
/// # Errors
/// NoSuchChange.
pub async fn get_change(call: Call<route53::GetChange>) -> Result<route53::GetChangeOutput, Error> {
    let id = &call.input().id;
    Err(no_change(id.strip_prefix("/change/").unwrap_or(id)))
}

/// Why an operation may not change a zone: it is a namespace's.
pub fn managed_elsewhere<O: Operation>(call: &Call<O>, zone_id: &str) -> Error {
    let scopes = ids::scopes(call);
    call.access()
        .store()
        .read(|state| match ids::zone(state, &scopes, zone_id) {
            Ok((zone, namespace)) => managed_by_cloud_map(&zone.id, namespace),
            Err(error) => error,
        })
}
