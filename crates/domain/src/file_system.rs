//! File systems of EFS, their access points and mount targets.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::tags::Pair;
use crate::{Scope, Timestamp};

/// A file system: a directory of that name below the one that the operator names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileSystem {
    /// `fs-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// Made up by the caller, unique in the scope.
    pub creation_token: String,
    /// How far it is.
    pub state: FileSystemState,
    /// `generalPurpose` or `maxIO`.
    pub performance_mode: String,
    /// `bursting`, `provisioned` or `elastic`.
    pub throughput_mode: String,
    /// MiB/s, if provisioned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_throughput_mibps: Option<f64>,
    /// The only zone it is in, if it is in one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// JSON: who may do what with it. It is kept; nothing is decided by it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// When files move between storage classes: names and rules of Amazon, a map each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifecycle_policies: Vec<BTreeMap<String, String>>,
    /// Whether backups are wanted, if anybody has said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_backups: Option<bool>,
    /// In the order given.
    pub tags: Vec<Pair>,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// How far a file system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileSystemState {
    /// Its directory is being made.
    Creating,
    /// It can be mounted.
    Available,
    /// Its directory is being removed.
    Deleting,
}

impl FileSystemState {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Available => "available",
            Self::Deleting => "deleting",
        }
    }
}

/// A place at which a file system can be mounted: an address in a subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountTarget {
    /// `fsmt-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// Of what.
    pub file_system_id: String,
    /// Where; one of a zone at most.
    pub subnet_id: String,
    /// VPC of the subnet.
    pub vpc_id: String,
    /// Zone of the subnet.
    pub availability_zone: String,
    /// Its address, which no task gets.
    pub address: Ipv4Addr,
    /// `eni-…`
    pub network_interface_id: String,
    /// `sg-…`
    pub security_groups: Vec<String>,
}

/// A way into a file system that decides on user and root directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessPoint {
    /// `fsap-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// Made up by the caller, unique in the scope.
    pub client_token: String,
    /// Of what.
    pub file_system_id: String,
    /// As whom all access is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<PosixUser>,
    /// What is seen as the root.
    pub path: String,
    /// How the root is made if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation: Option<RootCreation>,
    /// In the order given.
    pub tags: Vec<Pair>,
}

/// As whom all access is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PosixUser {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// How a root directory is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootCreation {
    /// Owner.
    pub uid: u32,
    /// Group of the owner.
    pub gid: u32,
    /// Bits of the mode.
    pub permissions: u32,
}

impl FileSystem {
    /// `arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-…`
    pub fn arn(&self) -> String {
        arn(&self.scope, "file-system", &self.id)
    }

    /// The name by which it is mounted: `fs-….efs.us-east-1.amazonaws.com`
    pub fn dns_name(&self) -> String {
        dns_name(&self.id, &self.scope.region)
    }
}

impl AccessPoint {
    /// `arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-…`
    pub fn arn(&self) -> String {
        arn(&self.scope, "access-point", &self.id)
    }
}

/// The name by which a file system is mounted, whether it is there or not.
pub fn dns_name(file_system_id: &str, region: &str) -> String {
    format!("{file_system_id}.efs.{region}.amazonaws.com")
}

fn arn(scope: &Scope, kind: &str, id: &str) -> String {
    format!(
        "arn:aws:elasticfilesystem:{}:{}:{kind}/{id}",
        scope.region, scope.account
    )
}
