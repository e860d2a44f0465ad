//! One file of the history.

use std::fs::{self, File};
use std::io::{self, BufReader, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::Entry;
use crate::logs::frame::{self, FrameReader};

const ENDING: &str = "segment";

/// What is known of a file.
#[derive(Debug, Default)]
pub struct Segment {
    /// Bytes that are valid; the next frame goes there.
    pub len: u64,
    /// Time of its newest record; `None` while there are none.
    pub newest_ms: Option<i64>,
}

/// The file of that number.
pub fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:016}.{ENDING}"))
}

/// Numbers of the files that there are, from the oldest up.
pub fn numbers(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == ENDING) {
            numbers.extend(path.file_stem().and_then(|it| it.to_str()?.parse::<u64>().ok()));
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The record whose frame begins there; `None` if it is damaged.
pub fn read(path: &Path, offset: u64) -> io::Result<Option<Entry>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let payload = FrameReader::new(BufReader::new(file), offset).next_frame()?;
    Ok(payload.and_then(|(_, bytes)| serde_json::from_slice(&bytes).ok()))
}

impl Segment {
    /// Makes an empty file, whose name is on the disk too. An attempt that failed may have left one.
    pub fn create(dir: &Path, path: &Path) -> io::Result<Self> {
        File::create(path)?;
        File::open(dir)?.sync_all()?;
        Ok(Self::default())
    }

    /// Reads a file, hands over what it holds, and cuts off what a crash left of a frame at its end.
    pub fn open(path: &Path, note: &mut impl FnMut(u64, Entry)) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        let mut segment = Self::default();
        let mut frames = FrameReader::new(BufReader::new(&file), 0);
        while let Some((offset, payload)) = frames.next_frame()? {
            match serde_json::from_slice::<Entry>(&payload) {
                Ok(entry) => {
                    segment.newest_ms = segment.newest_ms.max(Some(entry.at_ms));
                    note(offset, entry);
                }
                // Of another version: its time passes too.
                Err(error) => tracing::warn!(path = %path.display(), offset, %error, "passing over a record"),
            }
        }
        segment.len = frames.valid_len();
        if file.metadata()?.len() > segment.len {
            tracing::warn!(path = %path.display(), valid = segment.len, "cutting a torn record off the history");
            file.set_len(segment.len)?;
        }
        Ok(segment)
    }

    /// Adds records, all or none, and waits for the disk. Answers where each lies.
    pub fn append(&mut self, path: &Path, entries: &[Entry]) -> io::Result<Vec<u64>> {
        let (mut bytes, mut offsets) = (Vec::new(), Vec::with_capacity(entries.len()));
        for entry in entries {
            offsets.push(self.len + bytes.len() as u64);
            bytes.extend(frame::encode(&serde_json::to_vec(entry)?));
        }
        let file = File::options().write(true).open(path)?;
        let written = file
            .write_all_at(&bytes, self.len)
            .and_then(|()| file.sync_data());
        if let Err(error) = written {
            // What is left behind is overwritten by the next attempt.
            drop(file.set_len(self.len));
            return Err(error);
        }
        self.len += bytes.len() as u64;
        self.newest_ms = self.newest_ms.max(entries.iter().map(|it| it.at_ms).max());
        Ok(offsets)
    }
}
