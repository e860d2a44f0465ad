//! Tells a host which load balancers it serves, whole each time one has changed, and takes over what their balancers
//! find out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::certificate::Certificate;
use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::host::Host;
use domain::listener::Listener;
use domain::listener_rule::ListenerRule;
use domain::load_balancer::{LoadBalancer, LoadBalancerKind, LoadBalancerState, LoadBalancerZone};
use domain::served_load_balancer::{
    BalancerNews, BalancerReport, LoadBalancerNetwork, LoadBalancersMessage, ServedCertificate,
    ServedLoadBalancer,
};
use domain::service_connect::ServiceConnectProxy;
use domain::target::Target;
use domain::target_group::TargetGroup;
use domain::vpc::{Subnet, Vpc};
use domain::{CertificateArn, LoadBalancerArn, TargetGroupArn};
use futures_util::{SinkExt, StreamExt};
use orchestrator::transitions::{self, HealthChange};
use store::{State, Tx};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::balancers::{Follower, News, told};
use super::networks::NetworkNews;
use super::upgrade::{Agent, Socket};
use crate::access_logs;
use crate::control_plane::ControlPlane;
use crate::vault::Vault;

/// Commits that follow each other quickly are told together.
const GATHERING: Duration = Duration::from_millis(10);
/// Both sides ping when they have nothing else to say.
const PING: Duration = Duration::from_secs(20);
/// After so long without anything the host is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long a message may take to be written.
const SEND_DEADLINE: Duration = Duration::from_secs(30);

/// Most news of a balancer that one transaction takes over: with their tasks, some 2 KB each.
const NOTED_AT_ONCE: usize = 250;

mod service_connect;

struct Session {
    control_plane: Arc<ControlPlane>,
    agent: Agent,
    socket: Socket,
    /// What the host has been told, as it was then.
    told: BTreeMap<LoadBalancerArn, Told>,
    heard_at: Instant,
}

/// A load balancer as a host is told of it: its certificates are beside it, so that their keys are in the clear only on
/// their way.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    /// Without certificates.
    served: Arc<ServedLoadBalancer>,
    certificates: Vec<Arc<Certificate>>,
}

/// What is new.
struct Difference {
    is_whole: bool,
    changed: Vec<Told>,
    gone: Vec<LoadBalancerArn>,
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
    let host = control_plane
        .store
        .read(|state| state.get::<Host>(&host_id).cloned());
    let number = host.map_or(0, |it| it.number);
    let follower = control_plane.balancers.open(&host_id, &account, number);
    say_who_serves(&control_plane);
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
    if control_plane.balancers.is_open(&host_id, &follower) {
        control_plane.counted_by_proxies.forget_host(&host_id);
    }
    control_plane.balancers.close(&host_id, &follower);
    say_who_serves(&control_plane);
    // It is over either way.
    let _ = timeout(SEND_DEADLINE, session.socket.close(None)).await;
}

