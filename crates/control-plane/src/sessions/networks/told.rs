//! What a host knows of networks, and what it does not know yet.

use std::collections::BTreeMap;

use domain::Scope;
use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::host::Host;
use domain::load_balancer::LoadBalancer;
use domain::served_network::{InterfaceKey, NetworksMessage, ServedHost, ServedInterface, ServedVpc};
use domain::service_connect::ServiceConnectProxy;
use domain::task::Task;
use domain::vpc::Vpc;
use store::State;

use super::news::{InterfaceOwner, NetworkNews};
use super::served;

/// What a host has been told.
pub struct Told {
    scope: Scope,
    host_id: String,
    is_begun: bool,
    own: Option<u16>,
    /// By their ids.
    hosts: BTreeMap<String, ServedHost>,
    vpcs: BTreeMap<String, ServedVpc>,
    interfaces: BTreeMap<InterfaceOwner, Vec<ServedInterface>>,
}

impl Told {
    /// Nothing yet.
    pub fn new(scope: Scope, host_id: &str) -> Self {
        Self {
            scope,
            host_id: host_id.to_owned(),
            is_begun: false,
            own: None,
            hosts: BTreeMap::new(),
            vpcs: BTreeMap::new(),
            interfaces: BTreeMap::new(),
        }
    }

    /// Whose networks it knows.
    pub fn account(&self) -> &str {
        &self.scope.account
    }

    /// What the host does not know yet of what may have changed, which it is held to know from now on. Load balancers are
    /// where the host is that is `serving` them.
    pub fn message(
        &mut self,
        state: &State,
        serving: Option<&str>,
        news: &NetworkNews,
    ) -> Option<NetworksMessage> {
        let mut message = NetworksMessage {
            is_whole: !self.is_begun,
            ..NetworksMessage::default()
        };
        self.is_begun = true;
        self.look_at_hosts(state, news, &mut message);
        let mut vpcs = news.vpcs.clone();
        if news.all_rules || news.is_all {
            vpcs.extend(self.vpcs.keys().cloned());
            vpcs.extend(state.vpcs(&self.scope).map(|it| it.id.clone()));
        }
        let mut owners = news.owners.clone();
        if news.is_all {
            owners.extend(self.interfaces.keys().cloned());
            owners.extend(tasks(state).chain(load_balancers(state)).chain(proxies(state)));
        } else {
            if !news.hosts.is_empty() || news.serving {
                owners.extend(load_balancers(state));
            }
            for host in &news.hosts {
                owners.extend(of_host(state, host));
            }
        }
        for id in vpcs {
            self.look_at_vpc(state, id, &mut message);
        }
        for owner in owners {
            self.look_at_owner(state, serving, owner, &mut message);
        }
        let is_empty = message == NetworksMessage::default();
        (!is_empty).then_some(message)
    }

    fn look_at_hosts(&mut self, state: &State, news: &NetworkNews, message: &mut NetworksMessage) {
        let own = served::host_number(state, &self.host_id);
        if own != self.own {
            self.own = own;
            message.own = own;
        }
        let mut ids = news.hosts.clone();
        if news.is_all {
            ids.extend(self.hosts.keys().cloned());
            ids.extend(
                state
                    .hosts_of_account(&self.scope.account)
                    .map(|it| it.id.clone()),
            );
        }
        for id in ids {
            let host = state.get::<Host>(&id);
            let host = host.filter(|it| it.account == self.scope.account);
            let now = host.and_then(|it| served::host(it));
            let before = self.hosts.get(&id).copied();
            if now == before {
                continue;
            }
            let is_same = |it: &ServedHost| now.is_some_and(|now| now.number == it.number);
            message
                .gone_hosts
                .extend(before.filter(|it| !is_same(it)).map(|it| it.number));
            message.hosts.extend(now);
            match now {
                Some(now) => self.hosts.insert(id, now),
                None => self.hosts.remove(&id),
            };
        }
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

    fn look_at_owner(
        &mut self,
        state: &State,
        serving: Option<&str>,
        owner: InterfaceOwner,
        message: &mut NetworksMessage,
    ) {
        let now = match &owner {
            InterfaceOwner::Task(arn) if arn.scope() == self.scope => {
                let task = state.get::<Task>(arn);
                task.and_then(|it| served::task(state, it)).into_iter().collect()
            }
            InterfaceOwner::LoadBalancer(arn) if arn.scope() == self.scope => {
                served::load_balancer(state, arn, serving)
            }
            InterfaceOwner::Proxy(host_id, vpc_id) => {
                let proxy = state.get::<ServiceConnectProxy>(&(host_id.clone(), vpc_id.clone()));
                let proxy = proxy.filter(|it| it.scope == self.scope);
                proxy.map(|it| served::proxy(state, it)).into_iter().collect()
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

fn tasks(state: &State) -> impl Iterator<Item = InterfaceOwner> {
    let tasks = state.all::<Task>().filter(|it| it.eni.is_some());
    tasks.map(|it| InterfaceOwner::Task(it.arn.clone()))
}

fn load_balancers(state: &State) -> impl Iterator<Item = InterfaceOwner> {
    let balancers = state.all::<LoadBalancer>().map(|it| it.arn.clone());
    let classic = state.all::<ClassicLoadBalancer>().map(|it| it.arn.clone());
    balancers.chain(classic).map(InterfaceOwner::LoadBalancer)
}

fn proxies(state: &State) -> impl Iterator<Item = InterfaceOwner> {
    let proxies = state.all::<ServiceConnectProxy>();
    proxies.map(|it| proxy(it))
}

fn proxy(it: &ServiceConnectProxy) -> InterfaceOwner {
    InterfaceOwner::Proxy(it.host_id.clone(), it.vpc_id.clone())
}

/// Those on a host, but for load balancers.
fn of_host(state: &State, host_id: &str) -> impl Iterator<Item = InterfaceOwner> {
    let tasks = state.tasks_of_host(host_id).filter(|it| it.eni.is_some());
    let tasks = tasks.map(|it| InterfaceOwner::Task(it.arn.clone()));
    let proxies = state.service_connect_proxies_on(host_id);
    tasks.chain(proxies.map(|it| proxy(it)))
}
