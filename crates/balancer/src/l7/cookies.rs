//! The cookies that keep a client with a target or a group: opaque, and of no use when altered.
//!
//! A value is the time of its end, a tag of what it leads to (a keyed hash, so it tells nothing about targets), and a
//! seal over both and over what kind of cookie it is.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use http::{HeaderMap, header};
use sha2::Sha256;

#[cfg(test)]
mod tests;

const TAG: usize = 16;
const SEAL: usize = 16;
const LENGTH: usize = 8 + TAG + SEAL;

/// What a cookie leads to.
pub(crate) type Tag = [u8; TAG];

/// What a cookie is for; a value of one kind is none of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// AWSALB: a target for a while.
    Duration,
    /// AWSALBAPP-0: a target as long as the application's cookie.
    Application,
    /// AWSALBTG: a group.
    Group,
    /// AWSELB: a target, of a classic load balancer.
    Classic,
}

impl Kind {
    /// The names under which it is set; the second one is for requests from other sites.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Duration => &["AWSALB", "AWSALBCORS"],
            Self::Application => &["AWSALBAPP-0"],
            Self::Group => &["AWSALBTG", "AWSALBTGCORS"],
            Self::Classic => &["AWSELB", "AWSELBCORS"],
        }
    }
}

/// The key of all cookies: one for all balancers of an installation, so that a restart keeps clients where they are.
#[derive(Clone)]
pub(crate) struct CookieKey([u8; 32]);

impl CookieKey {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = <Hmac<Sha256> as Mac>::new_from_slice(&self.0).expect("any length is a key");
        for part in parts {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into_bytes().into()
    }

    /// The tag of something with a name.
    pub(crate) fn tag(&self, name: &str) -> Tag {
        let hash = self.hash(&[b"tag", name.as_bytes()]);
        std::array::from_fn(|index| hash[index])
    }

    /// A value that leads to `tag` until `ends`, in seconds since 1970. `scope` is the group or listener it is for.
    pub(crate) fn seal(&self, kind: Kind, scope: &str, tag: &Tag, ends: u64) -> String {
        let seal = self.hash(&[b"seal", &[kind as u8], scope.as_bytes(), tag, &ends.to_be_bytes()]);
        let mut value = Vec::with_capacity(LENGTH);
        value.extend_from_slice(&ends.to_be_bytes());
        value.extend_from_slice(tag);
        value.extend_from_slice(&seal[..SEAL]);
        URL_SAFE_NO_PAD.encode(value)
    }

    /// Where a value leads, if it is one of ours, of this kind and scope, and has not ended.
    pub(crate) fn open(&self, kind: Kind, scope: &str, value: &[u8], now: u64) -> Option<Tag> {
        let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(value).ok()?.try_into().ok()?;
        let ends = u64::from_be_bytes(bytes[..8].try_into().ok()?);
        let tag: Tag = bytes[8..8 + TAG].try_into().ok()?;
        let mut hash = <Hmac<Sha256> as Mac>::new_from_slice(&self.0).ok()?;
        for part in [
            b"seal".as_slice(),
            &[kind as u8],
            scope.as_bytes(),
            &tag,
            &ends.to_be_bytes(),
        ] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        // compares in constant time
        hash.verify_truncated_left(&bytes[8 + TAG..]).ok()?;
        (ends > now).then_some(tag)
    }
}

/// The values of the cookies of a kind that a request carries.
pub(crate) fn values(headers: &HeaderMap, kind: Kind) -> impl Iterator<Item = &[u8]> {
    let names = kind.names();
    cookies(headers)
        .filter(move |(name, _)| names.iter().any(|it| it.as_bytes() == *name))
        .map(|(_, value)| value)
}

/// Whether a request carries a cookie of this name.
pub(crate) fn has(headers: &HeaderMap, name: &str) -> bool {
    cookies(headers).any(|(it, _)| it == name.as_bytes())
}

/// Names and values. Others may have set cookies in any alphabet, so they are bytes.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|header| header.as_bytes().split(|it| *it == b';'))
        .filter_map(pair)
}

/// Whether an answer sets a cookie of this name.
pub(crate) fn sets(headers: &HeaderMap, name: &str) -> bool {
    let mut pairs = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|header| pair(header.as_bytes()));
    pairs.any(|(it, _)| it == name.as_bytes())
}

/// What stands before and behind the first equals sign.
fn pair(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = text.iter().position(|it| *it == b'=')?;
    Some((text[..equals].trim_ascii(), text[equals + 1..].trim_ascii()))
}

/// The end of a cookie that lasts as long as the browser's session, and no shorter.
pub(crate) const NEVER: u64 = u64::MAX;

/// The values of Set-Cookie for a sealed value. `ends` is in seconds since 1970; application cookies last as long as
/// the browser's session.
pub(crate) fn set_cookies(kind: Kind, value: &str, ends: u64, over_tls: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, name) in kind.names().iter().enumerate() {
        let mut line = format!("{name}={value}");
        if kind != Kind::Application && ends != NEVER {
            let _ = write!(line, "; Expires={}", http_date(ends));
        }
        line.push_str("; Path=/");
        if index > 0 {
            line.push_str("; SameSite=None");
        }
        if index > 0 && over_tls {
            line.push_str("; Secure");
        }
        lines.push(line);
    }
    lines
}

fn http_date(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds)
        .unwrap_or(jiff::Timestamp::MAX)
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}
