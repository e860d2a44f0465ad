//! Composes a container's `config.json`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use agent::host::{ContainerSpec, IpcSharing, PidSharing};
use oci_spec::image::Config;
use oci_spec::runtime::{
    Linux, LinuxBuilder, LinuxNamespace, LinuxNamespaceBuilder, LinuxNamespaceType, Mount, Process,
    ProcessBuilder, RootBuilder, Spec, SpecBuilder, UserBuilder,
};
use shim::{SharedNamespace, files};

use super::devices::Granted;
use super::user::User;
use super::{ContainerNetwork, Place, PrepareError, capabilities, command, ulimits};

/// Where the init program is mounted in a container.
pub const INIT_PATH: &str = "/sbin/docker-init";
/// Docker's search path for an image that has none.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What a container must not see, as in Docker.
const MASKED: [&str; 13] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/system/cpu/cpu0/thermal_throttle",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];
/// What it must not change, as in Docker.
const READ_ONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// What the configuration is made from.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// The container of the task definition.
    pub container: &'a ContainerSpec,
    /// What its image says.
    pub image: Option<&'a Config>,
    /// Its network.
    pub network: &'a ContainerNetwork,
    /// Its host name.
    pub hostname: &'a str,
    /// Who it runs as.
    pub user: &'a User,
    /// Devices that it asked for.
    pub devices: &'a [Granted],
    /// Where its parts are.
    pub place: Place<'a>,
}

/// Composes the whole configuration.
///
/// # Errors
/// What [`PrepareError`] names: no command, capabilities and limits that cannot be had.
pub fn compose(parts: Parts<'_>, mounts: Vec<Mount>) -> Result<Spec, PrepareError> {
    let root = RootBuilder::default()
        .path(PathBuf::from(files::ROOT))
        .readonly(parts.container.readonly_root_filesystem)
        .build()?;
    Ok(SpecBuilder::default()
        .version("1.0.2")
        .hostname(parts.hostname)
        .root(root)
        .mounts(mounts)
        .process(process(parts)?)
        .linux(linux(parts)?)
        .build()?)
}

fn process(parts: Parts<'_>) -> Result<Process, PrepareError> {
    let container = parts.container;
    let image_list = |list: Option<&Vec<String>>| list.cloned().unwrap_or_default();
    let image_entry_point = image_list(parts.image.and_then(|it| it.entrypoint().as_ref()));
    let image_command = image_list(parts.image.and_then(|it| it.cmd().as_ref()));
    let words = command::arguments(
        container.entry_point.as_deref(),
        container.command.as_deref(),
        &image_entry_point,
        &image_command,
    );
    let mut arguments = words.ok_or(PrepareError::NoCommand)?;
    if container.init_process_enabled {
        arguments.insert(0, INIT_PATH.to_owned());
    }
    let user = UserBuilder::default()
        .uid(parts.user.uid)
        .gid(parts.user.gid)
        .additional_gids(parts.user.groups.clone())
        .build()?;
    let mut process = ProcessBuilder::default()
        .terminal(container.terminal.is_allocated)
        .user(user)
        .args(arguments)
        .env(environment(parts))
        .cwd(working_directory(parts)?)
        .rlimits(ulimits::specify(&container.ulimits, &capabilities::available())?)
        .build()?;
    // The shim itself takes these away as its last step, together with loading the filter.
    process.set_capabilities(None).set_no_new_privileges(None);
    let profile = container.security.apparmor_profile.clone();
    process.set_apparmor_profile(profile.filter(|_| !container.privileged));
    Ok(process)
}

