//! The store's lock between processes.

use std::fs::File;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::super::ImageError;

/// Longest wait of one that adds: others only remove names and rename layers under the lock.
const SHARED_DEADLINE: Duration = Duration::from_secs(30);
/// Longest wait of one that removes: another process may be pulling for minutes.
const EXCLUSIVE_DEADLINE: Duration = Duration::from_secs(10);
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(5);

/// The lock, held; freed by the kernel if its process dies.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock goes with the file")] File);

impl Lock {
    /// Waits for those that remove. Blocks.
    pub fn shared(directory: &Path) -> Result<Self, ImageError> {
        let deadline = Instant::now() + SHARED_DEADLINE;
        let reason = "images are being removed";
        Self::take(directory, FlockOperation::NonBlockingLockShared, deadline)?
            .ok_or(ImageError::Busy(reason))
    }

    /// Waits for all others. Blocks.
    pub fn exclusive(directory: &Path) -> Result<Self, ImageError> {
        let deadline = Instant::now() + EXCLUSIVE_DEADLINE;
        let reason = "images are being pulled or loaded, try again when that is done";
        let operation = FlockOperation::NonBlockingLockExclusive;
        Self::take(directory, operation, deadline)?.ok_or(ImageError::Busy(reason))
    }

    /// Takes the lock for itself if nobody has it.
    pub fn exclusive_if_free(directory: &Path) -> Result<Option<Self>, ImageError> {
        Self::take(
            directory,
            FlockOperation::NonBlockingLockExclusive,
            Instant::now(),
        )
    }

    fn take(
        directory: &Path,
        operation: FlockOperation,
        deadline: Instant,
    ) -> Result<Option<Self>, ImageError> {
        let path = directory.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = file.map_err(ImageError::io(&path))?;
        loop {
            match flock(&file, operation) {
                Ok(()) => return Ok(Some(Self(file))),
                Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < deadline => thread::sleep(PAUSE),
                Err(Errno::WOULDBLOCK | Errno::INTR) => return Ok(None),
                Err(error) => return Err(ImageError::io(&path)(io::Error::from(error))),
            }
        }
    }
}
