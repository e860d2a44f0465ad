//! PutObject: the body is written to the disk while it comes, checked, and only then made the object.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::Stream;
use http::StatusCode;
use http_body_util::BodyDataStream;
use wire::s3::{ChunkedError, Decoder, Payload, S3Error};
use wire::sigv4::ChunkSignatures;

use super::answer::{self, Answer};
use super::{OBJECT_BYTES_MAX, Visit};
use crate::object_storage::{Algorithm, Kept, ObjectError, ReceiveError, Received, Replacing};

/// Headers that are kept, and answered again.
const KEPT: [&str; 6] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
];
/// What metadata begins with.
const METADATA: &str = "x-amz-meta-";
/// Most bytes of metadata, names and values together.
const METADATA_BYTES_MAX: usize = 2048;
/// The coding of a body, which is none of the object.
const CHUNKED: &str = "aws-chunked";

/// Whether a header is read here only.
pub fn reads(name: &str) -> bool {
    name.starts_with(METADATA) || Algorithm::of_header(name).is_some()
}

/// `PUT /bucket/key`
pub async fn put<B>(visit: &Visit<'_>, body: B) -> Result<Answer, S3Error>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let replacing = match visit.header("if-none-match") {
        None => Replacing::Anything,
        Some("*") => Replacing::Nothing,
        Some(_) => return Err(S3Error::not_implemented("the header if-none-match with a tag")),
    };
    if visit.header("if-match").is_some() {
        return Err(S3Error::not_implemented("the header if-match"));
    }
    // Before the body comes, which may be long.
    let bucket = visit.bucket().to_owned();
    let checked = bucket.clone();
    visit.with_files(move |it| it.check_bucket(&checked)).await?;
    let (headers, metadata) = said(visit)?;
    let algorithm = algorithm(visit)?;
    let content = BodyDataStream::new(body);
    let received = receive(visit, content, algorithm, OBJECT_BYTES_MAX).await?;
    let checksum = check(visit, &received, algorithm)?;
    let md5 = hex::encode(received.digests.md5);
    let kept = Kept {
        md5: md5.clone(),
        headers,
        metadata,
        checksum: checksum.clone(),
    };
    let (key, arrival) = (visit.key().to_owned(), received.arrival);
    visit
        .with_files(move |it| it.put(arrival, &kept, &bucket, &key, replacing))
        .await?;
    let mut answer = answer::empty(StatusCode::OK);
    answer::put(&mut answer, "etag", &format!("\"{md5}\""));
    if let Some((algorithm, value)) = checksum {
        answer::put(&mut answer, algorithm.header(), &value);
        answer::put(&mut answer, "x-amz-checksum-type", "FULL_OBJECT");
    }
    Ok(answer)
}

/// What the client says of the object.
type Said = (BTreeMap<String, String>, BTreeMap<String, String>);

fn said(visit: &Visit<'_>) -> Result<Said, S3Error> {
    let (mut headers, mut metadata) = (BTreeMap::new(), BTreeMap::new());
    let mut bytes = 0;
    for (name, value) in &visit.parts.headers {
        let name = name.as_str();
        let is_kept = KEPT.contains(&name);
        let of_metadata = name.strip_prefix(METADATA);
        if !is_kept && of_metadata.is_none() {
            continue;
        }
        let value = value
            .to_str()
            .map_err(|_| S3Error::invalid_argument("Header values must be ASCII", name, ""))?;
        bytes += name.len() + value.len();
        match of_metadata {
            Some(name) => {
                metadata.insert(name.to_owned(), value.to_owned());
            }
            None => {
                let codings = value.split(',').map(str::trim);
                let codings: Vec<&str> = codings.filter(|it| *it != CHUNKED).collect();
                if !codings.is_empty() {
                    headers.insert(name.to_owned(), codings.join(", "));
                }
            }
        }
    }
    if bytes > METADATA_BYTES_MAX {
        let message = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(S3Error::new(400, "MetadataTooLarge", message)
            .with("Size", bytes.to_string())
            .with("MaxSizeAllowed", METADATA_BYTES_MAX.to_string()));
    }
    Ok((headers, metadata))
}

/// The checksum that the client sends, before the body or behind it.
fn algorithm(visit: &Visit<'_>) -> Result<Option<Algorithm>, S3Error> {
    let names = visit.parts.headers.keys();
    let mut before = names.filter_map(|it| Algorithm::of_header(it.as_str()));
    let (first, second) = (before.next(), before.next());
    if second.is_some() {
        let message = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
        return Err(S3Error::invalid_request(message));
    }
    let Some(trailer) = visit.header("x-amz-trailer") else {
        return Ok(first);
    };
    match Algorithm::of_header(trailer.trim()) {
        Some(behind) if first.is_none() => Ok(Some(behind)),
        _ => Err(S3Error::invalid_request(
            "The value specified in the x-amz-trailer header is not supported",
        )),
    }
}

