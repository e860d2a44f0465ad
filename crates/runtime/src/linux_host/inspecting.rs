//! Looking at a sandbox: its configuration as it was handed to libcontainer, its processes and groups as they are.

use std::fs;
use std::path::Path;

use agent::host::{
    CgroupInspection, ContainerInspection, HostError, IpcSharing, MountInspection, PidSharing,
    SandboxInspection,
};
use oci_spec::runtime::Spec;

use super::sandbox::{Container, Sandbox};
use super::{Inner, runtime_error};
use crate::containers::capabilities;
use crate::shim_process;
use crate::task_directory::NetworkRecord;

/// The kinds of namespaces that are shown.
const NAMESPACES: [&str; 7] = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];

impl Inner {
    /// Looks at a sandbox. Blocks.
    pub fn inspect_sandbox(&self, task_id: &str) -> Result<SandboxInspection, HostError> {
        let sandbox = self.known_sandbox(task_id)?;
        let mut names: Vec<_> = {
            let containers = sandbox.containers.lock();
            let started = containers.iter().filter_map(|(name, it)| match it {
                Container::Started(started, exit) => Some((name.clone(), started.clone(), exit.is_none())),
                Container::Starting => None,
            });
            started.collect()
        };
        names.sort_by(|left, right| left.0.cmp(&right.0));
        let mut containers = Vec::with_capacity(names.len());
        for (name, started, is_running) in names {
            let mut it = self.container(&sandbox, &name, &started.runtime_id, is_running)?;
            it.port_mappings = started.port_mappings;
            containers.push(it);
        }
        let (network_mode, network_namespace, addresses) = match &sandbox.record.network {
            NetworkRecord::Awsvpc { namespace, address } => {
                ("awsvpc", Some(namespace.clone()), vec![address.to_string()])
            }
            NetworkRecord::Bridge => ("bridge", None, Vec::new()),
            NetworkRecord::Host => ("host", None, Vec::new()),
            NetworkRecord::None => ("none", None, Vec::new()),
        };
        let shim = shim_process::living_shim(sandbox.directory.path());
        Ok(SandboxInspection {
            directory: sandbox.directory.path().to_owned(),
            shim_process_id: shim.ok().flatten().map(|it| it.as_raw_nonzero().get()),
            network_mode: network_mode.to_owned(),
            network_namespace,
            addresses,
            pid_mode: pid_mode(sandbox.record.pid).to_owned(),
            ipc_mode: ipc_mode(sandbox.record.ipc).to_owned(),
            cgroup: self.group(task_id, ""),
            containers,
        })
    }

    fn container(
        &self,
        sandbox: &Sandbox,
        name: &str,
        runtime_id: &str,
        is_running: bool,
    ) -> Result<ContainerInspection, HostError> {
        let directory = sandbox.directory.container(name);
        let spec = Spec::load(directory.join("config.json")).map_err(runtime_error)?;
        let mut it = configured(&spec);
        it.name = name.to_owned();
        it.runtime_id = runtime_id.to_owned();
        it.cgroup = self.group(&sandbox.task_id, runtime_id);
        let started = sandbox.directory.read_started(name).filter(|_| is_running);
        if let Some(started) = started {
            it.process_id = Some(started.pid);
            look_at_process(&mut it, &Path::new("/proc").join(started.pid.to_string()));
        }
        Ok(it)
    }

    fn group(&self, task_id: &str, runtime_id: &str) -> CgroupInspection {
        CgroupInspection {
            path: self.cgroups.spec_path(task_id, runtime_id),
            limits: self.cgroups.limits(task_id, runtime_id),
        }
    }
}

fn configured(spec: &Spec) -> ContainerInspection {
    let mut it = ContainerInspection {
        hostname: spec.hostname().clone().unwrap_or_default(),
        is_root_readonly: spec.root().as_ref().and_then(|it| it.readonly()).unwrap_or(false),
        mounts: spec.mounts().iter().flatten().map(mount).collect(),
        ..ContainerInspection::default()
    };
    if let Some(process) = spec.process() {
        it.arguments = process.args().clone().unwrap_or_default();
        let variables = process.env().iter().flatten();
        it.environment = variables
            .map(|it| it.split_once('=').unwrap_or((it, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        it.working_directory = process.cwd().clone();
        it.user = format!("{}:{}", process.user().uid(), process.user().gid());
        it.groups = process.user().additional_gids().clone().unwrap_or_default();
        it.is_terminal = process.terminal().unwrap_or(false);
        let limits = process.rlimits().iter().flatten();
        it.ulimits = limits
            .map(|it| {
                let name = it
                    .typ()
                    .to_string()
                    .trim_start_matches("RLIMIT_")
                    .to_ascii_lowercase();
                (name, format!("{}:{}", it.soft(), it.hard()))
            })
            .collect();
    }
    if let Some(linux) = spec.linux() {
        let devices = linux.devices().iter().flatten();
        it.devices = devices.map(|it| it.path().clone()).collect();
        it.sysctls = linux
            .sysctl()
            .iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
    }
    it
}

fn mount(it: &oci_spec::runtime::Mount) -> MountInspection {
    let source = it.source().as_ref().map(|it| it.display().to_string());
    MountInspection {
        source: source.unwrap_or_default(),
        target: it.destination().clone(),
        kind: it.typ().clone().unwrap_or_default(),
        options: it.options().clone().unwrap_or_default(),
    }
}

/// What the kernel says of a process. One that has just ended says nothing.
fn look_at_process(it: &mut ContainerInspection, process: &Path) {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    let field = |name: &str| {
        let found = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.map(str::trim)
    };
    let mask = field("CapEff").and_then(|it| u64::from_str_radix(it, 16).ok());
    it.capabilities = mask.map(|it| capabilities::of_mask(it).into_iter().map(str::to_owned).collect());
    it.no_new_privileges = field("NoNewPrivs").map(|it| it == "1");
    it.seccomp = field("Seccomp").map(|it| {
        let word = match it {
            "0" => "disabled",
            "1" => "strict",
            _ => "filter",
        };
        word.to_owned()
    });
    for kind in NAMESPACES {
        if let Ok(link) = fs::read_link(process.join("ns").join(kind)) {
            it.namespaces.insert(kind.to_owned(), link.display().to_string());
        }
    }
    let routes = fs::read_to_string(process.join("net/fib_trie")).unwrap_or_default();
    it.addresses = local_addresses(&routes);
}

/// Addresses of a network namespace, as its table of local routes has them, without loopback.
pub(super) fn local_addresses(routes: &str) -> Vec<String> {
    let (mut found, mut last) = (Vec::new(), "");
    for line in routes.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address;
        } else if line == "/32 host LOCAL" && !last.starts_with("127.") && !found.iter().any(|it| it == last)
        {
            found.push(last.to_owned());
        }
    }
    found
}

fn pid_mode(it: PidSharing) -> &'static str {
    match it {
        PidSharing::Container => "container",
        PidSharing::Task => "task",
        PidSharing::Host => "host",
    }
}

fn ipc_mode(it: IpcSharing) -> &'static str {
    match it {
        IpcSharing::Container => "container",
        IpcSharing::Task => "task",
        IpcSharing::Host => "host",
        IpcSharing::None => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_the_local_table() {
        let routes = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n\
            Local:\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 172.31.0.9\n        /32 host LOCAL\n\
            \x20    |-- 172.31.15.255\n        /32 link BROADCAST\n     |-- 172.31.0.9\n        /32 host LOCAL\n";
        assert_eq!(local_addresses(routes), ["172.31.0.9"]);
        assert!(local_addresses("").is_empty());
    }
}
