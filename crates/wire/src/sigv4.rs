//! Signature Version 4: verified in header and query form, and made for our own clients.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

mod canonical;
mod chunks;
mod sign;

#[cfg(test)]
mod tests;

use hmac::{Hmac, Mac};
use http::request::Parts;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::CommonError;

pub use canonical::{encode as query_encode, pairs as query_pairs};
pub use chunks::ChunkSignatures;
pub use sign::{Signer, sign, sign_head, sign_query};

/// How far a signature's time may be from ours, in seconds.
const SKEW_SECONDS: i64 = 300;
/// Longest life of a presigned request, in seconds.
const EXPIRES_SECONDS_MAX: i64 = 604_800;
/// The one algorithm.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The one service whose requests are signed another way: paths are encoded once, and a header has the body's hash.
const S3: &str = "s3";
/// Header with the hash of the body of a request to S3, or what stands for it.
pub const PAYLOAD_HASH: &str = "x-amz-content-sha256";
/// Stands for the hash of a body that is not signed.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// What a request says of its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Who signs.
    pub access_key_id: String,
    /// `20261121`
    pub date: String,
    /// Region of the credential scope.
    pub region: String,
    /// Service of the credential scope.
    pub service: String,
    signed_headers: Vec<String>,
    signature: String,
    amz_date: String,
    at: Timestamp,
    /// Seconds that a presigned request lives; `None` in the header form.
    expires_seconds: Option<i64>,
}

impl Signature {
    /// Whether it is in the query: a presigned request.
    pub fn is_presigned(&self) -> bool {
        self.expires_seconds.is_some()
    }

