//! How the health of the instances of a classic load balancer is found out: `HTTP:80/ping`, `TCP:3306`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{parse_protocol, protocol_word};
use crate::listener::Protocol;

/// Longest path of a check.
const PATH_MAX: usize = 1024;

/// How health is found out: one check for all ports of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassicHealthCheck {
    /// What is asked, where.
    pub target: CheckTarget,
    /// From one check to the next, 5 to 300.
    pub interval_seconds: u32,
    /// 2 to 60, less than the interval.
    pub timeout_seconds: u32,
    /// Good checks in a row before an unhealthy instance is healthy, 2 to 10.
    pub healthy_threshold: u32,
    /// Bad checks in a row before an instance is unhealthy, 2 to 10.
    pub unhealthy_threshold: u32,
}

/// What is asked of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckTarget {
    /// HTTP, HTTPS, TCP or TLS.
    pub protocol: Protocol,
    /// 1 to 65535.
    pub port: u16,
    /// Of HTTP and HTTPS only: it begins with a slash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// Text that is no [`CheckTarget`]; it says why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidCheckTarget(&'static str);

impl ClassicHealthCheck {
    /// What a load balancer gets that says nothing: a connection to the port of its first listener.
    pub fn new(instance_port: u16) -> Self {
        Self {
            target: CheckTarget {
                protocol: Protocol::Tcp,
                port: instance_port,
                path: None,
            },
            interval_seconds: 30,
            timeout_seconds: 5,
            healthy_threshold: 10,
            unhealthy_threshold: 2,
        }
    }
}

impl FromStr for CheckTarget {
    type Err = InvalidCheckTarget;

    fn from_str(text: &str) -> Result<Self, InvalidCheckTarget> {
        let (protocol, rest) = text
            .split_once(':')
            .ok_or(InvalidCheckTarget("HealthCheck Target must specify a port"))?;
        let protocol = parse_protocol(protocol).ok_or(InvalidCheckTarget(
            "HealthCheck Target must begin with one of HTTP, TCP, HTTPS, SSL",
        ))?;
        let (port, path) = match rest.find('/') {
            Some(at) => (&rest[..at], Some(&rest[at..])),
            None => (rest, None),
        };
        let port = port.parse().ok().filter(|it| *it > 0);
        let port = port.ok_or(InvalidCheckTarget(
            "HealthCheck Target port must be a number from 1 to 65535",
        ))?;
        let is_http = matches!(protocol, Protocol::Http | Protocol::Https);
        match path {
            None if is_http => Err(InvalidCheckTarget("HealthCheck HTTP Target must specify a path")),
            Some(_) if !is_http => Err(InvalidCheckTarget(
                "HealthCheck Target must not specify a path for TCP or SSL",
            )),
            Some(path) if path.len() > PATH_MAX || path.bytes().any(|it| !it.is_ascii_graphic()) => {
                Err(InvalidCheckTarget(
                    "HealthCheck HTTP Target path must have at most 1024 characters, without spaces",
                ))
            }
            path => Ok(Self {
                protocol,
                port,
                path: path.map(str::to_owned),
            }),
        }
    }
}

impl fmt::Display for CheckTarget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_deref().unwrap_or_default();
        write!(out, "{}:{}{path}", protocol_word(self.protocol), self.port)
    }
}