/// Load balancers are reached where they are served.
fn say_who_serves(control_plane: &ControlPlane) {
    control_plane.network_followers.look_at(&NetworkNews {
        serving: true,
        ..NetworkNews::default()
    });
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
        let difference = {
            let host_id = self.agent.instance.name();
            let serves = self.control_plane.balancers.is_serving(host_id, follower);
            let scope = self.agent.instance.scope();
            let key = &self.control_plane.cookie_key;
            self.control_plane.store.read(|state| {
                let mut changed = news.changed;
                if news.is_all {
                    changed.extend(self.told.keys().cloned());
                    changed.extend(state.load_balancers(&scope).map(|it| it.arn.clone()));
                    let classic = state.classic_load_balancers(&scope);
                    changed.extend(classic.map(|it| it.arn.clone()));
                    let proxies = state.service_connect_proxies_on(host_id);
                    changed.extend(proxies.map(|it| ServiceConnectProxy::arn_in(&it.scope, &it.vpc_id)));
                }
                let looked_at = changed.into_iter().filter(|it| it.scope() == scope);
                let found = looked_at.map(|it| {
                    // One host serves load balancers, each its own proxies.
                    let served = match ServiceConnectProxy::vpc_of(&it) {
                        Some(vpc_id) => service_connect::served(state, &it, vpc_id, (host_id, key)),
                        None if serves => served(state, &it, (host_id, key)),
                        None => None,
                    };
                    (it, served)
                });
                difference(&self.told, found, news.is_all)
            })
        };
        for arn in &difference.gone {
            self.told.remove(arn);
            if let Some(vpc_id) = ServiceConnectProxy::vpc_of(arn) {
                let host_id = self.agent.instance.name();
                self.control_plane.counted_by_proxies.forget(host_id, vpc_id);
            }
        }
        for it in &difference.changed {
            let counted = &self.control_plane.counted_by_proxies;
            service_connect::forget_gone(counted, &it.served, self.agent.instance.name());
            self.told.insert(it.served.load_balancer.arn.clone(), it.clone());
        }
        if difference.changed.is_empty() && difference.gone.is_empty() && !difference.is_whole {
            return Ok(());
        }
        let changed = difference.changed.iter().map(|it| Arc::clone(&it.served));
        let (changed, gone): (Vec<_>, _) = (changed.collect(), difference.gone.clone());
        let message = difference.into_message(&self.control_plane.values);
        let text = serde_json::to_string(&message).map_err(|error| {
            tracing::error!(%error, "load balancers cannot be told to a host");
            Over
        })?;
        self.send(Message::text(text)).await?;
        follower.has_told(changed, &gone);
        Ok(())
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
        let Some(told) = self.told.get(&report.load_balancer) else {
            return;
        };
        let arn = report.load_balancer;
        let host_id = self.agent.instance.name().to_owned();
        let mut news = Vec::new();
        for it in report.news {
            match it {
                BalancerNews::Logged { lines } => {
                    if let Some(full) = self.control_plane.access_logs.take(&arn, &lines) {
                        access_logs::write(&self.control_plane, &arn, full).await;
                    }
                }
                BalancerNews::Counted { since, aliases } => {
                    let counted = &self.control_plane.counted_by_proxies;
                    service_connect::count(counted, &told.served, &host_id, (since, aliases));
                }
                it => news.push(it),
            }
        }
        for news in news.chunks(NOTED_AT_ONCE) {
            let (load_balancer, news) = (arn.clone(), news.to_vec());
            let host_id = host_id.clone();
            let noted = self.control_plane.store.transact(move |tx| {
                match ServiceConnectProxy::vpc_of(&load_balancer) {
                    Some(_) => service_connect::note(tx, &news, &host_id),
                    None => note(tx, &BalancerReport { load_balancer, news }),
                }
                Ok::<_, std::convert::Infallible>(())
            });
            if let Err(error) = noted.await {
                tracing::warn!(load_balancer = %arn, ?error, "what a balancer reports cannot be stored");
            }
        }
    }
}

fn note(tx: &mut Tx<'_>, report: &BalancerReport) {
    let arn = &report.load_balancer;
    let (mut changes, mut idle) = (Vec::new(), Vec::new());
    for news in &report.news {
        match news {
            BalancerNews::Serves => {
                if !transitions::classic_load_balancer_state(tx, arn, LoadBalancerState::Active) {
                    transitions::load_balancer_is_served(tx, arn);
                }
            }
            BalancerNews::Fails { reason } => {
                let reason = reason.clone();
                let failed = LoadBalancerState::Failed {
                    reason: reason.clone(),
                };
                if !transitions::classic_load_balancer_state(tx, arn, failed) {
                    transitions::load_balancer_has_failed(tx, arn, reason);
                }
            }
            // What is logged and counted is not stored.
            BalancerNews::Logged { .. } | BalancerNews::Counted { .. } => {}
            BalancerNews::Idle { target } => {
                transitions::target_is_idle(tx, target);
                idle.push(target.clone());
            }
            BalancerNews::Anomaly { target, anomaly } => transitions::target_anomaly(tx, target, *anomaly),
            BalancerNews::Health { target, health } => changes.push(HealthChange {
                key: target.clone(),
                health: health.clone(),
            }),
        }
    }
    transitions::instances_are_idle(tx, arn, &idle);
    if !transitions::instance_health(tx, arn, &changes) {
        transitions::target_health(tx, &changes);
    }
}

/// What is new of load balancers that were looked at.
fn difference(
    told: &BTreeMap<LoadBalancerArn, Told>,
    found: impl Iterator<Item = (LoadBalancerArn, Option<Told>)>,
    is_all: bool,
) -> Difference {
    let mut difference = Difference {
        // The first message of a session is the whole: what it does not name is not served any more.
        is_whole: is_all && told.is_empty(),
        changed: Vec::new(),
        gone: Vec::new(),
    };
    for (arn, served) in found {
        match (told.get(&arn), served) {
            (Some(before), Some(now)) if *before == now => {}
            (_, Some(now)) => difference.changed.push(now),
            (Some(_), None) => difference.gone.push(arn),
            (None, None) => {}
        }
    }
    difference
}