    fn scope(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}

/// Reads the signature of a request, from its header or its query.
///
/// # Errors
/// There is none, it is incomplete, or it leaves out an `X-Amz-*` header of the request.
pub fn read(parts: &Parts) -> Result<Signature, CommonError> {
    let signature = find(parts)?;
    check_signed_headers(&signature, parts)?;
    Ok(signature)
}

/// What a service reads of a request must be signed, else others could add it: `X-Amz-Target` names the operation.
fn check_signed_headers(signature: &Signature, parts: &Parts) -> Result<(), CommonError> {
    let names = parts.headers.keys().map(http::HeaderName::as_str);
    let mut unsigned = names
        .filter(|name| name.starts_with("x-amz-") && !signature.signed_headers.iter().any(|it| it == name));
    match unsigned.next() {
        None => Ok(()),
        Some(name) => Err(invalid(format!(
            "'{name}' must be a 'SignedHeader' in the AWS Authorization."
        ))),
    }
}

/// The service that a request says it is signed for, before anything of that is checked.
pub fn signed_for(headers: &http::HeaderMap, uri: &http::Uri) -> Option<String> {
    let of_credential = |credential: &str| credential.split('/').nth(3).map(str::to_owned);
    if let Some(header) = headers.get("authorization") {
        let (_, after) = header.to_str().ok()?.split_once("Credential=")?;
        return of_credential(after.split(',').next()?);
    }
    let parameters = canonical::pairs(uri.query()?);
    let credential = parameters
        .into_iter()
        .find(|(name, _)| name == "X-Amz-Credential");
    credential.and_then(|(_, value)| of_credential(&value))
}

fn find(parts: &Parts) -> Result<Signature, CommonError> {
    if let Some(header) = parts.headers.get("authorization") {
        let header = header
            .to_str()
            .map_err(|_| incomplete("Authorization header is not ASCII."))?;
        return from_header(parts, header);
    }
    let query = canonical::pairs(parts.uri.query().unwrap_or_default());
    if query.iter().any(|(name, _)| name == "X-Amz-Signature") {
        return from_query(&query);
    }
    Err(CommonError {
        status: 400,
        json_code: "MissingAuthenticationTokenException",
        query_code: "MissingAuthenticationToken",
        message: "Request is missing Authentication Token".to_owned(),
    })
}

fn from_header(parts: &Parts, header: &str) -> Result<Signature, CommonError> {
    let fields = header
        .strip_prefix(ALGORITHM)
        .ok_or_else(|| incomplete(&format!("Unsupported AWS 'algorithm': use {ALGORITHM}.")))?;
    let field = |name: &str| {
        let value = fields
            .split(',')
            .find_map(|it| it.trim().strip_prefix(name)?.strip_prefix('='));
        value.ok_or_else(|| {
            incomplete(&format!(
                "Authorization header requires '{name}' parameter. Authorization={header}"
            ))
        })
    };
    let (credential, signed_headers, signature) =
        (field("Credential")?, field("SignedHeaders")?, field("Signature")?);
    let amz_date = parts
        .headers
        .get("x-amz-date")
        .and_then(|it| it.to_str().ok())
        .ok_or_else(|| {
            incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        })?;
    assemble(credential, signed_headers, signature, amz_date, None)
}

fn from_query(query: &[(String, String)]) -> Result<Signature, CommonError> {
    let field = |name: &str| {
        let value = query
            .iter()
            .find(|(it, _)| it == name)
            .map(|(_, value)| value.as_str());
        value.ok_or_else(|| incomplete(&format!("AWS query-string parameters must include '{name}'.")))
    };
    if field("X-Amz-Algorithm")? != ALGORITHM {
        return Err(incomplete(&format!(
            "Unsupported AWS 'algorithm': use {ALGORITHM}."
        )));
    }
    let expires = field("X-Amz-Expires")?
        .parse()
        .ok()
        .filter(|it| (1..=EXPIRES_SECONDS_MAX).contains(it));
    let expires = expires.ok_or_else(|| incomplete("X-Amz-Expires must be between 1 and 604800 seconds."))?;
    assemble(
        field("X-Amz-Credential")?,
        field("X-Amz-SignedHeaders")?,
        field("X-Amz-Signature")?,
        field("X-Amz-Date")?,
        Some(expires),
    )
}

fn assemble(
    credential: &str,
    signed_headers: &str,
    signature: &str,
    amz_date: &str,
    expires_seconds: Option<i64>,
) -> Result<Signature, CommonError> {
    // An access key id has no slash.
    let scope: Vec<&str> = credential.split('/').collect();
    let [access_key_id, date, region, service, "aws4_request"] = scope[..] else {
        return Err(incomplete(&format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
        )));
    };
    let at = parse_amz_date(amz_date).ok_or_else(|| {
        incomplete(&format!(
            "Date must be in ISO-8601 'basic format'. Got '{amz_date}'."
        ))
    })?;
    let day = &amz_date[..8];
    if date != day {
        return Err(invalid(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{date}' != '{day}', from '{amz_date}'."
        )));
    }
    let signed_headers: Vec<String> = signed_headers.split(';').map(str::to_owned).collect();
    if !signed_headers.iter().any(|it| it == "host") {
        return Err(invalid(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned(),
        ));
    }
    Ok(Signature {
        access_key_id: access_key_id.to_owned(),
        date: date.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        signed_headers,
        signature: signature.to_owned(),
        amz_date: amz_date.to_owned(),
        at,
        expires_seconds,
    })
}

/// Verifies a signature with the key derived from the secret (see [`signing_key`]).
///
/// # Errors
/// Too old, too young, or made with another secret or over another request.
pub fn verify(
    signature: &Signature,
    signing_key: &[u8; 32],
    parts: &Parts,
    body: &[u8],
    now: Timestamp,
) -> Result<(), CommonError> {
    verify_head(signature, signing_key, parts, &sha256_hex(body), now)
}

/// The same, of a body that has this hash or, in S3, these words in place of it: it is for the caller to check that
/// the body is what they say.
///
/// # Errors
/// See [`verify`].
pub fn verify_head(
    signature: &Signature,
    signing_key: &[u8; 32],
    parts: &Parts,
    payload_hash: &str,
    now: Timestamp,
) -> Result<(), CommonError> {
    check_time(signature, now)?;
    let canonical = canonical::request(parts, &signature.service, &signature.signed_headers, payload_hash);
    let to_sign = string_to_sign(&signature.amz_date, &signature.scope(), &canonical);
    let expected = hex::encode(hmac(signing_key, to_sign.as_bytes()));
    if bool::from(expected.as_bytes().ct_eq(signature.signature.as_bytes())) {
        return Ok(());
    }
    Err(invalid(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details."
            .to_owned(),
    ))
}

