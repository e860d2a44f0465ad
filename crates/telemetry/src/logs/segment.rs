//! The file of a group that batches are appended to, and the files it has left behind.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::logs::block::{BlockEntry, BlockHead};
use crate::logs::frame::{self, FrameReader};
use crate::logs::position::Position;
use crate::logs::tally::Tally;

/// First bytes of a segment file.
const MAGIC: &[u8; 8] = b"GLOGSEG1";
/// Ending of segment files.
pub(crate) const SEGMENT_ENDING: &str = "segment";
/// Ending of index files.
pub(crate) const INDEX_ENDING: &str = "index";

/// The file of the segment that begins with this batch.
pub(crate) fn segment_path(dir: &Path, base: u64) -> PathBuf {
    dir.join(format!("{base:016}.{SEGMENT_ENDING}"))
}

/// The index of that segment; exists once the segment is sealed.
pub(crate) fn index_path(dir: &Path, base: u64) -> PathBuf {
    dir.join(format!("{base:016}.{INDEX_ENDING}"))
}

/// Times over all blocks of a segment; meaningless without blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) min_ms: i64,
    pub(crate) max_ms: i64,
    pub(crate) first_ingestion_ms: i64,
    pub(crate) last_ingestion_ms: i64,
}

impl Span {
    fn of(head: &BlockHead) -> Span {
        Span {
            min_ms: head.min_ms,
            max_ms: head.max_ms,
            first_ingestion_ms: head.ingestion_ms,
            last_ingestion_ms: head.ingestion_ms,
        }
    }

    fn merge(self, other: Span) -> Span {
        Span {
            min_ms: self.min_ms.min(other.min_ms),
            max_ms: self.max_ms.max(other.max_ms),
            first_ingestion_ms: self.first_ingestion_ms.min(other.first_ingestion_ms),
            last_ingestion_ms: self.last_ingestion_ms.max(other.last_ingestion_ms),
        }
    }

    /// May any event lie in this range?
    pub(crate) fn overlaps(&self, range: &Range<Position>) -> bool {
        Position::at(self.min_ms) < range.end && Position::at(self.max_ms.saturating_add(1)) > range.start
    }
}

/// The segment that is being written.
#[derive(Debug)]
pub(crate) struct Active {
    /// Number of its first batch.
    pub(crate) base: u64,
    /// Bytes that are valid; the next block goes there.
    pub(crate) len: u64,
    /// Its index.
    pub(crate) blocks: Vec<BlockEntry>,
    /// Per stream.
    pub(crate) tallies: BTreeMap<u32, Tally>,
    /// Over all blocks; `None` while there are none.
    pub(crate) span: Option<Span>,
    /// Bytes of garbage after `len` could not be cut off: write no more.
    pub(crate) is_spoiled: bool,
    path: PathBuf,
    file: Option<Arc<File>>,
}

impl Active {
    /// Makes an empty segment file.
    pub(crate) fn create(dir: &Path, base: u64) -> io::Result<Active> {
        let path = segment_path(dir, base);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        file.write_all_at(MAGIC, 0)?;
        Ok(Active {
            file: Some(Arc::new(file)),
            ..Active::empty(path, base)
        })
    }

    fn empty(path: PathBuf, base: u64) -> Active {
        Active {
            base,
            len: MAGIC.len() as u64,
            blocks: Vec::new(),
            tallies: BTreeMap::new(),
            span: None,
            is_spoiled: false,
            path,
            file: None,
        }
    }

    /// Takes up a segment without index, as a crash leaves it, and cuts off its torn tail.
    pub(crate) fn recover(dir: &Path, base: u64) -> io::Result<Active> {
        let mut active = Active::scan(dir, base)?;
        let file = active.file()?;
        let size = file.metadata()?.len();
        if size < active.len {
            file.write_all_at(MAGIC, 0)?;
        }
        if size > active.len {
            tracing::warn!(path = %active.path.display(), size, valid = active.len, "cutting a torn log segment");
            file.set_len(active.len)?;
        }
        active.close();
        Ok(active)
    }

