//! The groups' own facts on disk: one file per group, the newest record of a key counts.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::logs::frame::{self, FrameReader};
use crate::logs::{LogGroupClass, LogsError};

const FILE_NEW: &str = "journal.new";

/// One fact, encoded as JSON in a frame. The encoding is a promise: fields are only ever added, with a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Record {
    /// The group as it is now.
    Group(GroupRecord),
    /// A stream as it is now.
    Stream(StreamRecord),
    /// The stream of this number is deleted.
    StreamDeleted(u32),
}

/// A group; rewritten whole at each change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupRecord {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) created_ms: i64,
    pub(crate) class: LogGroupClass,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kms_key_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retention_days: Option<u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    /// No stream has had this number or a higher one.
    pub(crate) next_stream: u32,
    /// No batch in a dropped segment had this number or a higher one.
    pub(crate) next_sequence: u64,
}

/// A stream. The times are kept here only once its events are no longer kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamRecord {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) created_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_event_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_ingestion_ms: Option<i64>,
}

/// The open journal of a group. Holds no file handle.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    len: u64,
    records: usize,
}

impl Journal {
    /// Its file in the group's directory.
    pub(crate) const FILE: &str = "journal";

    /// Reads all records and cuts off a torn tail.
    pub(crate) fn open(dir: &Path) -> Result<(Journal, Vec<Record>), LogsError> {
        let path = dir.join(Journal::FILE);
        let read = || -> io::Result<(u64, Vec<Record>)> {
            let file = match File::options().read(true).write(true).open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, Vec::new())),
                Err(error) => return Err(error),
            };
            let mut frames = FrameReader::new(BufReader::new(&file), 0);
            let mut records = Vec::new();
            while let Some((_, payload)) = frames.next_frame()? {
                records.push(serde_json::from_slice(&payload)?);
            }
            let valid = frames.valid_len();
            if file.metadata()?.len() > valid {
                tracing::warn!(path = %path.display(), valid, "cutting a torn record off a log journal");
                file.set_len(valid)?;
            }
            Ok((valid, records))
        };
        let (len, records) = read().map_err(LogsError::storage("read", &path))?;
        Ok((
            Journal {
                path,
                len,
                records: records.len(),
            },
            records,
        ))
    }

    /// Replaces whatever is there by these records, at once; used for a new group too.
    pub(crate) fn rewrite(dir: &Path, records: &[Record]) -> Result<Journal, LogsError> {
        let (path, new) = (dir.join(Journal::FILE), dir.join(FILE_NEW));
        let write = || -> io::Result<u64> {
            let bytes = encode(records)?;
            let mut file = File::create(&new)?;
            file.write_all(&bytes)?;
            file.sync_data()?;
            fs::rename(&new, &path)?;
            Ok(bytes.len() as u64)
        };
        let len = write().map_err(LogsError::storage("write", &path))?;
        Ok(Journal {
            path,
            len,
            records: records.len(),
        })
    }

    /// Adds records, all or none. Written at the known end, so that a failed attempt leaves nothing in between.
    pub(crate) fn append(&mut self, records: &[Record]) -> Result<(), LogsError> {
        let append = || -> io::Result<u64> {
            let bytes = encode(records)?;
            let file = File::options()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&self.path)?;
            file.write_all_at(&bytes, self.len)
                .inspect_err(|_| drop(file.set_len(self.len)))?;
            Ok(bytes.len() as u64)
        };
        self.len += append().map_err(LogsError::storage("append to", &self.path))?;
        self.records += records.len();
        Ok(())
    }

    /// How many records the file holds, outdated ones included.
    pub(crate) fn records(&self) -> usize {
        self.records
    }
}

fn encode(records: &[Record]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for record in records {
        bytes.extend(frame::encode(&serde_json::to_vec(record)?));
    }
    Ok(bytes)
}
