//! Signatures of requests: address, headers, an empty line, body, as HTTP writes them.
#![no_main]

use http::request::Parts;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use wire::sigv4::{self, Signer};

const SIGNER: Signer<'static> = Signer {
    session_token: None,
    access_key_id: "AKIDEXAMPLE",
    secret_access_key: "wJalrXUtnFEMI",
    region: "us-east-1",
    service: "ecs",
};
/// 2015-08-30, 12:36, as in Amazon's examples.
const NOW_SECONDS: i64 = 1_440_938_160;

/// The head of a request, without what is no header, and its body.
fn request(data: &[u8]) -> Option<(Parts, &[u8])> {
    let (first, mut rest) = fuzz::first_line(data);
    let (method, address) = first.split_once(' ')?;
    let mut parts = http::Request::new(()).into_parts().0;
    parts.method = method.parse().ok()?;
    parts.uri = address.parse().ok()?;
    while !rest.is_empty() {
        let (line, below) = fuzz::first_line(rest);
        rest = below;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        let name: http::HeaderName = name.parse().ok()?;
        parts.headers.append(name, value.trim().parse().ok()?);
    }
    Some((parts, rest))
}

fn key() -> [u8; 32] {
    sigv4::signing_key(
        SIGNER.secret_access_key,
        "20150830",
        SIGNER.region,
        SIGNER.service,
    )
}

/// What we sign verifies, and nothing else does: another body, another address, another header.
fn signed_headers_verify(parts: &Parts, body: &[u8], now: Timestamp) {
    let mut parts = parts.clone();
    parts
        .headers
        .entry("host")
        .or_insert(http::HeaderValue::from_static("h"));
    sigv4::sign(&SIGNER, &mut parts, body, now);
    let signature = sigv4::read(&parts).expect("what we sign is complete");
    let verify = |parts: &Parts, body: &[u8]| sigv4::verify(&signature, &key(), parts, body, now);
    assert_eq!(verify(&parts, body), Ok(()));
    let other = [body, b"x"].concat();
    assert!(verify(&parts, &other).is_err(), "another body");
    let mut other = parts.clone();
    other
        .headers
        .append("host", http::HeaderValue::from_static("other"));
    assert!(verify(&other, body).is_err(), "another host");
    let query = parts.uri.query().map_or(String::new(), |it| format!("{it}&"));
    if let Ok(uri) = format!("{}?{query}added=1", parts.uri.path()).parse() {
        let mut other = parts.clone();
        other.uri = uri;
        assert!(verify(&other, body).is_err(), "another query");
    }
    let other = [0; 32];
    assert!(
        sigv4::verify(&signature, &other, &parts, body, now).is_err(),
        "another key"
    );
}

fn signed_queries_verify(parts: &Parts, now: Timestamp) {
    let mut parts = parts.clone();
    parts.headers = http::HeaderMap::from_iter([(http::header::HOST, http::HeaderValue::from_static("h"))]);
    let pairs = sigv4::query_pairs(parts.uri.query().unwrap_or_default());
    if pairs.iter().any(|(name, _)| name.starts_with("X-Amz-")) {
        return;
    }
    let query = sigv4::sign_query(&SIGNER, &parts, 60, now);
    parts.uri = match format!("{}?{query}", parts.uri.path()).parse() {
        Ok(it) => it,
        Err(_) => return,
    };
    let signature = sigv4::read(&parts).expect("what we sign is complete");
    assert_eq!(sigv4::verify(&signature, &key(), &parts, b"", now), Ok(()));
    let later = now + jiff::SignedDuration::from_secs(61);
    assert!(
        sigv4::verify(&signature, &key(), &parts, b"", later).is_err(),
        "too late"
    );
}

fuzz_target!(|data: &[u8]| {
    let Some((parts, body)) = request(data) else {
        return;
    };
    let now = Timestamp::from_second(NOW_SECONDS).expect("a time");
    if let Ok(signature) = sigv4::read(&parts) {
        // Nobody guesses a signature.
        assert!(sigv4::verify(&signature, &[7; 32], &parts, body, now).is_err());
    }
    signed_headers_verify(&parts, body, now);
    signed_queries_verify(&parts, now);
});