/// The image's variables, over them the container's.
fn environment(parts: Parts<'_>) -> Vec<String> {
    let mut variables = BTreeMap::from([
        ("HOME".to_owned(), parts.user.home.clone()),
        ("HOSTNAME".to_owned(), parts.hostname.to_owned()),
        ("PATH".to_owned(), DEFAULT_PATH.to_owned()),
    ]);
    if parts.container.terminal.is_allocated {
        variables.insert("TERM".to_owned(), "xterm".to_owned());
    }
    for linked in &parts.network.linked {
        variables.extend(linked.variables(&parts.container.name));
    }
    let of_image = parts.image.and_then(|it| it.env().as_ref()).into_iter().flatten();
    variables.extend(of_image.filter_map(|it| {
        let (name, value) = it.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    }));
    variables.extend(parts.container.environment.clone());
    variables
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn working_directory(parts: Parts<'_>) -> Result<PathBuf, PrepareError> {
    let of_image = parts.image.and_then(|it| it.working_dir().clone());
    let wanted = parts
        .container
        .working_directory
        .clone()
        .or(of_image)
        .filter(|it| !it.is_empty());
    let path = PathBuf::from(wanted.unwrap_or_else(|| "/".to_owned()));
    match path.is_absolute() {
        true => Ok(path),
        false => Err(PrepareError::Path(path)),
    }
}

fn linux(parts: Parts<'_>) -> Result<Linux, PrepareError> {
    let container = parts.container;
    let mut linux = LinuxBuilder::default()
        .namespaces(namespaces(parts.network, parts.place)?)
        .cgroups_path(parts.place.cgroup.to_owned())
        .rootfs_propagation("private");
    if !container.privileged {
        linux = linux
            .masked_paths(MASKED.map(str::to_owned))
            .readonly_paths(READ_ONLY.map(str::to_owned));
    }
    let mut linux = linux.build()?;
    // Limits and devices are written to the groups before the shim starts; the library's defaults would
    // overwrite them.
    linux.set_resources(None).set_seccomp(None);
    if container.privileged {
        linux.set_masked_paths(None).set_readonly_paths(None);
        linux.set_devices(Some(super::devices::of_host()?));
    }
    let nodes = parts.devices.iter().map(|it| it.node.clone());
    // The library makes nodes below `/dev` only; elsewhere they are bound.
    let nodes: Vec<_> = nodes.filter(|it| it.path().starts_with("/dev")).collect();
    if !nodes.is_empty() {
        let mut all = linux.devices().clone().unwrap_or_default();
        all.retain(|known| nodes.iter().all(|it| it.path() != known.path()));
        all.extend(nodes);
        linux.set_devices(Some(all));
    }
    if !container.sysctls.is_empty() {
        let sysctls = container.sysctls.clone().into_iter().collect();
        linux.set_sysctl(Some(sysctls));
    }
    Ok(linux)
}

fn namespaces(network: &ContainerNetwork, place: Place<'_>) -> Result<Vec<LinuxNamespace>, PrepareError> {
    let own = |kind| LinuxNamespaceBuilder::default().typ(kind).build();
    let at = |kind, path: PathBuf| LinuxNamespaceBuilder::default().typ(kind).path(path).build();
    let mut namespaces = vec![
        own(LinuxNamespaceType::Uts)?,
        own(LinuxNamespaceType::Mount)?,
        own(LinuxNamespaceType::Cgroup)?,
    ];
    let link = |namespace: SharedNamespace| place.shared.join(namespace.link());
    match place.pid {
        PidSharing::Container => namespaces.push(own(LinuxNamespaceType::Pid)?),
        PidSharing::Task => namespaces.push(at(LinuxNamespaceType::Pid, link(SharedNamespace::Pid))?),
        PidSharing::Host => {}
    }
    match place.ipc {
        IpcSharing::Container | IpcSharing::None => namespaces.push(own(LinuxNamespaceType::Ipc)?),
        IpcSharing::Task => namespaces.push(at(LinuxNamespaceType::Ipc, link(SharedNamespace::Ipc))?),
        IpcSharing::Host => {}
    }
    if let Some(path) = &network.namespace {
        namespaces.push(at(LinuxNamespaceType::Network, path.clone())?);
    }
    Ok(namespaces)
}
