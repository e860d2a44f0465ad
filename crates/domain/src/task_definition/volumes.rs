//! Volumes of a task.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A volume of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Unique in the task definition.
    pub name: String,
    /// Directory of the host of a bind volume; `None` is a directory that lives as long as the task.
    pub source_path: Option<String>,
    /// What it is.
    #[serde(default, skip_serializing_if = "VolumeKind::is_bind")]
    pub kind: VolumeKind,
}

/// What a volume is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumeKind {
    /// A directory of the host, or of the task.
    #[default]
    Bind,
    /// A volume of a Docker driver.
    Docker(DockerVolume),
    /// A directory of an EFS file system.
    Efs(EfsVolume),
    /// A directory of an FSx for Windows file server.
    FsxWindows(FsxWindowsVolume),
    /// A directory of an S3 file system.
    S3Files(S3FilesVolume),
    /// Whatever RunTask or the service says.
    ConfiguredAtLaunch,
}

impl VolumeKind {
    /// A directory of the host, or of the task.
    pub fn is_bind(&self) -> bool {
        *self == Self::Bind
    }
}

/// A volume of a Docker driver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DockerVolume {
    /// Its life.
    pub scope: VolumeScope,
    /// It is made if it is not there; for `shared` only.
    pub autoprovision: Option<bool>,
    /// By default `local`.
    pub driver: Option<String>,
    /// Options of the driver.
    pub driver_opts: Option<BTreeMap<String, String>>,
    /// Labels.
    pub labels: Option<BTreeMap<String, String>>,
}

/// Life of a Docker volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumeScope {
    /// As long as the task.
    #[default]
    Task,
    /// Longer.
    Shared,
}

impl VolumeScope {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Shared => "shared",
        }
    }
}

/// A directory of an EFS file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EfsVolume {
    /// `fs-…`
    pub file_system_id: String,
    /// By default `/`.
    pub root_directory: String,
    /// Whether data is encrypted on its way; by default not.
    pub is_transit_encrypted: Option<bool>,
    /// Port of the encryption.
    pub transit_encryption_port: Option<u16>,
    /// How access is decided.
    pub authorization: Option<EfsAuthorization>,
}

/// How access to an EFS file system is decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EfsAuthorization {
    /// `fsap-…`
    pub access_point_id: Option<String>,
    /// Whether the task's role decides; by default not.
    pub uses_iam: Option<bool>,
}

/// A directory of an FSx for Windows file server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsxWindowsVolume {
    /// `fs-…`
    pub file_system_id: String,
    /// Directory.
    pub root_directory: String,
    /// ARN of the secret or parameter with the login.
    pub credentials_parameter: String,
    /// Domain of Active Directory.
    pub domain: String,
}

/// A directory of an S3 file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3FilesVolume {
    /// The file system.
    pub file_system_arn: String,
    /// Its access point.
    pub access_point_arn: Option<String>,
    /// By default `/`.
    pub root_directory: Option<String>,
    /// Port of the encryption.
    pub transit_encryption_port: Option<u16>,
}
