//! A store for logs with the meaning of CloudWatch Logs: groups, streams, events, retention, filters.
//!
//! Durability: an answered `put_events` has been handed to the kernel, so it survives the death of this process
//! at once, and a power loss once the next [`Logs::sync`] has returned (the owner calls it every second or so).
//! A torn record at the end of a file is recognised by its length and checksum and cut off when it is opened.
//!
//! Batches of all streams of a group are appended to one segment file, in order of arrival; so the number of
//! files does not grow with the number of streams. A full segment is sealed: its index moves to disk.

mod block;
mod error;
mod filter;
pub(crate) mod frame;
mod group;
mod groups;
mod journal;
pub mod limits;
mod maintain;
mod page;
mod pattern;
mod position;
mod put;
mod read;
mod sealed;
mod segment;
mod stream_set;
mod streams;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::{Mutex, RwLock};

pub use error::LogsError;
pub use filter::{FilterLogEvents, FilteredLogEvent, FilteredPage, StreamChoice};
pub use groups::{CreateLogGroup, DescribeLogGroups, LogGroup, LogGroupClass, LogGroupPage, NameFilter};
pub use maintain::Maintenance;
pub use pattern::FilterPattern;
pub use put::{InputEvent, PutOutcome, RejectedEvents};
pub use read::{GetLogEvents, LogEvent, LogEventPage, StartFrom};
pub use streams::{DescribeLogStreams, LogStream, LogStreamPage, StreamOrder};

use group::Group;

/// Whose groups: every group belongs to one account in one region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogScope {
    /// Twelve digits.
    pub account: String,
    /// As `us-east-1`.
    pub region: String,
}

/// Sizes; the defaults suit everything but tests.
#[derive(Debug, Clone)]
pub struct LogsOptions {
    /// A segment is sealed at this size.
    pub segment_bytes: u64,
    /// A segment is sealed at this many batches; bounds the memory of a group's index (40 bytes each).
    pub segment_blocks: usize,
    /// A call reads about this much, then answers what it has with a token.
    pub scan_bytes: usize,
    /// When segments take more than this together, the oldest of all are dropped. `None`: no bound.
    pub disk_bytes_max: Option<u64>,
    /// Segment files kept open for writing; more groups than that share them in turn.
    pub open_files_max: usize,
}

impl Default for LogsOptions {
    fn default() -> LogsOptions {
        LogsOptions {
            segment_bytes: 8 * 1024 * 1024,
            segment_blocks: 8192,
            scan_bytes: 16 * 1024 * 1024,
            disk_bytes_max: Some(10 * 1024 * 1024 * 1024),
            open_files_max: 64,
        }
    }
}

/// Order of groups: by scope, then by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct GroupKey {
    scope: LogScope,
    name: String,
}

/// The log store. Share it in an `Arc`; calls may run in parallel and wait only for the disk and each other.
#[derive(Debug)]
pub struct Logs {
    dir: PathBuf,
    options: LogsOptions,
    groups: RwLock<Groups>,
    /// Groups whose segment file is open, oldest first.
    open_files: Mutex<VecDeque<Arc<Group>>>,
    /// A group was created or deleted since the last sync.
    is_dirty: AtomicBool,
    /// Locked for as long as the store is open.
    _lock: File,
}

#[derive(Debug)]
struct Groups {
    by_key: BTreeMap<GroupKey, Arc<Group>>,
    next_number: u32,
}

impl Logs {
    /// Opens the store in this directory, which is made if missing, with the default sizes.
    pub fn open(dir: &Path) -> Result<Logs, LogsError> {
        Logs::open_with(dir, LogsOptions::default())
    }

    /// Opens the store with sizes of one's own. Reads the journals, the heads of the indexes, and the segments
    /// that a crash left unsealed. Fails with [`LogsError::InUse`] while another process has it open.
    pub fn open_with(dir: &Path, options: LogsOptions) -> Result<Logs, LogsError> {
        fs::create_dir_all(dir).map_err(LogsError::storage("create", dir))?;
        let lock = lock(dir)?;
        let mut groups = Groups {
            by_key: BTreeMap::new(),
            next_number: 1,
        };
        for (path, number) in group_dirs(dir)? {
            groups.next_number = groups.next_number.max(number + 1);
            let Some(group) = Group::open(path.clone(), number)? else {
                fs::remove_dir_all(&path).map_err(LogsError::storage("remove", &path))?;
                continue;
            };
            let key = {
                let record = &group.state.read().record;
                let scope = LogScope {
                    account: record.account.clone(),
                    region: record.region.clone(),
                };
                GroupKey {
                    scope,
                    name: record.name.clone(),
                }
            };
            groups.by_key.insert(key, Arc::new(group));
        }
        let dir = dir.to_path_buf();
        let open_files = Mutex::new(VecDeque::new());
        let is_dirty = AtomicBool::new(true);
        Ok(Logs {
            dir,
            options,
            groups: RwLock::new(groups),
            open_files,
            is_dirty,
            _lock: lock,
        })
    }

    fn group(&self, scope: &LogScope, name: &str) -> Result<Arc<Group>, LogsError> {
        let key = GroupKey {
            scope: scope.clone(),
            name: name.to_owned(),
        };
        self.groups
            .read()
            .by_key
            .get(&key)
            .cloned()
            .ok_or(LogsError::GroupNotFound)
    }

    fn all_groups(&self) -> Vec<Arc<Group>> {
        self.groups.read().by_key.values().cloned().collect()
    }
}

fn lock(dir: &Path) -> Result<File, LogsError> {
    let path = dir.join("lock");
    let opened = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = opened.map_err(LogsError::storage("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LogsError::InUse(dir.to_path_buf())),
        Err(TryLockError::Error(error)) => Err(LogsError::storage("lock", &path)(error)),
    }
}

/// Directories of groups with their numbers; what a crash left of deleted ones is removed.
fn group_dirs(dir: &Path) -> Result<Vec<(PathBuf, u32)>, LogsError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(LogsError::storage("list", dir))? {
        let path = entry.map_err(LogsError::storage("list", dir))?.path();
        let Some(name) = path.file_name().and_then(|it| it.to_str()) else {
            continue;
        };
        if name.ends_with(groups::DELETED_ENDING) {
            fs::remove_dir_all(&path).map_err(LogsError::storage("remove", &path))?;
            continue;
        }
        if let Ok(number) = name.parse() {
            found.push((path, number));
        }
    }
    Ok(found)
}
