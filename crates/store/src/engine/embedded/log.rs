//! The log: batches one after the other in two files, of which one is written while the other is folded.
//!
//! Files are written over from their beginning once nothing in them is needed, because a file that grows is slow to
//! sync. What an earlier turn left behind the end is told apart by its commits, which do not follow.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{sync_folder, unreadable};
use super::frame::{self, Description, MAX_LINE};
use crate::engine::{Batch, Entry};
use crate::{CommitId, StoreError};

/// Bytes that a file grows by.
const STEP: u64 = 1024 * 1024;

/// Where a batch lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Which of the two files.
    pub file: usize,
    /// Where its description begins.
    start: u64,
    /// Where its commits begin.
    json: u64,
    pub described: Description,
}

impl Frame {
    fn end(&self) -> u64 {
        self.json + self.described.bytes + 1
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> u64 {
        self.end() - self.start
    }
}

/// The two files, for all who read.
#[derive(Clone)]
pub(super) struct Files(Arc<[File; 2]>);

/// The end of the log, for the one who writes.
pub(super) struct Log {
    files: Files,
    /// The one that is written.
    current: Part,
    other: Part,
    /// Bytes after which the other one is written, if it is free.
    turn: u64,
}

/// One of the files.
struct Part {
    number: usize,
    /// Where the next batch begins.
    end: u64,
    length: u64,
}

impl Files {
    /// Opens the files beside the database, and makes them if they are not there. Only their owner can read them.
    pub(super) fn open(database: &Path) -> Result<Self, StoreError> {
        let doing = "open the log of the state";
        let open = |number: usize| {
            let mut options = OpenOptions::new();
            options
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600);
            options.open(path(database, number)).map_err(unreadable(doing))
        };
        let files = [open(0)?, open(1)?];
        sync_folder(database, doing)?;
        Ok(Self(Arc::new(files)))
    }

    fn file(&self, number: usize) -> &File {
        let [first, second] = &*self.0;
        if number == 0 { first } else { second }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) -> Result<(), StoreError> {
        let clear = |it: &File| it.set_len(0).and_then(|()| it.sync_all());
        let cleared = self.0.iter().try_for_each(clear);
        cleared.map_err(unreadable("clear the log of the state"))
    }

    /// The commits of a batch.
    pub(super) fn read(&self, frame: &Frame) -> Result<Vec<Entry>, StoreError> {
        let json = self
            .json(frame)
            .map_err(unreadable("read the log of the state"))?;
        let json = json.ok_or_else(|| damaged(format!("the batch of commit {}", frame.described.first)))?;
        frame::decode(&json)
    }

    /// The commits of a batch, if they are as they were written.
    fn json(&self, frame: &Frame) -> io::Result<Option<Vec<u8>>> {
        let mut json = vec![0; usize::try_from(frame.end() - frame.json).map_err(io::Error::other)?];
        self.file(frame.file).read_exact_at(&mut json, frame.json)?;
        let is_whole = json.pop() == Some(b'\n') && frame.described.fits(&json);
        Ok(is_whole.then_some(json))
    }

    /// The batch that begins there, if a whole one does.
    fn frame(&self, file: usize, start: u64, length: u64) -> io::Result<Option<Frame>> {
        let mut line = [0; MAX_LINE];
        let read = read_some_at(self.file(file), &mut line, start)?;
        let Some((described, json)) = line.get(..read).and_then(Description::read) else {
            return Ok(None);
        };
        let frame = Frame {
            file,
            start,
            json: start + json,
            described,
        };
        let fits = described.bytes < length && frame.end() <= length;
        Ok((fits && self.json(&frame)?.is_some()).then_some(frame))
    }

    /// The batches of a file, as far as each follows on the one before, and where they end.
    fn scan(&self, file: usize, length: u64) -> io::Result<(Vec<Frame>, u64)> {
        let (mut found, mut end): (Vec<Frame>, u64) = (Vec::new(), 0);
        while let Some(frame) = self.frame(file, end, length)? {
            let before = found.last().map(|it| it.described.last.next());
            if before.is_some_and(|it| it != frame.described.first) {
                break;
            }
            end = frame.end();
            found.push(frame);
        }
        Ok((found, end))
    }

    /// A whole batch of a later commit, anywhere behind the end: only one batch is written at a time, so that there is
    /// none, unless one before it was damaged.
    fn later(&self, part: &Part, last: CommitId) -> io::Result<Option<Frame>> {
        let rest = usize::try_from(part.length.saturating_sub(part.end)).map_err(io::Error::other)?;
        let mut bytes = vec![0; rest];
        self.file(part.number).read_exact_at(&mut bytes, part.end)?;
        let mut start = part.end;
        for line in bytes.split_inclusive(|it| matches!(it, b'\n' | 0)) {
            let is_later = Description::read(line).is_some_and(|(it, _)| it.first > last);
            if is_later && let Some(frame) = self.frame(part.number, start, part.length)? {
                return Ok(Some(frame));
            }
            start += line.len() as u64;
        }
        Ok(None)
    }

