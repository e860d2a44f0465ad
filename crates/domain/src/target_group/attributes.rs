//! Attributes of target groups: how requests are shared out, and how targets leave.

use serde::{Deserialize, Serialize};

use super::TargetType;
use crate::listener::Protocol;
use crate::load_balancer::LoadBalancerKind;
use crate::load_balancing_attribute::{self as attribute, AttributeRefusal};

mod tables;

/// How requests are shared out. Those of the other kind of load balancer stay as they are at first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetGroupAttributes {
    /// `deregistration_delay.timeout_seconds`, 0 to 3600: how long a target drains.
    pub deregistration_delay_seconds: u32,
    /// `stickiness.enabled`
    pub is_sticky: bool,
    /// `stickiness.type`
    pub stickiness: Stickiness,
    /// `load_balancing.cross_zone.enabled`
    pub cross_zone: CrossZone,
    /// `target_group_health.dns_failover.…`: when a zone's address leaves the name.
    pub dns_failover: MinimumHealthy,
    /// `target_group_health.unhealthy_state_routing.…`: when unhealthy targets get requests too.
    pub unhealthy_routing: MinimumHealthy,
    /// `stickiness.lb_cookie.duration_seconds`, 1 to 604800.
    pub lb_cookie_seconds: u32,
    /// `stickiness.app_cookie.cookie_name`
    pub app_cookie_name: String,
    /// `stickiness.app_cookie.duration_seconds`, 1 to 604800.
    pub app_cookie_seconds: u32,
    /// `slow_start.duration_seconds`, 0 or 30 to 900.
    pub slow_start_seconds: u32,
    /// `load_balancing.algorithm.type`
    pub algorithm: Algorithm,
    /// `load_balancing.algorithm.anomaly_mitigation`
    pub mitigates_anomalies: bool,
    /// `deregistration_delay.connection_termination.enabled`: whether connections end with the delay.
    pub ends_connections_after_delay: bool,
    /// `preserve_client_ip.enabled`: whether targets see clients' addresses.
    pub preserves_client_ip: bool,
    /// `proxy_protocol_v2.enabled`
    pub is_proxy_protocol: bool,
    /// `target_health_state.unhealthy.connection_termination.enabled`
    pub ends_connections_of_unhealthy: bool,
    /// `target_health_state.unhealthy.draining_interval_seconds`, 0 to 360000.
    pub unhealthy_draining_seconds: u32,
}

/// By what a client's requests stay with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stickiness {
    /// A cookie of the load balancer.
    LbCookie,
    /// A cookie of the application.
    AppCookie,
    /// The client's address.
    SourceIp,
    /// A cookie of a classic load balancer; of 0 seconds, as long as the browser's session.
    ClassicLbCookie,
    /// A cookie of the application behind a classic load balancer.
    ClassicAppCookie,
}

/// Whether the address of a zone uses targets of all zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CrossZone {
    /// It does.
    On,
    /// It does not.
    Off,
    /// As the load balancer says.
    AsLoadBalancer,
}

/// How the next target is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// In turn.
    RoundRobin,
    /// The one with the fewest requests in flight.
    LeastOutstandingRequests,
    /// At random.
    WeightedRandom,
}

/// How many targets must be healthy: both hold if both are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinimumHealthy {
    /// How many; `None` is `off`.
    pub count: Option<u32>,
    /// How many of a hundred; `None` is `off`.
    pub percentage: Option<u32>,
}

