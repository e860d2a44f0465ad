//! Plain questions are answered as all others are.

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{DNSClass, Name};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::answer::look_up;
use crate::answer::tests::names;
use crate::message::{self, Request};

const NAMES: [&str; 16] = [
    "web.shop.test",
    "one.shop.test",
    "srv.shop.test",
    "a.srv.shop.test",
    "deep.below.shop.test",
    "below.shop.test",
    "lb.shop.test",
    "out.shop.test",
    "loop.shop.test",
    "none.shop.test",
    "nothing.shop.test",
    "shop.test",
    "lb-1.us-east-1.elb.amazonaws.com",
    "s3.amazonaws.com",
    "ip-10-0-3-4.ec2.internal",
    ".",
];
const KINDS: [RecordType; 11] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::SRV,
    RecordType::CNAME,
    RecordType::SOA,
    RecordType::NS,
    RecordType::ANY,
    RecordType::TXT,
    RecordType::HTTPS,
    RecordType::AXFR,
    RecordType::Unknown(65_280),
];

/// Some bytes that are no part of an answer.
const BEFORE: [u8; 3] = [7; 3];

fn question(name: &str, kind: RecordType, payload: Option<u16>) -> Message {
    let mut message = Message::new(77, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.queries = vec![Query::query(Name::from_ascii(name).expect("a name"), kind)];
    message.queries[0].name.set_fqdn(true);
    message.edns = payload.map(|payload| {
        let mut edns = Edns::new();
        edns.set_max_payload(payload);
        edns
    });
    message
}

/// The answer to a packet, if it is plain and so is its answer; nothing else is left behind.
fn answered(packet: &[u8], vpc_id: &str) -> Option<Vec<u8>> {
    let plain = read(packet)?;
    let (mut out, mut dice) = (BEFORE.to_vec(), ChaCha8Rng::seed_from_u64(7));
    let is_answered = plain.answer(&names(), vpc_id, plain.udp_limit(), &mut dice, &mut out);
    let answer = out.split_off(BEFORE.len());
    assert_eq!(
        (out.as_slice(), !answer.is_empty()),
        (BEFORE.as_slice(), is_answered)
    );
    is_answered.then_some(answer)
}

/// What others than plain questions are answered.
fn expected(packet: &[u8], vpc_id: &str) -> Vec<u8> {
    let Request::Question(question) = message::read(packet) else {
        panic!("this is no question");
    };
    let (name, kind) = (&question.query.name, question.query.query_type);
    let mut dice = ChaCha8Rng::seed_from_u64(7);
    let reply = look_up(&names(), vpc_id, name, kind, &mut dice).expect("known here");
    assert_eq!(reply.rest, None);
    message::write(&question, reply, question.udp_limit())
}

#[test]
fn answers_of_addresses_and_that_there_are_none_are_plain() {
    for (name, kind, is_plain) in [
        ("web.shop.test", RecordType::A, true),
        ("web.shop.test", RecordType::AAAA, true),
        ("web.shop.test", RecordType::TXT, true),
        ("nothing.shop.test", RecordType::ANY, true),
        ("below.shop.test", RecordType::A, true),
        ("shop.test", RecordType::A, true),
        ("lb-1.us-east-1.elb.amazonaws.com", RecordType::A, true),
        ("web.shop.test", RecordType::ANY, false),
        ("shop.test", RecordType::SOA, false),
        ("srv.shop.test", RecordType::SRV, false),
        ("lb.shop.test", RecordType::A, false),
        ("s3.amazonaws.com", RecordType::A, false),
        ("ip-10-0-3-4.ec2.internal", RecordType::A, false),
    ] {
        for payload in [None, Some(1232)] {
            let packet = question(name, kind, payload).to_vec().expect("it fits");
            assert_eq!(answered(&packet, "vpc-1").is_some(), is_plain, "{name} {kind}");
        }
    }
}

#[test]
fn what_is_not_plain_is_left_to_others() {
    let altered = |change: fn(&mut Message)| {
        let mut message = question("web.shop.test", RecordType::A, Some(1232));
        change(&mut message);
        read(&message.to_vec().expect("it fits")).is_some()
    };
    assert!(altered(|_| {}));
    assert!(!altered(|it| it.metadata.message_type = MessageType::Response));
    assert!(!altered(|it| it.metadata.op_code = OpCode::Update));
    assert!(!altered(|it| it.queries.clear()));
    assert!(!altered(|it| it.queries.push(it.queries[0].clone())));
    assert!(!altered(|it| it.queries[0].query_class = DNSClass::CH));
    assert!(!altered(|it| it.queries[0].query_type = RecordType::IXFR));
    assert!(!altered(|it| _ = it.edns.as_mut().map(|it| it.set_version(1))));
    let whole = question("web.shop.test", RecordType::A, None)
        .to_vec()
        .expect("it fits");
    assert!(
        read(&[whole.as_slice(), &[0]].concat()).is_none(),
        "more than a question"
    );
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_none(), "{length} bytes");
    }
}

