//! Where an event stands in the order of its group, and the tokens and ids made of that.

use std::ops::Range;

use crate::logs::LogsError;

const SEQUENCE_BITS: u32 = 48;
const INDEX_BITS: u32 = 32;
const TIMESTAMP_MAX: i64 = (1 << 48) - 1;
/// Digits in a token, as many as CloudWatch's have.
const TOKEN_DIGITS: usize = 56;

/// The order of events in a group: timestamp, then arrival of the batch, then place in the batch.
/// Also a boundary *before* the event of that position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position(u128);

impl Position {
    /// After every event.
    pub(crate) const END: Position = Position(u128::MAX);

    /// Before the first event that may have this timestamp.
    pub(crate) fn at(timestamp_ms: i64) -> Position {
        Position::of(timestamp_ms, 0, 0)
    }

    /// The position of event `index` of batch `sequence`.
    pub(crate) fn of(timestamp_ms: i64, sequence: u64, index: u32) -> Position {
        let timestamp = timestamp_ms.clamp(0, TIMESTAMP_MAX) as u128;
        let sequence = u128::from(sequence & ((1 << SEQUENCE_BITS) - 1));
        Position((timestamp << (SEQUENCE_BITS + INDEX_BITS)) | (sequence << INDEX_BITS) | u128::from(index))
    }

    /// The boundary just after this event.
    pub(crate) fn after(self) -> Position {
        Position(self.0.saturating_add(1))
    }

    /// Positions from `start_ms` (inclusive) to before `end_ms` (exclusive); absent bounds are open.
    pub(crate) fn range(start_ms: Option<i64>, end_ms: Option<i64>) -> Range<Position> {
        Position::at(start_ms.unwrap_or(0))..end_ms.map_or(Position::END, Position::at)
    }

    /// The id of the event here: 56 digits, unique over all groups and stable for the event's life.
    pub(crate) fn event_id(self, group: u32, stream: u32) -> String {
        let timestamp = self.0 >> (SEQUENCE_BITS + INDEX_BITS);
        let sequence = (self.0 >> INDEX_BITS) & ((1 << SEQUENCE_BITS) - 1);
        let index = self.0 & u128::from(u32::MAX);
        format!("{timestamp:015}{sequence:016}{index:05}{group:010}{stream:010}")
    }
}

/// Which way events are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    Backward,
}

impl Direction {
    /// A number that grows in the direction of the walk.
    pub(crate) fn rank(self, position: Position) -> u128 {
        match self {
            Direction::Forward => position.0,
            Direction::Backward => !position.0,
        }
    }

    /// The boundary between events of lower rank and those of this rank and above.
    pub(crate) fn boundary(self, rank: u128) -> Position {
        match self {
            Direction::Forward => Position(rank),
            Direction::Backward => Position(!rank).after(),
        }
    }
}

/// A page token: walk on from this boundary, in this direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageToken {
    /// Which way.
    pub(crate) direction: Direction,
    /// Forward: events from here on. Backward: events before.
    pub(crate) boundary: Position,
}

impl PageToken {
    /// As clients see it: `f/` or `b/`, 56 digits, `/s`.
    pub(crate) fn render(self) -> String {
        let prefix = match self.direction {
            Direction::Forward => 'f',
            Direction::Backward => 'b',
        };
        format!("{prefix}/{:0width$}/s", self.boundary.0, width = TOKEN_DIGITS)
    }

    /// Reads a token of [`PageToken::render`].
    pub(crate) fn parse(text: &str) -> Result<PageToken, LogsError> {
        PageToken::read(text)
            .ok_or_else(|| LogsError::InvalidParameter("The specified nextToken is invalid.".to_owned()))
    }

    fn read(text: &str) -> Option<PageToken> {
        let (direction, rest) = match text.split_at_checked(2)? {
            ("f/", rest) => (Direction::Forward, rest),
            ("b/", rest) => (Direction::Backward, rest),
            _ => return None,
        };
        let digits = rest.strip_suffix("/s")?;
        if digits.len() != TOKEN_DIGITS || !digits.bytes().all(|it| it.is_ascii_digit()) {
            return None;
        }
        Some(PageToken {
            direction,
            boundary: Position(digits.parse().ok()?),
        })
    }

    /// The part of `range` that is still ahead of this token.
    pub(crate) fn remaining(self, range: Range<Position>) -> Range<Position> {
        match self.direction {
            Direction::Forward => range.start.max(self.boundary)..range.end,
            Direction::Backward => range.start..range.end.min(self.boundary),
        }
    }
}