impl TargetGroupAttributes {
    /// What they are at first.
    pub fn new(protocol: Protocol, target_type: TargetType) -> Self {
        let at_least_one = MinimumHealthy {
            count: Some(1),
            percentage: None,
        };
        let is_on_udp = protocol.is_on_udp();
        Self {
            deregistration_delay_seconds: 300,
            is_sticky: false,
            stickiness: match protocol.kind() {
                LoadBalancerKind::Application => Stickiness::LbCookie,
                LoadBalancerKind::Network => Stickiness::SourceIp,
            },
            cross_zone: CrossZone::AsLoadBalancer,
            dns_failover: at_least_one,
            unhealthy_routing: at_least_one,
            lb_cookie_seconds: 86_400,
            app_cookie_name: String::new(),
            app_cookie_seconds: 86_400,
            slow_start_seconds: 0,
            algorithm: Algorithm::RoundRobin,
            mitigates_anomalies: false,
            ends_connections_after_delay: is_on_udp,
            // A target named by its address sees the load balancer, unless UDP leaves no other way.
            preserves_client_ip: target_type != TargetType::Ip || is_on_udp,
            is_proxy_protocol: false,
            ends_connections_of_unhealthy: !is_on_udp,
            unhealthy_draining_seconds: 0,
        }
    }

    /// Keys and values of the attributes that groups of this protocol have.
    pub fn list(&self, protocol: Protocol) -> Vec<(&'static str, String)> {
        attribute::read(self, &[tables::COMMON, tables::own(protocol.kind())])
    }

    /// Sets one.
    ///
    /// # Errors
    /// There is none of that key, groups of this protocol have none, or it cannot have that value.
    pub fn set(&mut self, protocol: Protocol, key: &str, value: &str) -> Result<(), AttributeRefusal> {
        attribute::write(
            self,
            (key, value),
            &[tables::COMMON, tables::own(protocol.kind())],
            &[tables::OF_APPLICATION, tables::OF_NETWORK],
        )
    }
}

impl TargetGroupAttributes {
    /// What attributes that are each valid may not say together.
    ///
    /// # Errors
    /// The rule that is broken, in a sentence.
    pub fn check(&self, protocol: Protocol) -> Result<(), String> {
        self.check_stickiness(protocol)?;
        self.check_together(protocol).map_err(str::to_owned)
    }

    /// In Amazon's words.
    fn check_stickiness(&self, protocol: Protocol) -> Result<(), String> {
        if self.is_sticky && protocol == Protocol::Tls {
            return Err("You cannot enable stickiness on target groups with the TLS protocol".to_owned());
        }
        let is_by_address = self.stickiness == Stickiness::SourceIp;
        if is_by_address != (protocol.kind() == LoadBalancerKind::Network) {
            return Err(format!(
                "Stickiness type '{}' is not supported for target groups with the {} protocol",
                tables::stickiness_word(self.stickiness),
                protocol.as_str()
            ));
        }
        if self.is_sticky && self.algorithm == Algorithm::WeightedRandom {
            return Err(
                "You cannot have both stickiness and weighted random algorithm enabled on the same target group."
                    .to_owned(),
            );
        }
        if self.is_sticky && self.stickiness == Stickiness::AppCookie && self.app_cookie_name.is_empty() {
            return Err(
                "You must set an application cookie name to enable stickiness of type 'app_cookie'"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn check_together(&self, protocol: Protocol) -> Result<(), &'static str> {
        if protocol.is_on_udp() && !self.preserves_client_ip {
            return Err("Client IP preservation cannot be disabled for UDP and TCP_UDP target groups");
        }
        if protocol.is_on_udp() && self.ends_connections_of_unhealthy {
            return Err(
                "Connection termination of unhealthy targets cannot be enabled for UDP and TCP_UDP target groups",
            );
        }
        if self.ends_connections_of_unhealthy && self.unhealthy_draining_seconds > 0 {
            return Err(
                "A draining interval of unhealthy targets needs connection termination of unhealthy targets to be disabled",
            );
        }
        if self.slow_start_seconds > 0 && self.algorithm != Algorithm::RoundRobin {
            return Err("Slow start is supported with the load balancing algorithm 'round_robin' only");
        }
        if self.mitigates_anomalies && self.algorithm != Algorithm::WeightedRandom {
            return Err(
                "Anomaly mitigation is supported with the load balancing algorithm 'weighted_random' only",
            );
        }
        Ok(())
    }
}

impl Default for TargetGroupAttributes {
    fn default() -> Self {
        Self::new(Protocol::Http, TargetType::Instance)
    }
}