#[test]
fn an_answer_that_does_not_fit_is_left_to_others() {
    let packet = question("web.shop.test", RecordType::A, None)
        .to_vec()
        .expect("it fits");
    let plain = read(&packet).expect("plain");
    let mut dice = ChaCha8Rng::seed_from_u64(7);
    let mut out = Vec::new();
    let names = names();
    assert!(plain.answer(&names, "vpc-1", 512, &mut dice, &mut out));
    let length = u16::try_from(out.len()).expect("a short answer");
    assert!(plain.answer(&names, "vpc-1", length, &mut dice, &mut out));
    assert!(!plain.answer(&names, "vpc-1", length - 1, &mut dice, &mut out));
    assert_eq!(out.len(), 2 * usize::from(length));
}

proptest! {
    #[test]
    fn the_same_is_answered(
        name in prop_oneof![proptest::sample::select(&NAMES), Just("*.shop.test"), Just("x.web.shop.test")],
        upper in any::<u32>(),
        kind in proptest::sample::select(&KINDS),
        payload in proptest::option::of(any::<u16>()),
        (wishes_recursion, checks_nothing, is_of_vpc) in any::<(bool, bool, bool)>(),
    ) {
        let cased = name.char_indices().map(|(at, it)| match upper >> (at % 32) & 1 {
            1 => it.to_ascii_uppercase(),
            _ => it,
        });
        let mut asked = question(&cased.collect::<String>(), kind, payload);
        asked.metadata.recursion_desired = wishes_recursion;
        asked.metadata.checking_disabled = checks_nothing;
        let packet = asked.to_vec().expect("it fits");
        let vpc_id = if is_of_vpc { "vpc-1" } else { "vpc-2" };
        if let Some(answer) = answered(&packet, vpc_id) {
            let read = |bytes: &[u8]| Message::from_vec(bytes).expect("a message");
            prop_assert_eq!(read(&answer), read(&expected(&packet, vpc_id)));
            prop_assert!(read(&answer).queries[0].name.eq_case(&asked.queries[0].name));
        }
    }

    #[test]
    fn what_is_plain_is_a_question_to_all(
        at in 0_usize..60,
        byte in any::<u8>(),
        (length, more) in (0_usize..60, proptest::collection::vec(any::<u8>(), 0..4)),
        payload in proptest::option::of(any::<u16>()),
    ) {
        let mut packet = question("Web.shop.test", RecordType::A, payload).to_vec().expect("it fits");
        let at = at % packet.len();
        packet[at] = byte;
        packet.truncate(length.max(20));
        packet.extend(more);
        if let Some(plain) = read(&packet) {
            let Request::Question(question) = message::read(&packet) else {
                panic!("this is no question: {packet:?}");
            };
            let labels = Labels::of(&question.query.name);
            prop_assert_eq!(plain.name.as_bytes(), labels.as_bytes());
            prop_assert_eq!((plain.kind, plain.udp_limit()), (question.query.query_type, question.udp_limit()));
            prop_assert_eq!(question.query.query_class, DNSClass::IN);
            let _answer = answered(&packet, "vpc-1");
        }
    }

    #[test]
    fn nothing_that_arrives_breaks_it(packet in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _answer = answered(&packet, "vpc-1");
        let mut packet = packet;
        if let Some(header) = packet.first_chunk_mut::<HEADER>() {
            header[2] &= !KIND_OF_MESSAGE;
            header[4..].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
            let _answer = answered(&packet, "vpc-1");
        }
    }
}
