//! What is on disk: one small JSON file per attachment and per VPC, so that a killed agent finds them all again.
//!
//! Nothing is synced: after a crash of the machine the namespaces are gone as well.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use agent::host::{Eni, PortMapping, TransportProtocol};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::NetworkError;
use super::cidr::Cidr;
use super::names::file_stem;

/// How far an attachment has come. A file that still says `Making` was left by an agent that died over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    Making,
    Ready,
}

/// A namespace of a task or container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Attachment {
    pub(super) key: String,
    pub(super) stage: Stage,
    pub(super) kind: Kind,
}

/// What is in the namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// `awsvpc`
    Task(Interface),
    /// `bridge`
    Bridge { address: Ipv4Addr, ports: Vec<Port> },
    /// `none`
    Isolated,
    /// A load balancer, with its first address and the others, and its ports that are the host's as well.
    LoadBalancer {
        interface: Interface,
        others: Vec<Ipv4Addr>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ports: Vec<Port>,
        /// Its link in the VPC, if it sends with the addresses of its clients.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        preserving: Option<String>,
    },
}

impl Kind {
    /// Ports of the host that lead here, and where.
    pub(super) fn published(&self) -> Option<(Ipv4Addr, &[Port])> {
        match self {
            Self::Bridge { address, ports } => Some((*address, ports)),
            Self::LoadBalancer { interface, ports, .. } => Some((interface.address, ports)),
            Self::Task(_) | Self::Isolated => None,
        }
    }

    /// What hangs on a VPC.
    pub(super) fn interface(&self) -> Option<&Interface> {
        match self {
            Self::Task(interface) | Self::LoadBalancer { interface, .. } => Some(interface),
            Self::Bridge { .. } | Self::Isolated => None,
        }
    }
}

/// The interface of an `awsvpc` task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Interface {
    pub(super) vpc_id: String,
    pub(super) vpc_cidr: Cidr,
    pub(super) address: Ipv4Addr,
    pub(super) gateway: Ipv4Addr,
    pub(super) mac: [u8; 6],
}

impl TryFrom<&Eni> for Interface {
    type Error = NetworkError;

    fn try_from(eni: &Eni) -> Result<Self, NetworkError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if eni.vpc_id.is_empty() || !eni.vpc_id.chars().all(is_plain) {
            return Err(NetworkError::InvalidEni(format!("`{}` is no VPC id", eni.vpc_id)));
        }
        let vpc_cidr =
            Cidr::new(eni.vpc_cidr).map_err(|error| NetworkError::InvalidEni(error.to_string()))?;
        if !vpc_cidr.contains(eni.address) || !vpc_cidr.contains(eni.gateway) || eni.address == eni.gateway {
            return Err(NetworkError::InvalidEni(format!(
                "address {} and gateway {} do not go together in {vpc_cidr}",
                eni.address, eni.gateway
            )));
        }
        let mac = parse_mac(&eni.mac_address)
            .ok_or_else(|| NetworkError::InvalidEni(format!("`{}` is no MAC address", eni.mac_address)))?;
        Ok(Self {
            vpc_id: eni.vpc_id.clone(),
            vpc_cidr,
            address: eni.address,
            gateway: eni.gateway,
            mac,
        })
    }
}

fn parse_mac(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut mac {
        let part = parts.next().filter(|part| part.len() == 2)?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    // The lowest bit marks a group of stations; no interface has such an address.
    (parts.next().is_none() && mac[0] & 1 == 0).then_some(mac)
}

/// A published port on disk.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Port {
    container_port: u16,
    host_port: u16,
    protocol: Protocol,
    #[serde(default)]
    following: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    Tcp,
    Udp,
}

impl From<&PortMapping> for Port {
    fn from(mapping: &PortMapping) -> Self {
        let protocol = match mapping.protocol {
            TransportProtocol::Tcp => Protocol::Tcp,
            TransportProtocol::Udp => Protocol::Udp,
        };
        Self {
            container_port: mapping.container_port,
            host_port: mapping.host_port,
            protocol,
            following: mapping.following,
        }
    }
}

impl From<&Port> for PortMapping {
    fn from(port: &Port) -> Self {
        let protocol = match port.protocol {
            Protocol::Tcp => TransportProtocol::Tcp,
            Protocol::Udp => TransportProtocol::Udp,
        };
        Self {
            container_port: port.container_port,
            host_port: port.host_port,
            protocol,
            following: port.following,
        }
    }
}

/// The namespace of a VPC on this host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct VpcRecord {
    pub(super) vpc_id: String,
    pub(super) cidr: Cidr,
    /// Tells its link to the host and the two addresses of that.
    pub(super) number: u32,
}

/// The state directory.
#[derive(Clone, Debug)]
pub(super) struct Records {
    directory: PathBuf,
}

impl Records {
    /// Makes the directory if it is missing.
    pub(super) fn open(directory: &Path) -> Result<Self, NetworkError> {
        let records = Self {
            directory: directory.to_owned(),
        };
        for part in [ATTACHMENTS, VPCS, NAMESPACES] {
            let path = directory.join(part);
            fs::create_dir_all(&path).map_err(failed(&path))?;
        }
        Ok(records)
    }

