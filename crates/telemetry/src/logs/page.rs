//! Finds the next page of events of some streams, in order, in bounded time and memory.
//!
//! Blocks may overlap in time, since batches of many streams arrive in any order. So the page is a set of the
//! best candidates so far: blocks are read in the order of their first event, and reading ends when no unread
//! block can hold a better one, or when enough has been read for one call.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::logs::FilterPattern;
use crate::logs::block::{BlockEntry, BlockHead};
use crate::logs::group::{Group, GroupState};
use crate::logs::limits::{EVENT_OVERHEAD_BYTES, PAGE_BYTES_MAX};
use crate::logs::position::{Direction, Position};
use crate::logs::sealed::Sealed;
use crate::logs::segment::{Active, BlockReader};
use crate::logs::stream_set::StreamSet;

/// What to look for.
pub(crate) struct Scan<'a> {
    /// Where.
    pub(crate) range: Range<Position>,
    /// From which end.
    pub(crate) direction: Direction,
    /// Most events in the page.
    pub(crate) limit: usize,
    /// Whose.
    pub(crate) streams: &'a StreamSet,
    /// Only messages it matches.
    pub(crate) pattern: Option<&'a FilterPattern>,
    /// Read about this much, then stop.
    pub(crate) bytes_max: usize,
}

/// An event of a page.
pub(crate) struct Found {
    pub(crate) position: Position,
    pub(crate) stream: u32,
    pub(crate) timestamp_ms: i64,
    pub(crate) ingestion_ms: i64,
    pub(crate) message: String,
}

/// The result of a scan.
pub(crate) struct Page {
    /// In the direction of the scan.
    pub(crate) events: Vec<Found>,
    /// Where the scan must go on; `None` if nothing is left now.
    pub(crate) rest: Option<Position>,
}

/// The blocks of a group at one moment; read without its lock.
pub(crate) struct View {
    dir: PathBuf,
    sealed: Vec<Arc<Sealed>>,
    active: Option<(u64, Vec<BlockEntry>)>,
}

impl View {
    /// What may hold events of these streams in this range.
    pub(crate) fn of(
        group: &Group,
        state: &GroupState,
        streams: &StreamSet,
        range: &Range<Position>,
    ) -> View {
        let sealed = state
            .sealed
            .iter()
            .filter(|it| it.span.overlaps(range) && streams.contains_any(&it.streams));
        let active = state
            .active
            .as_ref()
            .map(|it| (it.base, select(&it.blocks, streams, range)));
        View {
            dir: group.dir.clone(),
            sealed: sealed.cloned().collect(),
            active,
        }
    }

    /// Finds the next page.
    pub(crate) fn scan(&self, scan: &Scan<'_>) -> io::Result<Page> {
        let direction = scan.direction;
        let mut reader = BlockReader::new(self.dir.clone());
        let mut candidates = Candidates {
            by_rank: BTreeMap::new(),
            bytes: 0,
            limit: scan.limit,
            cut: None,
        };
        let start_rank = match direction {
            Direction::Forward => direction.rank(scan.range.start),
            Direction::Backward => direction.rank(scan.range.end).saturating_add(1),
        };
        let mut queue = self.queue(direction);
        let mut bytes_read = 0;
        while let Some(Pending { rank, work }) = queue.pop() {
            if candidates.cut.is_some_and(|cut| cut <= rank) {
                break;
            }
            // All events before `rank` are known by now. Stopping is progress only beyond the start.
            if bytes_read >= scan.bytes_max && rank > start_rank {
                candidates.cut_at(rank);
                break;
            }
            match work {
                Work::Segment(sealed) => {
                    bytes_read += sealed.entries_bytes();
                    let entries = self.entries(&sealed, scan)?;
                    queue.extend(
                        entries
                            .into_iter()
                            .map(|it| Pending::block(direction, sealed.base, it)),
                    );
                }
                Work::Block(base, entry) => {
                    bytes_read += entry.length as usize;
                    if let Some(payload) = reader.read(base, &entry)? {
                        candidates.offer_block(scan, &payload);
                    }
                }
            }
        }
        Ok(candidates.into_page(direction))
    }

