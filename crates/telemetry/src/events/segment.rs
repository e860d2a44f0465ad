//! One file of the log.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::NewEvent;
use super::frame;
use crate::logs::frame::{self as frames, FrameReader};

/// Bytes from one place that reading may begin at to the next.
const PLACE_BYTES: u64 = 64 * 1024;

/// What is known of a file.
#[derive(Debug, Default)]
pub struct Segment {
    /// Bytes that are valid; the next frame goes there.
    pub len: u64,
    /// Of its first event; `None` if it has none.
    pub first_sequence: Option<u64>,
    /// When that happened, in milliseconds.
    pub first_ms: Option<i64>,
    /// Of its last event, as far as is known: of a sealed segment, of the last of its first frame.
    pub last_sequence: u64,
    /// Position of the source through which it tells everything, likewise.
    pub cursor: Option<u64>,
    /// Sequence numbers that reading may begin at, and where their frames lie. Only of what this process has written.
    places: Vec<(u64, u64)>,
}

/// Where to read, and how far.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    offset: u64,
    len: u64,
}

impl Segment {
    /// Makes an empty file, whose name is on the disk too.
    pub fn create(dir: &Path, path: &Path) -> io::Result<Self> {
        File::create_new(path)?;
        File::open(dir)?.sync_all()?;
        Ok(Self::default())
    }

    /// Looks at the beginning of a file that is not written any more.
    pub fn open_sealed(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let mut segment = Self::default();
        let mut reader = FrameReader::new(BufReader::new(&file), 0);
        while segment.first_sequence.is_none()
            && let Some((offset, payload)) = reader.next_frame()?
        {
            segment.note(offset, &payload);
        }
        segment.len = file.metadata()?.len();
        segment.places.clear();
        Ok(segment)
    }

    /// Reads a file through, and cuts off what a crash left of a frame at its end.
    pub fn open_newest(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        let mut segment = Self::default();
        let mut reader = FrameReader::new(BufReader::new(&file), 0);
        while let Some((offset, payload)) = reader.next_frame()? {
            segment.note(offset, &payload);
        }
        segment.len = reader.valid_len();
        if file.metadata()?.len() > segment.len {
            tracing::warn!(path = %path.display(), valid = segment.len, "cutting a torn frame off the events");
            file.set_len(segment.len)?;
        }
        Ok(segment)
    }

    fn note(&mut self, offset: u64, payload: &[u8]) {
        let Some((head, _)) = frame::head(payload) else {
            tracing::warn!(offset, "passing over events of another version");
            return;
        };
        self.cursor = Some(head.cursor);
        if head.count == 0 {
            self.last_sequence = self.last_sequence.max(head.first.saturating_sub(1));
            return;
        }
        self.last_sequence = head.first + u64::from(head.count) - 1;
        self.first_sequence.get_or_insert(head.first);
        self.first_ms.get_or_insert(head.first_ms);
        if self
            .places
            .last()
            .is_none_or(|(_, last)| offset >= last + PLACE_BYTES)
        {
            self.places.push((head.first, offset));
        }
    }

    /// Adds a frame, whole or not at all.
    pub fn append(&mut self, path: &Path, cursor: u64, first: u64, events: &[NewEvent]) -> io::Result<()> {
        let payload = frame::encode(cursor, first, events)?;
        let bytes = frames::encode(&payload);
        let file = File::options().write(true).open(path)?;
        if let Err(error) = file.write_all_at(&bytes, self.len) {
            // What is left behind is overwritten by the next attempt.
            drop(file.set_len(self.len));
            return Err(error);
        }
        self.note(self.len, &payload);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Where to read events after that one.
    pub fn place(&self, after: u64) -> Place {
        let begun = self.places.partition_point(|(first, _)| *first <= after + 1);
        let offset = begun
            .checked_sub(1)
            .map_or(0, |it| self.places.get(it).map_or(0, |(_, offset)| *offset));
        Place {
            offset,
            len: self.len,
        }
    }
}

/// Hands over the events after that one, until `take` has enough: `false` then.
pub fn read(
    path: &Path,
    place: &Place,
    after: u64,
    since_ms: Option<i64>,
    take: &mut impl FnMut(u64, NewEvent) -> bool,
) -> io::Result<bool> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(place.offset))?;
    let whole = file.take(place.len.saturating_sub(place.offset));
    let mut reader = FrameReader::new(BufReader::new(whole), place.offset);
    while let Some((offset, payload)) = reader.next_frame()? {
        let Some((head, packed)) = frame::head(&payload) else {
            continue;
        };
        let is_before = head.first + u64::from(head.count) <= after + 1;
        if head.count == 0 || is_before || since_ms.is_some_and(|it| head.last_ms < it) {
            continue;
        }
        let events = match frame::events(packed) {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(path = %path.display(), offset, %error, "passing over events that cannot be read");
                continue;
            }
        };
        for (sequence, event) in (head.first..).zip(events) {
            if sequence > after && !take(sequence, event) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
