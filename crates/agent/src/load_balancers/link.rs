//! The link to the balancer of one load balancer: keeps it running, tells it what to serve, hears what it finds out.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use domain::LoadBalancerArn;
use domain::ids::Ids;
use domain::load_balancer::Scheme;
use domain::served_load_balancer::{BalancerNews, BalancerReport, ServedLoadBalancer};
use domain::service_connect::{ServiceConnectProxy, VIRTUAL_ADDRESSES};
use domain::target_group::TargetGroup;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::REPORTS_BOUND;
use crate::backoff::random;
use crate::config::Publishing;
use crate::following::RECONNECT;
use crate::host::{BalancerConnection, Eni, Host, LoadBalancerSite, PortMapping, TransportProtocol};

/// How long a balancer may take to read what it is told.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// Reports that may wait beside access logs, for which nothing else is to wait.
const KEPT_FREE_OF_LOGS: usize = REPORTS_BOUND / 2;

/// What the control plane wants of a load balancer.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What is served; `None` once it is gone.
    pub served: Option<Arc<ServedLoadBalancer>>,
    /// Counts how often all was asked for again.
    pub round: u64,
}

/// The link.
pub struct Link {
    /// Of which load balancer.
    pub arn: LoadBalancerArn,
    /// Where its balancer runs.
    pub host: Arc<dyn Host>,
    /// Whether it listens on ports of this host too.
    pub publishing: Publishing,
    /// For jitter.
    pub ids: Arc<Ids>,
    /// What the control plane wants.
    pub wanted: watch::Receiver<Wanted>,
    /// What it hears goes there.
    pub reports: mpsc::Sender<BalancerReport>,
    /// The agent ends; the balancer goes on.
    pub shutdown: CancellationToken,
}

impl Link {
    /// Keeps the balancer until it is not wanted any more, or the agent ends.
    pub async fn run(mut self) {
        let mut failures = 0;
        loop {
            let wanted = self.wanted.borrow_and_update().clone();
            let Some(served) = wanted.served else { break };
            let site = site(&served, self.publishing);
            let connected = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                it = self.host.open_load_balancer(&site) => it,
            };
            let begun = tokio::time::Instant::now();
            match connected {
                Ok(BalancerConnection { stream, host_address }) => {
                    let (reader, writer) = stream.into_split();
                    let writer = Writer { writer, host_address };
                    let lines = BufReader::new(reader).lines();
                    let shutdown = self.shutdown.clone();
                    tokio::select! {
                        biased;
                        () = shutdown.cancelled() => return,
                        () = self.exchange(lines, writer, served, wanted.round) => {}
                    }
                    if begun.elapsed() > RECONNECT.longest {
                        failures = 0;
                    }
                }
                Err(error) => {
                    self.tell(vec![BalancerNews::Fails {
                        reason: error.to_string(),
                    }])
                    .await
                }
            }
            if self.wanted.has_changed().unwrap_or(true) {
                continue;
            }
            failures += 1;
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                _ = self.wanted.changed() => {}
                () = tokio::time::sleep(RECONNECT.pause(failures, random(&self.ids))) => {}
            }
        }
        if let Err(error) = self.host.remove_load_balancer(self.arn.name()).await {
            tracing::warn!(load_balancer = %self.arn, %error, "a balancer that is not wanted any more stays");
        }
    }

    /// Until the balancer goes away, or has to be in another place, or say all it knows again.
    async fn exchange(
        &mut self,
        mut lines: Lines<BufReader<OwnedReadHalf>>,
        mut writer: Writer,
        served: Arc<ServedLoadBalancer>,
        round: u64,
    ) {
        if !writer.tell(&served).await {
            return;
        }
        let place = site(&served, self.publishing);
        loop {
            tokio::select! {
                biased;
                changed = self.wanted.changed() => {
                    let wanted = self.wanted.borrow().clone();
                    let next = wanted.served.filter(|_| changed.is_ok() && wanted.round == round);
                    let Some(next) = next.filter(|it| site(it, self.publishing) == place) else {
                        // It is looked at again, from the beginning.
                        self.wanted.mark_changed();
                        return;
                    };
                    if !writer.tell(&next).await {
                        return;
                    }
                }
                line = lines.next_line() => {
                    let Ok(Some(line)) = line else { return };
                    match serde_json::from_str(&line) {
                        Ok(news) => self.tell(news).await,
                        Err(error) => {
                            tracing::warn!(load_balancer = %self.arn, %error, "a balancer cannot be understood");
                        }
                    }
                }
            }
        }
    }

    async fn tell(&self, news: Vec<BalancerNews>) {
        // Metrics are totals, of which the next report tells as well.
        let may_be_dropped = matches!(
            news.first(),
            Some(BalancerNews::Logged { .. } | BalancerNews::Counted { .. })
        );
        if may_be_dropped && self.reports.capacity() < KEPT_FREE_OF_LOGS {
            tracing::debug!(load_balancer = %self.arn, "lines of an access log or metrics are dropped: the control plane does not take them");
            return;
        }
        let load_balancer = self.arn.clone();
        // Nobody hears it only when the agent ends.
        let _ = self.reports.send(BalancerReport { load_balancer, news }).await;
    }
}

