//! Frames there and back, and channels over wires that lose, repeat and shuffle.

use proptest::prelude::*;

use super::payloads::Acknowledgement;
use super::*;

const ID: [u8; 16] = [0x11; 16];

fn message(sequence: i64, payload: &[u8]) -> StreamMessage {
    StreamMessage {
        kind: MessageKind::Input,
        created_ms: 1_700_000_000_123,
        sequence,
        flags: 0,
        id: *b"ABCDEFGHIJKLMNOP",
        payload_kind: 1,
        payload: payload.to_vec(),
    }
}

#[test]
fn a_frame_is_laid_out_as_amazons() {
    let bytes = message(7, b"ls\r").encode();
    assert_eq!(bytes.len(), 123);
    assert_eq!(bytes[..4], [0, 0, 0, 116]);
    assert_eq!(&bytes[4..36], b"input_stream_data               ");
    assert_eq!(bytes[36..40], [0, 0, 0, 1]);
    assert_eq!(bytes[48..56], [0, 0, 0, 0, 0, 0, 0, 7]);
    assert_eq!(&bytes[64..80], b"IJKLMNOPABCDEFGH");
    assert_eq!(bytes[112..120], [0, 0, 0, 1, 0, 0, 0, 3]);
    assert_eq!(&bytes[120..], b"ls\r");
    assert_eq!(message(0, b"").id_text(), "41424344-4546-4748-494a-4b4c4d4e4f50");
}

#[test]
fn what_is_no_frame_is_refused() {
    let good = message(0, b"ls").encode();
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        StreamMessage::decode(&bytes)
    };
    assert_eq!(StreamMessage::decode(&good[..119]), Err(FrameError::TooShort));
    assert_eq!(StreamMessage::decode(b""), Err(FrameError::TooShort));
    assert_eq!(StreamMessage::decode(&good[..121]), Err(FrameError::Length));
    assert_eq!(changed(3, 1), Err(FrameError::Length));
    assert_eq!(changed(0, 0xff), Err(FrameError::TooShort));
    assert_eq!(changed(4, b'x'), Err(FrameError::Kind));
    assert_eq!(changed(121, b'x'), Err(FrameError::Digest));
}

#[test]
fn names_may_be_padded_with_zeros() {
    let mut bytes = message(0, b"ls").encode();
    bytes[4 + "input_stream_data".len()..36].fill(0);
    assert_eq!(StreamMessage::decode(&bytes), Ok(message(0, b"ls")));
}

#[test]
fn what_comes_early_waits_and_what_comes_twice_is_acknowledged_twice() {
    let mut server = Channel::server();
    let mut hear = |sequence: i64| {
        let text = format!("{sequence}");
        let received = server.receive(&message(sequence, text.as_bytes()).encode(), ID, 1);
        let received = received.expect("a frame");
        let texts = received.events.iter().map(|it| match it {
            Event::Data(Some(PayloadKind::Output), data) => String::from_utf8_lossy(data).into_owned(),
            other => panic!("{other:?}"),
        });
        (received.replies.len(), texts.collect::<Vec<_>>().join(","))
    };
    assert_eq!(hear(2), (1, String::new()));
    assert_eq!(hear(1), (1, String::new()));
    assert_eq!(hear(0), (1, "0,1,2".to_owned()));
    assert_eq!(hear(1), (1, String::new()));
    assert_eq!(hear(3), (1, "3".to_owned()));
}

#[test]
fn early_frames_are_bounded() {
    let mut server = Channel::server();
    let mut acknowledged = 0;
    for sequence in 1..2000 {
        let received = server.receive(&message(sequence, b"x").encode(), ID, 1);
        acknowledged += received.expect("a frame").replies.len();
    }
    assert_eq!(acknowledged, 256);
}

#[test]
fn frames_come_again_until_they_are_acknowledged() {
    let mut server = Channel::server();
    let first = server.send(PayloadKind::Output, b"a".to_vec(), ID, 0);
    let second = server.send(PayloadKind::Output, b"b".to_vec(), ID, 0);
    assert_eq!(server.due(999), Ok(Vec::new()));
    assert_eq!(server.due(1000), Ok(vec![first.clone(), second.clone()]));
    assert_eq!(server.due(1001), Ok(Vec::new()));
    let mut client = Channel::client();
    let received = client.receive(&first, ID, 0).expect("a frame");
    let reply = StreamMessage::decode(&received.replies[0]).expect("a frame");
    let content: Acknowledgement = serde_json::from_slice(&reply.payload).expect("JSON");
    assert_eq!(content.acknowledged_message_type, "output_stream_data");
    server.receive(&received.replies[0], ID, 0).expect("a frame");
    assert_eq!(server.due(2000), Ok(vec![second.clone()]));
    assert!(!server.is_settled());
    let received = client.receive(&second, ID, 0).expect("a frame");
    server.receive(&received.replies[0], ID, 0).expect("a frame");
    assert!(server.is_settled());
    assert_eq!(server.due(9999), Ok(Vec::new()));
}

