//! Which ports of the host lead to a load balancer: a file beside its balancer says so, for people.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Name of the file in the directory of a balancer.
const FILE: &str = "published.json";

/// A port that was to be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPort {
    /// Of the host, and of the listener.
    pub port: u16,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// Why it leads nowhere; `None` if it does lead to the load balancer.
    pub failure: Option<String>,
}

/// What the directory of a balancer says. One that is not there says nothing.
pub fn published(directory: &Path) -> Vec<PublishedPort> {
    let text = fs::read(directory.join(FILE)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Says it, if it says something else.
pub(crate) fn tell(directory: &Path, ports: &[PublishedPort]) -> io::Result<()> {
    if published(directory) == ports {
        return Ok(());
    }
    fs::write(directory.join(FILE), serde_json::to_vec(ports)?)
}
