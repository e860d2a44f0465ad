//! What a container gets from elsewhere: volumes, secrets, files, devices.

use serde::{Deserialize, Serialize};

/// A volume in a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountPoint {
    /// Name of the volume.
    pub source_volume: Option<String>,
    /// Where it appears.
    pub container_path: Option<String>,
    /// Cannot be written.
    pub read_only: Option<bool>,
}

/// All volumes of another container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeFrom {
    /// The other container.
    pub source_container: String,
    /// Cannot be written.
    pub read_only: Option<bool>,
}

/// A value that is fetched when the task starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Variable, or option of a log driver.
    pub name: String,
    /// Parameter by name or ARN, or secret by ARN with optional key, stage and version.
    pub value_from: String,
}

/// A file of variables in S3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentFile {
    /// ARN of the object.
    pub value: String,
}

/// A device that a container needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceRequirement {
    /// What kind.
    pub kind: ResourceType,
    /// Number of GPUs, or name of the accelerator.
    pub value: String,
}

/// Kind of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResourceType {
    /// A number of GPUs.
    Gpu,
    /// An inference accelerator by name.
    InferenceAccelerator,
}

impl ResourceType {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gpu => "GPU",
            Self::InferenceAccelerator => "InferenceAccelerator",
        }
    }
}
