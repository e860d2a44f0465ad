//! Rules of listeners: which requests they take, and what is done with them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::tags::Pair;
use crate::{ListenerArn, ListenerRuleArn, TargetGroupArn};

#[cfg(test)]
mod tests;

/// A rule. The default one is made and deleted with its listener, and does what the listener's default action says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerRule {
    /// The record's key.
    pub arn: ListenerRuleArn,
    /// Whose it is.
    pub listener: ListenerArn,
    /// 1 to 50000, the least is tried first and none is there twice; `None` for the default rule, tried last.
    pub priority: Option<u16>,
    /// All must be met. The default rule has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// What is done.
    pub action: Action,
    /// `Order` of the action, 2 to 50000; `None` is 1. There is one action, so that it is read back and means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_order: Option<u16>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// What a request must be like: any of the values is enough.
///
/// In values `*` stands for any characters and `?` for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// Patterns of `Host`, without regard to case.
    HostHeader(Vec<String>),
    /// Patterns of the path without the query, with regard to case.
    PathPattern(Vec<String>),
    /// A header.
    HttpHeader {
        /// Without regard to case.
        name: String,
        /// Patterns, without regard to case.
        values: Vec<String>,
    },
    /// Methods, as they are.
    HttpRequestMethod(Vec<String>),
    /// Parameters of the query.
    QueryString(Vec<QueryParameter>),
    /// Where the connection comes from, whatever `X-Forwarded-For` says.
    SourceIp(Vec<IpRange>),
}

impl Condition {
    /// `Field` on the wire.
    pub fn field(&self) -> &'static str {
        match self {
            Self::HostHeader(_) => "host-header",
            Self::PathPattern(_) => "path-pattern",
            Self::HttpHeader { .. } => "http-header",
            Self::HttpRequestMethod(_) => "http-request-method",
            Self::QueryString(_) => "query-string",
            Self::SourceIp(_) => "source-ip",
        }
    }

    /// How many values it has: they count towards the limit of a rule.
    pub fn value_count(&self) -> usize {
        match self {
            Self::HostHeader(it) | Self::PathPattern(it) | Self::HttpRequestMethod(it) => it.len(),
            Self::HttpHeader { values, .. } => values.len(),
            Self::QueryString(it) => it.len(),
            Self::SourceIp(it) => it.len(),
        }
    }
}

/// A parameter of the query: patterns, without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryParameter {
    /// Any key if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its value.
    pub value: String,
}

/// What is done with a request or connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// A target gets it.
    Forward(Forward),
    /// The client is sent elsewhere.
    Redirect(Redirect),
    /// The client gets this answer.
    FixedResponse(FixedResponse),
}

impl Action {
    /// The groups whose targets may get something.
    pub fn target_groups(&self) -> impl Iterator<Item = &TargetGroupArn> {
        let groups = match self {
            Self::Forward(it) => it.target_groups.as_slice(),
            Self::Redirect(_) | Self::FixedResponse(_) => &[],
        };
        groups.iter().map(|it| &it.arn)
    }
}

/// To whom requests go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// One to five.
    pub target_groups: Vec<WeightedTargetGroup>,
    /// How long a client stays with the group it got first, 1 to 604800 seconds; `None` if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stickiness_seconds: Option<u32>,
}

/// A group and its share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightedTargetGroup {
    /// Which.
    pub arn: TargetGroupArn,
    /// 0 to 999, in proportion to those of the others.
    pub weight: u16,
}

/// Where a client is sent. Texts hold `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}` as given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// 301 or 302.
    pub status_code: u16,
    /// `HTTP`, `HTTPS` or `#{protocol}`.
    pub protocol: String,
    /// Name, not encoded.
    pub host: String,
    /// A number or `#{port}`.
    pub port: String,
    /// Begins with a slash.
    pub path: String,
    /// Without the question mark.
    pub query: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedResponse {
    /// 200 to 299 or 400 to 599.
    pub status_code: u16,
    /// For example `text/plain`, if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// At most 1024 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// A range of addresses of clients, of either family; host bits may be set and do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpRange {
    /// As it was given.
    pub address: IpAddr,
    /// Length of the prefix in bits.
    pub prefix: u8,
}

/// Why a text is no range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a range of addresses like 192.0.2.0/24 or 2001:db8::/32")]
pub struct InvalidIpRange(pub String);

impl IpRange {
    /// Whether an address lies in the range.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(it)) => {
                let shift = 32 - u32::from(self.prefix);
                let differ = u32::from(own) ^ u32::from(it);
                differ.checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(it)) => {
                let shift = 128 - u32::from(self.prefix);
                let differ = u128::from(own) ^ u128::from(it);
                differ.checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl std::str::FromStr for IpRange {
    type Err = InvalidIpRange;

    fn from_str(text: &str) -> Result<Self, InvalidIpRange> {
        let invalid = || InvalidIpRange(text.to_owned());
        let (address, prefix) = text.split_once('/').ok_or_else(invalid)?;
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let prefix: u8 = prefix.parse().map_err(|_| invalid())?;
        let longest = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        if prefix > longest {
            return Err(invalid());
        }
        Ok(Self { address, prefix })
    }
}

impl std::fmt::Display for IpRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Serialize for IpRange {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IpRange {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
