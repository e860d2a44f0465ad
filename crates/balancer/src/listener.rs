//! Accepting connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::l4;
use crate::l7;
use crate::site::Site;

/// How long accepting rests when the process has no more descriptors.
const REST: Duration = Duration::from_millis(20);

/// Accepts connections until the site stops.
pub(crate) async fn accept(site: Arc<Site>, listener: TcpListener) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = site.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => begin(&site, stream, peer),
            Err(error) => {
                // connections that were reset before they were accepted, or too many open files
                tracing::debug!(%error, address = %site.address, "no connection accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

fn begin(site: &Arc<Site>, stream: TcpStream, peer: SocketAddr) {
    let Some(counted) = site.enter() else {
        tracing::debug!(address = %site.address, "as many connections as there may be");
        return;
    };
    let _ = stream.set_nodelay(true);
    let site = site.clone();
    tokio::spawn(async move {
        let _counted = counted;
        match site.serving().plan.protocol.kind() {
            domain::load_balancer::LoadBalancerKind::Application => {
                l7::connection::serve(site, stream, peer).await
            }
            domain::load_balancer::LoadBalancerKind::Network => l4::tcp::serve(site, stream, peer).await,
        }
    });
}
