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
use rand::rngs::ThreadRng;
use rustix::net::SocketType;
use tokio_util::sync::CancellationToken;

use crate::answer::{Reply, look_up};
use crate::cache::Key;
use crate::forward::Forwarder;
use crate::limit::Limit;
use crate::message::{self, Question, Request};
use crate::names::{Names, Vpc};
use crate::plain;
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
    /// `vpc-…`, or [`HOST`](domain::served_names::HOST).
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
    /// It is answered, and the answer written.
    Answered,
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

/// What packets are answered out of; the same for all that are answered at one time.
struct Turn<'a> {
    names: &'a Names,
    now: Instant,
    dice: ThreadRng,
}

impl<'a> Turn<'a> {
    /// One that begins now.
    fn new(names: &'a Names) -> Self {
        Self {
            names,
            now: Instant::now(),
            dice: rand::rng(),
        }
    }
}

impl Place {
    /// Lets somebody ask which clients may ask once more: those of this VPC that have not asked too much. Each that is
    /// told that it may has asked.
    fn admit(&self, turn: &Turn<'_>, ask: impl FnOnce(&mut dyn FnMut(Ipv4Addr) -> bool)) {
        let vpc = turn.names.vpc(&self.site.vpc_id);
        let mut limit = self.limit.lock();
        ask(&mut |client| self.is_own(vpc, client) && limit.take(client, turn.now));
    }

    /// The address of a client, if it is of this VPC.
    fn own(&self, client: IpAddr) -> Option<Ipv4Addr> {
        let IpAddr::V4(client) = client else { return None };
        let names = self.shared.names.read();
        self.is_own(names.vpc(&self.site.vpc_id), client)
            .then_some(client)
    }

    /// Whether a client is of this VPC: nobody else is answered, whatever address was forged.
    fn is_own(&self, vpc: Option<&Vpc>, client: Ipv4Addr) -> bool {
        match vpc {
            Some(vpc) => vpc.has(client),
            None => self.site.cidr.contains(client),
        }
    }

    /// Appends the answer to a packet, unless others have to be asked or there is none.
    fn step(
        &self,
        turn: &mut Turn<'_>,
        packet: &[u8],
        client: Ipv4Addr,
        transport: Transport,
        out: &mut Vec<u8>,
    ) -> Step {
        let vpc_id = &self.site.vpc_id;
        let Turn { names, now, dice } = turn;
        if let Some(plain) = plain::read(packet) {
            let limit = transport.limit(plain.udp_limit());
            if plain.answer(names, vpc_id, limit, dice, out) {
                return Step::Answered;
            }
        }
        let question = match message::read(packet) {
            Request::Question(question) => *question,
            Request::Refused(answer) => return answered(&answer, out),
            Request::Nothing => return Step::Nothing,
        };
        let limit = transport.limit(question.udp_limit());
        let (name, kind) = (&question.query.name, question.query.query_type);
        let (key, aliases) = match look_up(names, vpc_id, name, kind, dice) {
            None => ((name.clone(), kind), Reply::default()),
            Some(reply) => match &reply.rest {
                None => return answered(&message::write(&question, reply, limit), out),
                Some(rest) => ((rest.name.clone(), rest.kind), reply),
            },
        };
        if let Some(rest) = self.shared.forwarder.remembered(&key, *now) {
            return answered(&message::write(&question, joined(aliases, rest), limit), out);
        }
        let refused = |code| message::write(&question, Reply::code(code), limit);
        if !question.is_recursion_desired {
            return answered(&refused(ResponseCode::Refused), out);
        }
        let Some(share) = self.asked.take(client) else {
            return answered(&refused(ResponseCode::ServFail), out);
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

impl Transport {
    /// How long an answer may be to a client that takes so much over UDP.
    fn limit(self, over_udp: u16) -> u16 {
        match self {
            Self::Udp => over_udp,
            Self::Tcp => message::TCP_MAX,
        }
    }
}

fn answered(answer: &[u8], out: &mut Vec<u8>) -> Step {
    out.extend_from_slice(answer);
    Step::Answered
}

/// Our aliases with what others say of their end.
fn joined(mut aliases: Reply, mut rest: Reply) -> Reply {
    aliases.answers.append(&mut rest.answers);
    rest.answers = aliases.answers;
    match aliases.rest.and_then(|it| it.alias) {
        Some(alias) => alias.answered(rest),
        None => rest,
    }
}
