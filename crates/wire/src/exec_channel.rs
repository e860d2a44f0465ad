//! What control plane and agent say to each other about one command: binary messages of a websocket that the agent
//! dialled. The wire keeps their order and loses none, so they have a kind and a content and nothing more.

#[cfg(test)]
mod tests;

/// To the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToAgent {
    /// For the command's terminal or standard input.
    Input(Vec<u8>),
    /// The terminal's new size.
    Size {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// There is no more input; a terminal does not end with it.
    EndOfInput,
}

/// From the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromAgent {
    /// What the command wrote.
    Output(Vec<u8>),
    /// It has ended, with all its output said: its exit status, 128 + signal if a signal ended it.
    Exited(i32),
    /// It could not be run.
    Failed(String),
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a message of the channel between control plane and agent")]
pub struct NotAMessage;

impl ToAgent {
    /// The bytes of the message.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Input(data) => tagged(0, data),
            Self::Size { columns, rows } => {
                let [a, b] = columns.to_be_bytes();
                let [c, d] = rows.to_be_bytes();
                tagged(1, &[a, b, c, d])
            }
            Self::EndOfInput => tagged(2, &[]),
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`NotAMessage`].
    pub fn decode(bytes: &[u8]) -> Result<Self, NotAMessage> {
        match bytes {
            [0, data @ ..] => Ok(Self::Input(data.to_vec())),
            [1, a, b, c, d] => Ok(Self::Size {
                columns: u16::from_be_bytes([*a, *b]),
                rows: u16::from_be_bytes([*c, *d]),
            }),
            [2] => Ok(Self::EndOfInput),
            _ => Err(NotAMessage),
        }
    }
}

impl FromAgent {
    /// The bytes of the message.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Output(data) => tagged(0, data),
            Self::Exited(code) => tagged(1, &code.to_be_bytes()),
            Self::Failed(text) => tagged(2, text.as_bytes()),
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`NotAMessage`].
    pub fn decode(bytes: &[u8]) -> Result<Self, NotAMessage> {
        match bytes {
            [0, data @ ..] => Ok(Self::Output(data.to_vec())),
            [1, a, b, c, d] => Ok(Self::Exited(i32::from_be_bytes([*a, *b, *c, *d]))),
            [2, text @ ..] => Ok(Self::Failed(String::from_utf8_lossy(text).into_owned())),
            _ => Err(NotAMessage),
        }
    }
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + content.len());
    bytes.push(tag);
    bytes.extend_from_slice(content);
    bytes
}
