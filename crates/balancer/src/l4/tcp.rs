//! Connections passed on byte for byte.

use std::net::SocketAddr;
use std::sync::Arc;

use domain::listener::Protocol;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::flow::{self, Chosen};
use super::proxy_protocol::Transport;
use super::{TRIES, proxy_protocol, splice};
use crate::outlier::Outcome;
use crate::pump;
use crate::site::{Serving, Site};
use crate::tls;
use crate::upstream::{Source, Stream, connect};

/// Serves a connection until it ends. If no target takes it, the client's is reset.
pub(crate) async fn serve(site: Arc<Site>, mut stream: TcpStream, peer: SocketAddr) {
    let serving = site.serving();
    if serving.plan.protocol.is_encrypted() {
        return serve_tls(&site, &serving, stream, peer).await;
    }
    let Some((chosen, target)) = reach(&site, peer).await else {
        let _ = stream.set_zero_linger();
        return;
    };
    let cut = chosen.in_flight.target().cut();
    let idle = serving.plan.tcp_idle_timeout;
    let mut target = match target {
        Stream::Plain(target) => target,
        // behind a listener of TCP, a classic load balancer alone has those
        Stream::Tls(target) => {
            let passing = pump::both_ways(&mut stream, target, idle);
            if cut.run_until_cancelled(passing).await.is_none() {
                let _ = stream.set_zero_linger();
            }
            return;
        }
    };
    let counters = serving.counters.clone();
    let passing = splice::both_ways(&mut stream, &mut target, idle, counters);
    if !matches!(cut.run_until_cancelled(passing).await, Some(Ok(()))) {
        // what was broken off must not look whole
        let _ = stream.set_zero_linger();
        let _ = target.set_zero_linger();
    }
}

async fn serve_tls(site: &Arc<Site>, serving: &Serving, stream: TcpStream, peer: SocketAddr) {
    let Some(tls) = &serving.tls else {
        return;
    };
    let Ok((stream, _)) = tls::accept(tls, stream).await else {
        return;
    };
    let Some((chosen, target)) = reach(site, peer).await else {
        return;
    };
    let cut = chosen.in_flight.target().cut();
    cut.run_until_cancelled(pump::both_ways(stream, target, serving.plan.tcp_idle_timeout))
        .await;
}

/// Connects to a target of those that the listener leads to now, and to another if one cannot be reached.
async fn reach(site: &Site, peer: SocketAddr) -> Option<(Chosen, Stream)> {
    let mut tried = Vec::new();
    for _ in 0..TRIES {
        let serving = site.serving();
        let Some(chosen) = flow::choose(site, &serving, peer, &tried) else {
            match Arc::ptr_eq(&serving, &site.serving()) {
                true => return None,
                // it leads elsewhere by now
                false => continue,
            }
        };
        tried.push(chosen.in_flight.target().address());
        let within = chosen.members.plan.protocol == Protocol::Tls;
        let tls = within.then(|| site.shared.target_tls.plain());
        let from = match chosen.preserved(peer) {
            Some(client) => Source::Client(client),
            None => site.source(&serving),
        };
        let connected = connect(from, chosen.in_flight.target().address(), tls).await;
        let outcome = match connected.is_ok() {
            true => Outcome::Answered,
            false => Outcome::Failed,
        };
        let now_ms = site.shared.now_ms();
        chosen.group.note(chosen.in_flight.target(), outcome, now_ms);
        let Ok(mut target) = connected.inspect_err(|fault| tracing::debug!(%fault, "target not reached"))
        else {
            continue;
        };
        if chosen.members.plan.proxy_protocol {
            let header = proxy_protocol::header(Transport::Stream, peer, site.address);
            if target.write_all(&header).await.is_err() {
                continue;
            }
        }
        return Some((chosen, target));
    }
    None
}
