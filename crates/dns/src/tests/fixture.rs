//! A resolver on free ports of loopback, clients, and somebody else who answers.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::cloud_map::RoutingPolicy;
use domain::served_names::{
    NameKey, NamesMessage, RecordSet, SeenBy, ServedName, ServedRecord, ServedZone, UnknownNames,
};
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::{Resolver, Settings, Site, Upstreams};

/// Longer than anything takes that does happen.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// How long it is waited for what does not happen.
pub const SILENCE: Duration = Duration::from_millis(200);

/// A resolver of one VPC, whose range is loopback.
pub struct World {
    pub resolver: Resolver,
    pub udp: SocketAddr,
    pub tcp: SocketAddr,
}

impl World {
    pub fn new(queries_per_second: u32, upstreams: Vec<SocketAddr>) -> Self {
        Self::in_range("127.0.0.0/8", queries_per_second, upstreams)
    }

    pub fn in_range(cidr: &str, queries_per_second: u32, upstreams: Vec<SocketAddr>) -> Self {
        let resolver = Resolver::new(Settings {
            queries_per_second,
            upstreams: Upstreams::These(upstreams),
        });
        let packets = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let (udp, tcp) = (packets.local_addr(), listener.local_addr());
        let site = Site {
            vpc_id: "vpc-1".to_owned(),
            cidr: cidr.parse().expect("a range"),
        };
        let sockets: Vec<OwnedFd> = vec![packets.into(), listener.into()];
        resolver.serve(site, sockets).expect("served");
        Self {
            resolver,
            udp: udp.expect("an address"),
            tcp: tcp.expect("an address"),
        }
    }

    /// `web.shop.test` has so many addresses.
    pub fn tell(&self, addresses: u8) {
        let records = (0..addresses).map(|it| ServedRecord::A(Ipv4Addr::new(10, 0, 0, it)));
        let port = |it: u8| ServedRecord::Srv {
            priority: 1,
            weight: 1,
            port: 80,
            target: format!("{it:02}-{}.web.shop.test", "x".repeat(55)),
        };
        let name = |name: &str, records| ServedName {
            key: NameKey {
                zone: "ns".to_owned(),
                name: name.to_owned(),
            },
            sets: vec![RecordSet {
                ttl_seconds: 5,
                routing: RoutingPolicy::Multivalue,
                records,
                alias_of: None,
            }],
        };
        self.resolver.tell(NamesMessage {
            is_whole: true,
            zones: vec![ServedZone {
                id: "ns".to_owned(),
                origin: "shop.test".to_owned(),
                vpcs: SeenBy::These(vec!["vpc-1".to_owned()]),
                unknown: UnknownNames::Denied,
                negative_ttl_seconds: 15,
            }],
            names: vec![
                name("web.shop.test", records.collect()),
                name("ports.shop.test", (0..8).map(port).collect()),
                name(
                    "out.shop.test",
                    vec![ServedRecord::Cname("www.example.com".to_owned())],
                ),
            ],
            ..NamesMessage::default()
        });
    }

    /// Asks over UDP from a port of its own.
    pub async fn ask(&self, name: &str, kind: RecordType) -> Message {
        let client = client(self.udp).await;
        send(&client, &question(name, kind, None)).await;
        receive(&client).await.expect("an answer")
    }
}

