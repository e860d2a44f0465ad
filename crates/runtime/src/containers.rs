//! From a container of a task definition to a bundle that the shim can start.

pub mod capabilities;
mod command;
mod copy;
pub mod devices;
mod host_files;
mod links;
pub mod mount_points;
pub mod mounts;
mod overlay;
mod root;
mod seccomp;
mod spec;
mod ulimits;
mod user;
mod volumes;

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use agent::host::{ContainerSpec, IpcSharing, PidSharing};
pub use devices::Granted;
pub use links::Linked;
use oci_spec::OciSpecError;
use parking_lot::Mutex;
use rustix::fd::OwnedFd;
pub use seccomp::Filters;
use shim::{Confinement, Privileges, SharedDirectory, SystemCalls, files};

use crate::images::Image;
use crate::volumes::{TaskVolume, VolumeMount};

/// Why a container cannot be prepared. The texts follow Docker's where it has one.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A file or directory could not be made or read.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Neither the image nor the task definition says what to run.
    #[error("no command specified")]
    NoCommand,
    /// The image has no such user.
    #[error("unable to find user {0}: no matching entries in passwd file")]
    UserUnknown(String),
    /// The image has no such group.
    #[error("unable to find group {0}: no matching entries in group file")]
    GroupUnknown(String),
    /// Linux has no such capability.
    #[error("invalid capability: {0}")]
    CapabilityUnknown(String),
    /// Nobody can give what he does not have.
    #[error("capability {0} is not available on this host")]
    CapabilityUnavailable(String),
    /// Linux has no such limit.
    #[error("invalid ulimit type: {0}")]
    UlimitUnknown(String),
    /// The soft limit exceeds the hard one.
    #[error("ulimit soft limit must be less than or equal to hard limit: {name}: {soft} > {hard}")]
    UlimitOrder {
        /// Its name.
        name: String,
        /// As asked for.
        soft: u64,
        /// As asked for.
        hard: u64,
    },
    /// The agent may not raise its own limit.
    #[error(
        "ulimit {name}: hard limit {hard} exceeds this host's {available}, and raising it needs \
         CAP_SYS_RESOURCE"
    )]
    UlimitTooHigh {
        /// Its name.
        name: String,
        /// As asked for.
        hard: u64,
        /// What the agent runs with.
        available: u64,
    },
    /// A device that is not there, or is none.
    #[error("error gathering device information while adding custom device {path:?}: {reason}")]
    Device {
        /// On the host.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A path that must be absolute is not, or leads out of its place.
    #[error("invalid path {0}: it must be absolute and without \"..\"")]
    Path(PathBuf),
    /// The seccomp filter cannot be compiled.
    #[error("cannot compile the seccomp filter: {0}")]
    Filter(io::Error),
    /// `config.json` cannot be composed.
    #[error("cannot compose the container's configuration: {0}")]
    Spec(#[from] OciSpecError),
}

impl PrepareError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// The network of a container, as it concerns its configuration.
#[derive(Clone, Debug)]
pub struct ContainerNetwork {
    /// Its network namespace; `None` is the host's own.
    pub namespace: Option<PathBuf>,
    /// Its address, if it has one of its own.
    pub address: Option<Ipv4Addr>,
    /// Its host name, unless the task definition says.
    pub hostname: String,
    /// Containers that it knows by name.
    pub linked: Vec<Linked>,
    /// Who answers names, in the place of the host's name servers.
    pub resolver: Option<Ipv4Addr>,
}

/// Where the parts of a container go.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The container's directory, which exists and is empty.
    pub directory: &'a Path,
    /// Directory of the task's own volumes.
    pub volumes: &'a Path,
    /// Volumes that are more than directories there.
    pub task_volumes: &'a [TaskVolume],
    /// Volumes of other containers that it takes over.
    pub inherited_volumes: &'a [VolumeMount],
    /// Held while a volume is filled.
    pub filling: &'a Mutex<()>,
    /// Directory of what the containers share.
    pub shared: &'a Path,
    /// Whose processes it sees.
    pub pid: PidSharing,
    /// With whom it shares memory.
    pub ipc: IpcSharing,
    /// The lowest layer, see [`mount_points`].
    pub mount_points: &'a Path,
    /// Its group, as `config.json` names it.
    pub cgroup: &'a Path,
    /// Its groups, with their places below `/sys/fs/cgroup`.
    pub groups: &'a [(PathBuf, PathBuf)],
    /// The init program.
    pub init: &'a Path,
    /// Compiled seccomp filters.
    pub filters: &'a Filters,
}

