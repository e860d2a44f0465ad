//! What a host is told of its proxies of Service Connect, and what it tells of them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use domain::load_balancer::{
    IpAddressType, LoadBalancer, LoadBalancerAttributes, LoadBalancerKind, LoadBalancerState,
    LoadBalancerZone, Scheme,
};
use domain::served_load_balancer::{BalancerNews, ServedClientAlias, ServedEndpoint, ServedLoadBalancer};
use domain::service_connect::{ClientAlias, ClientAliasMetrics, ServiceConnectProxy};
use domain::{LoadBalancerArn, TargetGroupArn, TaskArn, Timestamp};
use orchestrator::transitions::endpoint_is_idle;
use store::{EndpointState, State, Tx};

use super::{Told, network};
use crate::service_connect_metrics::CountedByProxies;

/// The proxy of a host in a VPC with all that it serves; `None` if the host has none there.
pub fn served(
    state: &State,
    arn: &LoadBalancerArn,
    vpc_id: &str,
    (host_id, cookie_key): (&str, &[u8; 32]),
) -> Option<Told> {
    let key = (host_id.to_owned(), vpc_id.to_owned());
    let proxy = state.get::<ServiceConnectProxy>(&key)?;
    let zones = vec![LoadBalancerZone {
        name: String::new(),
        subnet_id: proxy.subnet_id.clone(),
        addresses: vec![IpAddr::V4(proxy.address)],
    }];
    let network = network(state, vpc_id, &zones)?;
    let aliases = state.client_aliases_in(vpc_id).into_iter();
    let served = ServedLoadBalancer {
        load_balancer: LoadBalancer {
            arn: arn.clone(),
            name: "service-connect".to_owned(),
            kind: LoadBalancerKind::Application,
            scheme: Scheme::Internal,
            ip_address_type: IpAddressType::Ipv4,
            vpc_id: vpc_id.to_owned(),
            zones,
            security_groups: Vec::new(),
            dns_name: String::new(),
            state: LoadBalancerState::Provisioning,
            attributes: LoadBalancerAttributes::new(LoadBalancerKind::Application),
            created_at: Timestamp::UNIX_EPOCH,
            tags: Vec::new(),
        },
        network,
        listeners: Vec::new(),
        rules: Vec::new(),
        target_groups: Vec::new(),
        targets: Vec::new(),
        client_aliases: aliases.map(|it| client_alias(state, it, proxy)).collect(),
        certificates: Vec::new(),
        own_instance: None,
        cookie_key: *cookie_key,
    };
    Some(Told {
        served: Arc::new(served),
        certificates: Vec::new(),
    })
}

fn client_alias(state: &State, alias: &ClientAlias, proxy: &ServiceConnectProxy) -> ServedClientAlias {
    let endpoints = state.endpoints_of(alias, proxy).into_iter();
    ServedClientAlias {
        group: alias.group(),
        address: alias.address,
        port: alias.key.port,
        protocol: alias.protocol,
        idle_timeout_seconds: alias.idle_timeout_seconds,
        per_request_timeout_seconds: alias.per_request_timeout_seconds,
        endpoints: endpoints
            .map(|it| ServedEndpoint {
                task: it.task,
                address: it.address,
                port: it.port,
                is_draining: it.state != EndpointState::Serving,
                is_stopping: it.state == EndpointState::Stopping,
            })
            .collect(),
    }
}

/// Takes over what a proxy has counted of its aliases; nothing of what is no proxy.
pub fn count(
    all: &CountedByProxies,
    served: &ServedLoadBalancer,
    host_id: &str,
    (since, counted): (Timestamp, Vec<ClientAliasMetrics>),
) {
    if let Some(vpc_id) = ServiceConnectProxy::vpc_of(&served.load_balancer.arn) {
        let groups = groups(served);
        all.take((host_id, vpc_id), since, counted, |it| groups.contains(it));
    }
}

/// A host is told to serve this: if it is a proxy, what it has counted of other aliases is forgotten.
pub fn forget_gone(all: &CountedByProxies, served: &ServedLoadBalancer, host_id: &str) {
    if let Some(vpc_id) = ServiceConnectProxy::vpc_of(&served.load_balancer.arn) {
        let groups = groups(served);
        all.keep((host_id, vpc_id), |it| groups.contains(it));
    }
}

fn groups(served: &ServedLoadBalancer) -> BTreeSet<&TargetGroupArn> {
    served.client_aliases.iter().map(|it| &it.group).collect()
}

/// Takes over what a proxy has found out: only that tasks which are to stop have nothing in flight is of use.
pub fn note(tx: &mut Tx<'_>, news: &[BalancerNews], host_id: &str) {
    for it in news {
        match it {
            BalancerNews::Idle { target } => {
                if let Ok(task) = TaskArn::parse(&target.id) {
                    endpoint_is_idle(tx, &task, (host_id, target.group.path()));
                }
            }
            BalancerNews::Fails { reason } => {
                tracing::warn!(
                    host_id,
                    reason,
                    "a proxy of Service Connect does not serve all names"
                );
            }
            BalancerNews::Serves
            | BalancerNews::Health { .. }
            | BalancerNews::Anomaly { .. }
            | BalancerNews::Logged { .. }
            | BalancerNews::Counted { .. } => {}
        }
    }
}
