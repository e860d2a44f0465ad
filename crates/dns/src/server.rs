//! Serves VPCs: each with sockets of its own, which somebody else has opened in there.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use domain::served_names::NamesMessage;
use domain::vpc::Cidr;
use hickory_proto::op::ResponseCode;
use parking_lot::{Mutex, RwLock};
use rustix::net::SocketType;
use tokio_util::sync::CancellationToken;

use crate::answer::{Reply, look_up};
use crate::cache::Key;
use crate::forward::Forwarder;
use crate::limit::Limit;
use crate::message::{self, Question, Request};
use crate::names::Names;
use crate::shares::{Share, Shares};
use crate::upstreams::Upstreams;

mod tcp;
mod udp;

/// Questions of one client that others are asked at one time, and of all of a VPC.
const ASKED_MAX: (usize, usize) = (64, 512);
/// Connections of one client at one time, and of all of a VPC.
const CONNECTIONS_MAX: (usize, usize) = (16, 256);

/// How a resolver works.
#[derive(Debug)]
pub struct Settings {
    /// What one client may ask; more is dropped.
    pub queries_per_second: u32,
    /// Who is asked for what is not known here.
    pub upstreams: Upstreams,
}

/// A VPC to serve.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// `vpc-…`
    pub vpc_id: String,
    /// Who has an address in there is answered, until it is told what ranges the VPC has.
    pub cidr: Cidr,
}

/// Why sockets cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// One of them is none that can be served.
    #[error("a socket cannot be used: {0}")]
    Socket(#[from] io::Error),
}

/// The resolvers of a host. Needs a tokio runtime; ends with it.
pub struct Resolver {
    shared: Arc<Shared>,
    open: Mutex<BTreeMap<String, Open>>,
}

struct Open {
    site: Site,
    sockets: Vec<OwnedFd>,
    stop: CancellationToken,
}

/// What all VPCs share.
struct Shared {
    names: RwLock<Names>,
    forwarder: Arc<Forwarder>,
    queries_per_second: u32,
}

impl Resolver {
    /// Serves nobody yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            shared: Arc::new(Shared {
                names: RwLock::default(),
                forwarder: Forwarder::new(settings.upstreams),
                queries_per_second: settings.queries_per_second,
            }),
            open: Mutex::default(),
        }
    }

    /// What is told is in force when this returns.
    pub fn tell(&self, message: NamesMessage) {
        if !message.is_whole {
            self.shared.names.write().apply(message);
            return;
        }
        // Made beside the one that answers meanwhile.
        let mut names = Names::default();
        names.apply(message);
        *self.shared.names.write() = names;
    }

    /// Serves a VPC through sockets, UDP ones and TCP ones that listen; in the place of others that it had.
    ///
    /// # Errors
    /// [`ServeError`]; what was served before is served on.
    pub fn serve(&self, site: Site, sockets: Vec<OwnedFd>) -> Result<(), ServeError> {
        let now = Instant::now();
        let place = Arc::new(Place {
            shared: Arc::clone(&self.shared),
            limit: Mutex::new(Limit::new(self.shared.queries_per_second, now)),
            asked: Shares::new(ASKED_MAX.0, ASKED_MAX.1),
            connections: Shares::new(CONNECTIONS_MAX.0, CONNECTIONS_MAX.1),
            site: site.clone(),
        });
        let (mut packets, mut listeners) = (Vec::new(), Vec::new());
        for socket in &sockets {
            let copy = socket.try_clone()?;
            match rustix::net::sockopt::socket_type(socket).map_err(io::Error::from)? {
                SocketType::DGRAM => packets.push(udp::open(UdpSocket::from(copy))?),
                SocketType::STREAM => listeners.push(tcp::open(TcpListener::from(copy))?),
                other => return Err(io::Error::other(format!("type {other:?}")).into()),
            }
        }
        let stop = CancellationToken::new();
        for socket in packets {
            let serving = udp::serve(Arc::clone(&place), socket);
            tokio::spawn(stop.clone().run_until_cancelled_owned(serving));
        }
        for listener in listeners {
            let serving = tcp::serve(Arc::clone(&place), listener, stop.clone());
            tokio::spawn(stop.clone().run_until_cancelled_owned(serving));
        }
        let open = Open { site, sockets, stop };
        let before = self.open.lock().insert(open.site.vpc_id.clone(), open);
        if let Some(before) = before {
            before.stop.cancel();
        }
        Ok(())
    }

    /// Serves a VPC no more. One that is not served is no error.
    pub fn leave(&self, vpc_id: &str) {
        if let Some(open) = self.open.lock().remove(vpc_id) {
            open.stop.cancel();
        }
    }

    /// The VPCs that are served, and their sockets for whoever serves them next.
    ///
    /// # Errors
    /// There are too many open files.
    pub fn served(&self) -> io::Result<Vec<(Site, Vec<OwnedFd>)>> {
        let open = self.open.lock();
        let copied = open.values().map(|it| {
            let sockets = it.sockets.iter().map(OwnedFd::try_clone);
            Ok((it.site.clone(), sockets.collect::<io::Result<_>>()?))
        });
        copied.collect()
    }
}

