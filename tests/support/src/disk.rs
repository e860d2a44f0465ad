//! A disk that is small enough to be filled.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The file that takes all the room.
const FILLER: &str = ".filler";
/// Written at once, the largest first, so that not a byte is left.
const PIECES: [usize; 3] = [1 << 20, 4096, 1];

/// A file system in memory, mounted as long as this lives. Needs root.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Mounts one of so many MiB on a directory, which is made if it is missing.
    ///
    /// # Errors
    /// It cannot be mounted.
    pub fn mount(path: &Path, mib: u32) -> Result<Self> {
        fs::create_dir_all(path)?;
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "gantry-tests"])
            .arg(path)
            .status()
            .context("mount is missing")?;
        ensure!(status.success(), "cannot mount on {}", path.display());
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Takes all the room that is left.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn fill(&self) -> Result<()> {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.path.join(FILLER))?;
        for size in PIECES {
            let piece = vec![b'x'; size];
            while file.write_all(&piece).is_ok() {}
        }
        Ok(())
    }

    /// Gives it back.
    ///
    /// # Errors
    /// It was not filled.
    pub fn free(&self) -> Result<()> {
        Ok(fs::remove_file(self.path.join(FILLER))?)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What still has it open keeps it, and nobody else sees it.
        drop(Command::new("umount").arg("-l").arg(&self.path).status());
    }
}
