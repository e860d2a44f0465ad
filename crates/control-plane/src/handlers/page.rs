//! Pages of a listing, with tokens that only this server can have made.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

#[cfg(test)]
mod tests;

/// Bytes of the seal at the head of a token.
const SEAL: usize = 12;

/// Signs the tokens of a server.
#[derive(Clone)]
pub struct PageKey(pub [u8; 32]);

/// The token was not made by this server, or for another listing.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidToken;

/// What a caller asks of a listing.
pub struct PageRequest<'a> {
    /// Names the listing and its filters: a token is good for the same only.
    pub listing: &'a str,
    /// Where the last page ended.
    pub next_token: Option<&'a str>,
    /// Most items wanted.
    pub max_results: usize,
}

/// Cuts a page out of items that come in the order of their keys. The keys may go up or down.
///
/// # Errors
/// [`InvalidToken`].
pub fn page<K: AsRef<str>, T>(
    key: &PageKey,
    request: &PageRequest<'_>,
    items: impl Iterator<Item = (K, T)>,
) -> Result<(Vec<T>, Option<String>), InvalidToken> {
    let after = request
        .next_token
        .map(|token| open(key, request.listing, token))
        .transpose()?;
    // The listing may have changed since: items are compared, not counted.
    let items = items.filter(|(at, _)| after.as_ref().is_none_or(|it| it.is_before(at.as_ref())));
    let mut page = Vec::new();
    let mut last: Option<K> = None;
    for (at, item) in items {
        match last {
            Some(last) if page.len() == request.max_results => {
                let end = Position::between(last.as_ref(), at.as_ref());
                return Ok((page, Some(seal(key, request.listing, &end))));
            }
            _ => page.push(item),
        }
        last = Some(at);
    }
    Ok((page, None))
}

/// The key of the item after which a listing that goes up is to go on, so that those before need not be looked at.
///
/// # Errors
/// [`InvalidToken`].
pub fn resumes_after(
    key: &PageKey,
    listing: &str,
    next_token: Option<&str>,
) -> Result<Option<String>, InvalidToken> {
    let position = next_token.map(|token| open(key, listing, token)).transpose()?;
    Ok(match position {
        Some(Position::GoesUp(last)) => Some(last),
        Some(Position::GoesDown(_)) | None => None,
    })
}

/// Where a page ended, in a listing that goes up or down from there.
#[derive(Debug, PartialEq, Eq)]
enum Position {
    GoesUp(String),
    GoesDown(String),
}

impl Position {
    fn between(last: &str, next: &str) -> Self {
        let end = last.to_owned();
        if next < last {
            Self::GoesDown(end)
        } else {
            Self::GoesUp(end)
        }
    }

    fn is_before(&self, at: &str) -> bool {
        match self {
            Self::GoesUp(last) => last.as_str() < at,
            Self::GoesDown(last) => at < last.as_str(),
        }
    }

    fn encode(&self) -> String {
        match self {
            Self::GoesUp(last) => format!("+{last}"),
            Self::GoesDown(last) => format!("-{last}"),
        }
    }

    fn decode(text: &str) -> Option<Self> {
        let up = text.strip_prefix('+').map(|it| Self::GoesUp(it.to_owned()));
        up.or_else(|| text.strip_prefix('-').map(|it| Self::GoesDown(it.to_owned())))
    }
}

fn mac(key: &PageKey, listing: &str, end: &str) -> [u8; SEAL] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&key.0).expect("HMAC takes keys of any length");
    mac.update(listing.as_bytes());
    mac.update(&[0]);
    mac.update(end.as_bytes());
    let mut seal = [0; SEAL];
    seal.copy_from_slice(&mac.finalize().into_bytes()[..SEAL]);
    seal
}

fn seal(key: &PageKey, listing: &str, end: &Position) -> String {
    let end = end.encode();
    let mut bytes = mac(key, listing, &end).to_vec();
    bytes.extend_from_slice(end.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn open(key: &PageKey, listing: &str, token: &str) -> Result<Position, InvalidToken> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| InvalidToken)?;
    let (seal, end) = bytes.split_at_checked(SEAL).ok_or(InvalidToken)?;
    let end = std::str::from_utf8(end).map_err(|_| InvalidToken)?;
    if mac(key, listing, end) != *seal {
        return Err(InvalidToken);
    }
    Position::decode(end).ok_or(InvalidToken)
}
