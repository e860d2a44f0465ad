//! Starting a container in a sandbox.

use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;

use agent::host::{ContainerSpec, HostError, PortMapping, StartedContainer};
use rand::RngCore;
use shim::{FailedStep, StartContainer};

use super::sandbox::{Container, Sandbox, timestamp};
use super::{Inner, blocking};
use crate::cgroups::{ContainerLimits, Devices};
use crate::containers::{self, ContainerNetwork, Place, Prepared};
use crate::shim_client::ShimError;
use crate::task_directory::{ContainerRecord, NetworkRecord, RECORD_VERSION, is_name};

/// Length of the part of a runtime id that is a container's host name.
const SHORT_ID: usize = 12;

impl Inner {
    /// Starts a container, or answers that it was.
    pub async fn start_container(
        self: &Arc<Self>,
        spec: &ContainerSpec,
    ) -> Result<StartedContainer, HostError> {
        let sandbox = self.known_sandbox(&spec.task_id)?;
        {
            let mut containers = sandbox.containers.lock();
            match containers.get(&spec.name) {
                Some(Container::Started(started, _)) => return Ok(started.clone()),
                Some(Container::Starting) => {
                    let text = format!("container {} is being started already", spec.name);
                    return Err(HostError::ContainerRuntime(text));
                }
                None => containers.insert(spec.name.clone(), Container::Starting),
            };
        }
        let runtime_id = new_runtime_id();
        let started = self.start(&sandbox, spec, &runtime_id).await;
        if started.is_err() {
            self.undo(&sandbox, &spec.name, &runtime_id).await;
            sandbox.containers.lock().remove(&spec.name);
        }
        started
    }

    async fn start(
        self: &Arc<Self>,
        sandbox: &Arc<Sandbox>,
        spec: &ContainerSpec,
        runtime_id: &str,
    ) -> Result<StartedContainer, HostError> {
        if let Some(mount) = spec
            .mounts
            .iter()
            .find(|it| it.source.is_none() && !is_name(&it.volume))
        {
            return Err(HostError::CannotCreateContainer(format!(
                "{:?} is no volume name",
                mount.volume
            )));
        }
        let (network, ports) = self.container_network(sandbox, spec, runtime_id).await?;
        let prepared = {
            let (inner, sandbox, spec) = (self.clone(), sandbox.clone(), spec.clone());
            let (runtime_id, ports) = (runtime_id.to_owned(), ports.clone());
            blocking(move || inner.prepare(&sandbox, &spec, &network, &runtime_id, &ports)).await??
        };
        let request = StartContainer {
            container: spec.name.clone(),
            runtime_id: runtime_id.to_owned(),
            stdio_owner: prepared.uid,
            confinement: prepared.confinement,
            oom_counter: self.cgroups.oom_counter(&spec.task_id, runtime_id),
        };
        let started = sandbox
            .shim
            .start(request, prepared.root)
            .await
            .map_err(start_error)?;
        let started = StartedContainer {
            runtime_id: runtime_id.to_owned(),
            started_at: timestamp(started.started_at_nanoseconds),
            port_mappings: ports,
        };
        let known = Container::Started(started.clone(), None);
        sandbox.containers.lock().insert(spec.name.clone(), known);
        Ok(started)
    }

