//! Messages there and back.

use proptest::prelude::*;

use super::*;

#[test]
fn messages_survive_the_wire() {
    let size = ToAgent::Size {
        columns: 0x1234,
        rows: 24,
    };
    for message in [
        ToAgent::Input(b"ls\r".to_vec()),
        ToAgent::Input(Vec::new()),
        size,
        ToAgent::EndOfInput,
    ] {
        assert_eq!(ToAgent::decode(&message.encode()), Ok(message));
    }
    for message in [
        FromAgent::Output(vec![0, 255]),
        FromAgent::Exited(-1),
        FromAgent::Exited(137),
        FromAgent::Failed("no such file".to_owned()),
    ] {
        assert_eq!(FromAgent::decode(&message.encode()), Ok(message));
    }
}

#[test]
fn anything_else_is_no_message() {
    for bytes in [&[][..], &[1, 0, 80, 0], &[1, 0, 80, 0, 24, 0], &[2, 0], &[3]] {
        assert_eq!(ToAgent::decode(bytes), Err(NotAMessage), "{bytes:?}");
    }
    for bytes in [&[][..], &[1, 0], &[1, 0, 0, 0, 0, 0], &[3]] {
        assert_eq!(FromAgent::decode(bytes), Err(NotAMessage), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn what_is_read_is_written_alike(bytes: Vec<u8>) {
        if let Ok(message) = ToAgent::decode(&bytes) {
            prop_assert_eq!(message.encode(), bytes.clone());
        }
        if let Ok(message @ (FromAgent::Output(_) | FromAgent::Exited(_))) = FromAgent::decode(&bytes) {
            prop_assert_eq!(message.encode(), bytes);
        }
    }
}
