//! Load balancers as people are shown them: where they can be reached from this host.

use std::fmt::Write;
use std::net::IpAddr;

use domain::Scope;
use domain::load_balancer::LoadBalancerState;
use runtime::published::PublishedPort;
use store::State;

use crate::data_dir::DataDir;

#[cfg(test)]
mod tests;

/// A load balancer with its addresses and listeners.
#[derive(Debug, Default)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// `application` or `network`.
    pub kind: String,
    /// `internet-facing` or `internal`.
    pub scheme: String,
    /// Such as `active`.
    pub state: String,
    /// Why it is not active.
    pub reason: Option<String>,
    /// Where it is, one address for each zone.
    pub addresses: Vec<IpAddr>,
    /// Protocol and port of each listener.
    pub listeners: Vec<(String, u16)>,
    /// Ports of this machine that are to lead there.
    pub published: Vec<PublishedPort>,
}

/// What the host says of the ports of a load balancer.
pub fn published(data_dir: &DataDir, arn: &str) -> Vec<PublishedPort> {
    let id = arn.rsplit('/').next().unwrap_or_default();
    runtime::published::published(&data_dir.balancers().join(id))
}

/// The load balancers that a state has.
pub fn of_state(state: &State, scope: &Scope, data_dir: &DataDir) -> Vec<Shown> {
    let shown = state.load_balancers(scope).map(|it| {
        let listeners = state.listeners_of(&it.arn);
        let addresses = it.zones.iter().flat_map(|it| &it.addresses);
        let reason = match &it.state {
            LoadBalancerState::Failed { reason } => Some(reason.clone()),
            LoadBalancerState::Provisioning | LoadBalancerState::Active => None,
        };
        Shown {
            name: it.name.clone(),
            kind: it.kind.as_str().to_owned(),
            scheme: it.scheme.as_str().to_owned(),
            state: it.state.as_str().to_owned(),
            reason,
            addresses: addresses.copied().collect(),
            listeners: listeners
                .map(|it| (it.protocol.as_str().to_owned(), it.port))
                .collect(),
            published: published(data_dir, it.arn.as_str()),
        }
    });
    shown.collect()
}

/// A line for each, and one for each URL. Empty if there is none.
pub fn text(all: &[Shown]) -> String {
    let mut text = String::new();
    for it in all {
        let _ = write!(text, "{}  {}, {}, {}", it.name, it.kind, it.scheme, it.state);
        let reason = it.reason.as_deref().map(|it| format!(": {it}"));
        let _ = writeln!(text, "{}", reason.unwrap_or_default());
        let mut listeners = it.listeners.clone();
        listeners.sort_by_key(|(_, port)| *port);
        if listeners.is_empty() {
            let _ = writeln!(text, "  no listener: nothing answers yet");
        }
        for (protocol, port) in &listeners {
            for address in &it.addresses {
                let _ = writeln!(text, "  {}", url(protocol, *port, &host(*address)));
            }
            for it in it.published.iter().filter(|it| it.port == *port) {
                publication(&mut text, protocol, it);
            }
        }
    }
    text
}

/// As browsers, curl and most clients take it; `tcp://` and the like only say what is spoken.
fn url(protocol: &str, port: u16, host: &str) -> String {
    match (protocol, port) {
        ("HTTP", 80) => format!("http://{host}/"),
        ("HTTPS", 443) => format!("https://{host}/"),
        ("HTTP", _) => format!("http://{host}:{port}/"),
        ("HTTPS", _) => format!("https://{host}:{port}/"),
        _ => format!(
            "{}://{host}:{port}",
            protocol.to_ascii_lowercase().replace('_', "+")
        ),
    }
}

fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(it) => it.to_string(),
        IpAddr::V6(it) => format!("[{it}]"),
    }
}

fn publication(text: &mut String, protocol: &str, it: &PublishedPort) {
    let _ = match &it.failure {
        None => writeln!(
            text,
            "  {}  and at all IPv4 addresses of this machine ({})",
            url(protocol, it.port, "localhost"),
            it.protocol
        ),
        Some(failure) => writeln!(
            text,
            "  port {}/{} is not published: {failure}",
            it.port, it.protocol
        ),
    };
}
