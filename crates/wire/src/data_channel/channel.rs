//! One end of a data channel: numbers what it sends, keeps it until it is acknowledged, and puts what it receives in
//! order.

use std::collections::{BTreeMap, VecDeque};

use super::frame::{FrameError, MessageKind, StreamMessage};
use super::payloads::{Acknowledgement, PayloadKind, SessionClosed};

/// Frames that may be on their way without an acknowledgement before no more should be sent.
pub const UNACKNOWLEDGED_MAX: usize = 64;
/// Frames that are kept although one before them is missing; more are dropped, and come again.
const EARLY_MAX: usize = 256;
/// How long an acknowledgement is waited for before the oldest frame is sent again.
const RESEND_AFTER_MS: u64 = 1000;
/// Frames that are sent again at once.
const RESENT_AT_ONCE: usize = 8;
/// How often a frame is sent again before the other end counts as gone: five minutes, as Amazon's do.
const RESENDS_MAX: u32 = 300;
/// Flag of the first frame of a stream.
const BEGINS: u64 = 1;

/// One end of a channel.
#[derive(Debug)]
pub struct Channel {
    sends: MessageKind,
    next: i64,
    unacknowledged: VecDeque<Sent>,
    expected: i64,
    early: BTreeMap<i64, StreamMessage>,
}

#[derive(Debug)]
struct Sent {
    sequence: i64,
    frame: Vec<u8>,
    at_ms: u64,
    resends: u32,
}

/// What follows from a frame.
#[derive(Debug, Default, PartialEq)]
pub struct Received {
    /// Frames to send back.
    pub replies: Vec<Vec<u8>>,
    /// What has arrived, in order.
    pub events: Vec<Event>,
}

/// Something that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Of the other end's stream. A kind that is not known is `None`.
    Data(Option<PayloadKind>, Vec<u8>),
    /// The session is over.
    Closed(SessionClosed),
    /// No more output for now.
    Pause,
    /// Output again.
    Resume,
}

/// The other end acknowledges nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other end of the data channel acknowledges nothing")]
pub struct Silent;

impl Channel {
    /// The server's end.
    pub fn server() -> Self {
        Self::new(MessageKind::Output)
    }

    /// The plug-in's end.
    pub fn client() -> Self {
        Self::new(MessageKind::Input)
    }

    fn new(sends: MessageKind) -> Self {
        Self {
            sends,
            next: 0,
            unacknowledged: VecDeque::new(),
            expected: 0,
            early: BTreeMap::new(),
        }
    }

    /// Whether more should be sent: otherwise acknowledgements have to come first.
    pub fn has_room(&self) -> bool {
        self.unacknowledged.len() < UNACKNOWLEDGED_MAX
    }

    /// Whether all that was sent has been acknowledged.
    pub fn is_settled(&self) -> bool {
        self.unacknowledged.is_empty()
    }

    /// The next frame of this end's stream. `id` is random, `now_ms` is since 1970.
    pub fn send(&mut self, kind: PayloadKind, payload: Vec<u8>, id: [u8; 16], now_ms: u64) -> Vec<u8> {
        let message = StreamMessage {
            kind: self.sends,
            created_ms: now_ms.max(1),
            sequence: self.next,
            flags: if self.next == 0 { BEGINS } else { 0 },
            id,
            payload_kind: kind.number(),
            payload,
        };
        let frame = message.encode();
        self.unacknowledged.push_back(Sent {
            sequence: self.next,
            frame: frame.clone(),
            at_ms: now_ms,
            resends: 0,
        });
        self.next += 1;
        frame
    }

    /// The frame that ends the session, outside the numbered stream.
    pub fn close(closed: &SessionClosed, id: [u8; 16], now_ms: u64) -> Vec<u8> {
        unnumbered(
            MessageKind::ChannelClosed,
            serde_json::to_vec(closed).unwrap_or_default(),
            id,
            now_ms,
        )
    }

    /// What has to be sent again now: the oldest frames whose acknowledgements are late.
    ///
    /// # Errors
    /// [`Silent`].
    pub fn due(&mut self, now_ms: u64) -> Result<Vec<Vec<u8>>, Silent> {
        let oldest = self.unacknowledged.iter_mut().take(RESENT_AT_ONCE);
        let late = oldest.filter(|it| now_ms.saturating_sub(it.at_ms) >= RESEND_AFTER_MS);
        let again = late.map(|it| {
            if it.resends == RESENDS_MAX {
                return Err(Silent);
            }
            it.resends += 1;
            it.at_ms = now_ms;
            Ok(it.frame.clone())
        });
        again.collect()
    }

    /// Takes a frame. `id` is for the acknowledgement.
    ///
    /// # Errors
    /// [`FrameError`]; the channel is as before then.
    pub fn receive(&mut self, bytes: &[u8], id: [u8; 16], now_ms: u64) -> Result<Received, FrameError> {
        let message = StreamMessage::decode(bytes)?;
        let mut received = Received::default();
        match message.kind {
            // A mirror of this end's own stream is not for it.
            kind if kind == self.sends => {}
            MessageKind::Input | MessageKind::Output => {
                self.take(message, &mut received, id, now_ms);
            }
            MessageKind::Acknowledge => {
                if let Ok(it) = serde_json::from_slice::<Acknowledgement>(&message.payload) {
                    let number = it.acknowledged_message_sequence_number;
                    self.unacknowledged.retain(|sent| sent.sequence != number);
                }
            }
            MessageKind::ChannelClosed => {
                let closed = serde_json::from_slice(&message.payload).unwrap_or_default();
                received.events.push(Event::Closed(closed));
            }
            MessageKind::PausePublication => received.events.push(Event::Pause),
            MessageKind::StartPublication => received.events.push(Event::Resume),
        }
        Ok(received)
    }

    /// One that came before is acknowledged again: its acknowledgement may have been lost.
    fn take(&mut self, message: StreamMessage, received: &mut Received, id: [u8; 16], now_ms: u64) {
        let is_early = message.sequence > self.expected;
        if is_early && self.early.len() >= EARLY_MAX && !self.early.contains_key(&message.sequence) {
            return;
        }
        received.replies.push(acknowledgement(&message, id, now_ms));
        if is_early {
            self.early.insert(message.sequence, message);
            return;
        }
        if message.sequence < self.expected {
            return;
        }
        let mut next = Some(message);
        while let Some(message) = next {
            let kind = PayloadKind::of(message.payload_kind);
            received.events.push(Event::Data(kind, message.payload));
            self.expected += 1;
            next = self.early.remove(&self.expected);
        }
    }
}

fn acknowledgement(of: &StreamMessage, id: [u8; 16], now_ms: u64) -> Vec<u8> {
    let content = Acknowledgement {
        acknowledged_message_type: of.kind.as_str().to_owned(),
        acknowledged_message_id: of.id_text(),
        acknowledged_message_sequence_number: of.sequence,
        is_sequential_message: true,
    };
    let content = serde_json::to_vec(&content).unwrap_or_default();
    unnumbered(MessageKind::Acknowledge, content, id, now_ms)
}

fn unnumbered(kind: MessageKind, payload: Vec<u8>, id: [u8; 16], now_ms: u64) -> Vec<u8> {
    /// As Amazon's ends mark frames that belong to no stream.
    const BEGINS_AND_ENDS: u64 = 3;
    let message = StreamMessage {
        kind,
        created_ms: now_ms.max(1),
        sequence: 0,
        flags: BEGINS_AND_ENDS,
        id,
        payload_kind: 0,
        payload,
    };
    message.encode()
}
