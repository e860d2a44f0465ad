//! Tells a host what may pass in VPCs: first everything, then what has changed, in the order of the commits.

mod news;
mod served;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Scope;
use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::load_balancer::LoadBalancer;
use domain::served_network::{InterfaceKey, NetworksMessage, ServedInterface, ServedVpc};
use domain::service_connect::ServiceConnectProxy;
use domain::task::Task;
use domain::vpc::Vpc;
use futures_util::{SinkExt, StreamExt};
use store::State;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::followers::{Follower, Followers};
use super::upgrade::{Agent, Socket};
use crate::control_plane::ControlPlane;

use news::{InterfaceOwner, NetworkNews};

/// The sessions that follow networks.
pub type NetworkFollowers = Followers<NetworkNews>;

/// After a message, commits are gathered for so long: the first of them does not wait. With what a change takes until it is
/// in force, that is less than 10 ms.
const GATHERING: Duration = Duration::from_millis(5);
/// Both sides ping when they have nothing else to say.
const PING: Duration = Duration::from_secs(20);
/// After so long without anything the host is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long a message may take to be written.
const SEND_DEADLINE: Duration = Duration::from_secs(30);

struct Session {
    control_plane: Arc<ControlPlane>,
    host_id: String,
    socket: Socket,
    told: Told,
    heard_at: Instant,
}

/// What a host has been told.
struct Told {
    scope: Scope,
    is_begun: bool,
    vpcs: BTreeMap<String, ServedVpc>,
    interfaces: BTreeMap<InterfaceOwner, Vec<ServedInterface>>,
}

/// The session is over.
struct Over;

/// Runs a session until either side ends it, or a newer one of the same host takes its place.
pub async fn run(
    control_plane: Arc<ControlPlane>,
    agent: Agent,
    socket: Socket,
    shutdown: CancellationToken,
) {
    let host_id = agent.instance.name().to_owned();
    let follower = control_plane.network_followers.open(&host_id);
    let mut session = Session {
        control_plane: Arc::clone(&control_plane),
        host_id: host_id.clone(),
        socket,
        told: Told::new(agent.instance.scope()),
        heard_at: Instant::now(),
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => {}
        Err(Over) = session.serve(&follower) => {}
    }
    control_plane.network_followers.close(&host_id, &follower);
    // It is over either way.
    let _ = timeout(SEND_DEADLINE, session.socket.close(None)).await;
}

impl Session {
    async fn serve(&mut self, follower: &Follower<NetworkNews>) -> Result<(), Over> {
        let mut ping = tokio::time::interval(PING);
        loop {
            tokio::select! {
                biased;
                message = self.socket.next() => {
                    self.heard_at = Instant::now();
                    match message {
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Over),
                        Some(Ok(_)) => {}
                    }
                }
                news = follower.next() => {
                    self.tell(&news).await?;
                    tokio::time::sleep(GATHERING).await;
                }
                _ = ping.tick() => {
                    let is_open = self.control_plane.network_followers.is_open(&self.host_id, follower);
                    if self.heard_at.elapsed() > SILENCE_MAX || !is_open {
                        return Err(Over);
                    }
                    self.send(Message::Ping(bytes::Bytes::new())).await?;
                }
            }
        }
    }

    async fn tell(&mut self, news: &NetworkNews) -> Result<(), Over> {
        let told = &mut self.told;
        let message = self.control_plane.store.read(|state| told.message(state, news));
        let Some(message) = message else { return Ok(()) };
        let text = serde_json::to_string(&message).map_err(|error| {
            tracing::error!(%error, "networks cannot be told to a host");
            Over
        })?;
        self.send(Message::text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Over> {
        match timeout(SEND_DEADLINE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Over),
        }
    }
}

impl Told {
    fn new(scope: Scope) -> Self {
        Self {
            scope,
            is_begun: false,
            vpcs: BTreeMap::new(),
            interfaces: BTreeMap::new(),
        }
    }

