//! What others are asked.

use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use tokio::net::TcpStream;

use super::fixture::*;

async fn world(manners: &[Manner]) -> (World, Vec<Upstream>) {
    let mut upstreams = Vec::new();
    for manner in manners {
        upstreams.push(Upstream::new(*manner).await);
    }
    let world = World::new(10_000, upstreams.iter().map(|it| it.address).collect());
    world.tell(1);
    (world, upstreams)
}

#[tokio::test]
async fn others_are_asked_once_for_what_is_not_known_here() {
    let (world, upstreams) = world(&[Manner::Answers]).await;
    for name in ["www.example.com", "WWW.example.com"] {
        let answer = world.ask(name, RecordType::A).await;
        assert_eq!(addresses(&answer), ["192.0.2.0"]);
        assert!(!answer.metadata.authoritative);
    }
    assert_eq!(upstreams[0].count(), 1, "then it is remembered");
    let alias = world.ask("out.shop.test", RecordType::A).await;
    assert_eq!(
        (alias.answers.len(), addresses(&alias)),
        (2, vec!["192.0.2.0".to_owned()])
    );
    assert_eq!(upstreams[0].count(), 1);
    world.ask("nobody.shop.test", RecordType::A).await;
    assert_eq!(
        upstreams[0].count(),
        1,
        "names of private zones are never forwarded"
    );
}

#[tokio::test]
async fn a_question_that_many_ask_is_asked_once() {
    let (world, upstreams) = world(&[Manner::IsSlow(Duration::from_millis(300))]).await;
    let client = client(world.udp).await;
    for _ in 0..20 {
        send(&client, &question("www.example.com", RecordType::A, None)).await;
    }
    for _ in 0..20 {
        assert_eq!(addresses(&receive(&client).await.expect("an answer")).len(), 1);
    }
    assert_eq!(upstreams[0].count(), 1);
}

#[tokio::test]
async fn that_a_name_does_not_exist_is_passed_on() {
    let (world, _upstreams) = world(&[Manner::Denies]).await;
    let answer = world.ask("www.example.com", RecordType::A).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
}

#[tokio::test]
async fn the_next_one_is_asked_if_one_fails_or_is_silent() {
    for manner in [Manner::Fails, Manner::IsSilent] {
        let (world, upstreams) = world(&[manner, Manner::Answers]).await;
        let answer = world.ask("www.example.com", RecordType::A).await;
        assert_eq!(addresses(&answer), ["192.0.2.0"]);
        assert_eq!(upstreams[1].count(), 1);
    }
}

#[tokio::test]
async fn nobody_who_answers_is_a_failure_in_time_and_holds_nobody_up() {
    let (world, _upstreams) = world(&[Manner::IsSilent]).await;
    let waiting = client(world.udp).await;
    let began = Instant::now();
    // One question more than a client may have open.
    for number in 0..65 {
        let name = format!("n{number}.example.com");
        send(&waiting, &question(&name, RecordType::A, None)).await;
    }
    let early = receive(&waiting).await.expect("the last is refused");
    assert_eq!(early.metadata.response_code, ResponseCode::ServFail);
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(
        addresses(&world.ask("web.shop.test", RecordType::A).await).len(),
        1
    );
    let late = receive(&waiting).await.expect("an answer");
    assert_eq!(late.metadata.response_code, ResponseCode::ServFail);
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    let (world, _none) = self::world(&[]).await;
    let answer = world.ask("www.example.com", RecordType::A).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::ServFail);
}

#[tokio::test]
async fn long_answers_are_fetched_over_a_connection() {
    let (world, _upstreams) = world(&[Manner::IsLong]).await;
    let mut stream = TcpStream::connect(world.tcp).await.expect("connected");
    let asked = question("www.example.com", RecordType::A, None);
    let answer = ask_over(&mut stream, &asked).await.expect("an answer");
    assert_eq!(answer.answers.len(), 200);
    let cut = world.ask("www.example.com", RecordType::A).await;
    assert!(cut.metadata.truncation);
}

#[tokio::test]
async fn forged_answers_are_left_aside() {
    let (world, _upstreams) = world(&[Manner::IsForged]).await;
    let answer = world.ask("www.example.com", RecordType::A).await;
    assert_eq!(addresses(&answer), ["192.0.2.0"]);
}

#[tokio::test]
async fn who_wants_no_recursion_gets_none() {
    let (world, upstreams) = world(&[Manner::Answers]).await;
    let client = client(world.udp).await;
    let mut asked = question("www.example.com", RecordType::A, None);
    asked.metadata.recursion_desired = false;
    send(&client, &asked).await;
    let answer = receive(&client).await.expect("an answer");
    assert_eq!(answer.metadata.response_code, ResponseCode::Refused);
    assert_eq!(upstreams[0].count(), 0);
}
