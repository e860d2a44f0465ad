//! What the two ends of a stream into a task say to each other, through the control plane: binary messages of
//! websockets, which keep their order and lose none. Either end says its data and then that there is no more, so that
//! one direction may end before the other.

#[cfg(test)]
mod tests;

/// Most data of one message, in bytes.
pub const DATA_BYTES_MAX: usize = 64 * 1024;

/// A message of either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamMessage<'a> {
    /// The agent has opened the stream; it says so first.
    Opened,
    /// Bytes of the stream.
    Data(&'a [u8]),
    /// This end has said all.
    End,
    /// The stream is over before its end, and why.
    Failed(&'a str),
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a message of a stream into a task")]
pub struct NotAMessage;

impl<'a> StreamMessage<'a> {
    /// The bytes of the message.
    pub fn encode(&self) -> Vec<u8> {
        let (tag, content): (u8, &[u8]) = match self {
            Self::Opened => (0, &[]),
            Self::Data(data) => (1, data),
            Self::End => (2, &[]),
            Self::Failed(text) => (3, text.as_bytes()),
        };
        let mut bytes = Vec::with_capacity(1 + content.len());
        bytes.push(tag);
        bytes.extend_from_slice(content);
        bytes
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`NotAMessage`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, NotAMessage> {
        match bytes {
            [0] => Ok(Self::Opened),
            [1, data @ ..] => Ok(Self::Data(data)),
            [2] => Ok(Self::End),
            [3, text @ ..] => std::str::from_utf8(text)
                .map(Self::Failed)
                .map_err(|_| NotAMessage),
            _ => Err(NotAMessage),
        }
    }
}