/// Receives a body, and checks that it is the one that was signed.
pub async fn receive<E: std::fmt::Display>(
    visit: &Visit<'_>,
    content: impl Stream<Item = Result<Bytes, E>>,
    algorithm: Option<Algorithm>,
    bytes_max: u64,
) -> Result<Received, S3Error> {
    let length = |name: &str| visit.header(name).and_then(|it| it.parse::<u64>().ok());
    let signatures = || ChunkSignatures::new(&visit.claimed.signature, &visit.claimed.signing_key);
    let (decoder, announced) = match &visit.payload {
        Payload::Unsigned | Payload::Hashed(_) => (None, length("content-length")),
        Payload::Chunked => (Some(Decoder::unsigned()), length("x-amz-decoded-content-length")),
        Payload::SignedChunks { has_trailer } => {
            let decoder = match has_trailer {
                true => Decoder::signed_with_trailer(signatures()),
                false => Decoder::signed(signatures()),
            };
            (Some(decoder), length("x-amz-decoded-content-length"))
        }
    };
    if decoder.is_some() && announced.is_none() {
        let message = "You must provide the Content-Length HTTP header.";
        return Err(S3Error::new(411, "MissingContentLength", message));
    }
    if let Some(size) = announced.filter(|it| *it > bytes_max) {
        return Err(too_large(bytes_max).with("ProposedSize", size.to_string()));
    }
    let storage = &visit.control_plane.object_storage;
    let received = storage.receive(content, decoder, algorithm, bytes_max).await;
    let received = received.map_err(|error| refused(visit, error))?;
    if announced.is_some_and(|it| it != received.size) {
        return Err(incomplete());
    }
    match &visit.payload {
        Payload::Hashed(hash) if *hash != received.digests.sha256 => {
            let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            Err(S3Error::new(400, "XAmzContentSHA256Mismatch", message))
        }
        _ => Ok(received),
    }
}

fn too_large(bytes_max: u64) -> S3Error {
    let message = "Your proposed upload exceeds the maximum allowed size";
    S3Error::new(400, "EntityTooLarge", message).with("MaxSizeAllowed", bytes_max.to_string())
}

fn incomplete() -> S3Error {
    let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
    S3Error::new(400, "IncompleteBody", message)
}

fn refused(visit: &Visit<'_>, error: ReceiveError) -> S3Error {
    match error {
        ReceiveError::Busy => S3Error::new(503, "SlowDown", "Please reduce your request rate."),
        ReceiveError::TooLarge(most) => too_large(most),
        ReceiveError::Broken(_) | ReceiveError::Chunked(ChunkedError::Malformed) => incomplete(),
        ReceiveError::Chunked(ChunkedError::Signature) => {
            let message = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
            S3Error::new(403, "SignatureDoesNotMatch", message)
        }
        ReceiveError::Storage(error) => visit.refusal(&ObjectError::Storage(error)),
    }
}

/// Compares the checksums that the client sent. Gives the one that is kept.
fn check(
    visit: &Visit<'_>,
    received: &Received,
    algorithm: Option<Algorithm>,
) -> Result<Option<(Algorithm, String)>, S3Error> {
    if let Some(given) = visit.header("content-md5") {
        let given = STANDARD.decode(given).unwrap_or_default();
        if given.len() != received.digests.md5.len() {
            let message = "The Content-MD5 you specified was invalid.";
            return Err(S3Error::new(400, "InvalidDigest", message));
        }
        if given != received.digests.md5 {
            let message = "The Content-MD5 you specified did not match what we received.";
            return Err(S3Error::new(400, "BadDigest", message));
        }
    }
    let Some((algorithm, made)) = algorithm.zip(received.digests.asked.clone()) else {
        return Ok(None);
    };
    let behind = received.trailers.iter().find(|(it, _)| it == algorithm.header());
    let given = visit
        .header(algorithm.header())
        .or(behind.map(|(_, value)| value.as_str()));
    let name = algorithm.as_str();
    match given {
        Some(given) if given == made => Ok(Some((algorithm, made))),
        Some(_) => {
            let message = format!("The {name} you specified did not match the calculated checksum.");
            Err(S3Error::new(400, "BadDigest", message))
        }
        None => Err(S3Error::new(
            400,
            "MalformedTrailerError",
            "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        )),
    }
}
