//! Why the network of a task could not be made, kept or removed.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;

/// A refusal or failure of [`Network`](super::Network).
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A field of `NetworkConfig` cannot be used.
    #[error("network configuration: {0}")]
    InvalidConfig(String),
    /// Not a task id or `<task>/<container>`.
    #[error("`{0}` names no task or container")]
    InvalidKey(String),
    /// The control plane sent a network interface that makes no sense.
    #[error("network interface: {0}")]
    InvalidEni(String),
    /// The key is attached already, with another address or other ports.
    #[error("`{0}` is attached already, in another way")]
    AttachedOtherwise(String),
    /// A process of the host listens there, or another container has it. Docker's words, which ECS passes on.
    #[error(
        "driver failed programming external connectivity on endpoint {key}: \
         Bind for 0.0.0.0:{port} failed: port is already allocated"
    )]
    PortAllocated {
        /// Who asked.
        key: String,
        /// On the host.
        port: u16,
    },
    /// The kernel refused to bind a host port for another reason.
    #[error("driver failed programming external connectivity: Bind for 0.0.0.0:{port} failed: {source}")]
    PortBind {
        /// On the host.
        port: u16,
        /// What the kernel said.
        source: io::Error,
    },
    /// Every port of the dynamic range is taken.
    #[error("no free host port from {first} to {last}")]
    NoFreePort {
        /// Lower end of the range.
        first: u16,
        /// Upper end of the range.
        last: u16,
    },
    /// Every address of the bridge is taken.
    #[error("no free address in {base}/{prefix}")]
    NoFreeAddress {
        /// Of the bridge's range.
        base: Ipv4Addr,
        /// Of the bridge's range.
        prefix: u8,
    },
    /// Tasks cannot reach their endpoint.
    #[error("cannot listen on {address}:{port} for tasks: {source}")]
    Endpoint {
        /// As tasks or the host's rules name it.
        address: Ipv4Addr,
        /// Of the address.
        port: u16,
        /// What the kernel said.
        source: io::Error,
    },
    /// The `nft` program is not there.
    #[error("the program `nft` is missing: install the package nftables")]
    NftMissing,
    /// `nft` or the kernel refused rules.
    #[error("nftables: {0}")]
    Rules(String),
    /// The kernel refused a change of links, addresses or routes.
    #[error("{what}: {source}")]
    Netlink {
        /// What was to be changed.
        what: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// A network namespace could not be made, entered or dropped.
    #[error("network namespace {}: {what}: {source}", path.display())]
    Namespace {
        /// What was tried.
        what: &'static str,
        /// Its bind mount.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A kernel setting could not be written.
    #[error("kernel setting {setting}: {source}")]
    Setting {
        /// Below /proc/sys.
        setting: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The state directory cannot be read or written.
    #[error("{}: {source}", path.display())]
    State {
        /// The file or directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A newer version of Gantry has written the state directory.
    #[error("{}: version {version} of this file needs a newer version of Gantry", path.display())]
    NewerState {
        /// The file.
        path: PathBuf,
        /// What it says.
        version: u32,
    },
    /// A program was not started in a network namespace.
    #[error("cannot start a program: {0}")]
    Program(io::Error),
    /// The kernel did not answer in time.
    #[error("{0} took too long")]
    Deadline(&'static str),
    /// The work was cut off by the end of the program, or panicked.
    #[error("network work was interrupted")]
    Interrupted,
}

impl NetworkError {
    /// Gives a failed request to the kernel its name.
    pub(super) fn netlink(what: &'static str) -> impl Fn(rtnetlink::Error) -> Self {
        move |error| Self::Netlink {
            what,
            source: into_io(error),
        }
    }

    /// The same for a request that is written without the library.
    pub(super) fn netlink_io(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Netlink { what, source }
    }

    /// The thing asked for was there already.
    pub(super) fn is_existing(&self) -> bool {
        matches!(self, Self::Netlink { source, .. } if source.kind() == io::ErrorKind::AlreadyExists)
    }
}

fn into_io(error: rtnetlink::Error) -> io::Error {
    match error {
        rtnetlink::Error::NetlinkError(message) => message.to_io(),
        other => io::Error::other(other),
    }
}
