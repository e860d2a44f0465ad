//! The data channel of Session Manager, over which ECS Exec carries a terminal: frames, payloads, and the state of one
//! end. No IO: whoever holds the websocket moves the bytes.
//!
//! ```text
//!  plug-in ── input_stream_data 0, 1, 2 … ──▶ server      each is acknowledged by number,
//!          ◀── output_stream_data 0, 1, 2 … ──            and sent again until it is
//! ```

mod channel;
mod frame;
mod payloads;

pub use channel::{Channel, Event, Received, Silent, UNACKNOWLEDGED_MAX};
pub use frame::{FrameError, MessageKind, StreamMessage};
pub use payloads::{
    ClientAction, HandshakeComplete, HandshakeRequest, HandshakeResponse, OpenDataChannel, PayloadKind,
    ProcessedAction, SessionClosed, SessionType, TERMINATE_SESSION, TerminalSize,
};

/// Most bytes of a stream that are put into one frame.
pub const DATA_BYTES_MAX: usize = 8 * 1024;

#[cfg(test)]
mod tests;
