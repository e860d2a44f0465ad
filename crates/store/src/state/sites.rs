//! Container instances side by side with their hosts: placement looks at all those of a cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::container_instance::ContainerInstance;
use domain::host::Host;
use domain::{ClusterArn, ContainerInstanceArn};

use super::State;

/// A container instance and its host.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The key of the container instance.
    arn: ContainerInstanceArn,
    /// The container instance.
    pub container_instance: Arc<ContainerInstance>,
    /// Its host; `None` if nobody knows it.
    pub host: Option<Arc<Host>>,
}

/// All sites. Clusters and hosts without any are not kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sites {
    /// By ARN.
    by_cluster: BTreeMap<ClusterArn, Vec<Site>>,
    by_host: BTreeMap<String, OfHost>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct OfHost {
    host: Option<Arc<Host>>,
    /// With their clusters.
    container_instances: BTreeMap<ContainerInstanceArn, ClusterArn>,
}

impl OfHost {
    fn is_empty(&self) -> bool {
        self.host.is_none() && self.container_instances.is_empty()
    }
}

impl Sites {
    /// Follows a host.
    pub fn host(&mut self, before: Option<&Arc<Host>>, after: Option<&Arc<Host>>) {
        let Some(id) = after.or(before).map(|it| &it.id) else {
            return;
        };
        let known = match self.by_host.get_mut(id) {
            Some(known) => known,
            None => self.by_host.entry(id.clone()).or_default(),
        };
        known.host = after.cloned();
        for (arn, cluster) in &known.container_instances {
            let sites = self.by_cluster.get_mut(cluster);
            let sites = sites.map_or(&mut [][..], Vec::as_mut_slice);
            if let Ok(place) = sites.binary_search_by(|it| it.arn.cmp(arn)) {
                sites[place].host = after.cloned();
            }
        }
        if known.is_empty() {
            self.by_host.remove(id);
        }
    }

    /// Follows a container instance.
    pub fn container_instance(
        &mut self,
        before: Option<&Arc<ContainerInstance>>,
        after: Option<&Arc<ContainerInstance>>,
    ) {
        if let Some(old) = before {
            self.forget(old);
        }
        let Some(new) = after else { return };
        let of_host = self.by_host.entry(new.host_id.clone()).or_default();
        let cluster = new.arn.cluster();
        of_host
            .container_instances
            .insert(new.arn.clone(), cluster.clone());
        let site = Site {
            arn: new.arn.clone(),
            container_instance: Arc::clone(new),
            host: of_host.host.clone(),
        };
        let sites = self.by_cluster.entry(cluster).or_default();
        match sites.binary_search_by(|it| it.arn.cmp(&new.arn)) {
            Ok(place) => sites[place] = site,
            Err(place) => sites.insert(place, site),
        }
    }

    fn forget(&mut self, old: &ContainerInstance) {
        if let Some(of_host) = self.by_host.get_mut(&old.host_id) {
            of_host.container_instances.remove(&old.arn);
            if of_host.is_empty() {
                self.by_host.remove(&old.host_id);
            }
        }
        let cluster = old.arn.cluster();
        if let Some(sites) = self.by_cluster.get_mut(&cluster) {
            if let Ok(place) = sites.binary_search_by(|it| it.arn.cmp(&old.arn)) {
                sites.remove(place);
            }
            if sites.is_empty() {
                self.by_cluster.remove(&cluster);
            }
        }
    }
}

impl State {
    /// Container instances of a cluster with their hosts, by ARN.
    pub fn sites_of_cluster(&self, cluster: &ClusterArn) -> &[Site] {
        let sites = self.indexes.sites.by_cluster.get(cluster);
        sites.map_or(&[], Vec::as_slice)
    }

    /// Container instances that a host is registered as, by ARN.
    pub fn container_instances_of_host(
        &self,
        host_id: &str,
    ) -> impl DoubleEndedIterator<Item = &Arc<ContainerInstance>> + use<'_> {
        let known = self.indexes.sites.by_host.get(host_id).into_iter();
        known
            .flat_map(|it| it.container_instances.keys())
            .filter_map(|arn| self.container_instances.get(arn))
    }
}
