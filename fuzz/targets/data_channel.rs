//! Frames of a data channel, each behind its length in two bytes, and what either end does about them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::data_channel::{Channel, StreamMessage};
use wire::exec_channel::{FromAgent, ToAgent};

fuzz_target!(|bytes: &[u8]| {
    let (mut server, mut client) = (Channel::server(), Channel::client());
    let mut rest = bytes;
    while let Some((length, behind)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(behind.len());
        let (frame, behind) = behind.split_at(length);
        rest = behind;
        if let Ok(message) = StreamMessage::decode(frame) {
            let again = StreamMessage::decode(&message.encode());
            assert_eq!(again.as_ref(), Ok(&message), "a frame that is read is written");
        }
        for channel in [&mut server, &mut client] {
            let Ok(received) = channel.receive(frame, [7; 16], 1) else {
                continue;
            };
            for reply in received.replies {
                assert!(
                    StreamMessage::decode(&reply).is_ok(),
                    "others read what goes back"
                );
            }
        }
        let _ = (ToAgent::decode(frame), FromAgent::decode(frame));
    }
});
