use proptest::prelude::*;

use super::*;

#[test]
fn what_is_encoded_is_read_again_and_nothing_else_is_a_message() {
    for message in [
        StreamMessage::Opened,
        StreamMessage::Data(b""),
        StreamMessage::Data(b"\x02"),
        StreamMessage::End,
        StreamMessage::Failed("why"),
    ] {
        assert_eq!(StreamMessage::decode(&message.encode()), Ok(message));
    }
    for bytes in [&b""[..], b"\x00x", b"\x02x", b"\x03\xff", b"\x04"] {
        assert_eq!(StreamMessage::decode(bytes), Err(NotAMessage), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn reading_never_panics_and_is_the_inverse_of_writing(bytes: Vec<u8>) {
        if let Ok(message) = StreamMessage::decode(&bytes) {
            prop_assert_eq!(message.encode(), bytes);
        }
    }
}
