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
pub fn page<T>(
    key: &PageKey,
    request: &PageRequest<'_>,
    items: impl Iterator<Item = (String, T)>,
) -> Result<(Vec<T>, Option<String>), InvalidToken> {
    let after = request
        .next_token
        .map(|token| open(key, request.listing, token))
        .transpose()?;
    let mut items = items.peekable();
    let mut page = Vec::new();
    let mut last = None;
    // The listing may have changed since: items are compared, not counted.
    let mut previous: Option<String> = None;
    while let Some((at, item)) = items.next() {
        if let Some(after) = &after {
            let goes_down = previous.as_ref().is_some_and(|it| *it > at)
                || (previous.is_none() && items.peek().is_some_and(|(next, _)| *next < at));
            let is_behind = if goes_down { at >= *after } else { at <= *after };
            previous = Some(at.clone());
            if is_behind {
                continue;
            }
        }
        if page.len() == request.max_results {
            return Ok((page, last.map(|last: String| seal(key, request.listing, &last))));
        }
        page.push(item);
        last = Some(at);
    }
    Ok((page, None))
}

fn mac(key: &PageKey, listing: &str, after: &str) -> [u8; SEAL] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&key.0).expect("HMAC takes keys of any length");
    mac.update(listing.as_bytes());
    mac.update(&[0]);
    mac.update(after.as_bytes());
    let mut seal = [0; SEAL];
    seal.copy_from_slice(&mac.finalize().into_bytes()[..SEAL]);
    seal
}

fn seal(key: &PageKey, listing: &str, after: &str) -> String {
    let mut bytes = mac(key, listing, after).to_vec();
    bytes.extend_from_slice(after.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn open(key: &PageKey, listing: &str, token: &str) -> Result<String, InvalidToken> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| InvalidToken)?;
    let (seal, after) = bytes.split_at_checked(SEAL).ok_or(InvalidToken)?;
    let after = std::str::from_utf8(after).map_err(|_| InvalidToken)?;
    if mac(key, listing, after) != *seal {
        return Err(InvalidToken);
    }
    Ok(after.to_owned())
}
