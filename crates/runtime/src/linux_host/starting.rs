//! Starting a container in a sandbox.

use std::fs;
use std::sync::Arc;

use agent::host::{ContainerSpec, HostError, PidSharing, PortMapping, StartedContainer};
use rand::RngCore;
use shim::{Console, FailedStep, Input, LogLimits, StartContainer};

use super::joining::network_key;
use super::sandbox::{Container, Sandbox, timestamp};
use super::{Inner, blocking};
use crate::cgroups::{ContainerLimits, Devices};
use crate::containers::{self, ContainerNetwork, Place, Prepared, devices};
use crate::shim_client::ShimError;
use crate::task_directory::{ContainerRecord, RECORD_VERSION, is_name};
use crate::volumes::VolumeMount;

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
        let (mut network, ports) = self.container_network(sandbox, spec, runtime_id).await?;
        network.linked = self.linked(sandbox, spec).await?;
        let addresses = self.address_variables(spec).await?;
        let prepared = {
            let (inner, sandbox, mut spec) = (self.clone(), sandbox.clone(), spec.clone());
            spec.environment.extend(addresses);
            let (runtime_id, ports) = (runtime_id.to_owned(), ports.clone());
            blocking(move || inner.prepare(&sandbox, &spec, &network, &runtime_id, &ports)).await??
        };
        // Without a process namespace of its own, the end of its first process is not the end of the others.
        let survivors = match sandbox.record.pid {
            PidSharing::Container => None,
            PidSharing::Task | PidSharing::Host => self.cgroups.processes_file(&spec.task_id, runtime_id),
        };
        let request = StartContainer {
            container: spec.name.clone(),
            runtime_id: runtime_id.to_owned(),
            stdio_owner: prepared.uid,
            confinement: prepared.confinement,
            oom_counter: self.cgroups.oom_counter(&spec.task_id, runtime_id),
            console: match spec.terminal.is_allocated {
                true => Console::Terminal,
                false => Console::Pipes,
            },
            input: match spec.terminal.is_interactive {
                true => Input::Open,
                false => Input::Empty,
            },
            survivors,
            log_limits: log_limits(spec.log_limits),
            directories: prepared.directories,
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
        let devices = devices::granted(&spec.devices).map_err(|error| failed(&error))?;
        let limits = ContainerLimits {
            cpu_shares: spec.cpu_shares,
            memory_mib: spec.memory_mib,
            memory_reservation_mib: spec.memory_reservation_mib,
            max_swap_mib: spec.swap.max_swap_mib,
            swappiness: spec.swap.swappiness,
            devices: if spec.privileged {
                Devices::All
            } else {
                Devices::DefaultAnd(devices.iter().map(|it| it.allowed).collect())
            },
        };
        self.cgroups
            .create_container(&spec.task_id, runtime_id, &limits)
            .map_err(|error| failed(&error))?;
        let inherited = inherited_volumes(sandbox, spec)?;
        let place = Place {
            directory: &directory,
            volumes: &sandbox.directory.volumes(),
            task_volumes: &sandbox.record.volumes,
            inherited_volumes: &inherited,
            filling: &self.filling,
            shared: &sandbox.directory.shared(),
            pid: sandbox.record.pid,
            ipc: sandbox.record.ipc,
            mount_points: &self.mount_points,
            cgroup: &self.cgroups.spec_path(&spec.task_id, runtime_id),
            groups: &self.cgroups.places(&spec.task_id, runtime_id),
            init: &self.init,
            filters: &self.filters,
        };
        let prepared = containers::prepare(spec, &image, network, &devices, place);
        let prepared = prepared.map_err(|error| failed(&error))?;
        let record = ContainerRecord {
            version: RECORD_VERSION,
            runtime_id: runtime_id.to_owned(),
            port_mappings: ports.iter().copied().map(Into::into).collect(),
            mounts: prepared.volumes.clone(),
        };
        sandbox
            .directory
            .write_container(&spec.name, &record)
            .map_err(|error| failed(&error))?;
        Ok(prepared)
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

/// All volumes of the containers that it takes them over from, which have been started.
fn inherited_volumes(sandbox: &Sandbox, spec: &ContainerSpec) -> Result<Vec<VolumeMount>, HostError> {
    let mut all: Vec<VolumeMount> = Vec::new();
    for from in &spec.volumes_from {
        let record = sandbox.directory.read_container(&from.container).ok_or_else(|| {
            HostError::CannotCreateContainer(format!("No such container: {}", from.container))
        })?;
        for mut mount in record.mounts {
            mount.is_read_only |= from.read_only;
            all.retain(|it| it.target != mount.target);
            all.push(mount);
        }
    }
    Ok(all)
}

fn new_runtime_id() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// In the words of the Amazon agent.
pub fn start_error(error: ShimError) -> HostError {
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

fn log_limits(asked: agent::host::LogLimits) -> LogLimits {
    let usual = LogLimits::default();
    LogLimits {
        file_bytes: asked.file_bytes.unwrap_or(usual.file_bytes),
        files: asked.files.map_or(usual.files, |it| it as usize),
    }
}
