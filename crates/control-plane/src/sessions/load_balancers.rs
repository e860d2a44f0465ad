//! Tells a host which load balancers it serves, whole each time one has changed, and takes over what their balancers
//! find out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::listener_rule::ListenerRule;
use domain::load_balancer::LoadBalancer;
use domain::served_load_balancer::{
    BalancerNews, BalancerReport, LoadBalancerNetwork, LoadBalancersMessage, ServedLoadBalancer,
};
use domain::target_group::TargetGroup;
use domain::vpc::{Subnet, Vpc};
use domain::{LoadBalancerArn, TargetGroupArn};
use futures_util::{SinkExt, StreamExt};
use orchestrator::transitions::{self, HealthChange};
use store::{State, Tx};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::balancers::{Follower, News, told};
use super::upgrade::{Agent, Socket};
use crate::control_plane::ControlPlane;

/// Commits that follow each other quickly are told together.
const GATHERING: Duration = Duration::from_millis(10);
/// Both sides ping when they have nothing else to say.
const PING: Duration = Duration::from_secs(20);
/// After so long without anything the host is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long a message may take to be written.
const SEND_DEADLINE: Duration = Duration::from_secs(30);

struct Session {
    control_plane: Arc<ControlPlane>,
    agent: Agent,
    socket: Socket,
    /// What the host has been told, as it was then.
    told: BTreeMap<LoadBalancerArn, ServedLoadBalancer>,
    heard_at: Instant,
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
    let account = agent.instance.scope().account;
    let follower = control_plane.balancers.open(&host_id, &account);
    let mut session = Session {
        control_plane: Arc::clone(&control_plane),
        agent,
        socket,
        told: BTreeMap::new(),
        heard_at: Instant::now(),
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => {}
        Err(Over) = session.serve(&follower) => {}
    }
    control_plane.balancers.close(&host_id, &follower);
    // It is over either way.
    let _ = timeout(SEND_DEADLINE, session.socket.close(None)).await;
}

impl Session {
    async fn serve(&mut self, follower: &Follower) -> Result<(), Over> {
        let mut ping = tokio::time::interval(PING);
        loop {
            tokio::select! {
                biased;
                message = self.socket.next() => self.hear(message).await?,
                news = follower.next() => {
                    tokio::time::sleep(GATHERING).await;
                    self.tell(news, follower).await?;
                }
                _ = ping.tick() => {
                    let host_id = self.agent.instance.name();
                    if self.heard_at.elapsed() > SILENCE_MAX
                        || !self.control_plane.balancers.is_open(host_id, follower)
                    {
                        return Err(Over);
                    }
                    self.send(Message::Ping(bytes::Bytes::new())).await?;
                }
            }
        }
    }