/// What a balancer is told through.
struct Writer {
    writer: OwnedWriteHalf,
    /// Where the balancer finds this host.
    host_address: Ipv4Addr,
}

impl Writer {
    /// `false` if it cannot be told.
    async fn tell(&mut self, served: &ServedLoadBalancer) -> bool {
        let Ok(mut line) = serde_json::to_vec(&served.with_host_at(self.host_address)) else {
            return false;
        };
        line.push(b'\n');
        matches!(
            timeout(WRITE_DEADLINE, self.writer.write_all(&line)).await,
            Ok(Ok(()))
        )
    }
}

fn site(served: &ServedLoadBalancer, publishing: Publishing) -> LoadBalancerSite {
    let it = &served.load_balancer;
    let addresses = it.zones.iter().flat_map(|it| &it.addresses);
    let mut addresses = addresses.filter_map(|it| match it {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    });
    let address = addresses.next().unwrap_or(Ipv4Addr::UNSPECIFIED);
    let [a, b, c, d] = address.octets();
    LoadBalancerSite {
        id: it.arn.name().to_owned(),
        eni: Eni {
            vpc_id: it.vpc_id.clone(),
            vpc_cidr: (served.network.vpc_cidr.network, served.network.vpc_cidr.prefix),
            address,
            gateway: served.network.gateway,
            mac_address: format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}"),
        },
        others: addresses.collect(),
        range: ServiceConnectProxy::vpc_of(&it.arn)
            .map(|_| (VIRTUAL_ADDRESSES.network, VIRTUAL_ADDRESSES.prefix)),
        preserves_clients: served.target_groups.iter().any(TargetGroup::preserves_clients),
        published: published(served, publishing),
    }
}

/// The ports of listeners that are the host's too, each once.
fn published(served: &ServedLoadBalancer, publishing: Publishing) -> Vec<PortMapping> {
    let is_published = match publishing {
        Publishing::Nothing => false,
        Publishing::InternetFacing => served.load_balancer.scheme == Scheme::InternetFacing,
    };
    let listeners = served.listeners.iter().filter(|_| is_published);
    let mut ports: Vec<PortMapping> = listeners
        .flat_map(|it| {
            let transports = [
                (it.protocol.is_on_tcp(), TransportProtocol::Tcp),
                (it.protocol.is_on_udp(), TransportProtocol::Udp),
            ];
            let port = it.port;
            let used = transports.into_iter().filter(|(is_used, _)| *is_used);
            used.map(move |(_, protocol)| PortMapping {
                container_port: port,
                host_port: port,
                protocol,
                following: 0,
            })
        })
        .collect();
    ports.sort_by_key(|it| (it.host_port, it.protocol == TransportProtocol::Udp));
    ports.dedup();
    ports
}

#[cfg(test)]
mod tests;
