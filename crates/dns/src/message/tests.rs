//! Messages in and out.

use std::net::Ipv4Addr;

use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{Name, RData};
use proptest::prelude::*;

use super::*;

fn question(payload: Option<u16>) -> Vec<u8> {
    let mut message = Message::new(77, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.queries = vec![Query::query(
        Name::from_ascii("Web.shop.test.").expect("a name"),
        RecordType::A,
    )];
    if let Some(payload) = payload {
        let mut edns = Edns::new();
        edns.set_max_payload(payload);
        message.edns = Some(edns);
    }
    message.to_vec().expect("it fits")
}

fn asked(packet: &[u8]) -> Question {
    match read(packet) {
        Request::Question(it) => *it,
        other => panic!("no question: {other:?}"),
    }
}

fn many(count: u8) -> Reply {
    let name = Name::from_ascii("Web.shop.test.").expect("a name");
    let record = |last| Record::from_rdata(name.clone(), 5, RData::A(A(Ipv4Addr::new(10, 0, 0, last))));
    Reply {
        additionals: vec![record(0)],
        ..Reply::of((0..count).map(record).collect())
    }
}

#[test]
fn an_answer_is_as_long_as_the_client_takes() {
    for (payload, count, limit, answered, is_cut) in [
        (None, 8, 512, 8, false),
        (None, 40, 512, 20, true),
        (Some(100), 40, 512, 20, true),
        (Some(1232), 60, 1232, 60, false),
        (Some(65_000), 200, 1232, 50, true),
    ] {
        let question = asked(&question(payload));
        assert_eq!(question.udp_limit(), limit);
        let bytes = write(&question, many(count), question.udp_limit());
        assert!(bytes.len() <= usize::from(limit));
        let message = Message::from_vec(&bytes).expect("a message");
        assert_eq!(
            (message.answers.len(), message.metadata.truncation),
            (answered, is_cut)
        );
        assert_eq!(message.edns.is_some(), payload.is_some());
        assert_eq!(message.metadata.id, 77);
        assert!(message.metadata.recursion_available && message.metadata.recursion_desired);
        assert!(
            message.queries[0].name().eq_case(question.query.name()),
            "the case is the client's"
        );
        let whole = write(&question, many(count), TCP_MAX);
        assert_eq!(
            Message::from_vec(&whole).expect("a message").answers.len(),
            usize::from(count)
        );
    }
}

#[test]
fn what_is_no_question_is_refused() {
    let refused = |packet: &[u8]| match read(packet) {
        Request::Refused(answer) => Message::from_vec(&answer).expect("a message").metadata,
        other => panic!("not refused: {other:?}"),
    };
    let mut cut = question(None);
    cut.truncate(20);
    assert_eq!(refused(&cut).response_code, ResponseCode::FormErr);
    assert_eq!(refused(&cut).id, 77);
    let altered = |change: fn(&mut Message)| {
        let mut message = Message::from_vec(&question(Some(1232))).expect("a message");
        change(&mut message);
        refused(&message.to_vec().expect("it fits")).response_code
    };
    assert_eq!(altered(|it| it.queries.clear()), ResponseCode::FormErr);
    assert_eq!(
        altered(|it| it.queries.push(it.queries[0].clone())),
        ResponseCode::FormErr
    );
    assert_eq!(
        altered(|it| it.metadata.op_code = OpCode::Update),
        ResponseCode::NotImp
    );
    assert_eq!(
        altered(|it| it.queries[0].query_type = RecordType::AXFR),
        ResponseCode::Refused
    );
    assert_eq!(
        altered(|it| it.queries[0].query_class = DNSClass::CH),
        ResponseCode::Refused
    );
    // The number is that of BADSIG, too.
    let other_version = altered(|it| _ = it.edns.as_mut().map(|it| it.set_version(1)));
    assert_eq!(u16::from(other_version), u16::from(ResponseCode::BADVERS));
}

#[test]
fn answers_are_never_answered() {
    let mut packet = question(None);
    packet[2] |= 0x80;
    assert!(matches!(read(&packet), Request::Nothing));
    assert!(matches!(read(&packet[..11]), Request::Nothing));
    packet.truncate(14);
    assert!(matches!(read(&packet), Request::Nothing));
}

proptest! {
    #[test]
    fn nothing_that_arrives_breaks_it(packet in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _read = read(&packet);
    }

    #[test]
    fn nor_does_a_question_that_was_damaged(at in 0_usize..60, byte in any::<u8>(), length in 0_usize..60) {
        let mut packet = question(Some(1232));
        let at = at % packet.len();
        packet[at] = byte;
        packet.truncate(length.max(1));
        if let Request::Question(question) = read(&packet) {
            let bytes = write(&question, many(40), question.udp_limit());
            prop_assert!(bytes.len() <= usize::from(UDP_MAX));
        }
    }
}
