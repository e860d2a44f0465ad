//! Heads of targets' answers: what the client gets of them, and where the body ends. Pure.

use std::mem::MaybeUninit;

use http::header::HeaderName;

use super::room::scratch;
use crate::l7::chunks::{Chunks, Read};

#[cfg(test)]
mod tests;

/// Headers of an answer may be this long, in bytes, as Amazon's.
pub(super) const HEAD_MAX: usize = 32 * 1024;
/// As many lines as hyper takes.
const LINES_MAX: usize = 100;

/// Not an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadAnswer;

/// How the body after a head ends.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// After so many bytes more.
    Length(u64),
    /// With the last chunk.
    Chunked(Chunks),
    /// With the connection.
    UntilEnd,
}

/// A head.
#[derive(Debug)]
pub(super) struct Answer {
    /// How many bytes it had.
    pub(super) length: usize,
    /// The head for the client, without `Date` if there was none, and without the empty line.
    pub(super) head: Vec<u8>,
    pub(super) has_date: bool,
    pub(super) body: Body,
    /// Whether the connection may serve again after it.
    pub(super) reusable: bool,
    /// 100 to 199: another follows.
    pub(super) is_interim: bool,
    pub(super) switches: bool,
    /// 500 or more.
    pub(super) is_failure: bool,
}

/// What the lines of a head say.
#[derive(Default)]
struct Said {
    length: Option<u64>,
    is_chunked: bool,
    has_date: bool,
    closes: bool,
}

/// Reads a head; none if it has no end yet.
pub(super) fn read(bytes: &[u8], to_head: bool) -> Result<Option<Answer>, BadAnswer> {
    let mut room = [const { MaybeUninit::uninit() }; LINES_MAX];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut response, bytes, &mut room)
        .map_err(|_| BadAnswer)?;
    let httparse::Status::Complete(length) = parsed else {
        return if bytes.len() > HEAD_MAX {
            Err(BadAnswer)
        } else {
            Ok(None)
        };
    };
    if length > HEAD_MAX {
        return Err(BadAnswer);
    }
    let (Some(code @ 100..=999), Some(version), Some(reason)) =
        (response.code, response.version, response.reason)
    else {
        return Err(BadAnswer);
    };
    let said = said(response.headers)?;
    let body = match code {
        _ if to_head => Body::Length(0),
        100..=199 | 204 | 304 => Body::Length(0),
        _ if said.is_chunked && version == 0 => return Err(BadAnswer),
        _ if said.is_chunked => Body::Chunked(Chunks::default()),
        _ => said.length.map_or(Body::UntilEnd, Body::Length),
    };
    // Whoever frames an answer in two ways, or announces a body that none may have, may send what nobody reads: the
    // next answer would begin with it.
    let is_unsure = said.is_chunked && said.length.is_some();
    let is_announced = said.is_chunked || said.length.is_some_and(|it| it > 0);
    let has_end = match body {
        Body::UntilEnd => false,
        Body::Length(0) => !is_announced,
        _ => !is_unsure,
    };
    let reusable = version == 1 && !said.closes && has_end;
    let mut head = scratch();
    head.extend_from_slice(b"HTTP/1.1 ");
    let mut digits = [b'0'; 3];
    let mut left = code;
    for digit in digits.iter_mut().rev() {
        *digit += (left % 10) as u8;
        left /= 10;
    }
    head.extend_from_slice(&digits);
    head.push(b' ');
    head.extend_from_slice(reason.as_bytes());
    head.extend_from_slice(b"\r\n");
    keep_lines(response.headers, said.is_chunked, &mut head);
    let framed = matches!(body, Body::Chunked(_) | Body::UntilEnd);
    if framed || (to_head && said.is_chunked) {
        // what has no framing gets one, so that its end cannot be mistaken
        head.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    Ok(Some(Answer {
        length,
        head,
        has_date: said.has_date,
        body,
        reusable,
        is_interim: (100..200).contains(&code) && code != 101,
        switches: code == 101,
        is_failure: code >= 500,
    }))
}

fn said(headers: &[httparse::Header<'_>]) -> Result<Said, BadAnswer> {
    let mut said = Said::default();
    for header in headers {
        let is = |other: &str| header.name.eq_ignore_ascii_case(other);
        match header.name.len() {
            4 if is("date") => said.has_date = true,
            10 if is("connection") => {
                let mut words = header.value.split(|it| *it == b',');
                said.closes |= words.any(|it| it.trim_ascii().eq_ignore_ascii_case(b"close"));
            }
            14 if is("content-length") => {
                let length = number(header.value).ok_or(BadAnswer)?;
                if said.length.is_some_and(|it| it != length) {
                    return Err(BadAnswer);
                }
                said.length = Some(length);
            }
            17 if is("transfer-encoding") => {
                if said.is_chunked || !header.value.eq_ignore_ascii_case(b"chunked") {
                    return Err(BadAnswer);
                }
                said.is_chunked = true;
            }
            _ => {}
        }
    }
    Ok(said)
}

fn number(value: &[u8]) -> Option<u64> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).ok().filter(|_| is_number)?;
    text.parse().ok()
}

/// Copies all lines but those that concern the target's connection only.
fn keep_lines(headers: &[httparse::Header<'_>], is_chunked: bool, head: &mut Vec<u8>) {
    let named = |name: &str| {
        let mut connections = headers
            .iter()
            .filter(|it| it.name.eq_ignore_ascii_case("connection"));
        connections.any(|it| {
            let mut words = it.value.split(|byte| *byte == b',');
            words.any(|word| word.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
        })
    };
    let mut has_length = false;
    for header in headers {
        let is_length = header.name.eq_ignore_ascii_case("content-length");
        // one is enough, and chunks need none
        let is_needless = is_length && (is_chunked || has_length);
        has_length |= is_length;
        if is_needless || is_of_connection(header) || (!is_length && named(header.name)) {
            continue;
        }
        head.extend_from_slice(header.name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(header.value);
        head.extend_from_slice(b"\r\n");
    }
}

fn is_of_connection(header: &httparse::Header<'_>) -> bool {
    let is = |other: HeaderName| header.name.eq_ignore_ascii_case(other.as_str());
    match header.name.len() {
        2 => is(http::header::TE),
        7 => is(http::header::UPGRADE) || is(http::header::TRAILER),
        10 => is(http::header::CONNECTION) || header.name.eq_ignore_ascii_case("keep-alive"),
        16 => header.name.eq_ignore_ascii_case("proxy-connection"),
        17 => is(http::header::TRANSFER_ENCODING),
        18 => is(http::header::PROXY_AUTHENTICATE),
        _ => false,
    }
}

impl Body {
    /// Takes more of what came.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<Read, BadAnswer> {
        let part = |used, is_over| Read {
            used,
            before_trailers: used,
            is_over,
        };
        match self {
            Self::Length(left) => {
                let used = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= used as u64;
                Ok(part(used, *left == 0))
            }
            Self::Chunked(chunks) => chunks.read(bytes).map_err(|_| BadAnswer),
            Self::UntilEnd => Ok(part(bytes.len(), false)),
        }
    }

    /// Whether it ends with trailers, which are not passed on: their names were not announced to the client.
    pub(super) fn has_trailers(&self) -> bool {
        matches!(self, Self::Chunked(chunks) if chunks.has_trailers())
    }
}
