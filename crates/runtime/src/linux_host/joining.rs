//! The network of a container that is started: its namespace, its addresses, and those of others that it knows.

use std::fs;
use std::net::Ipv4Addr;

use agent::host::{ContainerSpec, HostError, PortMapping};

use super::Inner;
use super::sandbox::Sandbox;
use crate::containers::{ContainerNetwork, Linked};
use crate::task_directory::NetworkRecord;

/// Length of the part of a runtime id that is a container's host name.
const SHORT_ID: usize = 12;

impl Inner {
    /// Makes the network of a container, or joins the task's; answers the ports as they were published.
    pub async fn container_network(
        &self,
        sandbox: &Sandbox,
        spec: &ContainerSpec,
        runtime_id: &str,
    ) -> Result<(ContainerNetwork, Vec<PortMapping>), HostError> {
        let failed = |error: crate::network::NetworkError| HostError::CannotStartContainer(error.to_string());
        let key = network_key(&spec.task_id, &spec.name);
        let short_id = runtime_id[..SHORT_ID].to_owned();
        let isolated = |namespace| ContainerNetwork {
            namespace: Some(namespace),
            address: None,
            hostname: short_id.clone(),
            linked: Vec::new(),
            resolver: None,
        };
        if spec.networking_disabled {
            let namespace = self.network.isolated(&key).await.map_err(failed)?;
            return Ok((isolated(namespace), Vec::new()));
        }
        Ok(match &sandbox.record.network {
            NetworkRecord::Host => {
                let hostname = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
                let network = ContainerNetwork {
                    namespace: None,
                    address: None,
                    hostname: hostname.trim().to_owned(),
                    linked: Vec::new(),
                    resolver: self.network.resolver_of_host(),
                };
                (network, Vec::new())
            }
            NetworkRecord::Awsvpc { namespace, address } => {
                let network = ContainerNetwork {
                    namespace: Some(namespace.clone()),
                    address: Some(*address),
                    hostname: hostname_of(*address),
                    linked: Vec::new(),
                    resolver: None,
                };
                (network, Vec::new())
            }
            NetworkRecord::Bridge => {
                let attached = self
                    .network
                    .attach_bridge_container(&key, &spec.port_mappings)
                    .await;
                let attached = attached.map_err(failed)?;
                let network = ContainerNetwork {
                    namespace: Some(attached.netns),
                    address: Some(attached.address),
                    hostname: short_id,
                    linked: Vec::new(),
                    resolver: self.network.resolver_of_host(),
                };
                (network, attached.ports)
            }
            NetworkRecord::None => {
                let namespace = self.network.isolated(&key).await.map_err(failed)?;
                (isolated(namespace), Vec::new())
            }
        })
    }

    /// Its variables with addresses of others, which have been started.
    pub async fn address_variables(&self, spec: &ContainerSpec) -> Result<Vec<(String, String)>, HostError> {
        let mut all = Vec::new();
        for (variable, container) in &spec.address_variables {
            let key = network_key(&spec.task_id, container);
            let address = self.network.bridge_address(&key).await;
            let address = address.map_err(|error| HostError::CannotStartContainer(error.to_string()))?;
            let Some(address) = address else {
                let text = format!("{variable} has no value, as container {container} has no address");
                return Err(HostError::CannotStartContainer(text));
            };
            all.push((variable.clone(), address.to_string()));
        }
        Ok(all)
    }

    /// The containers that it knows by name, which have been started.
    pub async fn linked(&self, sandbox: &Sandbox, spec: &ContainerSpec) -> Result<Vec<Linked>, HostError> {
        let mut all = Vec::new();
        for link in &spec.links {
            let key = network_key(&spec.task_id, &link.container);
            let address = self.network.bridge_address(&key).await;
            let address = address.map_err(|error| HostError::CannotStartContainer(error.to_string()))?;
            let record = sandbox.directory.read_container(&link.container);
            let (Some(address), Some(record)) = (address, record) else {
                let text = format!("Cannot link to {}, as it has no address", link.container);
                return Err(HostError::CannotStartContainer(text));
            };
            let mappings: Vec<PortMapping> = record.port_mappings.into_iter().map(Into::into).collect();
            all.push(Linked {
                alias: link.alias.clone(),
                container: link.container.clone(),
                hostname: record.runtime_id[..SHORT_ID.min(record.runtime_id.len())].to_owned(),
                address,
                ports: Linked::ports(&mappings),
            });
        }
        Ok(all)
    }
}

/// Names a container's network.
pub fn network_key(task_id: &str, container: &str) -> String {
    format!("{task_id}/{container}")
}

/// As EC2 names its instances.
fn hostname_of(address: Ipv4Addr) -> String {
    format!("ip-{}", address.to_string().replace('.', "-"))
}
