//! What proxies of Service Connect have counted, as hosts have told it. It is kept in memory only: proxies count on while
//! there is no control plane, and tell all of it to the next.

use std::collections::BTreeMap;

use domain::service_connect::{ClientAliasMetrics, ServiceConnectMetrics};
use domain::{TargetGroupArn, Timestamp};
use parking_lot::Mutex;

#[cfg(test)]
mod tests;

/// What is known, by the id of the host and that of the VPC. A host that is not connected has nothing.
#[derive(Default)]
pub struct CountedByProxies(Mutex<BTreeMap<(String, String), Proxy>>);

/// What the proxy of a host in a VPC has counted.
struct Proxy {
    since: Timestamp,
    aliases: BTreeMap<TargetGroupArn, ServiceConnectMetrics>,
}

/// What all proxies have counted of an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// How many of them.
    pub proxies: usize,
    /// Since when the first of them does.
    pub since: Timestamp,
    /// The sum.
    pub metrics: ServiceConnectMetrics,
}

impl CountedByProxies {
    /// Takes over what the proxy of a host in a VPC tells of aliases, those alone that it serves.
    pub fn take(
        &self,
        (host_id, vpc_id): (&str, &str),
        since: Timestamp,
        counted: Vec<ClientAliasMetrics>,
        is_served: impl Fn(&TargetGroupArn) -> bool,
    ) {
        let mut all = self.0.lock();
        let key = (host_id.to_owned(), vpc_id.to_owned());
        let aliases = BTreeMap::new();
        let proxy = all.entry(key).or_insert(Proxy { since, aliases });
        if proxy.since != since {
            // It is another one, and has counted from the beginning.
            proxy.since = since;
            proxy.aliases.clear();
        }
        let counted = counted.into_iter().map(|it| (it.group, it.metrics));
        proxy
            .aliases
            .extend(counted.filter(|(group, _)| is_served(group)));
    }

    /// The proxy of a host in a VPC is told to serve these aliases: what it has counted of others goes with them. If one
    /// comes again, the proxy counts it from the beginning, and says nothing before something comes to it.
    pub fn keep(&self, (host_id, vpc_id): (&str, &str), is_served: impl Fn(&TargetGroupArn) -> bool) {
        let mut all = self.0.lock();
        if let Some(proxy) = all.get_mut(&(host_id.to_owned(), vpc_id.to_owned())) {
            proxy.aliases.retain(|group, _| is_served(group));
        }
    }

    /// The proxy of a host in a VPC is gone.
    pub fn forget(&self, host_id: &str, vpc_id: &str) {
        self.0.lock().remove(&(host_id.to_owned(), vpc_id.to_owned()));
    }

    /// A host is not connected any more.
    pub fn forget_host(&self, host_id: &str) {
        self.0.lock().retain(|(host, _), _| host != host_id);
    }

    /// What all proxies have counted, by alias.
    pub fn totals(&self) -> BTreeMap<TargetGroupArn, Total> {
        let mut totals: BTreeMap<TargetGroupArn, Total> = BTreeMap::new();
        for proxy in self.0.lock().values() {
            for (group, metrics) in &proxy.aliases {
                let total = totals.entry(group.clone()).or_insert(Total {
                    proxies: 0,
                    since: proxy.since,
                    metrics: ServiceConnectMetrics::default(),
                });
                total.proxies += 1;
                total.since = total.since.min(proxy.since);
                total.metrics.add(metrics);
            }
        }
        totals
    }
}
