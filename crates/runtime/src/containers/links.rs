//! Links of `bridge`: another container as a name and as variables, as Docker's legacy links have them.

use std::net::Ipv4Addr;

use agent::host::{PortMapping, TransportProtocol};

/// A container that is known by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// What it is called here.
    pub alias: String,
    /// Its name in the task definition.
    pub container: String,
    /// Its own host name.
    pub hostname: String,
    /// On the bridge.
    pub address: Ipv4Addr,
    /// Its ports with their transports.
    pub ports: Vec<(u16, TransportProtocol)>,
}

impl Linked {
    /// Ports in the container that it published.
    pub fn ports(mappings: &[PortMapping]) -> Vec<(u16, TransportProtocol)> {
        let single = mappings.iter().flat_map(|it| it.single_ports());
        let mut ports: Vec<_> = single.map(|it| (it.container_port, it.protocol)).collect();
        ports.sort_unstable();
        ports
    }

    /// Its names in a line of `/etc/hosts`.
    pub fn names(&self) -> String {
        let mut names = vec![self.alias.as_str(), self.hostname.as_str()];
        if self.alias != self.container {
            names.push(&self.container);
        }
        names.join(" ")
    }

    /// Variables for the container `of`.
    pub fn variables(&self, of: &str) -> Vec<(String, String)> {
        let prefix = self.alias.to_uppercase().replace('-', "_");
        let mut variables = vec![(format!("{prefix}_NAME"), format!("/{of}/{}", self.alias))];
        for (index, (port, protocol)) in self.ports.iter().enumerate() {
            let protocol = match protocol {
                TransportProtocol::Tcp => "tcp",
                TransportProtocol::Udp => "udp",
            };
            let url = format!("{protocol}://{}:{port}", self.address);
            if index == 0 {
                variables.push((format!("{prefix}_PORT"), url.clone()));
            }
            let name = format!("{prefix}_PORT_{port}_{}", protocol.to_uppercase());
            variables.push((format!("{name}_ADDR"), self.address.to_string()));
            variables.push((format!("{name}_PORT"), port.to_string()));
            variables.push((format!("{name}_PROTO"), protocol.to_owned()));
            variables.push((name, url));
        }
        variables
    }
}