    /// Where the namespace of a task or container is bound.
    pub(super) fn namespace(&self, key: &str) -> PathBuf {
        self.directory.join(NAMESPACES).join(file_stem(key))
    }

    /// Where the namespace of a VPC is bound.
    pub(super) fn vpc_namespace(&self, vpc_id: &str) -> PathBuf {
        self.directory.join(NAMESPACES).join(format!("vpc.{vpc_id}"))
    }

    /// Everything in the directory of namespaces, ours or left over.
    pub(super) fn all_namespaces(&self) -> Result<Vec<PathBuf>, NetworkError> {
        list(&self.directory.join(NAMESPACES))
    }

    pub(super) fn attachments(&self) -> Result<Vec<Attachment>, NetworkError> {
        read_all(&self.directory.join(ATTACHMENTS))
    }

    pub(super) fn vpcs(&self) -> Result<Vec<VpcRecord>, NetworkError> {
        read_all(&self.directory.join(VPCS))
    }

    pub(super) fn save(&self, attachment: &Attachment) -> Result<(), NetworkError> {
        write(&self.attachment_file(&attachment.key), attachment)
    }

    pub(super) fn remove(&self, key: &str) -> Result<(), NetworkError> {
        remove(&self.attachment_file(key))
    }

    pub(super) fn save_vpc(&self, vpc: &VpcRecord) -> Result<(), NetworkError> {
        write(&self.vpc_file(&vpc.vpc_id), vpc)
    }

    pub(super) fn remove_vpc(&self, vpc_id: &str) -> Result<(), NetworkError> {
        remove(&self.vpc_file(vpc_id))
    }

    /// Other hosts whose tunnels end here.
    pub(super) fn hosts(&self) -> Result<BTreeSet<Ipv4Addr>, NetworkError> {
        let path = self.directory.join(HOSTS);
        match fs::read(&path) {
            Ok(bytes) => Ok(serde_json::from_slice::<Versioned<_>>(&bytes).map_or_else(|error| {
                // The control plane tells them again.
                tracing::warn!(path = %path.display(), %error, "dropping a list of hosts that cannot be read");
                BTreeSet::new()
            }, |it| it.record)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
            Err(error) => Err(failed(&path)(error)),
        }
    }

    pub(super) fn save_hosts(&self, hosts: &BTreeSet<Ipv4Addr>) -> Result<(), NetworkError> {
        write(&self.directory.join(HOSTS), hosts)
    }

    fn attachment_file(&self, key: &str) -> PathBuf {
        self.directory
            .join(ATTACHMENTS)
            .join(format!("{}.json", file_stem(key)))
    }

    fn vpc_file(&self, vpc_id: &str) -> PathBuf {
        self.directory.join(VPCS).join(format!("{vpc_id}.json"))
    }
}

/// Of the files. A newer version of Gantry raises it when older ones could not read its files.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    record: T,
}

/// What every version of the files has.
#[derive(Deserialize)]
struct AnyVersion {
    version: u32,
}

const ATTACHMENTS: &str = "attachments";
const VPCS: &str = "vpcs";
const HOSTS: &str = "hosts.json";
const NAMESPACES: &str = "netns";
const TEMPORARY: &str = "new";

/// Readers see the old file or the new one.
fn write(path: &Path, record: impl Serialize) -> Result<(), NetworkError> {
    let temporary = path.with_extension(TEMPORARY);
    let bytes = serde_json::to_vec(&Versioned {
        version: VERSION,
        record,
    })
    .map_err(io::Error::from)
    .map_err(failed(path))?;
    fs::write(&temporary, bytes).map_err(failed(&temporary))?;
    fs::rename(&temporary, path).map_err(failed(path))
}

fn remove(path: &Path) -> Result<(), NetworkError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path)(error)),
        _ => Ok(()),
    }
}

/// A file that cannot be read as a record is set aside by its warning; what it described is swept as left over.
fn read_all<T: DeserializeOwned>(directory: &Path) -> Result<Vec<T>, NetworkError> {
    let mut records = Vec::new();
    for path in list(directory)? {
        if path.extension().is_some_and(|extension| extension == TEMPORARY) {
            remove(&path)?;
            continue;
        }
        let bytes = fs::read(&path).map_err(failed(&path))?;
        if let Ok(AnyVersion { version }) = serde_json::from_slice(&bytes)
            && version > VERSION
        {
            return Err(NetworkError::NewerState { path, version });
        }
        match serde_json::from_slice::<Versioned<T>>(&bytes) {
            Ok(versioned) => records.push(versioned.record),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "dropping a network record that cannot be read");
                remove(&path)?;
            }
        }
    }
    Ok(records)
}

fn list(directory: &Path) -> Result<Vec<PathBuf>, NetworkError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed(directory))? {
        paths.push(entry.map_err(failed(directory))?.path());
    }
    // The order of a directory is that of its hashes.
    paths.sort();
    Ok(paths)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> NetworkError {
    move |source| NetworkError::State {
        path: path.to_owned(),
        source,
    }
}
