//! What is answered out of what is known, and to whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use domain::served_names::{NamesMessage, ServedVpc};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::fixture::*;

#[tokio::test]
async fn names_are_answered_and_changes_are_in_force_at_once() {
    let world = World::new(10_000, Vec::new());
    world.tell(3);
    assert_eq!(
        addresses(&world.ask("web.shop.test", RecordType::A).await).len(),
        3
    );
    world.tell(1);
    let answer = world.ask("web.shop.test", RecordType::A).await;
    assert_eq!(addresses(&answer), ["10.0.0.0"]);
    assert!(answer.metadata.authoritative && answer.metadata.recursion_available);
    let denied = world.ask("nobody.shop.test", RecordType::A).await;
    assert_eq!(denied.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(denied.authorities[0].record_type(), RecordType::SOA);
}

#[tokio::test]
async fn what_is_too_long_for_a_packet_comes_over_a_connection() {
    let world = World::new(10_000, Vec::new());
    world.tell(1);
    let client = client(world.udp).await;
    for (payload, answered, is_cut) in [(None, 4, true), (Some(1232), 8, false)] {
        let asked = question("ports.shop.test", RecordType::SRV, payload);
        send(&client, &asked).await;
        let answer = receive(&client).await.expect("an answer");
        assert_eq!(
            (answer.answers.len(), answer.metadata.truncation),
            (answered, is_cut)
        );
    }
    let mut stream = TcpStream::connect(world.tcp).await.expect("connected");
    for _ in 0..3 {
        let asked = question("ports.shop.test", RecordType::SRV, None);
        let answer = ask_over(&mut stream, &asked).await.expect("an answer");
        assert_eq!((answer.answers.len(), answer.metadata.truncation), (8, false));
        assert_eq!(answer.metadata.id, asked.metadata.id);
    }
}

#[tokio::test]
async fn garbage_is_refused_and_harms_nobody() {
    let world = World::new(10_000, Vec::new());
    world.tell(1);
    let client = client(world.udp).await;
    for length in [0, 1, 11, 12, 13, 100, 1400] {
        client.send(&vec![0x55; length]).await.expect("sent");
    }
    // Those with a header are told so.
    let answer = receive(&client).await.expect("an answer");
    assert_ne!(answer.metadata.response_code, ResponseCode::NoError);
    let mut stream = TcpStream::connect(world.tcp).await.expect("connected");
    stream.write_all(&[0, 3, 1, 2, 3]).await.expect("sent");
    let closed = timeout(DEADLINE, stream.read_u8()).await.expect("in time");
    assert!(closed.is_err());
    assert_eq!(
        addresses(&world.ask("web.shop.test", RecordType::A).await).len(),
        1
    );
}

#[tokio::test]
async fn strangers_are_not_answered() {
    let world = World::in_range("10.0.0.0/8", 10_000, Vec::new());
    world.tell(1);
    let client = client(world.udp).await;
    send(&client, &question("web.shop.test", RecordType::A, None)).await;
    let mut buffer = [0; 512];
    assert!(timeout(SILENCE, client.recv(&mut buffer)).await.is_err());
    let mut stream = TcpStream::connect(world.tcp).await.expect("connected");
    let asked = question("web.shop.test", RecordType::A, None);
    assert!(ask_over(&mut stream, &asked).await.is_none());
}

#[tokio::test]
async fn the_ranges_that_are_told_decide_who_is_answered() {
    let world = World::new(10_000, Vec::new());
    world.tell(1);
    let client = client(world.udp).await;
    for (cidrs, is_answered) in [(vec!["127.0.0.0/16"], true), (Vec::new(), false)] {
        world.resolver.tell(NamesMessage {
            vpcs: vec![ServedVpc {
                id: "vpc-1".to_owned(),
                cidrs: cidrs.iter().map(|it| it.parse().expect("a range")).collect(),
                internal_domain: "ec2.internal".to_owned(),
            }],
            ..NamesMessage::default()
        });
        send(&client, &question("web.shop.test", RecordType::A, None)).await;
        let mut buffer = [0; 512];
        let answered = timeout(SILENCE, client.recv(&mut buffer)).await.is_ok();
        assert_eq!(answered, is_answered, "{cidrs:?}");
    }
}

#[tokio::test]
async fn who_asks_too_much_is_dropped_and_others_are_answered() {
    let world = World::new(100, Vec::new());
    world.tell(1);
    let greedy = client(world.udp).await;
    let asked = question("web.shop.test", RecordType::A, None);
    let began = Instant::now();
    for _ in 0..400 {
        send(&greedy, &asked).await;
    }
    // 127.0.0.2 is another client.
    let other = tokio::net::UdpSocket::bind("127.0.0.2:0").await.expect("a port");
    other.connect(world.udp).await.expect("connected");
    send(&other, &asked).await;
    assert!(receive(&other).await.is_some());
    let mut answered = 0;
    let mut buffer = [0; 512];
    while timeout(SILENCE, greedy.recv(&mut buffer)).await.is_ok() {
        answered += 1;
    }
    let most = 100.0 + 100.0 * began.elapsed().as_secs_f64();
    assert!(
        answered > 0 && f64::from(answered) <= most,
        "{answered} of {most}"
    );
}

#[tokio::test]
async fn of_many_that_wait_each_is_answered_and_what_is_none_harms_no_other() {
    let world = World::new(10_000, Vec::new());
    world.tell(1);
    // Nobody answers before this test waits: all of it waits together.
    let clients = [(); 2].map(|()| std::net::UdpSocket::bind("127.0.0.1:0").expect("a port"));
    let mut asked = [Vec::new(), Vec::new()];
    for number in 0..45_u16 {
        let place = usize::from(number % 2);
        let (name, kind) = match number % 3 {
            0 => ("web.shop.test", RecordType::A),
            1 => ("nobody.shop.test", RecordType::A),
            _ => ("ports.shop.test", RecordType::SRV),
        };
        let mut message = question(name, kind, Some(1232));
        message.metadata.id = number;
        let bytes = message.to_vec().expect("it fits");
        clients[place].send_to(&bytes, world.udp).expect("sent");
        clients[place].send_to(&bytes[..9], world.udp).expect("sent");
        // An answer, which is not answered, and a question that is cut.
        let is_answer = [&bytes[..2], &[0x80], &bytes[3..]].concat();
        clients[place].send_to(&is_answer, world.udp).expect("sent");
        clients[place]
            .send_to(&[&[0xff], &bytes[1..20]].concat(), world.udp)
            .expect("sent");
        asked[place].push((number, name));
    }
    for (client, asked) in clients.into_iter().zip(asked) {
        client.set_nonblocking(true).expect("set");
        let client = tokio::net::UdpSocket::from_std(client).expect("a socket");
        for (number, name) in asked {
            let answer = receive(&client).await.expect("an answer");
            assert_eq!((answer.metadata.id, answer.queries.len()), (number, 1));
            assert_eq!(answer.queries[0].name.to_string(), format!("{name}."));
            let refused = receive(&client).await.expect("a refusal");
            let (id, code) = (refused.metadata.id, refused.metadata.response_code);
            assert_eq!((id, code), (0xff00 | number, ResponseCode::FormErr));
        }
        let mut buffer = [0; 512];
        assert!(timeout(SILENCE, client.recv(&mut buffer)).await.is_err());
    }
}

#[tokio::test]
async fn others_are_answered_while_one_asks_without_end() {
    let world = World::new(100, Vec::new());
    world.tell(1);
    let (stop, to) = (Arc::new(AtomicBool::new(false)), world.udp);
    let sent = Arc::new(AtomicU32::new(0));
    let bytes = question("web.shop.test", RecordType::A, None)
        .to_vec()
        .expect("it fits");
    let greedy = std::thread::spawn({
        let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
        move || {
            let socket = std::net::UdpSocket::bind("127.0.0.3:0").expect("a port");
            while !stop.load(Ordering::Relaxed) {
                let is_sent = socket.send_to(&bytes, to).is_ok();
                sent.fetch_add(is_sent.into(), Ordering::Relaxed);
            }
        }
    });
    let flooded = async {
        while sent.load(Ordering::Relaxed) <= 1000 {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, flooded).await.expect("it asks without end");
    // A full queue loses what comes, of whomever: so do these, and ask again, as resolvers do.
    let mut stream = TcpStream::connect(world.tcp).await.expect("connected");
    for _ in 0..20 {
        let asked = question("web.shop.test", RecordType::A, None);
        assert!(ask_over(&mut stream, &asked).await.is_some());
        let client = client(world.udp).await;
        let mut buffer = [0; 512];
        let mut tries = 0;
        loop {
            send(&client, &asked).await;
            if timeout(SILENCE, client.recv(&mut buffer)).await.is_ok() {
                break;
            }
            tries += 1;
            assert!(tries < 20, "nobody else is answered");
        }
    }
    stop.store(true, Ordering::Relaxed);
    greedy.join().expect("it ends");
}

#[tokio::test]
async fn one_client_does_not_get_all_connections() {
    let world = World::new(10_000, Vec::new());
    world.tell(1);
    let asked = question("web.shop.test", RecordType::A, None);
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(world.tcp).await.expect("connected");
        match ask_over(&mut stream, &asked).await {
            Some(_) => held.push(stream),
            None => refused += 1,
        }
    }
    assert_eq!((held.len(), refused), (16, 4));
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket
        .bind("127.0.0.2:0".parse().expect("an address"))
        .expect("bound");
    let mut other = socket.connect(world.tcp).await.expect("connected");
    assert!(ask_over(&mut other, &asked).await.is_some());
}

#[tokio::test]
async fn sockets_can_be_served_by_the_next_one() {
    let world = World::new(10_000, Vec::new());
    world.tell(1);
    assert!(receive_one(&world).await);
    let mut served = world.resolver.served().expect("copied");
    let (site, sockets) = served.pop().expect("one VPC");
    world.resolver.leave("vpc-1");
    let next = World::new(10_000, Vec::new());
    // What arrives in between waits.
    let client = client(world.udp).await;
    send(&client, &question("web.shop.test", RecordType::A, None)).await;
    next.resolver.leave("vpc-1");
    next.tell(1);
    next.resolver.serve(site, sockets).expect("served");
    assert!(receive(&client).await.is_some());
}

async fn receive_one(world: &World) -> bool {
    !addresses(&world.ask("web.shop.test", RecordType::A).await).is_empty()
}
