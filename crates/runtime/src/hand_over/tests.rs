//! Sockets that change their process.

use std::net::{TcpListener, TcpStream, UdpSocket};

use super::*;

#[test]
fn sockets_and_what_is_served_arrive_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let addresses = [listener.local_addr(), datagrams.local_addr()].map(|it| it.expect("an address"));
    // more than the kernel takes in one message, and than the buffer of a socket holds
    let copies = (0..300).map(|_| listener.try_clone().expect("a copy").into());
    let sockets = copies.chain([datagrams.into()]).collect();
    let served = vec![b'x'; 1 << 20];
    let (mut here, mut there) = UnixStream::pair().expect("a pair");
    let sender = std::thread::spawn(move || {
        HandOver { sockets, served }.send(&mut here).expect("sent");
        confirmed(&mut here)
    });
    let mut got = HandOver::receive(&mut there).expect("all of it");
    confirm(&mut there).expect("said");
    sender.join().expect("no panic").expect("confirmed");
    assert_eq!(got.served.len(), 1 << 20);
    assert_eq!(got.sockets.len(), 301);
    let last = UdpSocket::from(got.sockets.pop().expect("the last one"));
    assert_eq!(last.local_addr().expect("an address"), addresses[1]);
    // the listener lives on in the copies
    drop(listener);
    TcpStream::connect(addresses[0]).expect("it listens");
    let listener = TcpListener::from(got.sockets.pop().expect("one more"));
    listener.accept().expect("the connection that waited");
}

#[test]
fn one_that_is_not_whole_is_none() {
    for said in [&b""[..], b"s", b"{\"x\":1}"] {
        let (mut here, mut there) = UnixStream::pair().expect("a pair");
        here.write_all(said).expect("said");
        drop(here);
        assert!(HandOver::receive(&mut there).is_err(), "{said:?}");
    }
    let (here, mut there) = UnixStream::pair().expect("a pair");
    drop(here);
    assert!(confirmed(&mut there).is_err());
}
