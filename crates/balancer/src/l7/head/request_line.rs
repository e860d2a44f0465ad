//! The first line of a request.

use super::{Grade, Refusal, Verdict, is_token};

/// A first line that has a meaning.
pub(super) struct RequestLine<'a> {
    pub(super) method: &'a [u8],
    target: &'a [u8],
    /// Whether the target is of UTF-8.
    is_text: bool,
    /// Whether [`RequestLine::escaped`] is another line.
    pub(super) is_escaped: bool,
    /// Whether the version is 1.0.
    pub(super) is_one_zero: bool,
}

/// Reads a first line, without its end.
pub(super) fn read<'a>(line: &'a [u8], verdict: &mut Verdict) -> Result<RequestLine<'a>, Refusal> {
    let spaces = || {
        line.iter()
            .enumerate()
            .filter(|(_, it)| **it == b' ')
            .map(|(at, _)| at)
    };
    let ends = spaces().next().zip(spaces().next_back());
    let Some((first, last)) = ends.filter(|(first, last)| first < last) else {
        return Err(Refusal::Malformed("BadVersion"));
    };
    let (method, version) = (&line[..first], &line[last + 1..]);
    if method.is_empty() || !method.iter().all(|it| is_token(*it)) {
        return Err(Refusal::Malformed("BadMethod"));
    }
    let target = &line[first + 1..last];
    let is_bare = target.trim_ascii() == target && !target.is_empty();
    if !is_bare || target.iter().any(|it| matches!(it, 0 | b'\r')) {
        return Err(Refusal::Malformed("BadUri"));
    }
    let is_text = std::str::from_utf8(target).is_ok();
    let is_escaped = target.iter().any(|it| is_foreign(*it, is_text));
    if is_escaped && target[0] != b'/' {
        // there is no code for letters of a host
        return Err(Refusal::Malformed("BadUri"));
    }
    if target.iter().any(|it| is_control(*it)) {
        verdict.note(Grade::Ambiguous, "AmbiguousUri");
    }
    if target.contains(&b' ') {
        verdict.note(Grade::Acceptable, "SpaceInUri");
    }
    let is_one_zero = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        [b'H', b'T', b'T', b'P', b'/', ..] => return Err(Refusal::Version),
        _ => return Err(Refusal::Malformed("BadVersion")),
    };
    Ok(RequestLine {
        method,
        target,
        is_text,
        is_escaped,
        is_one_zero,
    })
}

impl RequestLine<'_> {
    /// The line with its end, in which what may not stand in a URI is written as its code: clients send that, and it means
    /// the same to targets.
    pub(super) fn escaped(&self) -> Vec<u8> {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let mut line = [self.method, b" "].concat();
        for byte in self.target {
            match is_foreign(*byte, self.is_text) {
                true => line.extend([
                    b'%',
                    DIGITS[usize::from(byte >> 4)],
                    DIGITS[usize::from(byte & 15)],
                ]),
                false => line.push(*byte),
            }
        }
        line.extend_from_slice(if self.is_one_zero {
            b" HTTP/1.0\r\n"
        } else {
            b" HTTP/1.1\r\n"
        });
        line
    }
}

/// Whether a byte may not stand in a URI, as the parser sees it: letters of other alphabets may.
fn is_foreign(byte: u8, is_text: bool) -> bool {
    match byte {
        b'"' | b'<' | b'>' | b'`' | b' ' => true,
        0x80.. => !is_text,
        it => is_control(it),
    }
}

fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7F
}