/// A VPC that is served.
struct Place {
    shared: Arc<Shared>,
    site: Site,
    limit: Mutex<Limit>,
    asked: Arc<Shares>,
    connections: Arc<Shares>,
}

/// What becomes of a packet.
enum Step {
    /// This is the answer.
    Answer(Vec<u8>),
    /// Others have to be asked.
    Ask(Box<Pending>),
    /// Nothing.
    Nothing,
}

/// A question that others have to be asked.
struct Pending {
    question: Question,
    limit: u16,
    key: Key,
    /// The aliases that lead to what is asked.
    aliases: Reply,
    _share: Share,
}

/// How an answer travels.
#[derive(Clone, Copy)]
enum Transport {
    Udp,
    Tcp,
}

impl Place {
    /// The client, if it may ask: it is of this VPC, and has not asked too much.
    fn admitted(&self, client: IpAddr) -> Option<Ipv4Addr> {
        let client = self.own(client)?;
        self.limit.lock().take(client, Instant::now()).then_some(client)
    }

    /// The client, if it is of this VPC: nobody else is answered, whatever address was forged.
    fn own(&self, client: IpAddr) -> Option<Ipv4Addr> {
        let IpAddr::V4(client) = client else { return None };
        let names = self.shared.names.read();
        let is_own = match names.vpc(&self.site.vpc_id) {
            Some(vpc) => vpc.has(client),
            None => self.site.cidr.contains(client),
        };
        is_own.then_some(client)
    }

    fn step(&self, packet: &[u8], client: Ipv4Addr, transport: Transport) -> Step {
        let question = match message::read(packet) {
            Request::Question(question) => *question,
            Request::Refused(answer) => return Step::Answer(answer),
            Request::Nothing => return Step::Nothing,
        };
        let limit = match transport {
            Transport::Udp => question.udp_limit(),
            Transport::Tcp => message::TCP_MAX,
        };
        let (name, kind) = (&question.query.name, question.query.query_type);
        let found = look_up(
            &self.shared.names.read(),
            &self.site.vpc_id,
            name,
            kind,
            &mut rand::rng(),
        );
        let (key, aliases) = match found {
            None => ((name.clone(), kind), Reply::default()),
            Some(mut reply) => match reply.rest.take() {
                None => return Step::Answer(message::write(&question, reply, limit)),
                Some(rest) => ((rest, kind), reply),
            },
        };
        if let Some(rest) = self.shared.forwarder.remembered(&key, Instant::now()) {
            return Step::Answer(message::write(&question, joined(aliases, rest), limit));
        }
        let refused = |code| Step::Answer(message::write(&question, Reply::code(code), limit));
        if !question.is_recursion_desired {
            return refused(ResponseCode::Refused);
        }
        let Some(share) = self.asked.take(client) else {
            return refused(ResponseCode::ServFail);
        };
        Step::Ask(Box::new(Pending {
            question,
            limit,
            key,
            aliases,
            _share: share,
        }))
    }

    /// Asks others, within a deadline.
    async fn finish(&self, pending: Pending) -> Vec<u8> {
        let rest = self.shared.forwarder.ask(pending.key).await;
        message::write(&pending.question, joined(pending.aliases, rest), pending.limit)
    }
}

/// Our aliases with what others say of their end.
fn joined(mut aliases: Reply, mut rest: Reply) -> Reply {
    aliases.answers.append(&mut rest.answers);
    rest.answers = aliases.answers;
    rest
}
