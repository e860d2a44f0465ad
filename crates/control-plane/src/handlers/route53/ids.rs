//! Ids, names and numbers as callers give them, and the zones that they mean.

use std::sync::Arc;

use api::route53::Error;
use domain::Scope;
use domain::cloud_map::zone_records::absolute;
use domain::cloud_map::{HostedZone, Namespace};
use store::State;

use super::errors::{invalid_input, no_zone};
use crate::call::Call;

/// Longest id of a zone.
const ID_MAX: usize = 32;
/// Longest name.
const NAME_MAX: usize = 1024;

/// A namespace with the zone that it stands in.
pub type Zone<'a> = (&'a HostedZone, &'a Arc<Namespace>);

/// The same, to be kept when the store is no longer looked at.
pub type OwnedZone = (HostedZone, Arc<Namespace>);

/// See [`OwnedZone`].
pub fn owned((zone, namespace): Zone<'_>) -> OwnedZone {
    (zone.clone(), namespace.clone())
}

/// Who asks: zones are of an account, namespaces of its regions.
pub fn scopes<O: wire::Operation>(call: &Call<O>) -> Vec<Scope> {
    let account = &call.scope().account;
    let regions = call.access().regions().iter();
    regions
        .map(|region| Scope::new(account.clone(), region.clone()))
        .collect()
}

/// All zones, by id.
pub fn zones<'a>(state: &'a State, scopes: &[Scope]) -> Vec<Zone<'a>> {
    let mut zones: Vec<Zone<'a>> = unsorted(state, scopes).collect();
    zones.sort_by_key(|(zone, _)| zone.id.as_str());
    zones
}

fn unsorted<'a>(state: &'a State, scopes: &[Scope]) -> impl Iterator<Item = Zone<'a>> {
    let namespaces = scopes.iter().flat_map(|scope| state.namespaces(scope));
    namespaces.filter_map(|it| Some((it.zone()?, it)))
}

/// The zone of an id. There are as few as namespaces.
///
/// # Errors
/// NoSuchHostedZone, InvalidInput.
pub fn zone<'a>(state: &'a State, scopes: &[Scope], given: &str) -> Result<Zone<'a>, Error> {
    let id = bare(given)?;
    let mut zones = unsorted(state, scopes);
    let found = zones.find(|(zone, _)| zone.id == id);
    found.ok_or_else(|| no_zone(id))
}

/// An id without `/hostedzone/` before it, which answers have.
///
/// # Errors
/// InvalidInput: it is too long.
pub fn bare(given: &str) -> Result<&str, Error> {
    let id = given.strip_prefix('/').unwrap_or(given);
    let id = id.strip_prefix("hostedzone/").unwrap_or(id);
    match id.len() {
        ..=ID_MAX => Ok(id),
        _ => Err(invalid_input(format!(
            "Invalid id: \"{given}\" (longer than {ID_MAX} characters)"
        ))),
    }
}

/// A name as Route 53 keeps it.
///
/// # Errors
/// InvalidInput.
pub fn name(given: &str) -> Result<String, Error> {
    match given.len() {
        ..=NAME_MAX => Ok(absolute(given)),
        _ => Err(invalid_input(format!(
            "FATAL problem: DomainNameTooLong (the name is longer than {NAME_MAX} characters)"
        ))),
    }
}

/// How many items a caller wants: most of them, unless it says fewer.
///
/// # Errors
/// InvalidInput: it is no number, or none that counts.
pub fn max_items(given: Option<&str>, most: usize) -> Result<usize, Error> {
    let Some(given) = given else { return Ok(most) };
    match given.parse::<usize>() {
        Ok(count) if count > 0 => Ok(count.min(most)),
        _ => Err(invalid_input(format!(
            "MaxItems must be a whole number from 1, not {given:?}"
        ))),
    }
}
