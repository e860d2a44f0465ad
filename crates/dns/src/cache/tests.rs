//! What is remembered, and for how long.

use std::net::Ipv4Addr;

use hickory_proto::rr::rdata::{A, SOA};

use super::*;

fn key(text: &str) -> Key {
    (Name::from_ascii(text).expect("a name"), RecordType::A)
}

fn found(ttl: u32) -> Reply {
    let data = RData::A(A(Ipv4Addr::LOCALHOST));
    Reply::of(vec![Record::from_rdata(Name::root(), ttl, data)])
}

fn unknown(ttl: u32, minimum: u32) -> Reply {
    let soa = SOA::new(Name::root(), Name::root(), 1, 1, 1, 1, minimum);
    Reply::unknown(Record::from_rdata(Name::root(), ttl, RData::SOA(soa)))
}

#[test]
fn an_answer_is_good_for_as_long_as_it_says() {
    for (reply, seconds) in [
        (found(30), 30),
        (found(0), 0),
        (found(86_400), TTL_MAX),
        (unknown(60, 20), 20),
        (unknown(20, 60), 20),
        (unknown(86_400, 86_400), NEGATIVE_TTL_MAX),
        (Reply::code(ResponseCode::NXDomain), FAILURE_TTL),
        (Reply::code(ResponseCode::ServFail), FAILURE_TTL),
    ] {
        let now = Instant::now();
        let mut cache = Cache::default();
        cache.put(key("a."), Arc::new(Answer::new(reply.clone(), now)));
        let end = now + Duration::from_secs(u64::from(seconds));
        let before = end.checked_sub(Duration::from_millis(1)).expect("a time");
        assert_eq!(cache.get(&key("A."), before).is_some(), seconds > 0, "{reply:?}");
        assert!(cache.get(&key("a."), end).is_none(), "{reply:?}");
    }
}

#[test]
fn what_is_left_of_the_time_is_told() {
    let now = Instant::now();
    let answer = Answer::new(found(30), now);
    let ttl = |seconds| answer.reply_at(now + Duration::from_secs(seconds)).answers[0].ttl;
    assert_eq!([ttl(0), ttl(12), ttl(40)], [30, 18, 0]);
}

#[test]
fn it_is_bounded_and_keeps_what_is_used() {
    let now = Instant::now();
    let mut cache = Cache::default();
    let answer = Arc::new(Answer::new(found(3600), now));
    cache.put(key("used."), Arc::clone(&answer));
    for index in 0..5 * GENERATION_MAX {
        cache.put(key(&format!("n{index}.")), Arc::clone(&answer));
        assert!(cache.get(&key("used."), now).is_some(), "after {index}");
    }
    assert!(cache.young.len() + cache.old.len() <= 2 * GENERATION_MAX);
    assert!(cache.get(&key("n0."), now).is_none());
}
