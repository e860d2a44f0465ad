//! Questions about Service Connect. An account has few client aliases and proxies: all are looked at.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use domain::deployment_lifecycle::LifecycleStage;
use domain::deployment_strategy::ALL_TRAFFIC;
use domain::service::Service;
use domain::service_connect::{ClientAlias, ServiceConnectProxy, TaskEndpoint};
use domain::task::{DesiredStatus, HealthStatus, Task, TaskStatus};
use domain::task_definition::TaskDefinition;
use domain::vpc::{Subnet, Vpc};
use domain::{Scope, TaskArn};

use super::{Indexes, State};

/// A task as an endpoint of a client alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The task.
    pub task: TaskArn,
    /// Where it is reached; `None` is the host of the proxy itself, on which it publishes its port.
    pub address: Option<Ipv4Addr>,
    /// On which port.
    pub port: u16,
    /// Whether it gets anything new.
    pub state: EndpointState,
}

/// Whether an endpoint gets anything new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// It does.
    Serving,
    /// It does not; what is under way may end.
    Draining,
    /// It does not, and its task stops once nothing is under way.
    Stopping,
}

impl Indexes {
    /// The address of a proxy is as taken as those of tasks.
    pub(crate) fn service_connect_proxy(
        &mut self,
        before: Option<&Arc<ServiceConnectProxy>>,
        after: Option<&Arc<ServiceConnectProxy>>,
    ) {
        if let Some(it) = before {
            self.addresses.give_back(&it.subnet_id, it.address);
        }
        if let Some(it) = after {
            self.addresses.take(&it.subnet_id, it.address);
        }
    }
}

