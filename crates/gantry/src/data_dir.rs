//! Where a Gantry keeps what it knows: one folder, whose layout is decided here.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::fs::FlockOperation;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Used when neither `--data-dir` nor `GANTRY_DATA_DIR` is given.
pub const DEFAULT: &str = "/var/lib/gantry";

/// How often the lock is tried for.
const LOCK_ATTEMPTS: u32 = 10;
/// Pause between two attempts.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The data directory.
#[derive(Clone, Debug)]
pub struct DataDir(PathBuf);

/// Held by the process that serves a data directory, and given up with it.
pub struct Lock {
    _file: File,
}

impl DataDir {
    /// Names a data directory; makes nothing.
    pub fn new(path: &Path) -> Result<Self> {
        Ok(Self(
            std::path::absolute(path).with_context(|| format!("--data-dir {}", path.display()))?,
        ))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Records of the control plane.
    pub fn state(&self) -> PathBuf {
        self.0.join("state.db")
    }

    /// Log events.
    pub fn telemetry(&self) -> PathBuf {
        self.0.join("telemetry")
    }

    /// Images and their layers.
    pub fn images(&self) -> PathBuf {
        self.0.join("images")
    }

    /// Content of the repositories of images.
    pub fn registry(&self) -> PathBuf {
        self.0.join("registry")
    }

    /// File systems of EFS, unless the operator names another directory.
    pub fn file_systems(&self) -> PathBuf {
        self.0.join("file-systems")
    }

    /// Buckets of S3, unless the operator names another directory.
    pub fn buckets(&self) -> PathBuf {
        self.0.join("buckets")
    }

    /// A directory for the balancer of each load balancer.
    pub fn balancers(&self) -> PathBuf {
        self.0.join("balancers")
    }

    /// What the agent remembers.
    pub fn agent(&self) -> PathBuf {
        self.0.join("agent")
    }

    /// Programs for the `PATH` of users.
    pub fn programs(&self) -> PathBuf {
        self.0.join("bin")
    }

    /// How to reach the Gantry that serves this directory.
    pub fn endpoint_file(&self) -> PathBuf {
        self.0.join("run/endpoint.json")
    }

    /// A key pair, readable by its owner only.
    pub fn key_file(&self, name: &str) -> PathBuf {
        self.0.join("keys").join(format!("{name}.json"))
    }

    /// Makes the folders that are missing.
    pub fn create(&self) -> Result<()> {
        for folder in ["", "keys", "telemetry", "images", "tasks", "run", "agent", "bin"] {
            let folder = self.0.join(folder);
            fs::create_dir_all(&folder).with_context(|| {
                format!(
                    "cannot make {}; choose another folder with --data-dir",
                    folder.display()
                )
            })?;
        }
        for private in ["keys", "agent", "run", "tasks"] {
            fs::set_permissions(self.0.join(private), fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    /// Takes the directory for this process.
    pub fn lock(&self) -> Result<Lock> {
        let file = self.lock_file()?;
        // A command that looks whether the directory is served holds the lock for an instant.
        let is_taken = (0..LOCK_ATTEMPTS).any(|attempt| {
            if attempt > 0 {
                std::thread::sleep(LOCK_PAUSE);
            }
            rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
        });
        if !is_taken {
            bail!(
                "another Gantry is already serving {}. Stop it with `gantry down --data-dir {}`, \
                 or give this one a folder of its own with --data-dir (and --listen)",
                self.0.display(),
                self.0.display()
            );
        }
        Ok(Lock { _file: file })
    }

    /// Whether a process serves the directory now.
    pub fn is_served(&self) -> bool {
        self.lock_file()
            .is_ok_and(|file| rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).is_err())
    }

    fn lock_file(&self) -> Result<File> {
        let path = self.0.join("run/lock");
        let open = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        open.with_context(|| format!("cannot open {}", path.display()))
    }
}

/// Writes a small file whole, readable by its owner only.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let temporary = path.with_extension("new");
    let context = || format!("cannot write {}", path.display());
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&temporary)
        .with_context(context)?;
    // A file that was there before keeps its mode.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(context)?;
    fs::rename(&temporary, path).with_context(context)
}

/// Writes a value as JSON, readable by its owner only.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    write_private(path, &serde_json::to_string_pretty(value)?)
}

/// Reads a value written by [`write_json`]; `None` if there is none.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => {
            let value = serde_json::from_slice(&bytes);
            Ok(Some(
                value.with_context(|| format!("{} is damaged", path.display()))?,
            ))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}
