//! Binary frames: a head of fixed length, then the payload. All numbers are big-endian.
//!
//! ```text
//!  0 head length │ 4 kind, 32 bytes │ 36 version │ 40 created │ 48 sequence │ 56 flags │ 64 id, 16 bytes │
//!  80 SHA-256 of the payload │ 112 kind of payload │ 116 payload length │ 120 payload
//! ```

use sha2::{Digest, Sha256};

/// Of the head, without the length of the payload.
const HEAD_BYTES: usize = 116;
/// Where Amazon's own frames carry the payload.
const PAYLOAD_AT: usize = HEAD_BYTES + 4;
/// Room for the name of a kind.
const KIND_BYTES: usize = 32;
/// The only version there is.
const SCHEMA_VERSION: u32 = 1;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// From the plug-in.
    Input,
    /// To the plug-in.
    Output,
    /// Of one frame of either stream.
    Acknowledge,
    /// The session is over.
    ChannelClosed,
    /// Output may be sent again.
    StartPublication,
    /// No output for now.
    PausePublication,
}

impl MessageKind {
    const ALL: [Self; 6] = [
        Self::Input,
        Self::Output,
        Self::Acknowledge,
        Self::ChannelClosed,
        Self::StartPublication,
        Self::PausePublication,
    ];

    /// The name in frames.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input_stream_data",
            Self::Output => "output_stream_data",
            Self::Acknowledge => "acknowledge",
            Self::ChannelClosed => "channel_closed",
            Self::StartPublication => "start_publication",
            Self::PausePublication => "pause_publication",
        }
    }
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamMessage {
    /// What it is for.
    pub kind: MessageKind,
    /// Milliseconds since 1970; never 0, which the stock plug-in takes for a missing date.
    pub created_ms: u64,
    /// Place in its stream, from 0.
    pub sequence: i64,
    /// 1 begins a stream, 2 ends it; nobody relies on them.
    pub flags: u64,
    /// Random.
    pub id: [u8; 16],
    /// [`super::PayloadKind`] as a number: what is not known is passed over.
    pub payload_kind: u32,
    /// As `payload_kind` says.
    pub payload: Vec<u8>,
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// They end before the head does.
    #[error("the frame is too short")]
    TooShort,
    /// The lengths in it do not fit its own.
    #[error("the lengths in the frame are wrong")]
    Length,
    /// No kind of this name is known.
    #[error("the kind of the frame is not known")]
    Kind,
    /// The payload is not the one that was sent.
    #[error("the digest of the payload is wrong")]
    Digest,
}

impl StreamMessage {
    /// The bytes of the frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PAYLOAD_AT + self.payload.len());
        bytes.extend((HEAD_BYTES as u32).to_be_bytes());
        let mut kind = [b' '; KIND_BYTES];
        kind[..self.kind.as_str().len()].copy_from_slice(self.kind.as_str().as_bytes());
        bytes.extend(kind);
        bytes.extend(SCHEMA_VERSION.to_be_bytes());
        bytes.extend(self.created_ms.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.flags.to_be_bytes());
        // The lower half comes first.
        bytes.extend(&self.id[8..]);
        bytes.extend(&self.id[..8]);
        bytes.extend(Sha256::digest(&self.payload));
        bytes.extend(self.payload_kind.to_be_bytes());
        bytes.extend(
            u32::try_from(self.payload.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
        bytes.extend(&self.payload);
        bytes
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let head_bytes = u32::from_be_bytes(part(bytes, 0)?) as usize;
        if head_bytes < HEAD_BYTES {
            return Err(FrameError::Length);
        }
        let name = bytes.get(4..4 + KIND_BYTES).ok_or(FrameError::TooShort)?;
        let is_padding = |it: &u8| matches!(it, 0 | b' ');
        let name = name
            .split(is_padding)
            .find(|it| !it.is_empty())
            .unwrap_or_default();
        let kind = MessageKind::ALL
            .into_iter()
            .find(|it| it.as_str().as_bytes() == name);
        let payload_bytes = u32::from_be_bytes(part(bytes, head_bytes)?) as usize;
        let payload = bytes.get(head_bytes + 4..).ok_or(FrameError::TooShort)?;
        if payload.len() != payload_bytes {
            return Err(FrameError::Length);
        }
        let digest: [u8; 32] = part(bytes, 80)?;
        if !payload.is_empty() && Sha256::digest(payload)[..] != digest {
            return Err(FrameError::Digest);
        }
        let halves: [u8; 16] = part(bytes, 64)?;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&halves[8..]);
        id[8..].copy_from_slice(&halves[..8]);
        Ok(Self {
            kind: kind.ok_or(FrameError::Kind)?,
            created_ms: u64::from_be_bytes(part(bytes, 40)?),
            sequence: i64::from_be_bytes(part(bytes, 48)?),
            flags: u64::from_be_bytes(part(bytes, 56)?),
            id,
            payload_kind: u32::from_be_bytes(part(bytes, 112)?),
            payload: payload.to_vec(),
        })
    }

    /// Its id as messages about it name it.
    pub fn id_text(&self) -> String {
        let text = hex::encode(self.id);
        let parts = [
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..],
        ];
        parts.join("-")
    }
}

/// `N` bytes from a place on.
fn part<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], FrameError> {
    let rest = bytes.get(at..).ok_or(FrameError::TooShort)?;
    rest.first_chunk().copied().ok_or(FrameError::TooShort)
}