    fn queue(&self, direction: Direction) -> BinaryHeap<Pending> {
        let segments = self.sealed.iter().map(|it| Pending::segment(direction, it));
        let blocks = self.active.iter().flat_map(|(base, blocks)| {
            let base = *base;
            blocks.iter().map(move |it| Pending::block(direction, base, *it))
        });
        segments.chain(blocks).collect()
    }

    /// The index of a segment; if that is damaged, what the segment itself says.
    fn entries(&self, sealed: &Sealed, scan: &Scan<'_>) -> io::Result<Vec<BlockEntry>> {
        match sealed.entries(&self.dir, scan.streams, &scan.range) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                tracing::warn!(%error, "reading a log segment without its index");
                let segment = Active::scan(&self.dir, sealed.base)?;
                Ok(select(&segment.blocks, scan.streams, &scan.range))
            }
            other => other,
        }
    }
}

fn select(blocks: &[BlockEntry], streams: &StreamSet, range: &Range<Position>) -> Vec<BlockEntry> {
    blocks
        .iter()
        .filter(|it| streams.contains(it.stream) && it.overlaps(range))
        .copied()
        .collect()
}

/// Something to read, ranked by the first event it may hold.
struct Pending {
    rank: u128,
    work: Work,
}

enum Work {
    Segment(Arc<Sealed>),
    Block(u64, BlockEntry),
}

impl Pending {
    fn segment(direction: Direction, sealed: &Arc<Sealed>) -> Pending {
        let rank = match direction {
            Direction::Forward => direction.rank(Position::at(sealed.span.min_ms)),
            Direction::Backward => direction.rank(Position::at(sealed.span.max_ms.saturating_add(1))),
        };
        Pending {
            rank,
            work: Work::Segment(sealed.clone()),
        }
    }

    fn block(direction: Direction, base: u64, entry: BlockEntry) -> Pending {
        let rank = match direction {
            Direction::Forward => direction.rank(entry.first()),
            Direction::Backward => direction.rank(entry.last()),
        };
        Pending {
            rank,
            work: Work::Block(base, entry),
        }
    }
}

/// The heap gives the greatest first: the least rank is the greatest.
impl Ord for Pending {
    fn cmp(&self, other: &Pending) -> Ordering {
        other.rank.cmp(&self.rank)
    }
}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Pending) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pending {
    fn eq(&self, other: &Pending) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Pending {}

/// The best events so far: no event of a rank below `cut` is missing from those read.
struct Candidates {
    by_rank: BTreeMap<u128, Found>,
    bytes: usize,
    limit: usize,
    /// Least rank that did not fit.
    cut: Option<u128>,
}

impl Candidates {
    fn offer_block(&mut self, scan: &Scan<'_>, mut payload: &[u8]) {
        let Some(head) = BlockHead::decode(&mut payload) else {
            return;
        };
        for event in head.events(payload) {
            let position = Position::of(event.timestamp_ms, head.sequence, event.index);
            let rank = scan.direction.rank(position);
            if !scan.range.contains(&position) || self.cut.is_some_and(|cut| rank >= cut) {
                continue;
            }
            if scan.pattern.is_some_and(|it| !it.matches(event.message)) {
                continue;
            }
            self.bytes += size(event.message);
            let message = event.message.to_owned();
            let (stream, timestamp_ms, ingestion_ms) = (head.stream, event.timestamp_ms, head.ingestion_ms);
            self.by_rank.insert(
                rank,
                Found {
                    position,
                    stream,
                    timestamp_ms,
                    ingestion_ms,
                    message,
                },
            );
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        while self.by_rank.len() > self.limit || (self.bytes > PAGE_BYTES_MAX && self.by_rank.len() > 1) {
            let Some((rank, found)) = self.by_rank.pop_last() else {
                return;
            };
            self.bytes -= size(&found.message);
            self.cut = Some(rank);
        }
    }

    fn cut_at(&mut self, rank: u128) {
        drop(self.by_rank.split_off(&rank));
        self.cut = Some(rank);
    }

    fn into_page(self, direction: Direction) -> Page {
        Page {
            rest: self.cut.map(|it| direction.boundary(it)),
            events: self.by_rank.into_values().collect(),
        }
    }
}

fn size(message: &str) -> usize {
    message.len() + EVENT_OVERHEAD_BYTES
}