    /// Sends what the host does not know yet of load balancers that may have changed.
    async fn tell(&mut self, news: News, follower: &Follower) -> Result<(), Over> {
        let message = {
            let host_id = self.agent.instance.name();
            let serves = self.control_plane.balancers.is_serving(host_id, follower);
            let scope = self.agent.instance.scope();
            let key = &self.control_plane.cookie_key;
            self.control_plane.store.read(|state| {
                let mut changed = news.changed;
                if news.is_all {
                    changed.extend(self.told.keys().cloned());
                    changed.extend(state.load_balancers(&scope).map(|it| it.arn.clone()));
                }
                let looked_at = changed.into_iter().filter(|it| it.scope() == scope);
                let found = looked_at.map(|it| {
                    let served = serves.then(|| served(state, &it, key)).flatten();
                    (it, served)
                });
                difference(&self.told, found, news.is_all)
            })
        };
        for arn in &message.gone {
            self.told.remove(arn);
        }
        for it in &message.served {
            self.told.insert(it.load_balancer.arn.clone(), it.clone());
        }
        if message.served.is_empty() && message.gone.is_empty() && !message.is_whole {
            return Ok(());
        }
        let text = serde_json::to_string(&message).map_err(|error| {
            tracing::error!(%error, "load balancers cannot be told to a host");
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

    async fn hear(
        &mut self,
        message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<(), Over> {
        self.heard_at = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => match serde_json::from_str(text.as_str()) {
                Ok(report) => self.take_over(report).await,
                Err(error) => tracing::warn!(%error, "a report of a balancer cannot be read"),
            },
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Over),
            Some(Ok(_)) => {}
        }
        Ok(())
    }

    async fn take_over(&mut self, report: BalancerReport) {
        // One that was taken from this host meanwhile is another's.
        if !self.told.contains_key(&report.load_balancer) {
            return;
        }
        let arn = report.load_balancer.clone();
        let noted = self.control_plane.store.transact(move |tx| {
            note(tx, &report);
            Ok::<_, std::convert::Infallible>(())
        });
        if let Err(error) = noted.await {
            tracing::warn!(load_balancer = %arn, ?error, "what a balancer reports cannot be stored");
        }
    }
}

fn note(tx: &mut Tx<'_>, report: &BalancerReport) {
    let mut changes = Vec::new();
    for news in &report.news {
        match news {
            BalancerNews::Serves => transitions::load_balancer_is_served(tx, &report.load_balancer),
            BalancerNews::Fails { reason } => {
                transitions::load_balancer_has_failed(tx, &report.load_balancer, reason.clone());
            }
            BalancerNews::Health { target, health } => changes.push(HealthChange {
                key: target.clone(),
                health: health.clone(),
            }),
        }
    }
    transitions::target_health(tx, &changes);
}

/// What is new of load balancers that were looked at.
fn difference(
    told: &BTreeMap<LoadBalancerArn, ServedLoadBalancer>,
    found: impl Iterator<Item = (LoadBalancerArn, Option<ServedLoadBalancer>)>,
    is_all: bool,
) -> LoadBalancersMessage {
    let mut message = LoadBalancersMessage {
        // The first message of a session is the whole: what it does not name is not served any more.
        is_whole: is_all && told.is_empty(),
        served: Vec::new(),
        gone: Vec::new(),
    };
    for (arn, served) in found {
        match (told.get(&arn), served) {
            (Some(before), Some(now)) if *before == now => {}
            (_, Some(now)) => message.served.push(now),
            (Some(_), None) => message.gone.push(arn),
            (None, None) => {}
        }
    }
    message
}

/// A load balancer with all that belongs to it; `None` if there is none, or its network is gone.
fn served(state: &State, arn: &LoadBalancerArn, cookie_key: &[u8; 32]) -> Option<ServedLoadBalancer> {
    let load_balancer = told(state.get::<LoadBalancer>(arn)?);
    let vpc = state.get::<Vpc>(&load_balancer.vpc_id)?;
    let subnet = state.get::<Subnet>(&load_balancer.zones.first()?.subnet_id)?;
    let listeners: Vec<_> = state.listeners_of(arn).map(|it| it.as_ref().clone()).collect();
    let rules = listeners.iter().flat_map(|it| state.rules_of(&it.arn));
    let rules: Vec<ListenerRule> = rules.map(|it| it.as_ref().clone()).collect();
    let mut groups: Vec<TargetGroupArn> = rules
        .iter()
        .flat_map(|it| it.action.target_groups().cloned())
        .collect();
    groups.sort();
    groups.dedup();
    let targets = groups.iter().flat_map(|it| state.targets_of(it));
    let targets = targets.map(|it| it.as_ref().clone()).collect();
    let target_groups = groups.iter().filter_map(|it| state.get::<TargetGroup>(it));
    Some(ServedLoadBalancer {
        network: LoadBalancerNetwork {
            vpc_cidr: vpc.cidr,
            gateway: subnet.gateway(),
        },
        load_balancer,
        target_groups: target_groups.map(|it| it.as_ref().clone()).collect(),
        listeners,
        rules,
        targets,
        cookie_key: *cookie_key,
    })
}
