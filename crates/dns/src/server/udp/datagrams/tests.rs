//! Calls that take and send many.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use super::*;

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let in_time = socket.set_read_timeout(Some(Duration::from_secs(10)));
    in_time.expect("a deadline");
    socket
}

fn client(number: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, number)
}

/// Answers to so many clients, each of one byte.
fn outbox(count: u8) -> Outbox {
    let mut outbox = Outbox::new();
    for number in 0..count {
        outbox.put(client(number.into()), |out| out.push(number));
    }
    outbox
}

fn numbers(bytes: &[u8], answers: &[Answer]) -> Vec<u8> {
    let all = answers.iter().map(|it| {
        assert_eq!(
            it.client.port(),
            u16::from(bytes[it.start]),
            "each to its own client"
        );
        assert_eq!(it.end, it.start + 1);
        bytes[it.start]
    });
    all.collect()
}

#[test]
fn what_waits_is_taken_many_at_a_time_and_answers_go_where_questions_came_from() {
    let (server, clients) = (socket(), [socket(), socket()]);
    let to = server.local_addr().expect("an address");
    for number in 0..40_u8 {
        let client = &clients[usize::from(number % 2)];
        client.send_to(&[number; 3], to).expect("sent");
    }
    let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
    let mut taken = 0;
    for (count, may_have_more) in [(DATAGRAMS, true), (40 - DATAGRAMS, false)] {
        assert_eq!(inbox.receive(&server).expect("received"), may_have_more);
        assert_eq!(inbox.datagrams().count(), count);
        for (bytes, client) in inbox.datagrams() {
            assert_eq!(bytes, [taken; 3]);
            outbox.put(client, |out| out.extend([taken, 1]));
            taken += 1;
        }
    }
    let nothing = inbox.receive(&server).expect_err("nothing more waits");
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    assert_eq!(inbox.datagrams().count(), 0);
    outbox.send(&server).expect("sent");
    let mut room = [0; 8];
    for number in 0..40_u8 {
        let count = clients[usize::from(number % 2)]
            .recv(&mut room)
            .expect("an answer");
        assert_eq!(room[..count], [number, 1]);
    }
}

#[test]
fn a_question_is_cut_rather_than_mixed_with_the_next() {
    let (server, client) = (socket(), socket());
    let to = server.local_addr().expect("an address");
    for (byte, length) in [(1, QUESTION_MAX + 1), (2, 3), (3, 0), (4, QUESTION_MAX)] {
        client.send_to(&vec![byte; length], to).expect("sent");
    }
    let mut inbox = Inbox::new();
    inbox.receive(&server).expect("received");
    let taken: Vec<Vec<u8>> = inbox.datagrams().map(|it| it.0.to_vec()).collect();
    assert_eq!(
        taken,
        [
            vec![1; QUESTION_MAX],
            vec![2; 3],
            Vec::new(),
            vec![4; QUESTION_MAX]
        ]
    );
}

#[test]
fn those_who_may_not_ask_are_left_out() {
    let (server, clients) = (socket(), [socket(), socket()]);
    let to = server.local_addr().expect("an address");
    for client in [&clients[0], &clients[1], &clients[0]] {
        client.send_to(b"?", to).expect("sent");
    }
    let mut inbox = Inbox::new();
    inbox.receive(&server).expect("received");
    let port = clients[1].local_addr().expect("an address").port();
    inbox.retain(|it| it.port() == port);
    assert_eq!(
        inbox.datagrams().map(|it| it.1.port()).collect::<Vec<_>>(),
        [port]
    );
}

#[test]
fn the_rest_stays_while_there_is_no_room() {
    let mut outbox = outbox(100);
    let mut sent = Vec::new();
    let mut room = 50;
    let mut call = |bytes: &[u8], answers: &[Answer]| {
        assert!(answers.len() <= DATAGRAMS);
        let count = answers.len().min(room);
        if count == 0 {
            room = 100;
            return Err(ErrorKind::WouldBlock.into());
        }
        room -= count;
        sent.extend(numbers(bytes, &answers[..count]));
        Ok(count)
    };
    let full = outbox.send_with(&mut call).expect_err("there is no room");
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    outbox.send_with(&mut call).expect("sent");
    assert_eq!(sent, (0..100).collect::<Vec<u8>>(), "each once, in order");
    outbox
        .send_with(|_, _| panic!("nothing is left"))
        .expect("nothing to send");
}

#[test]
fn one_that_cannot_be_sent_does_not_hold_up_others() {
    let mut outbox = outbox(10);
    let mut sent = Vec::<u8>::new();
    let mut calls = 0;
    let all = outbox.send_with(|bytes, answers| {
        calls += 1;
        let numbers = numbers(bytes, answers);
        match numbers.iter().position(|it| it % 4 == 3) {
            Some(0) => Err(ErrorKind::PermissionDenied.into()),
            _ if calls == 1 => Err(ErrorKind::Interrupted.into()),
            until => {
                let count = until.unwrap_or(numbers.len());
                sent.extend(&numbers[..count]);
                Ok(count)
            }
        }
    });
    all.expect("sent");
    assert_eq!(sent, [0, 1, 2, 4, 5, 6, 8, 9]);
}
