//! Names and ids as callers give them.

use std::sync::Arc;

use api::servicediscovery::Error;
use domain::Scope;
use domain::cloud_map::{DiscoveryInstance, DiscoveryService, Namespace};
use store::State;

use super::errors::{invalid_input, no_instance, no_namespace, no_service};

/// Longest label of a DNS name.
const LABEL_MAX: usize = 63;
/// Longest name of DNS.
const DNS_NAME_MAX: usize = 253;
/// Longest name of a namespace that is no name of DNS.
const HTTP_NAME_MAX: usize = 1024;
/// Longest name of a service.
const SERVICE_NAME_MAX: usize = 127;
/// Longest id of an instance.
const INSTANCE_ID_MAX: usize = 64;
/// Longest description.
const DESCRIPTION_MAX: usize = 1024;

/// The namespace of an id or ARN.
///
/// # Errors
/// NamespaceNotFound.
pub fn namespace<'a>(state: &'a State, scope: &Scope, given: &str) -> Result<&'a Arc<Namespace>, Error> {
    let id = given.rsplit('/').next().unwrap_or_default().to_owned();
    let found = state.get::<Namespace>(&id).filter(|it| it.scope == *scope);
    let found = found.filter(|it| given == id || it.arn() == given);
    found.ok_or_else(no_namespace)
}

/// The service of an id or ARN.
///
/// # Errors
/// ServiceNotFound.
pub fn service<'a>(state: &'a State, scope: &Scope, given: &str) -> Result<&'a Arc<DiscoveryService>, Error> {
    let id = given.rsplit('/').next().unwrap_or_default().to_owned();
    let found = state.get::<DiscoveryService>(&id).filter(|it| it.scope == *scope);
    let found = found.filter(|it| given == id || it.arn() == given);
    found.ok_or_else(no_service)
}

/// An instance of a service.
///
/// # Errors
/// InstanceNotFound.
pub fn instance<'a>(
    state: &'a State,
    service: &DiscoveryService,
    id: &str,
) -> Result<&'a Arc<DiscoveryInstance>, Error> {
    let key = (service.id.clone(), id.to_owned());
    state.get::<DiscoveryInstance>(&key).ok_or_else(no_instance)
}

/// The name of a namespace that is found by HTTP.
///
/// # Errors
/// InvalidInput.
pub fn check_http_name(name: &str) -> Result<(), Error> {
    let is_valid = (1..=HTTP_NAME_MAX).contains(&name.len()) && name.bytes().all(|it| it.is_ascii_graphic());
    match is_valid {
        true => Ok(()),
        false => Err(invalid_input(format!(
            "Invalid namespace name {name:?}: it has 1 to {HTTP_NAME_MAX} printable characters of ASCII, without spaces"
        ))),
    }
}

/// The name of a namespace of DNS, without a dot at its end.
///
/// # Errors
/// InvalidInput.
pub fn dns_name(given: &str) -> Result<String, Error> {
    let name = given.strip_suffix('.').unwrap_or(given);
    let is_valid = (1..=DNS_NAME_MAX).contains(&name.len()) && name.split('.').all(is_label);
    match is_valid {
        true => Ok(name.to_owned()),
        false => Err(invalid_input(format!(
            "Invalid namespace name {given:?}: it has to be a domain name of letters, digits, hyphens and underscores"
        ))),
    }
}

/// The name of a public namespace of DNS, which is below another: Cloud Map's pattern wants a dot in it.
/// <https://docs.aws.amazon.com/cloud-map/latest/api/API_CreatePublicDnsNamespace.html>
///
/// # Errors
/// InvalidInput.
pub fn public_dns_name(given: &str) -> Result<String, Error> {
    let name = dns_name(given)?;
    match name.contains('.') {
        true => Ok(name),
        false => Err(invalid_input(format!(
            "Invalid namespace name {given:?}: a public one has at least two labels, as in example.com"
        ))),
    }
}

/// Neither begins nor ends with a hyphen.
fn is_label(label: &str) -> bool {
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
    (1..=LABEL_MAX).contains(&label.len())
        && label.bytes().all(is_letter)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// The name of a service.
///
/// # Errors
/// InvalidInput.
pub fn check_service_name(name: &str) -> Result<(), Error> {
    match (1..=SERVICE_NAME_MAX).contains(&name.len()) && name.split('.').all(is_label) {
        true => Ok(()),
        false => Err(invalid_input(format!(
            "Invalid service name {name:?}: it has up to {SERVICE_NAME_MAX} letters, digits, hyphens and underscores, \
             in labels of up to {LABEL_MAX} with dots between them"
        ))),
    }
}

/// The id of an instance.
///
/// # Errors
/// InvalidInput.
pub fn check_instance_id(id: &str) -> Result<(), Error> {
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || b"_/:.@-".contains(&it);
    match (1..=INSTANCE_ID_MAX).contains(&id.len()) && id.bytes().all(is_letter) {
        true => Ok(()),
        false => Err(invalid_input(format!(
            "Invalid instance id {id:?}: it has up to {INSTANCE_ID_MAX} letters, digits and any of _/:.@-"
        ))),
    }
}

/// A description.
///
/// # Errors
/// InvalidInput.
pub fn check_description(given: Option<&str>) -> Result<(), Error> {
    match given.is_none_or(|it| it.chars().count() <= DESCRIPTION_MAX) {
        true => Ok(()),
        false => Err(invalid_input(format!(
            "The description can have at most {DESCRIPTION_MAX} characters"
        ))),
    }
}
