//! Members of a container that depend on the network mode: names, name servers, links.

use std::net::IpAddr;

use api::ecs;
use domain::container_definition::HostEntry;
use domain::task_definition::NetworkMode;

use super::containers::setting;
use crate::handlers::ecs::errors::{client, is_filled};

/// Refuses what the network mode cannot have.
///
/// # Errors
/// ClientException.
pub fn check(mode: NetworkMode, it: &ecs::ContainerDefinition) -> Result<(), ecs::Error> {
    if is_filled(it.links.as_ref()) && mode != NetworkMode::Bridge {
        return Err(client(format!(
            "Links are not supported when networkMode={}.",
            mode.as_str()
        )));
    }
    if mode != NetworkMode::Awsvpc {
        return Ok(());
    }
    let refused = [
        (it.hostname.is_some(), "hostname is"),
        (is_filled(it.extra_hosts.as_ref()), "Extra hosts are"),
        (is_filled(it.dns_servers.as_ref()), "DNS servers are"),
        (
            is_filled(it.dns_search_domains.as_ref()),
            "DNS search domains are",
        ),
        (it.disable_networking == Some(true), "Disable Networking is"),
    ];
    match refused.iter().find(|(is_given, _)| *is_given) {
        Some((_, what)) => Err(client(format!(
            "{what} not supported on container when networkMode=awsvpc."
        ))),
        None => Ok(()),
    }
}

/// Lines of `/etc/hosts`.
///
/// # Errors
/// ClientException.
pub fn extra_hosts(container: &str, given: &[ecs::HostEntry]) -> Result<Vec<HostEntry>, ecs::Error> {
    let entry = |it: &ecs::HostEntry| {
        if it.hostname.is_empty() || it.ip_address.parse::<IpAddr>().is_err() {
            return Err(setting(
                container,
                "An item of 'extraHosts' needs a 'hostname' and an IP address as 'ipAddress'.",
            ));
        }
        Ok(HostEntry {
            hostname: it.hostname.clone(),
            ip_address: it.ip_address.clone(),
        })
    };
    given.iter().map(entry).collect()
}

/// Name servers, as IP addresses.
///
/// # Errors
/// ClientException.
pub fn check_dns_servers(container: &str, given: Option<&Vec<String>>) -> Result<(), ecs::Error> {
    let wrong = given
        .into_iter()
        .flatten()
        .find(|it| it.parse::<IpAddr>().is_err());
    match wrong {
        Some(wrong) => Err(setting(
            container,
            &format!("'dnsServers' must be IP addresses, not {wrong:?}."),
        )),
        None => Ok(()),
    }
}