    /// What the host does not know yet of what may have changed, which it is held to know from now on.
    fn message(&mut self, state: &State, news: &NetworkNews) -> Option<NetworksMessage> {
        let mut message = NetworksMessage {
            is_whole: !self.is_begun,
            ..NetworksMessage::default()
        };
        self.is_begun = true;
        let mut vpcs = news.vpcs.clone();
        if news.all_rules || news.is_all {
            vpcs.extend(self.vpcs.keys().cloned());
            vpcs.extend(state.vpcs(&self.scope).map(|it| it.id.clone()));
        }
        let mut owners = news.owners.clone();
        if news.is_all {
            owners.extend(self.interfaces.keys().cloned());
            owners.extend(all_owners(state));
        }
        for id in vpcs {
            self.look_at_vpc(state, id, &mut message);
        }
        for owner in owners {
            self.look_at_owner(state, owner, &mut message);
        }
        let is_empty = message == NetworksMessage::default();
        (!is_empty).then_some(message)
    }

    fn look_at_vpc(&mut self, state: &State, id: String, message: &mut NetworksMessage) {
        let vpc = state.get::<Vpc>(&id).filter(|it| it.scope == self.scope);
        match vpc.map(|it| served::vpc(state, it)) {
            Some(now) if self.vpcs.get(&id) == Some(&now) => {}
            Some(now) => {
                self.vpcs.insert(id, now.clone());
                message.vpcs.push(now);
            }
            None => {
                if self.vpcs.remove(&id).is_some() {
                    message.gone_vpcs.push(id);
                }
            }
        }
    }

    fn look_at_owner(&mut self, state: &State, owner: InterfaceOwner, message: &mut NetworksMessage) {
        let now = match &owner {
            InterfaceOwner::Task(arn) if arn.scope() == self.scope => {
                let task = state.get::<Task>(arn);
                task.and_then(|it| served::task(state, it)).into_iter().collect()
            }
            InterfaceOwner::LoadBalancer(arn) if arn.scope() == self.scope => {
                served::load_balancer(state, arn)
            }
            InterfaceOwner::Proxy(host_id, vpc_id) => {
                let proxy = state.get::<ServiceConnectProxy>(&(host_id.clone(), vpc_id.clone()));
                let proxy = proxy.filter(|it| it.scope == self.scope);
                proxy.map(|it| served::proxy(it)).into_iter().collect()
            }
            InterfaceOwner::Task(_) | InterfaceOwner::LoadBalancer(_) => Vec::new(),
        };
        let before = self.interfaces.get(&owner).map_or(&[][..], Vec::as_slice);
        if *before == *now {
            return;
        }
        let stays = |key: &InterfaceKey| now.iter().any(|it| it.key == *key);
        let gone = before.iter().map(|it| &it.key).filter(|it| !stays(it));
        message.gone.extend(gone.cloned());
        message
            .interfaces
            .extend(now.iter().filter(|it| !before.contains(it)).cloned());
        if now.is_empty() {
            self.interfaces.remove(&owner);
        } else {
            self.interfaces.insert(owner, now);
        }
    }
}

fn all_owners(state: &State) -> impl Iterator<Item = InterfaceOwner> {
    let tasks = state.all::<Task>().filter(|it| it.eni.is_some());
    let tasks = tasks.map(|it| InterfaceOwner::Task(it.arn.clone()));
    let balancers = state.all::<LoadBalancer>().map(|it| it.arn.clone());
    let classic = state.all::<ClassicLoadBalancer>().map(|it| it.arn.clone());
    let proxies = state.all::<ServiceConnectProxy>();
    let proxies = proxies.map(|it| InterfaceOwner::Proxy(it.host_id.clone(), it.vpc_id.clone()));
    let balancers = balancers.chain(classic).map(InterfaceOwner::LoadBalancer);
    tasks.chain(balancers).chain(proxies)
}
