//! Listeners: the ports of a load balancer.

use serde::{Deserialize, Serialize};

use crate::listener_rule::Action;
use crate::load_balancer::LoadBalancerKind;
use crate::tags::Pair;
use crate::{ListenerArn, LoadBalancerArn, Timestamp};

mod attributes;
mod response_headers;

pub use attributes::ListenerAttributes;

#[cfg(test)]
mod tests;

/// A port of a load balancer and what is done with what comes there. Rules are records of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// The record's key.
    pub arn: ListenerArn,
    /// Whose it is.
    pub load_balancer: LoadBalancerArn,
    /// Where it listens: once per load balancer, but that TCP and UDP are apart.
    pub port: u16,
    /// What clients speak.
    pub protocol: Protocol,
    /// ARNs of certificates: the default one, then the list of others, in which the default one may be once more; none
    /// unless clients speak TLS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<String>,
    /// For example `ELBSecurityPolicy-2016-08`; set if clients speak TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// Which protocols a TLS listener offers within TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn_policy: Option<AlpnPolicy>,
    /// What is done if no rule's conditions are met.
    pub default_action: Action,
    /// `Order` of the default action, as a rule has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_order: Option<u16>,
    /// How it treats what comes.
    pub attributes: ListenerAttributes,
    /// When it was made.
    pub created_at: Timestamp,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// What is spoken with clients or targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Protocol {
    /// HTTP.
    Http,
    /// HTTP within TLS.
    Https,
    /// TCP.
    Tcp,
    /// TLS.
    Tls,
    /// UDP.
    Udp,
    /// TCP and UDP on the same port.
    TcpUdp,
}

impl Listener {
    /// The certificate that is shown where no other fits; `None` unless clients speak TLS.
    pub fn default_certificate(&self) -> Option<&String> {
        self.certificates.first()
    }

    /// The certificates that were added.
    pub fn certificate_list(&self) -> &[String] {
        self.certificates.get(1..).unwrap_or_default()
    }
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Http,
        Self::Https,
        Self::Tcp,
        Self::Tls,
        Self::Udp,
        Self::TcpUdp,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Udp => "UDP",
            Self::TcpUdp => "TCP_UDP",
        }
    }

    /// The protocol of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// The kind of load balancer that has listeners and target groups of it.
    pub fn kind(self) -> LoadBalancerKind {
        match self {
            Self::Http | Self::Https => LoadBalancerKind::Application,
            Self::Tcp | Self::Tls | Self::Udp | Self::TcpUdp => LoadBalancerKind::Network,
        }
    }

    /// Whether certificates are needed to listen.
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }

    /// Whether it takes the port of TCP.
    pub fn is_on_tcp(self) -> bool {
        self != Self::Udp
    }

    /// Whether it takes the port of UDP.
    pub fn is_on_udp(self) -> bool {
        matches!(self, Self::Udp | Self::TcpUdp)
    }

    /// Whether a listener of this protocol may forward to a target group of `targets`.
    pub fn may_forward_to(self, targets: Self) -> bool {
        match self {
            Self::Http | Self::Https => matches!(targets, Self::Http | Self::Https),
            Self::Tcp => matches!(targets, Self::Tcp | Self::TcpUdp),
            Self::Tls => matches!(targets, Self::Tcp | Self::Tls),
            Self::Udp => matches!(targets, Self::Udp | Self::TcpUdp),
            Self::TcpUdp => targets == Self::TcpUdp,
        }
    }
}

/// Which protocols a TLS listener offers within TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlpnPolicy {
    /// HTTP/1.x only.
    Http1Only,
    /// HTTP/2 only.
    Http2Only,
    /// HTTP/2 if the client has no other wish.
    Http2Optional,
    /// HTTP/2 rather than HTTP/1.x.
    Http2Preferred,
    /// It does not take part.
    None,
}

impl AlpnPolicy {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Http1Only,
        Self::Http2Only,
        Self::Http2Optional,
        Self::Http2Preferred,
        Self::None,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http1Only => "HTTP1Only",
            Self::Http2Only => "HTTP2Only",
            Self::Http2Optional => "HTTP2Optional",
            Self::Http2Preferred => "HTTP2Preferred",
            Self::None => "None",
        }
    }

    /// The policy of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}
