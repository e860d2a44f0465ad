//! A classic load balancer as balancers know load balancers: each of its listeners gets a target group of its own.

use super::{ClassicHealthCheck, ClassicInstance, ClassicListener, ClassicLoadBalancer, ClassicPolicyKind};
use crate::TargetGroupArn;
use crate::listener::{Listener, ListenerAttributes, Protocol};
use crate::listener_rule::{Action, Forward, ListenerRule, WeightedTargetGroup};
use crate::load_balancer::{
    IpAddressType, LoadBalancer, LoadBalancerAttributes, LoadBalancerKind, LoadBalancerState,
};
use crate::served_load_balancer::{LoadBalancerNetwork, ServedLoadBalancer};
use crate::target::{AnomalyDetection, Target, TargetKey, TargetState};
use crate::target_group::{
    Algorithm, HealthCheck, HealthCheckPort, Matcher, MinimumHealthy, ProtocolVersion, Stickiness,
    TargetGroup, TargetGroupAttributes, TargetType,
};

impl ClassicLoadBalancer {
    /// What its balancer is to do. Its own state is left out: the balancer itself has said it.
    pub fn served(
        &self,
        network: LoadBalancerNetwork,
        own_instance: Option<String>,
        cookie_key: [u8; 32],
    ) -> ServedLoadBalancer {
        let listeners = self.listeners.iter().map(|it| self.served_listener(it));
        let rules = self.listeners.iter().map(|it| self.default_rule(it));
        let groups = self.listeners.iter().map(|it| self.target_group(it));
        let targets = self.listeners.iter().flat_map(|listener| {
            let instances = self.instances.iter().filter(|it| self.is_in_zone_of(it));
            instances.map(|it| self.target(listener, it))
        });
        ServedLoadBalancer {
            load_balancer: self.as_load_balancer(),
            network,
            listeners: listeners.collect(),
            rules: rules.collect(),
            target_groups: groups.collect(),
            targets: targets.collect(),
            client_aliases: Vec::new(),
            certificates: Vec::new(),
            own_instance,
            cookie_key,
        }
    }

    fn as_load_balancer(&self) -> LoadBalancer {
        LoadBalancer {
            arn: self.arn.clone(),
            name: self.name.clone(),
            // Of its attributes, those of an application load balancer are kept; but its zones may be apart.
            kind: LoadBalancerKind::Network,
            scheme: self.scheme,
            ip_address_type: IpAddressType::Ipv4,
            vpc_id: self.vpc_id.clone(),
            zones: self.zones.clone(),
            security_groups: self.security_groups.clone(),
            dns_name: self.dns_name.clone(),
            state: LoadBalancerState::Provisioning,
            attributes: LoadBalancerAttributes {
                is_cross_zone: self.attributes.is_cross_zone,
                idle_timeout_seconds: self.attributes.idle_timeout_seconds,
                desync_mitigation: self.attributes.desync_mitigation,
                is_http2: false,
                ..LoadBalancerAttributes::new(LoadBalancerKind::Application)
            },
            created_at: self.created_at,
            tags: Vec::new(),
        }
    }

    /// The port of the listener that a group is of.
    pub fn port_of_group(&self, group: &TargetGroupArn) -> Option<u16> {
        let found = self.listeners.iter().find(|it| self.group_arn(it) == *group);
        found.map(|it| it.port)
    }

    /// The group of a listener; no other load balancer has one of that ARN.
    fn group_arn(&self, listener: &ClassicListener) -> TargetGroupArn {
        let name = format!("{}-{}", self.name, listener.port);
        TargetGroupArn::of(&self.arn.scope(), &name, self.arn.name())
    }

    fn action(&self, listener: &ClassicListener) -> Action {
        Action::Forward(Forward {
            target_groups: vec![WeightedTargetGroup {
                arn: self.group_arn(listener),
                weight: 1,
            }],
            stickiness_seconds: None,
        })
    }

