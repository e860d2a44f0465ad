//! Datagrams passed on: each client's address and port is a flow that stays with a target.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::net::{SendAncillaryBuffer, SendFlags};
use tokio::net::UdpSocket;

use super::TRIES;
use super::claims::Claim;
use super::flow::{self, Chosen};
use super::proxy_protocol::{self, Transport};
use crate::pump::Watch;
use crate::site::{Serving, Site};
use crate::upstream::client_socket;

/// A flow on which nothing comes for this long is over, as on Amazon.
const IDLE: Duration = Duration::from_secs(120);
/// The longest datagram, in bytes.
const DATAGRAM: usize = 65_535;

thread_local! {
    static ROOM: RefCell<Box<[u8; DATAGRAM]>> = RefCell::new(Box::new([0; DATAGRAM]));
}

/// A client's flow: the socket towards its target.
struct Flow {
    socket: UdpSocket,
    watch: Watch,
    /// What comes before the first datagram: who the client is, if the target is to be told.
    header: Mutex<Option<Vec<u8>>>,
    /// If the target sees the client's address.
    _claim: Option<Claim>,
}

type Flows = Arc<Mutex<HashMap<SocketAddr, Arc<Flow>>>>;

/// Serves a socket until its site closes.
pub(crate) async fn serve(site: Arc<Site>, socket: Arc<UdpSocket>) {
    let flows: Flows = Arc::default();
    loop {
        let readable = tokio::select! {
            biased;
            () = site.closed.cancelled() => return,
            readable = socket.readable() => readable,
        };
        if readable.is_err() {
            return;
        }
        receive(&site, &socket, &flows);
        // a flood must not keep flows from being served
        tokio::task::yield_now().await;
    }
}

/// Passes on what has come, up to a number.
fn receive(site: &Arc<Site>, socket: &Arc<UdpSocket>, flows: &Flows) {
    /// Datagrams in one turn.
    const TURN: usize = 64;
    ROOM.with_borrow_mut(|room| {
        for _ in 0..TURN {
            let Ok((length, peer)) = socket.try_recv_from(&mut room[..]) else {
                return;
            };
            let known = flows.lock().get(&peer).cloned();
            let Some(flow) = known.or_else(|| begin(site, socket, flows, peer)) else {
                continue;
            };
            flow.watch.touch();
            let header = flow.header.lock().take();
            if let Some(header) = header {
                let both = [IoSlice::new(&header), IoSlice::new(&room[..length])];
                let flags = SendFlags::DONTWAIT;
                let _ = rustix::net::sendmsg(&flow.socket, &both, &mut SendAncillaryBuffer::default(), flags);
                continue;
            }
            // datagrams may be lost; tokio would lose the first one of each flow, before it knows that the socket is ready
            let _ = rustix::net::send(&flow.socket, &room[..length], SendFlags::DONTWAIT);
        }
    });
}

/// Begins a flow; none if there are as many as may be, or no target.
fn begin(site: &Arc<Site>, socket: &Arc<UdpSocket>, flows: &Flows, peer: SocketAddr) -> Option<Arc<Flow>> {
    let serving = site.serving();
    let mut all = flows.lock();
    if all.len() >= serving.plan.load_balancer.limits.flows {
        return None;
    }
    let (chosen, to_target, claim) = reach(site, &serving, peer)?;
    let is_told = chosen.members.plan.proxy_protocol;
    let told = is_told.then(|| proxy_protocol::header(Transport::Datagrams, peer, site.address));
    let flow = Arc::new(Flow {
        socket: to_target,
        watch: Watch::new(),
        header: Mutex::new(told),
        _claim: claim,
    });
    all.insert(peer, flow.clone());
    drop(all);
    let (site, socket, flows) = (site.clone(), socket.clone(), flows.clone());
    let its = flow.clone();
    let lives = site.shared.connections.token();
    tokio::spawn(async move {
        let _lives = lives;
        answer(&site, &socket, &its, peer, chosen).await;
        flows.lock().remove(&peer);
    });
    Some(flow)
}

/// Chooses a target towards which the client's address is not taken, if it is to see that. None if there is none.
fn reach(site: &Site, serving: &Serving, peer: SocketAddr) -> Option<(Chosen, UdpSocket, Option<Claim>)> {
    let mut tried = Vec::new();
    for _ in 0..TRIES {
        let chosen = flow::choose(site, serving, peer, &tried)?;
        let target = chosen.in_flight.target().address();
        tried.push(target);
        let connected = match chosen.preserved(peer) {
            None => connected(site.address.ip(), target).map(|it| (it, None)),
            Some(client) => match site.shared.claims.claim(client, target) {
                Some(claim) => connected_as(client, target).map(|it| (it, Some(claim))),
                None => Err(io::ErrorKind::AddrInUse.into()),
            },
        };
        match connected {
            Ok((socket, claim)) => return Some((chosen, socket, claim)),
            Err(fault) => tracing::debug!(%fault, "target not reached"),
        }
    }
    None
}

fn connected(from: IpAddr, target: SocketAddr) -> io::Result<UdpSocket> {
    let from = match target {
        _ if from.is_ipv4() == target.is_ipv4() => from,
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = std::net::UdpSocket::bind((from, 0))?;
    socket.connect(target)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

fn connected_as(client: SocketAddr, target: SocketAddr) -> io::Result<UdpSocket> {
    let socket = client_socket(socket2::Type::DGRAM, client)?;
    socket.connect(&target.into())?;
    UdpSocket::from_std(socket.into())
}

/// Passes a target's datagrams back until the flow is over.
async fn answer(site: &Site, socket: &UdpSocket, flow: &Flow, peer: SocketAddr, chosen: Chosen) {
    let cut = chosen.in_flight.target().cut();
    let answering = async {
        while flow.socket.readable().await.is_ok() {
            ROOM.with_borrow_mut(|room| {
                if let Ok(length) = flow.socket.try_recv(&mut room[..]) {
                    flow.watch.touch();
                    let _ = socket.try_send_to(&room[..length], peer);
                }
            });
        }
    };
    tokio::select! {
        () = answering => {}
        () = flow.watch.silence(IDLE) => {}
        () = cut.cancelled() => {}
        () = site.stop.cancelled() => {}
    }
}
