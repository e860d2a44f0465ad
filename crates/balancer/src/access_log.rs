//! Access logs in Amazon's format, a line for each request.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use domain::Timestamp;

#[cfg(test)]
mod tests;

/// Takes lines of access logs. It must not block: what cannot be kept is dropped.
pub trait AccessLogSink: Send + Sync + 'static {
    /// Takes a line, without its end, of the load balancer with this ARN.
    fn line(&self, load_balancer: &str, line: String);
}

/// Keeps no logs.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoAccessLog;

impl AccessLogSink for NoAccessLog {
    fn line(&self, _load_balancer: &str, _line: String) {}
}

/// A request as its line tells it. What is not known is a hyphen there.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) kind: &'static str,
    pub(crate) ended: Timestamp,
    pub(crate) load_balancer: Arc<str>,
    pub(crate) client: SocketAddr,
    pub(crate) target: Option<SocketAddr>,
    /// Milliseconds until the request was sent to the target, until its answer began, and until that was sent.
    pub(crate) times_ms: [Option<u64>; 3],
    pub(crate) status: u16,
    pub(crate) target_status: Option<u16>,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) request: String,
    pub(crate) user_agent: String,
    pub(crate) cipher: &'static str,
    pub(crate) tls_version: &'static str,
    pub(crate) group: Option<Arc<str>>,
    pub(crate) trace_id: String,
    /// That of the connection.
    pub(crate) connection: [u64; 2],
    pub(crate) domain: Option<Arc<str>>,
    pub(crate) certificate: Option<Arc<str>>,
    pub(crate) priority: Option<u32>,
    pub(crate) began: Timestamp,
    pub(crate) actions: &'static str,
    pub(crate) redirect: Option<String>,
    pub(crate) grade: &'static str,
    pub(crate) grade_reason: &'static str,
}

impl Entry {
    pub(crate) fn line(&self) -> String {
        let mut line = String::with_capacity(512);
        let _ = write!(
            line,
            "{} {:.6} {} {} ",
            self.kind, self.ended, self.load_balancer, self.client
        );
        let target = self.target.map(|it| it.to_string());
        let target = target.as_deref().unwrap_or("-");
        let _ = write!(line, "{target} ");
        for time in self.times_ms {
            match time {
                Some(ms) => {
                    let _ = write!(line, "{}.{:03} ", ms / 1000, ms % 1000);
                }
                None => line.push_str("-1 "),
            }
        }
        let target_status = self
            .target_status
            .map_or_else(|| "-".to_owned(), |it| it.to_string());
        let _ = write!(
            line,
            "{} {target_status} {} {} ",
            self.status, self.received, self.sent
        );
        quoted(&mut line, &self.request);
        quoted(&mut line, &self.user_agent);
        let _ = write!(
            line,
            "{} {} {} ",
            self.cipher,
            self.tls_version,
            self.group.as_deref().unwrap_or("-")
        );
        quoted(&mut line, &self.trace_id);
        quoted(&mut line, self.domain.as_deref().unwrap_or("-"));
        quoted(&mut line, self.certificate.as_deref().unwrap_or("-"));
        let priority = self.priority.map_or_else(|| "-".to_owned(), |it| it.to_string());
        let _ = write!(line, "{priority} {:.6} ", self.began);
        quoted(&mut line, self.actions);
        quoted(&mut line, self.redirect.as_deref().unwrap_or("-"));
        // Amazon's words are about authentication and functions alone.
        quoted(&mut line, "-");
        quoted(&mut line, target);
        quoted(&mut line, &target_status);
        quoted(&mut line, self.grade);
        quoted(
            &mut line,
            if self.grade_reason.is_empty() {
                "-"
            } else {
                self.grade_reason
            },
        );
        let [high, low] = self.connection;
        let _ = write!(line, "TID_{high:016x}{low:016x}");
        line
    }
}

/// Writes a field in quotation marks; what would break the line is written as its code.
fn quoted(line: &mut String, text: &str) {
    line.push('"');
    for letter in text.chars() {
        match letter {
            '"' => line.push_str("\\x22"),
            '\\' => line.push_str("\\x5C"),
            it if it.is_control() => {
                let _ = write!(line, "\\x{:02X}", u32::from(it));
            }
            it => line.push(it),
        }
    }
    line.push_str("\" ");
}
