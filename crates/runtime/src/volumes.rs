//! Volumes: directories of a task or of the host, and what Docker's `local` driver makes of its options.
//!
//! ```text
//!  volumes/<name>/volume.json    a shared volume, until the operator removes its directory
//!  volumes/<name>/_data          its content
//!  tasks/<task id>/volumes/…     everything that lives as long as its task
//! ```

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use agent::host::{DockerVolume, FileOwner, VolumeScope};
use serde::{Deserialize, Serialize};

use crate::task_directory::is_name;

/// Version of [`Record`].
const RECORD_VERSION: u32 = 1;
const RECORD: &str = "volume.json";
const DATA: &str = "_data";

/// Where the content of a volume is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeSource {
    /// A directory that somebody else looks after.
    HostDirectory(PathBuf),
    /// A directory of Gantry's own: while it is empty, it takes what the image has in its place.
    Directory(PathBuf),
    /// The same in memory; the task's shim mounts it.
    Memory {
        /// Where the containers find it.
        directory: PathBuf,
        /// Options of the mount.
        options: String,
    },
    /// A directory of a file system that hosts share; the task's shim mounts it for each container.
    Shared {
        /// Directory of the file system.
        root: PathBuf,
        /// Where below it; links and steps back do not lead out.
        below: PathBuf,
        /// Where the containers find it.
        target: PathBuf,
        /// As whom all access is made; otherwise as whoever the process is.
        owner: Option<FileOwner>,
    },
    /// A file system that each container mounts.
    FileSystem {
        /// Its type.
        kind: String,
        /// What is mounted.
        device: PathBuf,
        /// Options of the mount.
        options: Vec<String>,
    },
}

/// A volume of a task, as its mounts name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskVolume {
    /// Name in the task definition.
    pub name: String,
    /// Its content.
    pub source: VolumeSource,
}

/// A volume at its place in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeMount {
    /// Its content.
    pub source: VolumeSource,
    /// In the container.
    pub target: PathBuf,
    /// Cannot be written.
    pub is_read_only: bool,
}

/// What is known of a shared volume.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    version: u32,
    driver: String,
    options: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
}

/// Why a volume cannot be had. The texts are those of Amazon's agent where it has one, its slips included.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// It is to be there and is not.
    #[error(
        "volume detection failed, volume '{0}' does not exist and autoprovision is set to false: no such volume"
    )]
    Missing(String),
    /// It is there with another setting.
    #[error(
        "non-autoprovisioned volume does not match existing volume {what}: existing: {existing:?}, expected: {expected:?}"
    )]
    Different {
        /// `options` or `labels`.
        what: &'static str,
        /// As it is.
        existing: BTreeMap<String, String>,
        /// As it was asked for.
        expected: BTreeMap<String, String>,
    },
    /// The driver does not know such options.
    #[error("volume '{name}': {reason}")]
    Options {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// Its directory or record.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The shared volumes of a host.
#[derive(Debug)]
pub struct Volumes {
    directory: PathBuf,
}

impl Volumes {
    /// Those in a directory, which exists.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Makes a volume, or finds it. `of_task` is the directory for what lives as long as the task.
    ///
    /// # Errors
    /// [`VolumeError`].
    pub fn prepare(&self, volume: &DockerVolume, of_task: &Path) -> Result<TaskVolume, VolumeError> {
        let name = &volume.name;
        if !is_name(name) {
            return Err(options(name, "it is no name of a volume"));
        }
        let (place, known) = match volume.scope {
            VolumeScope::Task => (of_task.join(name), volume.driver_options.clone()),
            VolumeScope::Shared => (self.directory.join(name).join(DATA), self.existing(volume)?),
            VolumeScope::SharedAutoprovisioned => {
                self.provide(volume)?;
                (
                    self.directory.join(name).join(DATA),
                    volume.driver_options.clone(),
                )
            }
        };
        let source = local(volume, &known, place)?;
        if let VolumeSource::Directory(directory) | VolumeSource::Memory { directory, .. } = &source {
            make(directory)?;
        }
        Ok(TaskVolume {
            name: name.clone(),
            source,
        })
    }

    /// Options of a volume that must be there.
    fn existing(&self, volume: &DockerVolume) -> Result<BTreeMap<String, String>, VolumeError> {
        let record = self.read(&volume.name)?;
        let record = record.ok_or_else(|| VolumeError::Missing(volume.name.clone()))?;
        Ok(record.options)
    }

    fn provide(&self, volume: &DockerVolume) -> Result<(), VolumeError> {
        let Some(record) = self.read(&volume.name)? else {
            return self.write(volume);
        };
        for (what, existing, expected) in [
            ("labels", record.labels, &volume.labels),
            ("options", record.options, &volume.driver_options),
        ] {
            if existing != *expected {
                return Err(VolumeError::Different {
                    what,
                    existing,
                    expected: expected.clone(),
                });
            }
        }
        Ok(())
    }

    fn read(&self, name: &str) -> Result<Option<Record>, VolumeError> {
        let path = self.directory.join(name).join(RECORD);
        let failed = |source| VolumeError::Io {
            path: path.clone(),
            source,
        };
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| failed(error.into())),
        }
    }

    /// The record comes last: a volume without it was never made.
    fn write(&self, volume: &DockerVolume) -> Result<(), VolumeError> {
        let directory = self.directory.join(&volume.name);
        make(&directory.join(DATA))?;
        let record = Record {
            version: RECORD_VERSION,
            driver: "local".to_owned(),
            options: volume.driver_options.clone(),
            labels: volume.labels.clone(),
        };
        let path = directory.join(RECORD);
        let unfinished = directory.join("volume.json.new");
        let written = serde_json::to_vec_pretty(&record)
            .map_err(io::Error::from)
            .and_then(|it| fs::write(&unfinished, it))
            .and_then(|()| fs::rename(&unfinished, &path));
        written.map_err(|source| VolumeError::Io { path, source })
    }
}