impl Difference {
    fn into_message(self, vault: &Vault) -> LoadBalancersMessage {
        let changed = self.changed.into_iter();
        LoadBalancersMessage {
            is_whole: self.is_whole,
            served: changed.map(|it| it.into_served(vault)).collect(),
            gone: self.gone,
        }
    }
}

impl Told {
    /// With its certificates and their keys. One whose key cannot be opened is left out: others are shown.
    fn into_served(self, vault: &Vault) -> ServedLoadBalancer {
        let certificates = self.certificates.iter().filter_map(|it| opened(it, vault));
        ServedLoadBalancer {
            certificates: certificates.collect(),
            ..ServedLoadBalancer::clone(&self.served)
        }
    }
}

fn opened(it: &Certificate, vault: &Vault) -> Option<ServedCertificate> {
    let key = vault.open(&Certificate::place(&it.arn), &it.key);
    let key = key
        .inspect_err(|error| tracing::error!(certificate = %it.arn, %error, "a certificate cannot be shown"))
        .ok()?;
    Some(ServedCertificate {
        arn: it.arn.clone(),
        chain: it.shown(),
        key: String::from_utf8(key).ok()?,
    })
}

/// A load balancer with all that belongs to it; `None` if there is none, or its network is gone.
fn served(state: &State, arn: &LoadBalancerArn, (host_id, cookie_key): (&str, &[u8; 32])) -> Option<Told> {
    let mut own = state.container_instances_of_host(host_id);
    let own_instance = own.next().map(|it| it.ec2_instance_id.clone());
    if let Some(it) = state.get::<ClassicLoadBalancer>(arn) {
        let network = network(state, &it.vpc_id, &it.zones)?;
        let served = it.served(network, own_instance, *cookie_key);
        return Some(Told {
            certificates: shown(state, &served.listeners),
            served: Arc::new(served),
        });
    }
    let load_balancer = told(state.get::<LoadBalancer>(arn)?);
    let network = network(state, &load_balancer.vpc_id, &load_balancer.zones)?;
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
    // An application load balancer sends nothing into zones that it is not in.
    let is_bound = load_balancer.kind == LoadBalancerKind::Application;
    let serves = |zone: &str| !is_bound || load_balancer.zones.iter().any(|it| it.name == zone);
    let targets = targets.filter(|it| it.zone.as_deref().is_none_or(serves));
    // What balancers themselves report is no news to them.
    let targets = targets.map(|it| Target {
        is_idle: false,
        task: None,
        ..Target::clone(it)
    });
    let targets: Vec<Target> = targets.collect();
    let target_groups = groups.iter().filter_map(|it| state.get::<TargetGroup>(it));
    let certificates = shown(state, &listeners);
    let served = ServedLoadBalancer {
        network,
        load_balancer,
        target_groups: target_groups.map(|it| it.as_ref().clone()).collect(),
        listeners,
        rules,
        targets,
        client_aliases: Vec::new(),
        certificates: Vec::new(),
        own_instance,
        cookie_key: *cookie_key,
    };
    Some(Told {
        served: Arc::new(served),
        certificates,
    })
}

/// The certificates that listeners show, each once.
fn shown(state: &State, listeners: &[Listener]) -> Vec<Arc<Certificate>> {
    let mut shown: Vec<_> = listeners.iter().flat_map(|it| &it.certificates).collect();
    shown.sort();
    shown.dedup();
    let shown = shown.into_iter().filter_map(|it| CertificateArn::parse(it).ok());
    let certificates = shown.filter_map(|it| state.get::<Certificate>(&it).cloned());
    certificates.collect()
}

/// Where a load balancer of these zones is; `None` if its VPC or its first subnet is gone.
fn network(state: &State, vpc_id: &str, zones: &[LoadBalancerZone]) -> Option<LoadBalancerNetwork> {
    let vpc = state.get::<Vpc>(&vpc_id.to_owned())?;
    let subnet = state.get::<Subnet>(&zones.first()?.subnet_id)?;
    Some(LoadBalancerNetwork {
        vpc_cidr: vpc.cidr,
        gateway: subnet.gateway(),
    })
}

#[cfg(test)]
mod tests;