pub fn question(name: &str, kind: RecordType, payload: Option<u16>) -> Message {
    let mut message = Message::new(rand::random(), MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    let name = Name::from_ascii(format!("{name}.")).expect("a name");
    message.queries = vec![Query::query(name, kind)];
    message.edns = payload.map(|payload| {
        let mut edns = Edns::new();
        edns.set_max_payload(payload);
        edns
    });
    message
}

pub async fn client(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    socket.connect(server).await.expect("connected");
    socket
}

pub async fn send(client: &UdpSocket, message: &Message) {
    let bytes = message.to_vec().expect("it fits");
    client.send(&bytes).await.expect("sent");
}

/// `None` if there is no answer in a while.
pub async fn receive(client: &UdpSocket) -> Option<Message> {
    let mut buffer = vec![0; 65_535];
    let count = timeout(DEADLINE, client.recv(&mut buffer)).await.ok()?.ok()?;
    Message::from_vec(&buffer[..count]).ok()
}

/// Asks over a connection; `None` if it is closed.
pub async fn ask_over(stream: &mut TcpStream, message: &Message) -> Option<Message> {
    let bytes = message.to_vec().expect("it fits");
    let count = u16::try_from(bytes.len()).expect("it fits");
    let framed = [&count.to_be_bytes(), bytes.as_slice()].concat();
    stream.write_all(&framed).await.ok()?;
    let answer = timeout(DEADLINE, async {
        let count = stream.read_u16().await.ok()?;
        let mut buffer = vec![0; usize::from(count)];
        stream.read_exact(&mut buffer).await.ok()?;
        Message::from_vec(&buffer).ok()
    });
    answer.await.expect("in time")
}

pub fn addresses(message: &Message) -> Vec<String> {
    let addresses = message
        .answers
        .iter()
        .filter(|it| it.record_type() == RecordType::A);
    addresses.map(|it| it.data.to_string()).collect()
}

/// Somebody else who answers, and counts.
pub struct Upstream {
    pub address: SocketAddr,
    pub asked: Arc<AtomicUsize>,
}

/// How somebody else behaves.
#[derive(Clone, Copy, PartialEq)]
pub enum Manner {
    Answers,
    Denies,
    Fails,
    IsSilent,
    IsSlow(Duration),
    /// Over UDP it only says that the answer is longer.
    IsLong,
    /// First somebody else answers in its place, with another id.
    IsForged,
}

impl Upstream {
    pub async fn new(manner: Manner) -> Self {
        let (listener, socket) = loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
            let address = listener.local_addr().expect("an address");
            if let Ok(socket) = UdpSocket::bind(address).await {
                break (listener, socket);
            }
        };
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(AtomicUsize::new(0));
        tokio::spawn(packets(socket, manner, Arc::clone(&asked)));
        tokio::spawn(connections(listener));
        Self { address, asked }
    }

    pub fn count(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn packets(socket: UdpSocket, manner: Manner, asked: Arc<AtomicUsize>) {
    let mut buffer = vec![0; 4096];
    loop {
        let (count, client) = socket.recv_from(&mut buffer).await.expect("a packet");
        asked.fetch_add(1, Ordering::SeqCst);
        let question = Message::from_vec(&buffer[..count]).expect("a question");
        let mut answer = answer(&question, 1);
        match manner {
            Manner::IsSilent => continue,
            Manner::IsSlow(pause) => tokio::time::sleep(pause).await,
            Manner::Fails => {
                answer.answers.clear();
                answer.metadata.response_code = ResponseCode::ServFail;
            }
            Manner::Denies => {
                answer.answers.clear();
                answer.metadata.response_code = ResponseCode::NXDomain;
            }
            Manner::IsLong => {
                answer.answers.clear();
                answer.metadata.truncation = true;
            }
            Manner::IsForged => {
                let mut forged = answer.clone();
                forged.metadata.id = forged.metadata.id.wrapping_add(1);
                forged.answers[0].data = RData::A(A(Ipv4Addr::new(6, 6, 6, 6)));
                let bytes = forged.to_vec().expect("it fits");
                socket.send_to(&bytes, client).await.expect("sent");
            }
            Manner::Answers => {}
        }
        let bytes = answer.to_vec().expect("it fits");
        socket.send_to(&bytes, client).await.expect("sent");
    }
}

async fn connections(listener: TcpListener) {
    loop {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let count = stream.read_u16().await.expect("a length");
        let mut buffer = vec![0; usize::from(count)];
        stream.read_exact(&mut buffer).await.expect("a question");
        let question = Message::from_vec(&buffer).expect("a question");
        let bytes = answer(&question, 200).to_vec().expect("it fits");
        let count = u16::try_from(bytes.len()).expect("it fits");
        let framed = [&count.to_be_bytes(), bytes.as_slice()].concat();
        stream.write_all(&framed).await.expect("sent");
    }
}

fn answer(question: &Message, count: u8) -> Message {
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.queries.clone_from(&question.queries);
    let name = question.queries[0].name().clone();
    let record = |it| Record::from_rdata(name.clone(), 60, RData::A(A(Ipv4Addr::new(192, 0, 2, it))));
    answer.answers = (0..count).map(record).collect();
    answer
}
