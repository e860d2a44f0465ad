//! What hosts that follow networks have to look at after a commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::load_balancer::{LoadBalancer, LoadBalancerZone};
use domain::service_connect::ServiceConnectProxy;
use domain::task::{Task, TaskEni, TaskStatus};
use domain::{LoadBalancerArn, TaskArn};
use store::{Change, Changed, Commit};

use crate::sessions::followers::News;

/// What to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkNews {
    /// Everything.
    pub is_all: bool,
    /// The rules of all VPCs: a prefix list has changed.
    pub all_rules: bool,
    /// The rules of these VPCs.
    pub vpcs: BTreeSet<String>,
    /// The interfaces of these owners.
    pub owners: BTreeSet<InterfaceOwner>,
    /// These hosts, and what is on them: they are found elsewhere, or by another number.
    pub hosts: BTreeSet<String>,
    /// The interfaces of all load balancers: another host serves them.
    pub serving: bool,
}

/// Who has interfaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InterfaceOwner {
    /// A task, one.
    Task(TaskArn),
    /// A load balancer, one for each of its addresses.
    LoadBalancer(LoadBalancerArn),
    /// A proxy of Service Connect, one: its host and its VPC.
    Proxy(String, String),
}

impl News for NetworkNews {
    fn all() -> Self {
        Self {
            is_all: true,
            ..Self::default()
        }
    }

    fn of(commit: &Commit) -> Self {
        news(commit)
    }

    fn add(&mut self, others: &Self) {
        self.is_all |= others.is_all;
        self.all_rules |= others.all_rules;
        self.vpcs.extend(others.vpcs.iter().cloned());
        self.owners.extend(others.owners.iter().cloned());
        self.hosts.extend(others.hosts.iter().cloned());
        self.serving |= others.serving;
    }
}

/// What a commit changes in networks.
fn news(commit: &Commit) -> NetworkNews {
    let mut news = NetworkNews::default();
    for change in &commit.changes {
        match change {
            Change::Task(it) if differs(it, of_task) => {
                let owner = either(it).map(|it| InterfaceOwner::Task(it.arn.clone()));
                news.owners.extend(owner);
            }
            Change::LoadBalancer(it) if differs(it, of_load_balancer) => {
                let owner = either(it).map(|it| InterfaceOwner::LoadBalancer(it.arn.clone()));
                news.owners.extend(owner);
            }
            Change::ClassicLoadBalancer(it) if differs(it, of_classic) => {
                let owner = either(it).map(|it| InterfaceOwner::LoadBalancer(it.arn.clone()));
                news.owners.extend(owner);
            }
            Change::ServiceConnectProxy(it) => {
                let owner = |it: &Arc<ServiceConnectProxy>| {
                    InterfaceOwner::Proxy(it.host_id.clone(), it.vpc_id.clone())
                };
                news.owners.extend(either(it).map(owner));
            }
            Change::Host(it) if differs(it, |it| (it.number, it.address)) => {
                news.hosts.extend(either(it).map(|it| it.id.clone()));
            }
            Change::Vpc(it) => news.vpcs.extend(either(it).map(|it| it.id.clone())),
            Change::Subnet(it) => news.vpcs.extend(either(it).map(|it| it.vpc_id.clone())),
            Change::SecurityGroup(it) => news.vpcs.extend(either(it).map(|it| it.vpc_id.clone())),
            Change::NetworkAcl(it) => news.vpcs.extend(either(it).map(|it| it.vpc_id.clone())),
            Change::RouteTable(it) => news.vpcs.extend(either(it).map(|it| it.vpc_id.clone())),
            Change::InternetGateway(it) => {
                let gateways = it.before.iter().chain(&it.after);
                news.vpcs.extend(gateways.filter_map(|it| it.vpc_id.clone()));
            }
            Change::NatGateway(it) => news.vpcs.extend(either(it).map(|it| it.vpc_id.clone())),
            Change::PrefixList(_) => news.all_rules = true,
            _ => {}
        }
    }
    news
}

/// The network interface of a task, as long as the task has it.
pub fn eni(task: &Task) -> Option<&TaskEni> {
    let is_there = task.last_status != TaskStatus::Stopped;
    task.eni.as_deref().filter(|_| is_there)
}

/// What `served::task` tells of it.
fn of_task(task: &Task) -> Option<impl PartialEq + '_> {
    let it = eni(task)?;
    Some((&it.subnet_id, it.address, &it.security_groups, it.is_public))
}

fn of_load_balancer(it: &LoadBalancer) -> (&[LoadBalancerZone], &[String]) {
    (&it.zones, &it.security_groups)
}

fn of_classic(it: &ClassicLoadBalancer) -> (&[LoadBalancerZone], &[String]) {
    (&it.zones, &it.security_groups)
}

fn differs<'a, R, T: PartialEq>(it: &'a Changed<R>, told: impl Fn(&'a R) -> T) -> bool {
    it.before.as_deref().map(&told) != it.after.as_deref().map(&told)
}

fn either<R>(it: &Changed<R>) -> Option<&Arc<R>> {
    it.after.as_ref().or(it.before.as_ref())
}
