//! The file: who may open it, its settings and its tables.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::failed;
use crate::StoreError;

/// Format of the tables. Raised when an older release could no longer use the file.
pub(super) const FORMAT: u32 = 2;
/// The format in which batches were rows of a table.
const BATCHES_IN_A_TABLE: u32 = 1;
/// Marks the file as ours: "GNTY".
const APPLICATION_ID: u32 = 0x474e_5459;
/// Pages of the write-ahead log, of 4 KiB, after which they are moved into the file.
const CHECKPOINT_PAGES: u32 = 4096;

/// Longest wait for another program to let go of the file.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

const TABLES: &str = "
    CREATE TABLE record (kind TEXT NOT NULL, key TEXT NOT NULL, format INTEGER NOT NULL, value TEXT NOT NULL) STRICT;
    CREATE UNIQUE INDEX record_by_key ON record (kind, key);
    CREATE TABLE folded (through INTEGER NOT NULL, at TEXT) STRICT;
    INSERT INTO folded VALUES (0, NULL);
";

/// Takes the lock beside the file. It ends with the process, however that ends.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let beside = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    let mut lock = options.open(&beside).map_err(unreadable("open the lock file"))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Who it is helps, but the refusal stands without.
            let _ = lock.read_to_string(&mut holder);
            return Err(in_use(path, holder.trim()));
        }
        Err(TryLockError::Error(error)) => return Err(unreadable("lock the state")(error)),
    }
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(Path::file_name).unwrap_or_default();
    lock.set_len(0).map_err(unreadable("write the lock file"))?;
    write!(lock, "process {} ({})", std::process::id(), program.display())
        .map_err(unreadable("write the lock file"))?;
    Ok(lock)
}

/// Opens the database, and makes it if it is not there.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    open(path).map(|(connection, _)| connection)
}

/// Opens the database as [`connect`] does, and says whether its batches are still to be moved into the log.
pub(super) fn open(path: &Path) -> Result<(Connection, bool), StoreError> {
    // Before SQLite does: it holds secrets of access keys. Its other files get the same mode.
    let create = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path);
    create.map_err(unreadable("open the state"))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed("open the database"))?;
    configure(&connection).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => in_use(path, ""),
        Some(ErrorCode::NotADatabase) => not_ours(path),
        _ => failed("set up the database")(error),
    })?;
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0));
    let id = number("application_id").map_err(failed("read the database"))?;
    let found = number("user_version").map_err(failed("read the database"))?;
    match (id, found) {
        (APPLICATION_ID, FORMAT | BATCHES_IN_A_TABLE) => {}
        (APPLICATION_ID, _) => {
            return Err(StoreError::Newer {
                what: path.display().to_string(),
                found,
                known: FORMAT,
            });
        }
        (0, 0) => make_tables(&connection, path)?,
        _ => return Err(not_ours(path)),
    }
    Ok((connection, found == BATCHES_IN_A_TABLE))
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(LOCK_TIMEOUT)?;
    // No other process looks in while it is open: cheaper, and nothing holds up the log.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    // Takes the lock now, not with the first commit.
    connection.execute_batch("BEGIN IMMEDIATE; COMMIT")
}

fn make_tables(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let doing = "make the tables";
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed(doing))?;
    if tables > 0 {
        return Err(not_ours(path));
    }
    let sql = format!(
        "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}; COMMIT"
    );
    connection.execute_batch(&sql).map_err(failed(doing))?;
    sync_folder(path, doing)
}

/// The names of files must outlive a loss of power as well.
pub(super) fn sync_folder(path: &Path, doing: &'static str) -> Result<(), StoreError> {
    let folder = path
        .parent()
        .filter(|it| !it.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|it| it.sync_all())
        .map_err(unreadable(doing))
}

fn in_use(path: &Path, holder: &str) -> StoreError {
    let holder = match holder {
        "" => "another program",
        known => known,
    };
    StoreError::InUse {
        path: path.to_owned(),
        holder: holder.to_owned(),
    }
}

fn not_ours(path: &Path) -> StoreError {
    StoreError::Damaged {
        what: format!("{} is not a file of gantry", path.display()),
    }
}

pub(super) fn unreadable(doing: &'static str) -> impl Fn(std::io::Error) -> StoreError {
    move |error| StoreError::Io {
        doing,
        cause: error.to_string(),
    }
}
