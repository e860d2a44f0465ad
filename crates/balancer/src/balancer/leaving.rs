//! How a balancer leaves: to another process that takes its sockets over, or for good.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Weak;
use std::time::Duration;

use domain::load_balancer::LoadBalancerKind;
use tokio::io::unix::AsyncFd;
use tokio::net::UdpSocket;

use super::{Balancer, Running};

/// How long an idle connection of HTTP/1.1 may still bring a request after its socket has gone to another process. Its
/// answer ends the connection; a client that is told so never finds it closed. What comes later would be served by what
/// was known long ago.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// The socket of a site, as long as it listens.
pub(super) enum Socket {
    Connections(Weak<AsyncFd<OwnedFd>>),
    Datagrams(Weak<UdpSocket>),
}

impl Socket {
    fn copy(&self) -> Option<io::Result<OwnedFd>> {
        match self {
            Self::Connections(it) => Some(it.upgrade()?.get_ref().try_clone()),
            Self::Datagrams(it) => Some(it.upgrade()?.as_fd().try_clone_to_owned()),
        }
    }
}

impl Balancer {
    /// The sockets that listen, for another process that is to go on with them. Both take connections out of the same
    /// queue of the kernel until this one [leaves](Self::leave), so that none is refused or lost.
    ///
    /// # Errors
    /// There are as many open files as may be.
    pub fn listening(&self) -> io::Result<Vec<OwnedFd>> {
        let sockets = self.sites.values().filter_map(|it| it.socket.copy());
        sockets.collect()
    }

    /// Accepts nothing any more, and ends when nothing is in flight: connections of HTTP end with their next answer, or
    /// after being idle; others when they end by themselves. Has no bound of its own.
    pub async fn leave(mut self) {
        let mut sites: Vec<Running> = std::mem::take(&mut self.sites).into_values().collect();
        sites.iter().for_each(|it| it.site.closed.cancel());
        for it in &mut sites {
            // What it has just accepted is counted in.
            let _ended = (&mut it.task).await;
        }
        // whoever goes on checks targets
        self.background.iter().for_each(tokio::task::AbortHandle::abort);
        let connections = &self.shared.connections;
        connections.close();
        let last_requests = tokio::time::timeout(LAST_REQUESTS, connections.wait());
        if last_requests.await.is_err() {
            let kind = |it: &Running| it.site.serving().plan.protocol.kind();
            let of_http = sites
                .iter()
                .filter(|it| kind(it) == LoadBalancerKind::Application);
            of_http.for_each(|it| it.site.stop());
            connections.wait().await;
        }
    }

    /// Accepts nothing any more, and ends when nothing is in flight; idle connections end at once. Has no bound of its
    /// own.
    pub async fn end(mut self) {
        self.stop();
        let connections = &self.shared.connections;
        connections.close();
        connections.wait().await;
    }
}
