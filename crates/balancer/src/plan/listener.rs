//! Load balancers and listeners as they run.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::listener::{AlpnPolicy, Protocol};
use domain::load_balancer::{DesyncMitigation, XForwardedFor};
use domain::ssl_policy::SslPolicy;
use http::{HeaderName, HeaderValue};

use super::rule::{Action, Rule};

/// An address at which a load balancer listens, in one of its zones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAddress {
    /// Where sockets are bound.
    pub ip: IpAddr,
    /// The availability zone of the address.
    pub zone: Arc<str>,
}

/// Bounds of what clients may do, each per listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsPlan {
    /// Connections held at one time; one more is closed at once.
    pub connections: usize,
    /// UDP flows held at one time; datagrams of one more are dropped.
    pub flows: usize,
}

impl Default for LimitsPlan {
    fn default() -> Self {
        Self {
            connections: 20_000,
            flows: 10_000,
        }
    }
}

/// A load balancer: what its listeners have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadBalancerPlan {
    /// Its ARN.
    pub arn: Arc<str>,
    /// `app/name/id` or `net/name/id`, as access logs name it.
    pub log_name: Arc<str>,
    /// Where it listens.
    pub addresses: Vec<NodeAddress>,
    /// `idle_timeout.timeout_seconds`, 60 s unless said.
    pub idle_timeout: Duration,
    /// `client_keep_alive.seconds`, 3,600 s unless said: how long a client's connection lives.
    pub client_keep_alive: Duration,
    /// How requests are treated that two parsers may read differently.
    pub desync: DesyncMitigation,
    /// The name that clients find it by; empty if it has none.
    pub dns_name: Arc<str>,
    /// `routing.http.preserve_host_header.enabled`: targets get `Host` as the client sent it.
    pub preserves_host: bool,
    /// What becomes of X-Forwarded-For.
    pub forwarded_for: XForwardedFor,
    /// `routing.http.xff_client_port.enabled`: the client's port stands in X-Forwarded-For too.
    pub forwards_client_port: bool,
    /// `routing.http.drop_invalid_header_fields.enabled`.
    pub drops_invalid_headers: bool,
    /// `routing.http.x_amzn_tls_version_and_cipher_suite.enabled`: requests say how their client speaks TLS.
    pub adds_tls_headers: bool,
    /// `routing.http2.enabled`.
    pub http2: bool,
    /// `load_balancing.cross_zone.enabled`: always for Application Load Balancers unless a group says otherwise.
    pub cross_zone: bool,
    /// Whether access logs are written.
    pub access_logs: bool,
    /// Whether it is a classic one, which answers in words of its own.
    pub is_classic: bool,
    /// Bounds of each of its listeners.
    pub limits: LimitsPlan,
}

impl LoadBalancerPlan {
    /// The address that a target of a zone is checked from: that of the zone's node; of the first one, if the zone has
    /// none. `None` if there is but one.
    pub(crate) fn checks_from(&self, zone: Option<&str>) -> Option<IpAddr> {
        let first = self.addresses.first().filter(|_| self.addresses.len() > 1)?;
        let own = self.addresses.iter().find(|it| Some(&*it.zone) == zone);
        Some(own.unwrap_or(first).ip)
    }

    /// An Application Load Balancer with the attributes that Amazon gives a new one.
    pub fn new(arn: &str, log_name: &str, addresses: Vec<NodeAddress>) -> Self {
        Self {
            arn: arn.into(),
            log_name: log_name.into(),
            addresses,
            idle_timeout: Duration::from_secs(60),
            client_keep_alive: Duration::from_secs(3600),
            desync: DesyncMitigation::Defensive,
            dns_name: "".into(),
            preserves_host: false,
            forwarded_for: XForwardedFor::Append,
            forwards_client_port: false,
            drops_invalid_headers: false,
            adds_tls_headers: false,
            http2: true,
            cross_zone: true,
            access_logs: false,
            is_classic: false,
            limits: LimitsPlan::default(),
        }
    }
}

/// A certificate with its key, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificatePem {
    /// Its ARN, which access logs name.
    pub arn: Arc<str>,
    /// The certificate, then its chain.
    pub chain: Arc<str>,
    /// Its private key.
    pub key: Arc<str>,
}

impl std::fmt::Debug for CertificatePem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CertificatePem")
            .field("arn", &self.arn)
            .finish_non_exhaustive()
    }
}

/// Headers that a listener sets or names otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerHeaders {
    /// `routing.http.response.server.enabled`: whether the load balancer's own answers name their server.
    pub server: bool,
    /// Set in all answers.
    pub response: Vec<(HeaderName, HeaderValue)>,
    /// Tells the version of TLS.
    pub tls_version: HeaderName,
    /// Tells the cipher suite.
    pub tls_cipher: HeaderName,
}

impl Default for ListenerHeaders {
    fn default() -> Self {
        Self {
            server: true,
            response: Vec::new(),
            tls_version: HeaderName::from_static("x-amzn-tls-version"),
            tls_cipher: HeaderName::from_static("x-amzn-tls-cipher-suite"),
        }
    }
}

/// A listener.
#[derive(Debug, Clone)]
pub struct ListenerPlan {
    /// Its ARN.
    pub arn: Arc<str>,
    /// Whose it is.
    pub load_balancer: Arc<LoadBalancerPlan>,
    /// The port at each address.
    pub port: u16,
    /// What it speaks.
    pub protocol: Protocol,
    /// Rules, tried in order of priority.
    pub rules: Vec<Rule>,
    /// What happens when no rule matches.
    pub default_action: Action,
    /// Certificates; the first is shown to clients that name no host or one that no other covers.
    pub certificates: Vec<CertificatePem>,
    /// Versions and ciphers of TLS.
    pub ssl_policy: &'static SslPolicy,
    /// What a TLS listener offers within TLS.
    pub alpn: AlpnPolicy,
    /// Headers that it sets.
    pub headers: ListenerHeaders,
    /// `tcp.idle_timeout.seconds` of a TCP listener, 350 s unless said.
    pub tcp_idle_timeout: Duration,
    /// Whether clients may speak HTTP/2 in the clear, which they begin with its preface.
    pub plain_http2: bool,
}

impl ListenerPlan {
    /// The port that a `Host` without one gets on its way to targets: none if that is the usual one of a scheme.
    /// What Amazon's attribute does is told with its launch:
    /// <https://repost.aws/questions/QUbdKVqaj4TKSZJdPWPZG1Ow>
    pub(crate) fn host_port(&self) -> Option<u16> {
        let is_usual = matches!(self.port, 80 | 443);
        (!is_usual && !self.load_balancer.preserves_host).then_some(self.port)
    }
}