    /// After a sync that failed a batch can be read, and yet not be on the disk.
    fn write_again(&self, frame: &Frame) -> io::Result<()> {
        let file = self.file(frame.file);
        let mut bytes = vec![0; usize::try_from(frame.bytes()).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, frame.start)?;
        file.write_all_at(&bytes, frame.start)?;
        file.sync_data()
    }

    /// The batches of a file, and what there is of it.
    fn part(&self, number: usize) -> io::Result<(Vec<Frame>, Part)> {
        let length = self.file(number).metadata()?.len();
        let (found, end) = self.scan(number, length)?;
        Ok((found, Part { number, end, length }))
    }
}

impl Log {
    /// The end of a log that is empty.
    pub(super) fn at_the_beginning(files: Files, turn: u64) -> Self {
        let [current, other] = [0, 1].map(|number| Part {
            number,
            end: 0,
            length: 0,
        });
        Self {
            files,
            current,
            other,
            turn,
        }
    }

    /// Opens the log and finds the batches that are not in the records, which hold everything up to `through`.
    ///
    /// # Errors
    /// The files cannot be read, or a batch that was durable is damaged.
    pub(super) fn open(
        files: Files,
        turn: u64,
        through: CommitId,
    ) -> Result<(Self, VecDeque<Frame>), StoreError> {
        let failed = unreadable("read the log of the state");
        let (mut frames, mut current) = files.part(0).map_err(&failed)?;
        let (more, mut other) = files.part(1).map_err(&failed)?;
        frames.extend(more);
        frames.retain(|it| it.described.last > through);
        frames.sort_by_key(|it| it.described.first);
        let last = follow(&frames, through)?;
        for part in [&current, &other] {
            if let Some(later) = files.later(part, last).map_err(&failed)? {
                return Err(damaged(format!(
                    "commit {} is there, and commit {} before it is not",
                    later.described.first,
                    last.next()
                )));
            }
        }
        match frames.last() {
            Some(last) if last.file != current.number => std::mem::swap(&mut current, &mut other),
            Some(_) => {}
            None => current.end = 0,
        }
        if let Some(last) = frames.last() {
            files.write_again(last).map_err(&failed)?;
        }
        let log = Self {
            files,
            current,
            other,
            turn,
        };
        Ok((log, frames.into()))
    }

    pub(super) fn current(&self) -> usize {
        self.current.number
    }

    /// Makes a batch durable; where it lies, unless it is empty. `is_other_free`: nothing is needed of the file that is
    /// not written.
    ///
    /// # Errors
    /// The batch may be there or not, which opening the log again finds out.
    pub(super) fn append(&mut self, batch: &Batch, is_other_free: bool) -> Result<Option<Frame>, StoreError> {
        let json = frame::encode(batch)?;
        let Some(described) = Description::of(batch, &json) else {
            return Ok(None);
        };
        let bytes = described.with(&json);
        let failed = unreadable("store commits");
        if self.current.end >= self.turn && is_other_free {
            self.take_turns().map_err(&failed)?;
        }
        let start = self.current.end;
        let end = start + bytes.len() as u64;
        self.make_room(end).map_err(&failed)?;
        let file = self.files.file(self.current.number);
        file.write_all_at(&bytes, start).map_err(&failed)?;
        file.sync_data().map_err(&failed)?;
        self.current.end = end;
        Ok(Some(Frame {
            file: self.current.number,
            start,
            json: end - described.bytes - 1,
            described,
        }))
    }

    fn take_turns(&mut self) -> io::Result<()> {
        std::mem::swap(&mut self.current, &mut self.other);
        self.current.end = 0;
        // While folding was held up it grew; that room is given back.
        let longest = 2 * self.turn.max(STEP);
        if self.current.length > longest {
            self.files.file(self.current.number).set_len(longest)?;
            self.current.length = longest;
        }
        Ok(())
    }

    fn make_room(&mut self, until: u64) -> io::Result<()> {
        static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
        let part = &mut self.current;
        if until <= part.length {
            return Ok(());
        }
        let wanted = until.next_multiple_of(STEP);
        while part.length < wanted {
            let some = usize::try_from(wanted - part.length).map_or(ZEROS.len(), |it| it.min(ZEROS.len()));
            let (zeros, _) = ZEROS.split_at(some);
            self.files.file(part.number).write_all_at(zeros, part.length)?;
            part.length += some as u64;
        }
        Ok(())
    }
}

/// The last commit, if each batch follows on the one before.
fn follow(frames: &[Frame], through: CommitId) -> Result<CommitId, StoreError> {
    frames.iter().try_fold(through, |last, frame| {
        if frame.described.first == last.next() {
            return Ok(frame.described.last);
        }
        Err(damaged(format!(
            "commit {} follows on commit {last}",
            frame.described.first
        )))
    })
}

fn read_some_at(file: &File, buffer: &mut [u8], start: u64) -> io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = buffer.get_mut(read..).filter(|it| !it.is_empty()) {
        match file.read_at(rest, start + read as u64) {
            Ok(0) => break,
            Ok(some) => read += some,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// The log's file of that number.
fn path(database: &Path, number: usize) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(format!(".log{number}"));
    PathBuf::from(name)
}

fn damaged(what: String) -> StoreError {
    StoreError::Damaged { what }
}