    fn served_listener(&self, it: &ClassicListener) -> Listener {
        Listener {
            arn: self.arn.listener(&it.port.to_string()),
            load_balancer: self.arn.clone(),
            port: it.port,
            protocol: it.protocol,
            certificates: it.certificate.iter().cloned().collect(),
            ssl_policy: it.ssl_policy().map(str::to_owned),
            alpn_policy: None,
            default_action: self.action(it),
            action_order: None,
            attributes: ListenerAttributes {
                tcp_idle_timeout_seconds: self.attributes.idle_timeout_seconds,
                ..ListenerAttributes::default()
            },
            created_at: self.created_at,
            tags: Vec::new(),
        }
    }

    fn default_rule(&self, it: &ClassicListener) -> ListenerRule {
        let listener = self.arn.listener(&it.port.to_string());
        ListenerRule {
            arn: listener.rule("default"),
            listener,
            priority: None,
            conditions: Vec::new(),
            action: self.action(it),
            action_order: None,
            tags: Vec::new(),
        }
    }

    fn target_group(&self, listener: &ClassicListener) -> TargetGroup {
        let protocol = listener.instance_protocol;
        let is_http = matches!(protocol, Protocol::Http | Protocol::Https);
        let arn = self.group_arn(listener);
        TargetGroup {
            name: arn.group_name().to_owned(),
            arn,
            target_type: TargetType::Instance,
            protocol,
            protocol_version: is_http.then_some(ProtocolVersion::Http1),
            port: listener.instance_port,
            vpc_id: self.vpc_id.clone(),
            health_check: check(&self.health_check),
            attributes: self.group_attributes(listener, is_http),
            created_at: self.created_at,
            tags: Vec::new(),
        }
    }

    fn group_attributes(&self, listener: &ClassicListener, is_http: bool) -> TargetGroupAttributes {
        let mut attributes = TargetGroupAttributes {
            // Requests go to whoever has the fewest, connections in turn.
            algorithm: match is_http {
                true => Algorithm::LeastOutstandingRequests,
                false => Algorithm::RoundRobin,
            },
            // Unlike its younger kin it never sends anything to instances that are not in service.
            unhealthy_routing: MinimumHealthy {
                count: None,
                percentage: None,
            },
            deregistration_delay_seconds: self.attributes.draining_seconds.unwrap_or_default(),
            ends_connections_after_delay: true,
            ends_connections_of_unhealthy: false,
            preserves_client_ip: false,
            ..TargetGroupAttributes::new(listener.instance_protocol, TargetType::Instance)
        };
        let mut policies = self.policies.iter();
        if let Some(policy) = policies.find(|it| listener.policies.contains(&it.name)) {
            attributes.is_sticky = true;
            match &policy.kind {
                ClassicPolicyKind::LbCookie { seconds } => {
                    attributes.stickiness = Stickiness::ClassicLbCookie;
                    attributes.lb_cookie_seconds = seconds.unwrap_or_default();
                }
                ClassicPolicyKind::AppCookie { cookie } => {
                    attributes.stickiness = Stickiness::ClassicAppCookie;
                    attributes.app_cookie_name.clone_from(cookie);
                }
            }
        }
        attributes
    }

    fn target(&self, listener: &ClassicListener, it: &ClassicInstance) -> Target {
        Target {
            key: TargetKey {
                group: self.group_arn(listener),
                id: it.id.clone(),
                port: listener.instance_port,
            },
            zone: it.zone.clone(),
            // The host itself fills it in.
            address: None,
            registered_at: it.registered_at,
            state: match it.draining_since {
                None => TargetState::Registered,
                Some(since) => TargetState::Draining { since },
            },
            task: None,
            is_idle: false,
            anomaly: AnomalyDetection::default(),
            health: it.health_at(listener.port),
        }
    }
}

fn check(it: &ClassicHealthCheck) -> HealthCheck {
    let is_http = matches!(it.target.protocol, Protocol::Http | Protocol::Https);
    HealthCheck {
        protocol: it.target.protocol,
        port: HealthCheckPort::Port(it.target.port),
        path: it.target.path.clone(),
        interval_seconds: it.interval_seconds,
        timeout_seconds: it.timeout_seconds,
        healthy_threshold: it.healthy_threshold,
        unhealthy_threshold: it.unhealthy_threshold,
        matcher: is_http.then(|| Matcher::Http("200".to_owned())),
    }
}
