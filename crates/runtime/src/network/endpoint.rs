//! 169.254.170.2 as tasks see it. In a VPC the address is the router's own; on the bridge the host's rules lead it to
//! the bridge. Who calls is told by the address that the call comes from: on links of tasks it cannot be another's.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agent::host::{Caller, TaskConnection, TaskPort};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::NetworkError;
use super::netns;

/// What tasks connect to.
pub(super) const ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
/// Ports of the address, what they are for, and the ports of the bridge that the host's rules lead them to.
pub(super) const PORTS: [(u16, TaskPort, u16); 2] =
    [(80, TaskPort::Endpoint, HOST_PORT), (4566, TaskPort::Api, 51680)];
/// The port of the bridge's address on which its containers find the introspection API of the agent, as on Amazon's
/// container instances.
pub(super) const INTROSPECTION_PORT: u16 = 51678;
/// Connections that wait for the agent; more are closed.
const WAITING_MAX: usize = 256;
/// The port of the bridge's address on which the host's own network finds the endpoint.
pub(super) const HOST_PORT: u16 = 51679;
/// Pause after a failed accept, e.g. for want of files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where a task has its address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// On the bridge of the host.
    Bridge,
    /// In the VPC of this id.
    Vpc(String),
}

/// The listeners of this host, and who is behind which address.
pub(super) struct Endpoint {
    tasks: Mutex<BTreeMap<(Place, Ipv4Addr), String>>,
    open: Mutex<BTreeMap<Place, Vec<AbortHandle>>>,
    /// One VPC's listeners are opened at a time: of two tasks that come together, one does it.
    opening: tokio::sync::Mutex<()>,
    connections: mpsc::Sender<TaskConnection>,
    receiver: Mutex<Option<mpsc::Receiver<TaskConnection>>>,
}

impl Endpoint {
    /// Nobody listens yet.
    pub(super) fn new() -> Arc<Self> {
        let (connections, receiver) = mpsc::channel(WAITING_MAX);
        Arc::new(Self {
            tasks: Mutex::default(),
            open: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            connections,
            receiver: Mutex::new(Some(receiver)),
        })
    }

    /// Connections of tasks. May be taken once.
    pub(super) fn take_connections(&self) -> mpsc::Receiver<TaskConnection> {
        self.receiver.lock().take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// A task has an address from now on; `key` is its id, or begins with it.
    pub(super) fn join(&self, place: Place, address: Ipv4Addr, key: &str) {
        let task = key.split('/').next().unwrap_or(key);
        self.tasks.lock().insert((place, address), task.to_owned());
    }

    /// The address is free again.
    pub(super) fn leave(&self, place: Place, address: Ipv4Addr) {
        self.tasks.lock().remove(&(place, address));
    }

    /// Listens in a VPC, unless it does so already. The router must have the address.
    pub(super) async fn open_in_vpc(
        self: &Arc<Self>,
        vpc_id: &str,
        namespace: PathBuf,
    ) -> Result<(), NetworkError> {
        let place = Place::Vpc(vpc_id.to_owned());
        let _alone = self.opening.lock().await;
        if self.open.lock().contains_key(&place) {
            return Ok(());
        }
        let bind = || {
            PORTS
                .iter()
                .map(|(port, kind, _)| Ok((listen(ADDRESS, *port)?, *kind)))
                .collect()
        };
        let listeners = netns::inside(namespace, bind).await?;
        let accepting = self.accepting(&place, listeners);
        self.open.lock().insert(place, accepting);
        Ok(())
    }

    /// Listens on the bridge, unless it does so already.
    pub(super) fn open_on_bridge(self: &Arc<Self>, address: Ipv4Addr) -> Result<(), NetworkError> {
        // Held throughout: containers that start together ask together.
        let mut open = self.open.lock();
        if open.contains_key(&Place::Bridge) {
            return Ok(());
        }
        let bind = PORTS
            .iter()
            .map(|(_, kind, port)| Ok((listen(address, *port)?, *kind)));
        let mut listeners = bind.collect::<Result<Vec<_>, NetworkError>>()?;
        // Nothing depends on it: a port that is taken holds nobody up.
        match listen(address, INTROSPECTION_PORT) {
            Ok(listener) => listeners.push((listener, TaskPort::Introspection)),
            Err(error) => {
                tracing::warn!(%error, "the introspection API of the agent is not served on the bridge")
            }
        }
        let accepting = self.accepting(&Place::Bridge, listeners);
        open.insert(Place::Bridge, accepting);
        Ok(())
    }

    /// Ends the listeners of a place; their sockets would keep its namespace.
    pub(super) fn close(&self, place: &Place) {
        for listener in self.open.lock().remove(place).unwrap_or_default() {
            listener.abort();
        }
    }

    fn accepting(
        self: &Arc<Self>,
        place: &Place,
        listeners: Vec<(TcpListener, TaskPort)>,
    ) -> Vec<AbortHandle> {
        let accepting = listeners.into_iter().map(|(listener, kind)| {
            let accept = accept(Arc::clone(self), place.clone(), listener, kind);
            tokio::spawn(accept).abort_handle()
        });
        accepting.collect()
    }

    /// Who has the address `peer`, seen at the address `own`.
    fn caller(&self, place: &Place, peer: IpAddr, own: Option<IpAddr>) -> Option<Caller> {
        // The bridge's own address is the host's, which no container can take.
        if *place == Place::Bridge && own == Some(peer) {
            return Some(Caller::HostNetwork);
        }
        let IpAddr::V4(address) = peer else { return None };
        let task = self.tasks.lock().get(&(place.clone(), address)).cloned();
        task.map(Caller::Task)
    }
}

fn listen(address: Ipv4Addr, port: u16) -> Result<TcpListener, NetworkError> {
    let failed = |source| NetworkError::Endpoint {
        address,
        port,
        source,
    };
    let listener = TcpListener::bind((address, port)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

async fn accept(endpoint: Arc<Endpoint>, place: Place, listener: TcpListener, port: TaskPort) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(?place, %error, "tasks cannot reach their endpoint");
            return;
        }
    };
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(?place, %error, "a connection of a task was lost");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let own = stream.local_addr().ok().map(|it| it.ip());
        let Some(caller) = endpoint.caller(&place, peer.ip(), own) else {
            tracing::warn!(?place, %peer, "no task has this address");
            continue;
        };
        // Closed at once if too many wait: tasks try again.
        let _ = endpoint
            .connections
            .try_send(TaskConnection { caller, port, stream });
    }
}