    /// Reads a segment block by block up to the first that is not whole.
    pub(crate) fn scan(dir: &Path, base: u64) -> io::Result<Active> {
        let path = segment_path(dir, base);
        let mut file = File::open(&path)?;
        let mut active = Active::empty(path, base);
        if file.metadata()?.len() < active.len {
            return Ok(active);
        }
        let mut magic = [0; MAGIC.len()];
        file.read_exact(&mut magic)?;
        if &magic != MAGIC {
            let problem = "not a log segment of a known version";
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        let mut frames = FrameReader::new(BufReader::new(&file), active.len);
        while let Some((offset, payload)) = frames.next_frame()? {
            match BlockHead::decode(&mut payload.as_slice()) {
                Some(head) if head.sequence == active.next_sequence() => {
                    active.note(&head, offset, frame::HEADER_BYTES + payload.len());
                }
                _ => break,
            }
        }
        Ok(active)
    }

    /// Writes a block at the end. On failure nothing is kept of it.
    pub(crate) fn append(&mut self, head: &BlockHead, payload: &[u8]) -> io::Result<()> {
        let frame = frame::encode(payload);
        let file = self.file()?;
        if let Err(error) = file.write_all_at(&frame, self.len) {
            self.is_spoiled = file.set_len(self.len).is_err();
            return Err(error);
        }
        self.note(head, self.len, frame.len());
        Ok(())
    }

    fn note(&mut self, head: &BlockHead, offset: u64, length: usize) {
        self.blocks.push(BlockEntry {
            sequence: head.sequence,
            stream: head.stream,
            offset: offset as u32,
            length: length as u32,
            count: head.count,
            min_ms: head.min_ms,
            max_ms: head.max_ms,
        });
        let tally = Tally::of(head);
        self.tallies
            .entry(head.stream)
            .and_modify(|it| *it = it.merge(tally))
            .or_insert(tally);
        let span = Span::of(head);
        self.span = Some(self.span.map_or(span, |it| it.merge(span)));
        self.len = offset + length as u64;
    }

    /// The number the next batch gets.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.base + self.blocks.len() as u64
    }

    /// Is the file open?
    pub(crate) fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Gives the file handle back; the next use opens the file again.
    pub(crate) fn close(&mut self) {
        self.file = None;
    }

    fn file(&mut self) -> io::Result<Arc<File>> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        let file = Arc::new(File::options().read(true).write(true).open(&self.path)?);
        self.file = Some(file.clone());
        Ok(file)
    }
}

/// Reads blocks of a group's segments, with few files open at a time.
pub(crate) struct BlockReader {
    dir: PathBuf,
    open: Vec<(u64, File)>,
}

impl BlockReader {
    const OPEN_FILES_MAX: usize = 8;

    pub(crate) fn new(dir: PathBuf) -> BlockReader {
        BlockReader {
            dir,
            open: Vec::new(),
        }
    }

    /// The payload of a block. `None` if its segment has been dropped meanwhile or the block is damaged.
    pub(crate) fn read(&mut self, base: u64, entry: &BlockEntry) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = self.file(base)? else {
            return Ok(None);
        };
        let mut frame = vec![0; entry.length as usize];
        match file.read_exact_at(&mut frame, u64::from(entry.offset)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => frame.clear(),
            Err(error) => return Err(error),
        }
        if frame::decode(&frame).is_none() {
            tracing::warn!(dir = %self.dir.display(), base, offset = entry.offset, "skipping a damaged log block");
            return Ok(None);
        }
        frame.drain(..frame::HEADER_BYTES);
        Ok(Some(frame))
    }

    fn file(&mut self, base: u64) -> io::Result<Option<&File>> {
        let index = match self.open.iter().position(|(it, _)| *it == base) {
            Some(index) => index,
            None => {
                let file = match File::open(segment_path(&self.dir, base)) {
                    Ok(file) => file,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(error),
                };
                if self.open.len() == BlockReader::OPEN_FILES_MAX {
                    self.open.remove(0);
                }
                self.open.push((base, file));
                self.open.len() - 1
            }
        };
        Ok(self.open.get(index).map(|(_, file)| file))
    }
}

/// Deletes a segment; the index last, so that a crash leaves no segment that looks unsealed.
pub(crate) fn remove_segment(dir: &Path, base: u64) -> io::Result<()> {
    for path in [segment_path(dir, base), index_path(dir, base)] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