/// What the `local` driver makes of its options: without any, a directory.
fn local(
    volume: &DockerVolume,
    known: &BTreeMap<String, String>,
    place: PathBuf,
) -> Result<VolumeSource, VolumeError> {
    let name = &volume.name;
    if let Some(other) = known
        .keys()
        .find(|it| !["type", "device", "o"].contains(&it.as_str()))
    {
        return Err(options(name, format!("invalid option: {other:?}")));
    }
    let get = |option: &str| known.get(option).map(String::as_str).unwrap_or_default();
    let flags: Vec<String> = get("o")
        .split(',')
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
        .collect();
    let (kind, device) = (get("type"), get("device"));
    let is_bind = flags.iter().any(|it| it == "bind" || it == "rbind");
    match (kind, device) {
        ("", "") if flags.is_empty() => Ok(VolumeSource::Directory(place)),
        (_, "") => Err(options(name, "missing device in volume options")),
        ("", _) if !is_bind => Err(options(name, "missing required option: \"type\"")),
        ("tmpfs", _) if volume.scope == VolumeScope::Task => Ok(VolumeSource::Memory {
            directory: place,
            options: flags.join(","),
        }),
        ("tmpfs", _) => Err(options(
            name,
            "memory cannot be shared beyond a task here: type tmpfs needs scope task",
        )),
        (_, device) if is_bind => match Path::new(device).is_dir() {
            true => Ok(VolumeSource::HostDirectory(PathBuf::from(device))),
            false => Err(options(
                name,
                format!("failed to mount local volume: {device}: no such file or directory"),
            )),
        },
        (kind, device) => Ok(VolumeSource::FileSystem {
            kind: kind.to_owned(),
            device: PathBuf::from(device),
            options: flags,
        }),
    }
}

fn options(name: &str, reason: impl Into<String>) -> VolumeError {
    VolumeError::Options {
        name: name.to_owned(),
        reason: reason.into(),
    }
}

fn make(directory: &Path) -> Result<(), VolumeError> {
    fs::create_dir_all(directory).map_err(|source| VolumeError::Io {
        path: directory.to_owned(),
        source,
    })
}
