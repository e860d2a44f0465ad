//! Headers on their way to targets and back.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

use domain::load_balancer::XForwardedFor;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::dice::Dice;
use crate::plan::LoadBalancerPlan;

#[cfg(test)]
mod tests;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
/// More addresses than these in X-Forwarded-For are refused with 463.
const FORWARDERS_MAX: usize = 30;

/// How long headers are in the log of a connection of HTTP/2, in bytes: as HTTP/1.1 would have them, since how far they are
/// compressed says nothing of a request.
pub(crate) fn length(headers: &HeaderMap) -> u64 {
    let lines = headers
        .iter()
        .map(|(name, value)| line_length(name.as_str(), value.as_bytes()));
    lines.sum()
}

/// That of one header.
pub(crate) fn line_length(name: &str, value: &[u8]) -> u64 {
    (name.len() + ": ".len() + value.len() + "\r\n".len()) as u64
}

/// Whether X-Forwarded-For holds more addresses than are taken.
pub(crate) fn has_too_many_forwarders(headers: &HeaderMap) -> bool {
    let count: usize = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .map(|it| it.as_bytes().split(|byte| *byte == b',').count())
        .sum();
    count > FORWARDERS_MAX
}

/// Whether a connection may change to another protocol, and to which.
pub(crate) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asks = asks_for(headers, b"upgrade");
    headers.get(header::UPGRADE).filter(|_| asks).cloned()
}

/// Whether a connection is to end after the answer.
pub(crate) fn asks_to_close(headers: &HeaderMap) -> bool {
    asks_for(headers, b"close")
}

fn asks_for(headers: &HeaderMap, wanted: &[u8]) -> bool {
    headers.get_all(header::CONNECTION).iter().any(|it| {
        let mut words = it.as_bytes().split(|byte| *byte == b',');
        words.any(|word| word.trim_ascii().eq_ignore_ascii_case(wanted))
    })
}

/// Takes out what concerns one connection only, and what `Connection` names. Framing that the other side needs is made
/// anew by whoever writes the message.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .flat_map(|it| it.as_bytes().split(|byte| *byte == b','))
            .filter_map(|word| HeaderName::from_bytes(word.trim_ascii()).ok())
            // a client must not talk us out of what we rely on
            .filter(|name| *name != header::HOST && *name != header::CONTENT_LENGTH)
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(header::CONNECTION);
    }
    for name in [
        KEEP_ALIVE,
        PROXY_CONNECTION,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::TRAILER,
        header::PROXY_AUTHENTICATE,
    ] {
        headers.remove(name);
    }
    // `TE: trailers` alone may pass: gRPC needs it
    let trailers = headers
        .get(header::TE)
        .is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"trailers"));
    if !trailers {
        headers.remove(header::TE);
    }
}

/// Adds who asked, how and where.
pub(crate) fn add_forwarded(
    headers: &mut HeaderMap,
    load_balancer: &LoadBalancerPlan,
    client: SocketAddr,
    is_tls: bool,
    port: u16,
) {
    match load_balancer.forwarded_for {
        XForwardedFor::Append => {
            let mut value = Vec::new();
            for before in headers.get_all(FORWARDED_FOR) {
                value.extend_from_slice(String::from_utf8_lossy(before.as_bytes()).as_bytes());
                value.extend_from_slice(b", ");
            }
            write_forwarder(&mut value, load_balancer, client);
            set(headers, FORWARDED_FOR, &value);
        }
        XForwardedFor::Preserve => {}
        XForwardedFor::Remove => {
            headers.remove(FORWARDED_FOR);
        }
    }
    headers.insert(
        FORWARDED_PROTO,
        HeaderValue::from_static(if is_tls { "https" } else { "http" }),
    );
    headers.insert(FORWARDED_PORT, HeaderValue::from(port));
}

/// Writes what X-Forwarded-For says of a client.
pub(crate) fn write_forwarder(text: &mut Vec<u8>, load_balancer: &LoadBalancerPlan, client: SocketAddr) {
    let with_port = load_balancer.forwards_client_port;
    match client.ip().to_canonical() {
        IpAddr::V4(ip) => {
            for (index, octet) in ip.octets().into_iter().enumerate() {
                if index > 0 {
                    text.push(b'.');
                }
                write_number(text, octet.into());
            }
        }
        IpAddr::V6(ip) => {
            let written = match with_port {
                true => write!(text, "[{ip}]"),
                false => write!(text, "{ip}"),
            };
            debug_assert!(written.is_ok(), "memory takes all");
        }
    }
    if with_port {
        text.push(b':');
        write_number(text, client.port());
    }
}

/// Writes a number in tens. Each request has several, and the machinery for texts of any form takes longer.
pub(crate) fn write_number(text: &mut Vec<u8>, number: u16) {
    text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes the id of a trace that begins here: version, seconds, and 96 bits by chance.
pub(crate) fn write_fresh_trace(text: &mut Vec<u8>, dice: &Dice, now_seconds: u64) {
    text.extend_from_slice(b"1-");
    write_hex::<8>(text, now_seconds);
    text.push(b'-');
    write_hex::<16>(text, dice.next());
    write_hex::<8>(text, dice.next());
}

/// The last digits of a number; each request has some, so they are written by hand.
fn write_hex<const DIGITS: usize>(text: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 0xF) as usize];
        number >>= 4;
    }
    text.extend_from_slice(&digits);
}

/// The trace's id, or a field of our own with one that came.
pub(crate) fn trace_id(headers: &HeaderMap, dice: &Dice, now_seconds: u64) -> String {
    let mut fresh = Vec::new();
    write_fresh_trace(&mut fresh, dice, now_seconds);
    let fresh = String::from_utf8_lossy(&fresh);
    let came = headers
        .get(TRACE_ID)
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default();
    let kept: Vec<_> = came
        .split(';')
        .map(str::trim)
        .filter(|it| !it.is_empty() && !it.starts_with("Self="))
        .collect();
    match kept.iter().any(|it| it.starts_with("Root=")) {
        true => format!("Self={fresh};{}", kept.join(";")),
        false if kept.is_empty() => format!("Root={fresh}"),
        false => format!("Root={fresh};{}", kept.join(";")),
    }
}

/// Has a target know of the trace.
pub(crate) fn set_trace_id(headers: &mut HeaderMap, trace: &str) {
    set(headers, TRACE_ID, trace.as_bytes());
}

/// Several cookies' headers, as HTTP/2 has them, become one.
pub(crate) fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(header::COOKIE).iter().nth(1).is_none() {
        return;
    }
    let all: Vec<_> = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if let Ok(value) = HeaderValue::from_bytes(&all.join(b"; ".as_slice())) {
        headers.insert(header::COOKIE, value);
    }
}

/// Takes out headers whose names are none by Amazon's stricter rule: letters, digits and hyphens.
pub(crate) fn drop_invalid(headers: &mut HeaderMap) {
    let is_valid = |name: &HeaderName| {
        name.as_str()
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'-')
    };
    let invalid: Vec<_> = headers.keys().filter(|it| !is_valid(it)).cloned().collect();
    for name in invalid {
        headers.remove(name);
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &[u8]) {
    // parts of a value that came in a header can stand in one
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.insert(name, value);
    }
}
