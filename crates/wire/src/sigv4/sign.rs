//! Signatures of our own clients.

use http::HeaderValue;
use http::request::Parts;
use jiff::Timestamp;

use super::{
    ALGORITHM, PAYLOAD_HASH, S3, UNSIGNED_PAYLOAD, canonical, format_amz_date, hmac, sha256_hex, signing_key,
    string_to_sign,
};

/// Who signs, for what.
#[derive(Clone, Debug)]
pub struct Signer<'a> {
    /// `AKIA…`
    pub access_key_id: &'a str,
    /// Its secret.
    pub secret_access_key: &'a str,
    /// Region of the scope.
    pub region: &'a str,
    /// Service of the scope.
    pub service: &'a str,
    /// Token of a session's key.
    pub session_token: Option<&'a str>,
}

impl Signer<'_> {
    fn scope(&self, date: &str) -> String {
        format!("{date}/{}/{}/aws4_request", self.region, self.service)
    }

    fn signature(&self, date: &str, to_sign: &str) -> String {
        let key = signing_key(self.secret_access_key, date, self.region, self.service);
        hex::encode(hmac(&key, to_sign.as_bytes()))
    }
}

/// Signs a request in its headers: all that it has are signed. It must have `host`.
pub fn sign(signer: &Signer<'_>, parts: &mut Parts, body: &[u8], now: Timestamp) {
    sign_head(signer, parts, &sha256_hex(body), now);
}

/// The same, of a body with this hash or, for S3, these words in place of it.
pub fn sign_head(signer: &Signer<'_>, parts: &mut Parts, payload_hash: &str, now: Timestamp) {
    let amz_date = format_amz_date(now);
    let date = &amz_date[..8];
    insert(parts, "x-amz-date", &amz_date);
    if let Some(token) = signer.session_token {
        insert(parts, "x-amz-security-token", token);
    }
    if signer.service == S3 {
        insert(parts, PAYLOAD_HASH, payload_hash);
    }
    let mut names: Vec<String> = parts.headers.keys().map(|it| it.as_str().to_owned()).collect();
    names.retain(|it| is_signed(it));
    names.sort();
    names.dedup();
    let canonical = canonical::request(parts, signer.service, &names, payload_hash);
    let scope = signer.scope(date);
    let signature = signer.signature(date, &string_to_sign(&amz_date, &scope, &canonical));
    let (key, names) = (signer.access_key_id, names.join(";"));
    insert(
        parts,
        "authorization",
        &format!("{ALGORITHM} Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"),
    );
}

/// Headers that proxies may change are left out.
fn is_signed(name: &str) -> bool {
    matches!(name, "host" | "content-type") || name.starts_with("x-amz-")
}

fn insert(parts: &mut Parts, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        parts.headers.insert(name, value);
    }
}

/// Signs a GET in its query; gives the query to send. The request must have `host`.
pub fn sign_query(signer: &Signer<'_>, parts: &Parts, expires_seconds: u32, now: Timestamp) -> String {
    let amz_date = format_amz_date(now);
    let date = &amz_date[..8];
    let scope = signer.scope(date);
    let credential = format!("{}/{scope}", signer.access_key_id);
    let expires = expires_seconds.to_string();
    let mut added = vec![
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", &credential),
        ("X-Amz-Date", &amz_date),
        ("X-Amz-Expires", &expires),
    ];
    added.extend(signer.session_token.map(|token| ("X-Amz-Security-Token", token)));
    added.push(("X-Amz-SignedHeaders", "host"));
    let added: Vec<String> = added
        .into_iter()
        .map(|(name, value)| format!("{name}={}", canonical::encode(value)))
        .collect();
    let added = added.join("&");
    let query = match parts.uri.query().unwrap_or_default() {
        "" => added,
        query => format!("{query}&{added}"),
    };
    let empty = sha256_hex(b"");
    let payload_hash = match signer.service {
        S3 => UNSIGNED_PAYLOAD,
        _ => &empty,
    };
    let mut signed = parts.clone();
    let uri = format!("{}?{query}", parts.uri.path());
    signed.uri = uri.parse().unwrap_or_else(|_| parts.uri.clone());
    let canonical = canonical::request(&signed, signer.service, &["host".to_owned()], payload_hash);
    let signature = signer.signature(date, &string_to_sign(&amz_date, &scope, &canonical));
    format!("{query}&X-Amz-Signature={signature}")
}