fn check_time(signature: &Signature, now: Timestamp) -> Result<(), CommonError> {
    let age = now.as_second() - signature.at.as_second();
    let signed = &signature.amz_date;
    let life = signature.expires_seconds.unwrap_or(SKEW_SECONDS);
    let minutes = SKEW_SECONDS / 60;
    if age > life {
        let bound = format_amz_date(Timestamp::from_second(now.as_second() - life).unwrap_or(now));
        let now = format_amz_date(now);
        let message = format!(
            "Signature expired: {signed} is now earlier than {bound} ({now} - {} min.)",
            life / 60
        );
        return Err(invalid(message));
    }
    if age < -SKEW_SECONDS {
        let bound = format_amz_date(Timestamp::from_second(now.as_second() + SKEW_SECONDS).unwrap_or(now));
        let now = format_amz_date(now);
        let message = format!(
            "Signature not yet current: {signed} is still later than {bound} ({now} + {minutes} min.)"
        );
        return Err(invalid(message));
    }
    Ok(())
}

/// Nobody has the key.
pub fn unknown_key() -> CommonError {
    CommonError {
        status: 400,
        json_code: "UnrecognizedClientException",
        query_code: "InvalidClientTokenId",
        message: "The security token included in the request is invalid.".to_owned(),
    }
}

/// The session that the key belongs to is over.
pub fn expired_token() -> CommonError {
    CommonError {
        status: 400,
        json_code: "ExpiredTokenException",
        query_code: "ExpiredToken",
        message: "The security token included in the request is expired".to_owned(),
    }
}

/// The token that goes with a key of a session, from the header or the query. A header of that name is always signed.
pub fn session_token(parts: &Parts) -> Option<String> {
    if let Some(header) = parts.headers.get("x-amz-security-token") {
        return header.to_str().ok().map(str::to_owned);
    }
    let mut query = canonical::pairs(parts.uri.query().unwrap_or_default()).into_iter();
    query
        .find(|(name, _)| name == "X-Amz-Security-Token")
        .map(|(_, value)| value)
}

/// The signature is for something else.
pub fn invalid(message: String) -> CommonError {
    CommonError {
        status: 400,
        json_code: "InvalidSignatureException",
        query_code: "SignatureDoesNotMatch",
        message,
    }
}

fn incomplete(message: &str) -> CommonError {
    CommonError {
        status: 400,
        json_code: "IncompleteSignatureException",
        query_code: "IncompleteSignature",
        message: message.to_owned(),
    }
}

/// The key for one day, region and service: worth keeping, it costs four HMACs.
pub fn signing_key(secret: &str, date: &str, region: &str, service: &str) -> [u8; 32] {
    let key = hmac(format!("AWS4{secret}").as_bytes(), date.as_bytes());
    let key = hmac(&key, region.as_bytes());
    let key = hmac(&key, service.as_bytes());
    hmac(&key, b"aws4_request")
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn string_to_sign(amz_date: &str, scope: &str, canonical: &str) -> String {
    format!(
        "{ALGORITHM}\n{amz_date}\n{scope}\n{}",
        sha256_hex(canonical.as_bytes())
    )
}

/// `20261121T042156Z`
fn format_amz_date(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The same read back: in exactly this form, so that its first eight bytes are the day.
fn parse_amz_date(text: &str) -> Option<Timestamp> {
    let form = b"00000000T000000Z";
    let fits = |(byte, form): (u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        letter => byte == *letter,
    };
    if text.len() != form.len() || !text.bytes().zip(form).all(fits) {
        return None;
    }
    let (date, time) = (&text[..8], &text[8..]);
    let iso = format!(
        "{}-{}-{}{}:{}:{}",
        &date[..4],
        &date[4..6],
        &date[6..],
        &time[..3],
        &time[3..5],
        &time[5..]
    );
    iso.parse().ok()
}