/// A container ready to be started.
#[derive(Debug)]
pub struct Prepared {
    /// A detached mount of its root.
    pub root: OwnedFd,
    /// Who owns its output.
    pub uid: u32,
    /// What its process is confined to.
    pub confinement: Confinement,
    /// Its volumes.
    pub volumes: Vec<VolumeMount>,
    /// Directories of shared file systems among them.
    pub directories: Vec<SharedDirectory>,
}

/// Makes a container's root, files and `config.json`. Blocks.
///
/// # Errors
/// [`PrepareError`]; what was made is below the container's directory.
pub fn prepare(
    container: &ContainerSpec,
    image: &Image,
    network: &ContainerNetwork,
    devices: &[Granted],
    place: Place<'_>,
) -> Result<Prepared, PrepareError> {
    for name in [files::ROOT, files::LOG] {
        let path = place.directory.join(name);
        fs::create_dir(&path).map_err(|source| PrepareError::io(&path, source))?;
    }
    let lowest = std::iter::once(place.mount_points.to_owned());
    let layers: Vec<PathBuf> = lowest.chain(image.layers.iter().cloned()).collect();
    let root = overlay::mount(layers, place.directory, &place.directory.join(files::ROOT))?;
    let image_config = image.config.config();
    let wanted_user = container.user.as_deref();
    let image_user = image_config.as_ref().and_then(|it| it.user().as_deref());
    let user = user::resolve(&root, wanted_user.or(image_user).unwrap_or_default())?;
    let hostname = container.hostname.as_deref().unwrap_or(&network.hostname);
    let host_files = host_files::write(place.directory, hostname, &container.names, network)?;
    let declared = image_config.as_ref().and_then(|it| it.volumes().clone());
    let volumes = volumes::resolve(container, &declared.unwrap_or_default(), place)?;
    volumes::fill(&volumes, &root, place)?;
    let mut mounts = mounts::specify(container, place, &host_files, &volumes)?;
    mounts.extend(mounts::of_devices(devices)?);
    let parts = spec::Parts {
        container,
        image: image_config.as_ref(),
        network,
        hostname,
        user: &user,
        devices,
        place,
    };
    let spec = spec::compose(parts, mounts)?;
    let working_directory = spec
        .process()
        .as_ref()
        .map(|it| it.cwd().clone())
        .unwrap_or_default();
    root::make_directory(&root, &working_directory)?;
    let path = place.directory.join("config.json");
    let written = serde_json::to_vec(&spec)
        .map_err(io::Error::other)
        .and_then(|it| fs::write(&path, it));
    written.map_err(|source| PrepareError::io(&path, source))?;
    let confinement = confine(container, user.uid, place)?;
    Ok(Prepared {
        root,
        uid: user.uid,
        confinement,
        directories: volumes::shared(&volumes, user.uid, user.gid),
        volumes,
    })
}

/// Makes the root of a container again that was prepared before and has ended; all else of it is still there.
/// Blocks.
///
/// # Errors
/// [`PrepareError`].
pub fn prepare_again(image: &Image, directory: &Path, mount_points: &Path) -> Result<OwnedFd, PrepareError> {
    let lowest = std::iter::once(mount_points.to_owned());
    let layers: Vec<PathBuf> = lowest.chain(image.layers.iter().cloned()).collect();
    overlay::mount_again(layers, directory, &directory.join(files::ROOT))
}

/// Decides on capabilities, and puts the filter for them beside the container.
fn confine(container: &ContainerSpec, uid: u32, place: Place<'_>) -> Result<Confinement, PrepareError> {
    let granted = capabilities::granted(
        container.privileged,
        &container.capabilities_add,
        &container.capabilities_drop,
        &capabilities::available(),
    )?;
    let bounding = capabilities::mask(&granted);
    // Another user than root has them only as a bound, as an execution would leave it.
    let held = if uid == 0 { bounding } else { 0 };
    let privileges = match container.security.no_new_privileges {
        true => Privileges::NoNew,
        false => Privileges::OfFiles,
    };
    if container.privileged || container.security.seccomp_unconfined {
        return Ok(Confinement {
            bounding,
            held,
            system_calls: SystemCalls::All,
            privileges,
        });
    }
    let filter = place.filters.get(&granted).map_err(PrepareError::Filter)?;
    let path = place.directory.join(files::FILTER);
    fs::write(&path, filter).map_err(|source| PrepareError::io(&path, source))?;
    Ok(Confinement {
        bounding,
        held,
        system_calls: SystemCalls::Filtered,
        privileges,
    })
}
