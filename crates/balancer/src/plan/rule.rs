//! Listener rules: what a request must look like, and what is done with it then.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::listener_rule::IpRange;
use http::{HeaderMap, HeaderName, StatusCode};

use super::pattern::Pattern;

#[cfg(test)]
mod tests;

/// One condition: true if one of its values matches.
#[derive(Debug, Clone)]
pub enum Condition {
    /// The host that is asked for, without port.
    HostHeader(Vec<Pattern>),
    /// The path, without query.
    PathPattern(Vec<Pattern>),
    /// A header.
    HttpHeader {
        /// Which.
        name: HeaderName,
        /// Values.
        values: Vec<Pattern>,
    },
    /// The method, as it is written.
    HttpRequestMethod(Vec<Box<str>>),
    /// A pair of the query string: its key, if that matters, and its value.
    QueryString(Vec<(Option<Pattern>, Pattern)>),
    /// The other end of the connection.
    SourceIp(Vec<IpRange>),
}

/// What conditions look at.
#[derive(Debug, Clone, Copy)]
pub struct RequestView<'a> {
    /// The host that is asked for, without port.
    pub host: &'a str,
    /// The path.
    pub path: &'a str,
    /// What follows the `?`.
    pub query: &'a str,
    /// The method.
    pub method: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The other end of the connection.
    pub source: IpAddr,
}

impl Condition {
    /// Whether the request meets it.
    pub fn matches(&self, request: &RequestView<'_>) -> bool {
        match self {
            Self::HostHeader(values) => values.iter().any(|it| it.matches(request.host)),
            Self::PathPattern(values) => values.iter().any(|it| it.matches(request.path)),
            Self::HttpHeader { name, values } => request.headers.get_all(name).iter().any(|header| {
                let text = String::from_utf8_lossy(header.as_bytes());
                values.iter().any(|it| it.matches(&text))
            }),
            Self::HttpRequestMethod(values) => values.iter().any(|it| &**it == request.method),
            Self::QueryString(values) => request.query.split('&').any(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                values.iter().any(|(wanted, pattern)| {
                    wanted.as_ref().is_none_or(|it| it.matches(key)) && pattern.matches(value)
                })
            }),
            Self::SourceIp(ranges) => ranges.iter().any(|it| it.contains(request.source.to_canonical())),
        }
    }
}

/// A redirect; each part may hold `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// 301 or 302.
    pub status: StatusCode,
    /// `HTTP`, `HTTPS` or `#{protocol}`.
    pub protocol: Box<str>,
    /// The host.
    pub host: Box<str>,
    /// The port.
    pub port: Box<str>,
    /// The path, with its leading `/`.
    pub path: Box<str>,
    /// The query, without the `?`.
    pub query: Box<str>,
}

/// What is done with a request.
#[derive(Debug, Clone)]
pub enum Action {
    /// It goes to a target of one of these groups, chosen by weight.
    Forward {
        /// ARNs and weights, 0–999.
        groups: Vec<(Arc<str>, u32)>,
        /// How long a client stays with a group, if it does.
        stickiness: Option<Duration>,
    },
    /// The client is sent elsewhere.
    Redirect(Redirect),
    /// It is answered here.
    FixedResponse {
        /// 2XX, 4XX or 5XX.
        status: StatusCode,
        /// The type of the body.
        content_type: Option<Box<str>>,
        /// The body.
        body: Arc<str>,
    },
}

/// A rule: all of its conditions must hold.
#[derive(Debug, Clone)]
pub struct Rule {
    /// 1–50,000; the lowest that matches decides.
    pub priority: u32,
    /// Conditions.
    pub conditions: Vec<Condition>,
    /// What is done.
    pub action: Action,
}

/// The action for a request with the priority of its rule; 0 stands for the default, as in access logs. `rules` are in
/// order of priority.
pub fn decide<'a>(
    rules: &'a [Rule],
    default_action: &'a Action,
    request: &RequestView<'_>,
) -> (u32, &'a Action) {
    rules
        .iter()
        .find(|rule| rule.conditions.iter().all(|it| it.matches(request)))
        .map_or((0, default_action), |rule| (rule.priority, &rule.action))
}