    async fn container_network(
        &self,
        sandbox: &Sandbox,
        spec: &ContainerSpec,
        runtime_id: &str,
    ) -> Result<(ContainerNetwork, Vec<PortMapping>), HostError> {
        let failed = |error: crate::network::NetworkError| HostError::CannotStartContainer(error.to_string());
        let key = network_key(&spec.task_id, &spec.name);
        let short_id = runtime_id[..SHORT_ID].to_owned();
        Ok(match &sandbox.record.network {
            NetworkRecord::Host => {
                let hostname = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
                let hostname = hostname.trim().to_owned();
                (
                    ContainerNetwork {
                        namespace: None,
                        address: None,
                        hostname,
                    },
                    Vec::new(),
                )
            }
            NetworkRecord::Awsvpc { namespace, address } => {
                let hostname = hostname_of(*address);
                let namespace = Some(namespace.clone());
                (
                    ContainerNetwork {
                        namespace,
                        address: Some(*address),
                        hostname,
                    },
                    Vec::new(),
                )
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
                };
                (network, attached.ports)
            }
            NetworkRecord::None => {
                let namespace = Some(self.network.isolated(&key).await.map_err(failed)?);
                (
                    ContainerNetwork {
                        namespace,
                        address: None,
                        hostname: short_id,
                    },
                    Vec::new(),
                )
            }
        })
    }

    fn prepare(
        &self,
        sandbox: &Sandbox,
        spec: &ContainerSpec,
        network: &ContainerNetwork,
        runtime_id: &str,
        ports: &[PortMapping],
    ) -> Result<Prepared, HostError> {
        let failed = |error: &dyn std::fmt::Display| HostError::CannotCreateContainer(error.to_string());
        let image = self.images.get(&spec.image_id).map_err(|error| failed(&error))?;
        let directory = sandbox.directory.container(&spec.name);
        // Of an attempt that an earlier agent did not live to finish.
        if directory.exists() {
            fs::remove_dir_all(&directory).map_err(|error| failed(&error))?;
        }
        fs::create_dir(&directory).map_err(|error| failed(&error))?;
        let record = ContainerRecord {
            version: RECORD_VERSION,
            runtime_id: runtime_id.to_owned(),
            port_mappings: ports.iter().copied().map(Into::into).collect(),
        };
        sandbox
            .directory
            .write_container(&spec.name, &record)
            .map_err(|error| failed(&error))?;
        let limits = ContainerLimits {
            cpu_shares: spec.cpu_shares,
            memory_mib: spec.memory_mib,
            memory_reservation_mib: spec.memory_reservation_mib,
            devices: if spec.privileged {
                Devices::All
            } else {
                Devices::Default
            },
        };
        self.cgroups
            .create_container(&spec.task_id, runtime_id, &limits)
            .map_err(|error| failed(&error))?;
        let place = Place {
            directory: &directory,
            volumes: &sandbox.directory.volumes(),
            mount_points: &self.mount_points,
            cgroup: &self.cgroups.spec_path(&spec.task_id, runtime_id),
            init: &self.init,
            filters: &self.filters,
        };
        containers::prepare(spec, &image, network, place).map_err(|error| failed(&error))
    }

    /// Leaves nothing of a container that did not start.
    async fn undo(self: &Arc<Self>, sandbox: &Arc<Sandbox>, name: &str, runtime_id: &str) {
        let key = network_key(&sandbox.task_id, name);
        if let Err(error) = self.network.detach(&key).await {
            tracing::warn!(task = sandbox.task_id, container = name, %error, "its network is left behind");
        }
        let (inner, sandbox, name) = (self.clone(), sandbox.clone(), name.to_owned());
        let runtime_id = runtime_id.to_owned();
        let undone = blocking(move || {
            let removed = inner.cgroups.remove_container(&sandbox.task_id, &runtime_id);
            drop(fs::remove_dir_all(sandbox.directory.container(&name)));
            removed
        });
        if let Ok(Err(error)) = undone.await {
            tracing::warn!(%error, "the group of a failed container is left behind");
        }
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

fn new_runtime_id() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn start_error(error: ShimError) -> HostError {
    let task = "failed to create task for container";
    match error {
        ShimError::Start {
            step: FailedStep::Execute,
            message,
        } => HostError::CannotStartContainer(format!(
            "{task}: OCI runtime create failed: unable to start container process: {message}: unknown"
        )),
        ShimError::Start {
            step: FailedStep::Create,
            message,
        } => HostError::CannotCreateContainer(format!("{task}: OCI runtime create failed: {message}")),
        other => HostError::ContainerRuntime(other.to_string()),
    }
}
