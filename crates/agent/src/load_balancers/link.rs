//! The link to the balancer of one load balancer: keeps it running, tells it what to serve, hears what it finds out.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use domain::LoadBalancerArn;
use domain::ids::Ids;
use domain::served_load_balancer::{BalancerNews, BalancerReport, ServedLoadBalancer};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::RECONNECT;
use crate::backoff::random;
use crate::host::{Eni, Host, LoadBalancerSite};

/// How long a balancer may take to read what it is told.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

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
    /// For jitter.
    pub ids: Arc<Ids>,
    /// What the control plane wants.
    pub wanted: watch::Receiver<Wanted>,
    /// What it hears goes there.
    pub reports: mpsc::Sender<BalancerReport>,
    /// The agent ends; the balancer goes on.
    pub shutdown: CancellationToken,
}

/// The last part of the ARN of a load balancer.
pub fn id(arn: &LoadBalancerArn) -> &str {
    arn.as_str().rsplit('/').next().unwrap_or_default()
}

impl Link {
    /// Keeps the balancer until it is not wanted any more, or the agent ends.
    pub async fn run(mut self) {
        let mut failures = 0;
        loop {
            let wanted = self.wanted.borrow_and_update().clone();
            let Some(served) = wanted.served else { break };
            let site = site(&served);
            let connected = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                it = self.host.open_load_balancer(&site) => it,
            };
            let begun = tokio::time::Instant::now();
            match connected {
                Ok(connection) => {
                    let (reader, writer) = connection.into_split();
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
        if let Err(error) = self.host.remove_load_balancer(id(&self.arn)).await {
            tracing::warn!(load_balancer = %self.arn, %error, "a balancer that is not wanted any more stays");
        }
    }

    /// Until the balancer goes away, or has to be in another place, or say all it knows again.
    async fn exchange(
        &mut self,
        mut lines: Lines<BufReader<OwnedReadHalf>>,
        mut writer: OwnedWriteHalf,
        mut served: Arc<ServedLoadBalancer>,
        round: u64,
    ) {
        if !write(&mut writer, &served).await {
            return;
        }
        loop {
            tokio::select! {
                biased;
                changed = self.wanted.changed() => {
                    let wanted = self.wanted.borrow().clone();
                    let next = wanted.served.filter(|_| changed.is_ok() && wanted.round == round);
                    let Some(next) = next.filter(|it| site(it) == site(&served)) else {
                        // It is looked at again, from the beginning.
                        self.wanted.mark_changed();
                        return;
                    };
                    if !write(&mut writer, &next).await {
                        return;
                    }
                    served = next;
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
        let load_balancer = self.arn.clone();
        // Nobody hears it only when the agent ends.
        let _ = self.reports.send(BalancerReport { load_balancer, news }).await;
    }
}

async fn write(writer: &mut OwnedWriteHalf, served: &ServedLoadBalancer) -> bool {
    let Ok(mut line) = serde_json::to_vec(served) else {
        return false;
    };
    line.push(b'\n');
    matches!(timeout(WRITE_DEADLINE, writer.write_all(&line)).await, Ok(Ok(())))
}

fn site(served: &ServedLoadBalancer) -> LoadBalancerSite {
    let it = &served.load_balancer;
    let addresses = it.zones.iter().flat_map(|it| &it.addresses);
    let mut addresses = addresses.filter_map(|it| match it {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    });
    let address = addresses.next().unwrap_or(Ipv4Addr::UNSPECIFIED);
    let [a, b, c, d] = address.octets();
    LoadBalancerSite {
        id: id(&it.arn).to_owned(),
        eni: Eni {
            vpc_id: it.vpc_id.clone(),
            vpc_cidr: (served.network.vpc_cidr.network, served.network.vpc_cidr.prefix),
            address,
            gateway: served.network.gateway,
            mac_address: format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}"),
        },
        others: addresses.collect(),
    }
}
