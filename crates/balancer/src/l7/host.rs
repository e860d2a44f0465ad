//! Which host a request asks for, and what of that a target is told.

use std::net::IpAddr;

use http::header::HOST;
use http::{Request, Version};
use hyper::body::Incoming;

use super::connection::Client;
use crate::site::Serving;

/// The host that a request asks for, with its port if it names one. A request of HTTP/1.0 may name none: it asks for the
/// load balancer then, by its DNS name, or by its address where that is classic or has no name.
pub(super) fn host(client: &Client, request: &Request<Incoming>) -> Option<String> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.as_str().to_owned());
    }
    match request.headers().get(HOST) {
        Some(value) => value.to_str().ok().map(str::to_owned),
        None if request.version() == Version::HTTP_10 => Some(own_name(client)),
        None => None,
    }
}

/// What the load balancer is called by whoever calls it nothing.
fn own_name(client: &Client) -> String {
    let serving = client.site.serving();
    let load_balancer = &serving.plan.load_balancer;
    match &*load_balancer.dns_name {
        name if !name.is_empty() && !load_balancer.is_classic => name.to_owned(),
        _ => match client.site.address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        },
    }
}

/// Whether a host names a port, or tries to.
pub(super) fn names_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'))
}

/// A host as targets get it.
pub(super) fn for_targets(host: &str, serving: &Serving) -> String {
    let lacks_port = !host.is_empty() && !names_port(host);
    match serving.plan.host_port().filter(|_| lacks_port) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// A host's name and port.
pub(super) fn split_port(host: &str) -> (&str, Option<u16>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && !port.contains(']') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (name, None),
        },
        _ => (host, None),
    }
}
