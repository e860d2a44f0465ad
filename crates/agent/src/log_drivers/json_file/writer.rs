//! Writes a container's output to files in Docker's form, and begins a new one when one is full.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::JsonFileOptions;
use super::format::{self, Attributes};
use crate::host::LogLine;
use crate::log_drivers::follower::Sink;

/// Size at which a file is full and files that are kept, if nothing is said: as of the host's own record. Docker has no
/// bound.
const FILE_BYTES: u64 = 16 << 20;
const FILES: u32 = 2;
/// The mode of directories and files, as in Docker.
const DIRECTORY_MODE: u32 = 0o710;
const FILE_MODE: u32 = 0o640;

/// Where the output of one container goes.
pub struct Writer {
    files: Files,
    attributes: Attributes,
}

/// The files of one container: `<id>-json.log`, and older ones with a number, the oldest with the highest.
#[derive(Clone, Debug)]
pub struct Files {
    current: PathBuf,
    file_bytes: u64,
    files: u32,
    compresses: bool,
}

impl Writer {
    /// The writer of a container; `folder` is that of all containers.
    pub fn new(folder: &Path, options: &JsonFileOptions, runtime_id: &str, attributes: Attributes) -> Self {
        Self {
            files: Files::new(folder, options, runtime_id),
            attributes,
        }
    }

    /// What each line of a container has.
    pub fn attributes(
        options: &JsonFileOptions,
        labels: &Attributes,
        environment: &Attributes,
        runtime_id: &str,
    ) -> Attributes {
        format::attributes(options, labels, environment, runtime_id)
    }
}

#[async_trait]
impl Sink for Writer {
    async fn put(&mut self, lines: Vec<LogLine>) {
        if lines.is_empty() {
            return;
        }
        let lines: Vec<Vec<u8>> = lines
            .iter()
            .map(|it| format::line(it, &self.attributes))
            .collect();
        let files = self.files.clone();
        let written = tokio::task::spawn_blocking(move || files.write(&lines)).await;
        if let Err(error) = written.unwrap_or_else(|it| Err(io::Error::other(it))) {
            tracing::error!(file = %self.files.current.display(), %error, "lines of output are lost");
        }
    }

    async fn finish(&mut self) {}

    fn held_back(&self) -> Option<u64> {
        None
    }
}

impl Files {
    /// Of a container; `folder` is that of all.
    pub fn new(folder: &Path, options: &JsonFileOptions, runtime_id: &str) -> Self {
        let current = folder.join(runtime_id).join(format!("{runtime_id}-json.log"));
        Self {
            current,
            file_bytes: options.limits.file_bytes.unwrap_or(FILE_BYTES),
            files: options.limits.files.unwrap_or(FILES).max(1),
            compresses: options.compresses,
        }
    }

    /// Appends lines. Blocks.
    ///
    /// # Errors
    /// Any of the file system.
    pub fn write(&self, lines: &[Vec<u8>]) -> io::Result<()> {
        let mut file = self.open()?;
        let mut size = file.metadata()?.len();
        for line in lines {
            if size >= self.file_bytes {
                self.rotate()?;
                file = self.open()?;
                size = 0;
            }
            file.write_all(line)?;
            size += line.len() as u64;
        }
        Ok(())
    }

    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(FILE_MODE);
        match options.open(&self.current) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = self.current.parent().unwrap_or(&self.current);
                let mut builder = DirBuilder::new();
                builder.recursive(true).mode(DIRECTORY_MODE).create(folder)?;
                options.open(&self.current)
            }
            opened => opened,
        }
    }

    /// Each older file becomes one older, the oldest goes, and the current one becomes the first of them.
    fn rotate(&self) -> io::Result<()> {
        if self.files == 1 {
            return fs::remove_file(&self.current);
        }
        for number in (1..self.files - 1).rev() {
            let (from, to) = (self.older(number), self.older(number + 1));
            match fs::rename(from, to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let first = self.older(1);
        if !self.compresses {
            return fs::rename(&self.current, first);
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(FILE_MODE);
        let mut encoder = GzEncoder::new(options.open(first)?, Compression::default());
        io::copy(&mut File::open(&self.current)?, &mut encoder)?;
        encoder.finish()?;
        fs::remove_file(&self.current)
    }

    fn older(&self, number: u32) -> PathBuf {
        let mut name = self.current.clone().into_os_string();
        name.push(format!(".{number}"));
        if self.compresses {
            name.push(".gz");
        }
        name.into()
    }
}
