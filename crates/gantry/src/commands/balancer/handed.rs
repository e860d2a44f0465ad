//! What a balancer begins with.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};

use anyhow::Result;
use domain::served_load_balancer::ServedLoadBalancer;
use runtime::hand_over::{HandOver, confirm};

/// What was handed over; nothing by default.
#[derive(Default)]
pub struct Handed {
    /// Sockets that listen.
    pub sockets: Vec<OwnedFd>,
    /// What is served; `None` if the other one was of a version that says it differently: the agent says it again.
    pub served: Option<ServedLoadBalancer>,
    /// Who waits for this to be served.
    waits: Option<UnixStream>,
}

impl Handed {
    /// Gets it from the first who connects.
    pub fn receive(socket: &UnixListener) -> Result<Self> {
        let (mut stream, _) = socket.accept()?;
        let handed = HandOver::receive(&mut stream)?;
        let served = serde_json::from_slice(&handed.served)
            .inspect_err(|error| tracing::warn!(%error, "what was served cannot be read"));
        Ok(Self {
            sockets: handed.sockets,
            served: served.ok(),
            waits: Some(stream),
        })
    }

    /// Says that it is served, once.
    ///
    /// # Errors
    /// Nobody waits any more: the other one goes on.
    pub fn confirm(&mut self) -> io::Result<()> {
        self.waits.take().map_or(Ok(()), |mut it| confirm(&mut it))
    }
}