impl State {
    /// Client aliases of a scope, by namespace, name and port.
    pub fn client_aliases(&self, scope: &Scope) -> impl Iterator<Item = &Arc<ClientAlias>> + use<'_> {
        let scope = scope.clone();
        self.all::<ClientAlias>().filter(move |it| it.scope == scope)
    }

    /// Client aliases that work in a VPC: those whose service has its tasks there, or in no VPC at all. Of two names that
    /// are the same in two namespaces, the one whose namespace comes first counts.
    pub fn client_aliases_in(&self, vpc_id: &str) -> Vec<&Arc<ClientAlias>> {
        let Some(vpc) = self.get::<Vpc>(&vpc_id.to_owned()) else {
            return Vec::new();
        };
        let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
        let mut found = Vec::new();
        for alias in self.client_aliases(&vpc.scope) {
            if !self.is_known_in(alias, vpc_id) {
                continue;
            }
            let owner = owners
                .entry(&alias.key.dns_name)
                .or_insert(&alias.key.namespace_id);
            if *owner == alias.key.namespace_id {
                found.push(alias);
            }
        }
        found
    }

    /// What names of Service Connect stand for in a VPC, in lower case and without a dot at their end.
    pub fn service_connect_names(&self, vpc_id: &str) -> BTreeMap<String, Ipv4Addr> {
        let aliases = self.client_aliases_in(vpc_id).into_iter();
        aliases.map(|it| (it.key.dns_name.clone(), it.address)).collect()
    }

    /// Whether the tasks of an alias are in a VPC, or in none at all. A service whose subnets are all gone has its tasks
    /// nowhere.
    fn is_known_in(&self, alias: &ClientAlias, vpc_id: &str) -> bool {
        let service = self.get::<Service>(&alias.service);
        let Some(subnets) = service.and_then(|it| it.connected_subnets()) else {
            return false;
        };
        let mut left = subnets.iter().filter_map(|it| self.get::<Subnet>(it));
        subnets.is_empty() || left.next().is_some_and(|it| it.vpc_id == vpc_id)
    }

    /// Proxies of a VPC, by host.
    pub fn service_connect_proxies_of(
        &self,
        vpc_id: &str,
    ) -> impl Iterator<Item = &Arc<ServiceConnectProxy>> + use<'_> {
        let vpc_id = vpc_id.to_owned();
        self.all::<ServiceConnectProxy>()
            .filter(move |it| it.vpc_id == vpc_id)
    }

    /// Proxies of a host, by VPC.
    pub fn service_connect_proxies_on(
        &self,
        host_id: &str,
    ) -> impl Iterator<Item = &Arc<ServiceConnectProxy>> + use<'_> {
        let range = (host_id.to_owned(), String::new())..;
        let host_id = host_id.to_owned();
        self.service_connect_proxies
            .range(range)
            .take_while(move |((host, _), _)| *host == host_id)
            .map(|(_, it)| it)
    }

    /// The tasks behind a client alias as the proxy of a host in a VPC reaches them: those in the VPC by their addresses,
    /// those that publish ports of the same host there.
    pub fn endpoints_of(&self, alias: &ClientAlias, proxy: &ServiceConnectProxy) -> Vec<Endpoint> {
        let service = self.get::<Service>(&alias.service);
        let tasks = self.tasks_of_service(&alias.service);
        let endpoints = tasks.filter_map(|task| {
            let offered = task.service_connect.as_ref()?.endpoint_of(alias)?;
            let (address, port) = self.place_of(task, offered, proxy)?;
            Some(Endpoint {
                task: task.arn.clone(),
                address,
                port,
                state: self.endpoint_state(task, service.map(AsRef::as_ref))?,
            })
        });
        endpoints.collect()
    }

    fn place_of(
        &self,
        task: &Task,
        endpoint: &TaskEndpoint,
        proxy: &ServiceConnectProxy,
    ) -> Option<(Option<Ipv4Addr>, u16)> {
        if let Some(eni) = &task.eni {
            let subnet = self.get::<Subnet>(&eni.subnet_id)?;
            let is_near = subnet.vpc_id == proxy.vpc_id;
            return is_near.then_some((Some(eni.address), endpoint.container_port));
        }
        if task.host_id != proxy.host_id {
            return None;
        }
        let mut containers = task.containers.iter();
        let container = containers.find(|it| it.name == endpoint.container)?;
        let port = container.network_bindings.iter().find_map(|it| {
            let offset = endpoint.container_port.checked_sub(it.container_port)?;
            (offset <= it.following).then(|| it.host_port + offset)
        })?;
        Some((None, port))
    }

    /// How a task stands; `None` if it never got anything, or is gone.
    fn endpoint_state(&self, task: &Task, service: Option<&Service>) -> Option<EndpointState> {
        match task.last_status {
            TaskStatus::Deactivating => Some(EndpointState::Stopping),
            TaskStatus::Running if task.desired_status == DesiredStatus::Running => {
                let definition = self.get::<TaskDefinition>(&task.task_definition)?;
                let is_healthy = match task.health(definition) {
                    HealthStatus::Healthy => true,
                    HealthStatus::Unhealthy => return Some(EndpointState::Draining),
                    HealthStatus::Unknown => !definition.is_health_checked(),
                };
                match (is_healthy, service.map_or(Turn::Now, |it| turn(it, task))) {
                    (false, _) | (_, Turn::Later) => None,
                    (true, Turn::Over) => Some(EndpointState::Draining),
                    (true, Turn::Now) => Some(EndpointState::Serving),
                }
            }
            _ => None,
        }
    }
}

/// Whether the traffic of a service is at a task's deployment.
enum Turn {
    Later,
    Now,
    Over,
}

/// A deployment in stages has both revisions beside each other: the new one gets requests once all traffic is its own.
fn turn(service: &Service, task: &Task) -> Turn {
    let Some(lifecycle) = &service.lifecycle else {
        return Turn::Now;
    };
    let is_new = service.deployments.first().map(|it| &it.id) == task.started_by.as_ref();
    // Once it is cleaned up, the traffic is at the newest deployment: after a way back, that is the old revision.
    let is_shifted = lifecycle.production_weight >= ALL_TRAFFIC || lifecycle.stage == LifecycleStage::CleanUp;
    let is_blue = lifecycle.blue.is_some() && lifecycle.blue == task.started_by;
    match (is_new, is_shifted) {
        (true, true) => Turn::Now,
        (true, false) if lifecycle.blue.is_none() => Turn::Now,
        (true, false) => Turn::Later,
        (false, false) if is_blue => Turn::Now,
        (false, _) => Turn::Over,
    }
}
