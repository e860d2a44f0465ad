//! Which heads are plain, and what a target is told. Pure.

use std::net::SocketAddr;

use domain::load_balancer::{DesyncMitigation, XForwardedFor};

use crate::dice::Dice;
use crate::l7::head::{self, Framing, Grade};
use crate::l7::headers;
use crate::l7::host::names_port;
use crate::plan::LoadBalancerPlan;

#[cfg(test)]
mod tests;

/// Methods that do no harm when they come twice, and have no body.
const METHODS: [&str; 3] = ["GET ", "HEAD ", "OPTIONS "];
/// As many lines as hyper takes, and none too many.
const LINES_MAX: usize = 90;

/// A head that says nothing but what to get. All of it is ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) host: &'a str,
    /// Where that ends, behind the beginning of the head.
    host_end: usize,
    /// Whether the client asks to close the connection.
    pub(super) closes: bool,
    /// What a target is told of it as it came: all but the line of the connection and the empty one.
    pub(super) kept: [&'a [u8]; 2],
}

/// What is added for the target.
pub(super) struct Facts<'a> {
    pub(super) load_balancer: &'a LoadBalancerPlan,
    pub(super) client: SocketAddr,
    pub(super) is_tls: bool,
    pub(super) port: u16,
    /// What a host without a port gets.
    pub(super) host_port: Option<u16>,
    pub(super) now_seconds: u64,
}

/// What a line means here.
enum Line {
    Kept,
    Host,
    Connection,
    /// It has a meaning for us: the long way knows it.
    Special,
}

impl<'a> Head<'a> {
    /// Reads what came: exactly one head, beyond doubt, without a body; none of anything else.
    pub(super) fn read(bytes: &'a [u8], mode: DesyncMitigation) -> Option<Self> {
        if head::end(bytes, 0) != Some(bytes.len()) {
            return None;
        }
        let inspected = head::inspect(bytes, mode).ok()?;
        let is_plain = inspected.grade == Grade::Compliant && inspected.framing == Framing::Length(0);
        if !is_plain || inspected.upgrades {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok().filter(|it| it.is_ascii())?;
        let body = text.strip_suffix("\r\n")?;
        // every feed has its return: that was inspected
        let first_length = body.bytes().position(|it| it == b'\n')? + 1;
        let first = body.get(..first_length)?.strip_suffix(" HTTP/1.1\r\n")?;
        let method = METHODS.into_iter().find(|it| first.starts_with(it))?;
        let target = &first[method.len()..];
        if !is_path(target) {
            return None;
        }
        let query_at = target.bytes().position(|it| it == b'?');
        let (path, query) = match query_at {
            Some(at) => (&target[..at], &target[at + 1..]),
            None => (target, ""),
        };
        let mut found = Self {
            method: method.trim_end(),
            path,
            query,
            host: "",
            host_end: 0,
            closes: false,
            kept: [body.as_bytes(), b""],
        };
        found.read_lines(body, first_length)?;
        (!found.host.is_empty()).then_some(found)
    }

    fn read_lines(&mut self, body: &'a str, mut at: usize) -> Option<()> {
        let (mut count, mut connections) = (0, 0);
        while at < body.len() {
            let length = body.as_bytes()[at..].iter().position(|it| *it == b'\n')? + 1;
            let line = &body[at..at + length];
            let colon = line.bytes().position(|it| it == b':')?;
            let (name, value) = (&line[..colon], &line[colon + 1..]);
            count += 1;
            match meaning(name) {
                _ if count > LINES_MAX => return None,
                Line::Special => return None,
                Line::Kept => {}
                Line::Host => {
                    self.host = value.trim_ascii();
                    self.host_end = at + colon + 1 + value.trim_ascii_end().len();
                }
                Line::Connection => {
                    connections += 1;
                    self.closes = match value.trim_ascii() {
                        it if it.eq_ignore_ascii_case("close") => true,
                        it if it.eq_ignore_ascii_case("keep-alive") => false,
                        _ => return None,
                    };
                    self.kept = [&body.as_bytes()[..at], &body.as_bytes()[at + length..]];
                }
            }
            at += length;
        }
        (connections <= 1).then_some(())
    }

    /// Writes what is kept, with a port behind the host.
    fn write_kept(&self, heads: &mut Vec<u8>, raw: &[u8], port: u16) {
        let [first, second] = self.kept;
        // the empty line is not kept
        let second_at = raw.len() - b"\r\n".len() - second.len();
        let (before, after) = match self.host_end <= first.len() {
            true => ([&first[..self.host_end], b""], [&first[self.host_end..], second]),
            false => {
                let (before, after) = second.split_at(self.host_end - second_at);
                ([first, before], [after, b""])
            }
        };
        before.iter().for_each(|it| heads.extend_from_slice(it));
        heads.push(b':');
        headers::write_number(heads, port);
        after.iter().for_each(|it| heads.extend_from_slice(it));
    }

    /// The head as it came, and behind it that for a target.
    pub(super) fn for_target(&self, raw: &[u8], facts: &Facts<'_>, dice: &Dice) -> Vec<u8> {
        const ADDED: usize = 256;
        let mut heads = Vec::with_capacity(2 * raw.len() + ADDED);
        heads.extend_from_slice(raw);
        match facts.host_port.filter(|_| !names_port(self.host)) {
            Some(port) => self.write_kept(&mut heads, raw, port),
            None => {
                heads.extend_from_slice(self.kept[0]);
                heads.extend_from_slice(self.kept[1]);
            }
        }
        if facts.load_balancer.forwarded_for == XForwardedFor::Append {
            heads.extend_from_slice(b"X-Forwarded-For: ");
            headers::write_forwarder(&mut heads, facts.load_balancer, facts.client);
            heads.extend_from_slice(b"\r\n");
        }
        heads.extend_from_slice(match facts.is_tls {
            true => b"X-Forwarded-Proto: https\r\nX-Forwarded-Port: ",
            false => b"X-Forwarded-Proto: http\r\nX-Forwarded-Port: ".as_slice(),
        });
        headers::write_number(&mut heads, facts.port);
        if !facts.load_balancer.is_classic {
            heads.extend_from_slice(b"\r\nX-Amzn-Trace-Id: Root=");
            headers::write_fresh_trace(&mut heads, dice, facts.now_seconds);
        }
        heads.extend_from_slice(b"\r\n\r\n");
        heads
    }
}

/// Whether it is a path and query that every parser reads alike.
fn is_path(target: &str) -> bool {
    let is_safe = |it: u8| it.is_ascii_alphanumeric() || b"/-._~%?&=+:@!$'()*,;".contains(&it);
    target.starts_with('/') && target.bytes().all(is_safe)
}

fn meaning(name: &str) -> Line {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    let begins = |other: &str| {
        let start = name.as_bytes().get(..other.len());
        start.is_some_and(|it| it.eq_ignore_ascii_case(other.as_bytes()))
    };
    match name.as_bytes().first().map(u8::to_ascii_lowercase) {
        Some(b'h') if is("host") => Line::Host,
        Some(b'c') if is("connection") => Line::Connection,
        Some(b'e') if is("expect") => Line::Special,
        Some(b'k') if is("keep-alive") => Line::Special,
        Some(b'p') if begins("proxy-") => Line::Special,
        Some(b't') if is("te") || is("trailer") || is("transfer-encoding") => Line::Special,
        Some(b'u') if is("upgrade") => Line::Special,
        Some(b'x') if begins("x-forwarded-") || begins("x-amzn-") => Line::Special,
        _ => Line::Kept,
    }
}
