//! Questions to a state that are answered from key ranges and indexes.

use std::ops::Bound;
use std::sync::Arc;

use domain::account_setting::{AccountSetting, SettingName};
use domain::arn::{Arn, InCluster, kinds};
use domain::capacity_provider::CapacityProvider;
use domain::container_instance::ContainerInstance;
use domain::host::Host;
use domain::service::{Service, ServiceEvent};
use domain::service_deployment::ServiceDeployment;
use domain::task::Task;
use domain::task_definition::{LaunchType, TaskDefinition, TaskDefinitionFamily};
use domain::vpc::{Subnet, Vpc};
use domain::{
    ClusterArn, ContainerInstanceArn, Scope, ServiceArn, ServiceDeploymentArn, TaskArn, TaskDefinitionArn,
    Timestamp,
};

use super::{State, Tally};
use crate::Record;

impl State {
    /// Tasks of a cluster, STOPPED ones too, by ARN.
    pub fn tasks_of_cluster(&self, cluster: &ClusterArn) -> impl Iterator<Item = &Arc<Task>> + use<'_> {
        self.members::<kinds::Task, Task>(cluster)
    }

    /// [`State::tasks_of_cluster`] beyond one of them, which may be gone.
    pub fn tasks_of_cluster_after(
        &self,
        cluster: &ClusterArn,
        after: Option<&TaskArn>,
    ) -> impl Iterator<Item = &Arc<Task>> + use<'_> {
        self.members_after::<kinds::Task, Task>(cluster, after)
    }

    /// Services of a cluster, INACTIVE ones too, by ARN.
    pub fn services_of_cluster(&self, cluster: &ClusterArn) -> impl Iterator<Item = &Arc<Service>> + use<'_> {
        self.members::<kinds::Service, Service>(cluster)
    }

    /// Container instances of a cluster, by ARN.
    pub fn container_instances_of_cluster(
        &self,
        cluster: &ClusterArn,
    ) -> impl Iterator<Item = &Arc<ContainerInstance>> + use<'_> {
        self.members::<kinds::ContainerInstance, ContainerInstance>(cluster)
    }

    /// Deployments of a service, newest first.
    pub fn deployments_of_service(&self, service: &ServiceArn) -> Vec<&Arc<ServiceDeployment>> {
        let first: ServiceDeploymentArn = service.part("");
        let range = self
            .service_deployments
            .range((Bound::Included(&first), Bound::Unbounded));
        let all = range.take_while(|(arn, _)| arn.as_str().starts_with(first.as_str()));
        let mut all: Vec<_> = all.map(|(_, it)| it).collect();
        all.sort_by(|left, right| (right.created_at, &right.arn).cmp(&(left.created_at, &left.arn)));
        all
    }

    /// The ARNs of one cluster lie together.
    fn members<K: InCluster + 'static, R: Record<Key = Arn<K>>>(
        &self,
        cluster: &ClusterArn,
    ) -> impl Iterator<Item = &Arc<R>> + use<'_, K, R> {
        self.members_after::<K, R>(cluster, None)
    }

    fn members_after<K: InCluster + 'static, R: Record<Key = Arn<K>>>(
        &self,
        cluster: &ClusterArn,
        after: Option<&Arn<K>>,
    ) -> impl Iterator<Item = &Arc<R>> + use<'_, K, R> {
        let first: Arn<K> = cluster.member("");
        let start = after.filter(|it| **it > first).unwrap_or(&first);
        let range = R::table(self).range((Bound::Excluded(start), Bound::Unbounded));
        range
            .take_while(move |(arn, _)| arn.as_str().starts_with(first.as_str()))
            .map(|(_, record)| record)
    }

    /// Tasks that a RunTask with this client token started in the cluster, STOPPED ones too, by ARN.
    pub fn tasks_of_client_token(
        &self,
        cluster: &ClusterArn,
        token: &str,
    ) -> impl DoubleEndedIterator<Item = &Arc<Task>> + use<'_> {
        let request = (cluster.clone(), token.to_owned());
        let found = self.indexes.tasks_by_client_token.of(&request);
        found.filter_map(|it| self.tasks.get(it))
    }

    /// Tasks of a host that are not STOPPED, by ARN.
    pub fn tasks_of_host(&self, host_id: &str) -> impl DoubleEndedIterator<Item = &Arc<Task>> + use<'_> {
        let found = self.indexes.tasks_by_host.of(host_id);
        found.filter_map(|it| self.tasks.get(it))
    }

    /// Tasks of a container instance, STOPPED ones too, by ARN.
    pub fn tasks_of_container_instance(
        &self,
        instance: &ContainerInstanceArn,
    ) -> impl DoubleEndedIterator<Item = &Arc<Task>> + use<'_> {
        let found = self.indexes.tasks_by_container_instance.of(instance);
        found.filter_map(|it| self.tasks.get(it))
    }

    /// How many tasks of a revision are not STOPPED.
    pub fn tasks_of_task_definition_count(&self, definition: &TaskDefinitionArn) -> usize {
        let tally = self.indexes.task_definition_tallies.get(definition);
        tally.pending as usize + tally.running as usize + tally.stopping as usize
    }

    /// Tasks of a cluster by what they do, whatever is wanted of them.
    pub fn cluster_tally(&self, cluster: &ClusterArn) -> Tally {
        let mut sum = Tally::default();
        for (_, tally) in self.cluster_tally_by_launch_type(cluster) {
            sum.pending += tally.pending;
            sum.running += tally.running;
            sum.stopping += tally.stopping;
        }
        sum
    }

    /// [`State::cluster_tally`] for each launch type that has tasks.
    pub fn cluster_tally_by_launch_type(&self, cluster: &ClusterArn) -> Vec<(LaunchType, Tally)> {
        let key = |launch_type| (cluster.clone(), launch_type);
        let range = self
            .indexes
            .cluster_tallies
            .range(key(LaunchType::Ec2)..=key(LaunchType::External));
        range
            .map(|((_, launch_type), tally)| (*launch_type, tally))
            .collect()
    }

    /// Tasks of a container instance by what they do, whatever is wanted of them.
    pub fn container_instance_tally(&self, instance: &ContainerInstanceArn) -> Tally {
        self.indexes.container_instance_tallies.get(instance)
    }

    /// Tasks that were STOPPED before a time, oldest first.
    pub fn tasks_stopped_before(&self, time: Timestamp) -> impl Iterator<Item = &Arc<Task>> + use<'_> {
        let stopped = self.indexes.stopped_tasks.iter();
        stopped
            .take_while(move |(at, _)| *at < time)
            .filter_map(|(_, arn)| self.tasks.get(arn))
    }

    /// Tasks that wait for a place or may be tried again, STOPPED ones too, by ARN.
    pub fn queued_tasks(&self) -> impl DoubleEndedIterator<Item = &TaskArn> {
        self.indexes.queued_tasks.iter()
    }

    /// Container instances of a cluster that are DRAINING, by ARN.
    pub fn draining_container_instances(
        &self,
        cluster: &ClusterArn,
    ) -> impl DoubleEndedIterator<Item = &Arc<ContainerInstance>> + use<'_> {
        let found = self.indexes.draining_container_instances.of(cluster);
        found.filter_map(|it| self.container_instances.get(it))
    }

    /// Services of a cluster with the DAEMON strategy, DRAINING ones too, by ARN.
    pub fn daemon_services(
        &self,
        cluster: &ClusterArn,
    ) -> impl DoubleEndedIterator<Item = &Arc<Service>> + use<'_> {
        let found = self.indexes.daemon_services.of(cluster);
        found.filter_map(|it| self.services.get(it))
    }

    /// Settings that a principal has made, by name.
    pub fn account_settings(
        &self,
        scope: &Scope,
        principal: &str,
    ) -> impl Iterator<Item = &Arc<AccountSetting>> + use<'_> {
        let key = |name| (scope.clone(), principal.to_owned(), name);
        let [first, .., last] = SettingName::ALL;
        self.account_settings
            .range(key(first)..=key(last))
            .map(|(_, setting)| setting)
    }

    /// Hosts of an account, by id.
    pub fn hosts_of_account(&self, account: &str) -> impl DoubleEndedIterator<Item = &Arc<Host>> + use<'_> {
        let found = self.indexes.hosts_by_account.of(account);
        found.filter_map(|it| self.hosts.get(it))
    }

    /// Availability zones in which an account has hosts, by name.
    pub fn availability_zones(&self, account: &str) -> impl Iterator<Item = &str> + use<'_> {
        let account = account.to_owned();
        let range = self.indexes.host_zones.range((account.clone(), String::new())..);
        range
            .take_while(move |((of, _), _)| *of == account)
            .map(|((_, zone), _)| zone.as_str())
    }

    /// Revisions of a family, in the order of their numbers.
    pub fn task_definitions_of_family(
        &self,
        scope: &Scope,
        family: &str,
    ) -> impl DoubleEndedIterator<Item = &Arc<TaskDefinition>> + use<'_> {
        let revisions = self.indexes.revisions.get(&(scope.clone(), family.to_owned()));
        revisions.into_iter().flat_map(|it| it.values())
    }

    /// Families of a scope, by name.
    pub fn families(&self, scope: &Scope) -> impl Iterator<Item = &Arc<TaskDefinitionFamily>> + use<'_> {
        let scope = scope.clone();
        let range = self
            .task_definition_families
            .range((scope.clone(), String::new())..);
        range
            .take_while(move |((it, _), _)| *it == scope)
            .map(|(_, family)| family)
    }

    /// Events of a service, newest first.
    pub fn service_events(&self, service: &ServiceArn) -> impl Iterator<Item = &Arc<ServiceEvent>> + use<'_> {
        let key = |sequence| (service.clone(), sequence);
        self.service_events
            .range(key(0)..=key(u64::MAX))
            .rev()
            .map(|(_, event)| event)
    }

    /// Capacity providers of a scope, INACTIVE ones too, by name. There are few: all are looked at.
    pub fn capacity_providers(
        &self,
        scope: &Scope,
    ) -> impl Iterator<Item = &Arc<CapacityProvider>> + use<'_> {
        let scope = scope.clone();
        self.capacity_providers
            .values()
            .filter(move |it| it.arn.scope() == scope)
    }

    /// Subnets of a scope, by id. There are few: all are looked at.
    pub fn subnets(&self, scope: &Scope) -> impl Iterator<Item = &Arc<Subnet>> + use<'_> {
        let scope = scope.clone();
        self.subnets.values().filter(move |it| it.scope == scope)
    }

    /// VPCs of a scope, by id. There are few: all are looked at.
    pub fn vpcs(&self, scope: &Scope) -> impl Iterator<Item = &Arc<Vpc>> + use<'_> {
        let scope = scope.clone();
        self.vpcs.values().filter(move |it| it.scope == scope)
    }
}