#[test]
fn an_end_that_acknowledges_nothing_is_given_up() {
    let mut server = Channel::server();
    for _ in 0..UNACKNOWLEDGED_MAX {
        assert!(server.has_room());
        server.send(PayloadKind::Output, b"a".to_vec(), ID, 0);
    }
    assert!(!server.has_room());
    let ended = (1..).find(|second| server.due(second * 1000) == Err(Silent));
    assert_eq!(ended, Some(301));
}

#[test]
fn the_end_of_a_session_is_told() {
    let closed = SessionClosed {
        session_id: "ecs-execute-command-0".to_owned(),
        output: "gone".to_owned(),
        exit_code: Some(3),
        ..SessionClosed::default()
    };
    let received = Channel::client().receive(&Channel::close(&closed, ID, 5), ID, 5);
    assert_eq!(received.expect("a frame").events, [Event::Closed(closed)]);
}

#[test]
fn handshakes_read_as_the_stock_plugin_writes_them() {
    let text = r#"{"ClientVersion":"1.2.707.0","ProcessedClientActions":[{"ActionType":"SessionType","ActionStatus":1,
        "ActionResult":null,"Error":""}],"Errors":null}"#;
    let response: HandshakeResponse = serde_json::from_str(text).expect("JSON");
    assert_eq!(response.client_version, "1.2.707.0");
    let request = serde_json::to_string(&HandshakeRequest::terminal("3.3")).expect("JSON");
    assert_eq!(
        request,
        r#"{"AgentVersion":"3.3","RequestedClientActions":[{"ActionType":"SessionType","ActionParameters":{"Properties":null,"SessionType":"Standard_Stream"}}]}"#
    );
}

proptest! {
    #[test]
    fn frames_survive_the_wire(
        kind in 0..6_usize, created_ms: u64, sequence: i64, flags: u64, id: [u8; 16], payload_kind: u32,
        payload: Vec<u8>,
    ) {
        let kinds = [
            MessageKind::Input, MessageKind::Output, MessageKind::Acknowledge, MessageKind::ChannelClosed,
            MessageKind::StartPublication, MessageKind::PausePublication,
        ];
        let message = StreamMessage { kind: kinds[kind], created_ms, sequence, flags, id, payload_kind, payload };
        prop_assert_eq!(StreamMessage::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn nothing_that_comes_makes_a_channel_panic(frames: Vec<Vec<u8>>, cut in 0..200_usize, at in 0..140_usize, to: u8) {
        let mut channel = Channel::server();
        for frame in &frames {
            let _ = channel.receive(frame, ID, 1);
        }
        let mut frame = message(0, b"some payload").encode();
        if let Some(byte) = frame.get_mut(at) {
            *byte = to;
        }
        frame.truncate(cut);
        let _ = channel.receive(&frame, ID, 1);
    }

    #[test]
    fn a_stream_arrives_whole_and_in_order_over_a_wire_that_loses(
        count in 1..40_u8, lost: Vec<bool>, swapped: Vec<bool>,
    ) {
        let (mut server, mut client) = (Channel::server(), Channel::client());
        let mut wire: Vec<Vec<u8>> = (0..count)
            .map(|it| server.send(PayloadKind::Output, vec![it], ID, 0))
            .collect();
        for (at, _) in swapped.iter().enumerate().filter(|(_, it)| **it) {
            if at + 1 < wire.len() {
                wire.swap(at, at + 1);
            }
        }
        let mut arrived = Vec::new();
        let mut losses = lost.into_iter();
        let mut now = 0;
        while !server.is_settled() {
            for frame in std::mem::take(&mut wire) {
                if losses.next().unwrap_or(false) {
                    continue;
                }
                let received = client.receive(&frame, ID, now).expect("a frame");
                for event in received.events {
                    if let Event::Data(_, data) = event {
                        arrived.extend(data);
                    }
                }
                for reply in received.replies {
                    if !losses.next().unwrap_or(false) {
                        server.receive(&reply, ID, now).expect("a frame");
                    }
                }
            }
            now += 1000;
            wire.extend(server.due(now).expect("not silent"));
        }
        prop_assert_eq!(arrived, (0..count).collect::<Vec<_>>());
    }
}
