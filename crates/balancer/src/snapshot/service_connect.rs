//! Client aliases of Service Connect as they run: each is a listener at an address of its own, with a group.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::listener::{AlpnPolicy, Protocol};
use domain::load_balancer::DesyncMitigation;
use domain::served_load_balancer::{ServedClientAlias, ServedEndpoint};
use domain::service_connect::AppProtocol;
use domain::ssl_policy::SslPolicy;
use domain::target_group::{Algorithm, ProtocolVersion};

use crate::health::machine::Health;
use crate::plan::rule::Action;
use crate::plan::{
    GroupPlan, ListenerHeaders, ListenerPlan, LoadBalancerPlan, NodeAddress, Plan, Registration, Resilience,
    TargetPlan,
};

/// As good as never.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// What a proxy does for its client aliases.
pub fn service_connect(aliases: &[ServedClientAlias]) -> Plan {
    Plan {
        listeners: aliases.iter().map(listener).collect(),
        groups: aliases.iter().map(group).collect(),
    }
}

fn listener(alias: &ServedClientAlias) -> ListenerPlan {
    let name = alias.group.as_str();
    let node = NodeAddress {
        ip: IpAddr::V4(alias.address),
        zone: "".into(),
    };
    let idle = idle_timeout(alias);
    ListenerPlan {
        arn: name.into(),
        load_balancer: Arc::new(LoadBalancerPlan {
            idle_timeout: idle,
            client_keep_alive: NEVER,
            desync: DesyncMitigation::Defensive,
            preserves_host: true,
            ..LoadBalancerPlan::new(name, alias.group.path(), vec![node])
        }),
        port: alias.port,
        protocol: protocol(alias),
        rules: Vec::new(),
        default_action: Action::Forward {
            groups: vec![(name.into(), 1)],
            stickiness: None,
        },
        certificates: Vec::new(),
        ssl_policy: SslPolicy::usual(),
        alpn: AlpnPolicy::None,
        headers: ListenerHeaders::default(),
        tcp_idle_timeout: idle,
        plain_http2: matches!(alias.protocol, AppProtocol::Http2 | AppProtocol::Grpc),
    }
}

fn group(alias: &ServedClientAlias) -> GroupPlan {
    let seconds = alias.per_request_timeout_seconds;
    let request_timeout = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
    let version = match alias.protocol {
        AppProtocol::Http | AppProtocol::Tcp => ProtocolVersion::Http1,
        AppProtocol::Http2 => ProtocolVersion::Http2,
        AppProtocol::Grpc => ProtocolVersion::Grpc,
    };
    GroupPlan {
        version,
        algorithm: Algorithm::LeastOutstandingRequests,
        targets: alias.endpoints.iter().filter_map(target).collect(),
        resilience: Some(Resilience { request_timeout }),
        ..GroupPlan::new(alias.group.as_str(), protocol(alias))
    }
}

fn target(it: &ServedEndpoint) -> Option<TargetPlan> {
    Some(TargetPlan {
        id: it.task.as_str().into(),
        address: SocketAddr::new(IpAddr::V4(it.address?), it.port),
        zone: None,
        registration: match it.is_draining {
            true => Registration::Draining,
            false => Registration::Registered,
        },
        known: Health::Healthy,
    })
}

fn protocol(alias: &ServedClientAlias) -> Protocol {
    match alias.protocol {
        AppProtocol::Http | AppProtocol::Http2 | AppProtocol::Grpc => Protocol::Http,
        AppProtocol::Tcp => Protocol::Tcp,
    }
}

fn idle_timeout(alias: &ServedClientAlias) -> Duration {
    match alias.idle_timeout_seconds {
        0 => NEVER,
        seconds => Duration::from_secs(seconds.into()),
    }
}
