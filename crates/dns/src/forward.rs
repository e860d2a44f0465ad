//! Asks others: the same question once at a time, each server for a while, and remembers what they say.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::Record;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::answer::Reply;
use crate::cache::{ANSWER_BYTES_MAX, Answer, Cache, Key};
use crate::message::UDP_MAX;
use crate::upstreams::Upstreams;

/// How long one server may take, each time it is asked.
const PATIENCE: Duration = Duration::from_millis(1200);
/// How often each server is asked.
const ROUNDS: usize = 2;
/// How long all of it may take: clients ask again, or give up, after five seconds.
const DEADLINE: Duration = Duration::from_millis(4800);
/// Questions that others are asked at one time; there is a socket for each.
const ASKED_MAX: usize = 512;

/// Who asks others.
pub struct Forwarder {
    upstreams: Upstreams,
    cache: Mutex<Cache>,
    asked: Mutex<HashMap<Key, watch::Receiver<Option<Arc<Answer>>>>>,
}

/// An answer of a server, and how long it was.
struct Heard {
    message: Message,
    bytes: usize,
}

impl Forwarder {
    /// Asks those.
    pub fn new(upstreams: Upstreams) -> Arc<Self> {
        Arc::new(Self {
            upstreams,
            cache: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    /// What is remembered of a question.
    pub fn remembered(&self, key: &Key, now: Instant) -> Option<Reply> {
        let answer = self.cache.lock().get(key, now)?;
        Some(answer.reply_at(now))
    }

    /// What others answer. SERVFAIL if nobody does in time, or too much is asked at once.
    pub async fn ask(self: &Arc<Self>, key: Key) -> Reply {
        let failure = || Reply::code(ResponseCode::ServFail);
        let Some(mut answer) = self.begin(key) else {
            return failure();
        };
        let waited = timeout(DEADLINE + PATIENCE, answer.wait_for(Option::is_some)).await;
        let Ok(Ok(answer)) = waited else { return failure() };
        answer
            .as_ref()
            .map_or_else(failure, |it| it.reply_at(Instant::now()))
    }

    /// Begins to ask, unless somebody has; `None` if too much is asked.
    fn begin(self: &Arc<Self>, key: Key) -> Option<watch::Receiver<Option<Arc<Answer>>>> {
        let mut asked = self.asked.lock();
        if let Some(answer) = asked.get(&key) {
            return Some(answer.clone());
        }
        if asked.len() >= ASKED_MAX {
            return None;
        }
        let (tell, answer) = watch::channel(None);
        asked.insert(key.clone(), answer.clone());
        drop(asked);
        let forwarder = Arc::clone(self);
        // Of its own: who has asked first may not be the last who waits.
        tokio::spawn(async move {
            let (reply, bytes) = forwarder.question_servers(&key).await;
            let answer = Arc::new(Answer::new(reply, Instant::now()));
            if bytes <= ANSWER_BYTES_MAX {
                forwarder.cache.lock().put(key.clone(), Arc::clone(&answer));
            }
            forwarder.asked.lock().remove(&key);
            tell.send_replace(Some(answer));
        });
        Some(answer)
    }

    /// Asks one server after the other.
    async fn question_servers(&self, key: &Key) -> (Reply, usize) {
        let mut last = (Reply::code(ResponseCode::ServFail), 0);
        let asking = async {
            let servers = self.upstreams.servers(Instant::now());
            for server in std::iter::repeat_n(servers, ROUNDS).flatten() {
                match timeout(PATIENCE, question(server, key)).await {
                    Ok(Ok(heard)) => {
                        let code = heard.message.metadata.response_code;
                        last = (reply(heard.message), heard.bytes);
                        if matches!(code, ResponseCode::NoError | ResponseCode::NXDomain) {
                            return;
                        }
                    }
                    Ok(Err(error)) => tracing::debug!(%server, %error, "a name server does not answer"),
                    Err(_) => tracing::debug!(%server, "a name server does not answer in time"),
                }
            }
        };
        // What was heard until then counts.
        let _in_time = timeout(DEADLINE, asking).await;
        last
    }
}

fn reply(message: Message) -> Reply {
    Reply {
        code: message.metadata.response_code,
        is_authoritative: false,
        answers: message.answers,
        authorities: message.authorities,
        additionals: message.additionals,
        rest: None,
    }
}

/// Asks a server: over UDP, and if the answer is too long for that, over TCP.
async fn question(server: SocketAddr, key: &Key) -> io::Result<Heard> {
    let mut message = Message::new(rand::random(), MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.queries = vec![Query::query(key.0.clone(), key.1)];
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_MAX);
    message.edns = Some(edns);
    let bytes = message.to_vec().map_err(io::Error::other)?;
    let heard = over_udp(server, &message, &bytes).await?;
    match heard.message.metadata.truncation {
        true => over_tcp(server, &message, &bytes).await,
        false => Ok(heard),
    }
}

/// From a port of its own, so that whoever wants to answer in another's place has to guess it beside the id.
async fn over_udp(server: SocketAddr, asked: &Message, bytes: &[u8]) -> io::Result<Heard> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(bytes).await?;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let count = socket.recv(&mut buffer).await?;
        let heard = buffer.get(..count).and_then(|it| answer_to(asked, it));
        if let Some(heard) = heard {
            return Ok(heard);
        }
    }
}

async fn over_tcp(server: SocketAddr, asked: &Message, bytes: &[u8]) -> io::Result<Heard> {
    let mut stream = TcpStream::connect(server).await?;
    let count = u16::try_from(bytes.len()).map_err(io::Error::other)?;
    let framed = [&count.to_be_bytes(), bytes].concat();
    stream.write_all(&framed).await?;
    let count = stream.read_u16().await?;
    let mut buffer = vec![0; usize::from(count)];
    stream.read_exact(&mut buffer).await?;
    answer_to(asked, &buffer).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The answer, if it is one to this question. Records of other classes are none of ours.
fn answer_to(asked: &Message, bytes: &[u8]) -> Option<Heard> {
    let mut message = Message::from_vec(bytes).ok()?;
    let is_ours = message.metadata.id == asked.metadata.id
        && message.metadata.message_type == MessageType::Response
        && (message.queries == asked.queries || message.queries.is_empty());
    let own_class = |it: &Record| it.dns_class == hickory_proto::rr::DNSClass::IN;
    message.answers.retain(own_class);
    message.authorities.retain(own_class);
    message.additionals.retain(own_class);
    is_ours.then_some(Heard {
        message,
        bytes: bytes.len(),
    })
}
