//! What a request to S3 means: its bucket, its object, its operation, and what its body is.

use std::net::IpAddr;

use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

use super::error::S3Error;
use super::names::{KEY_BYTES_MAX, is_bucket_name};
use crate::sigv4::{PAYLOAD_HASH, UNSIGNED_PAYLOAD, query_encode};

/// Parameters that say nothing of the operation: the name that SDKs add, and signatures.
const SIGNATURE_PARAMETERS: &str = "x-amz-";
const NAME_PARAMETER: &str = "x-id";

/// What a request is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The bucket; `None`: all of them.
    pub bucket: Option<String>,
    /// The object in it.
    pub key: Option<String>,
}

/// The operations that are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `GET /`
    ListBuckets,
    /// `PUT /bucket`
    CreateBucket,
    /// `HEAD /bucket`
    HeadBucket,
    /// `DELETE /bucket`
    DeleteBucket,
    /// `GET /bucket?location`
    GetBucketLocation,
    /// `GET /bucket?list-type=2`
    ListObjectsV2,
    /// `PUT /bucket/key`
    PutObject,
    /// `GET /bucket/key`
    GetObject,
    /// `HEAD /bucket/key`
    HeadObject,
    /// `DELETE /bucket/key`
    DeleteObject,
}

impl Operation {
    /// All of them, by name.
    pub const ALL: [Self; 10] = [
        Self::CreateBucket,
        Self::DeleteBucket,
        Self::DeleteObject,
        Self::GetBucketLocation,
        Self::GetObject,
        Self::HeadBucket,
        Self::HeadObject,
        Self::ListBuckets,
        Self::ListObjectsV2,
        Self::PutObject,
    ];

    /// `PutObject`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ListBuckets => "ListBuckets",
            Self::CreateBucket => "CreateBucket",
            Self::HeadBucket => "HeadBucket",
            Self::DeleteBucket => "DeleteBucket",
            Self::GetBucketLocation => "GetBucketLocation",
            Self::ListObjectsV2 => "ListObjectsV2",
            Self::PutObject => "PutObject",
            Self::GetObject => "GetObject",
            Self::HeadObject => "HeadObject",
            Self::DeleteObject => "DeleteObject",
        }
    }

    /// Parameters of the query that it obeys.
    fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::ListBuckets => &["prefix", "max-buckets", "continuation-token"],
            Self::GetBucketLocation => &["location"],
            Self::ListObjectsV2 => &[
                "list-type",
                "prefix",
                "delimiter",
                "max-keys",
                "continuation-token",
                "start-after",
                "encoding-type",
                "fetch-owner",
            ],
            _ => &[],
        }
    }
}

/// Reads whose bucket and object a request is about: from its path, or from its host and path. `endpoint` is the host
/// that has buckets' names before it, besides `localhost`.
///
/// # Errors
/// InvalidURI, KeyTooLongError.
pub fn target(host: &str, path: &str, endpoint: &str) -> Result<Target, S3Error> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (bucket, key) = match bucket_of_host(host, endpoint) {
        Some(bucket) => (bucket.to_owned(), path),
        None => {
            let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
            (decoded(bucket)?, key)
        }
    };
    let key = decoded(key)?;
    if key.len() > KEY_BYTES_MAX {
        return Err(S3Error::new(400, "KeyTooLongError", "Your key is too long")
            .with("Size", key.len().to_string())
            .with("MaxSizeAllowed", KEY_BYTES_MAX.to_string()));
    }
    Ok(Target {
        bucket: Some(bucket).filter(|it| !it.is_empty()),
        key: Some(key).filter(|it| !it.is_empty()),
    })
}

/// The name before a host that is not an address.
fn bucket_of_host<'a>(host: &'a str, endpoint: &str) -> Option<&'a str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_address = endpoint.parse::<IpAddr>().is_ok();
    let before = |end: &str| name.strip_suffix(end)?.strip_suffix('.');
    let bucket = before("localhost").or_else(|| before(endpoint).filter(|_| !is_address));
    bucket.filter(|it| is_bucket_name(it))
}

fn decoded(text: &str) -> Result<String, S3Error> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded =
        decoded.map_err(|_| S3Error::new(400, "InvalidURI", "Couldn't parse the specified URI."))?;
    Ok(decoded.into_owned())
}

/// The path of an object, its key encoded.
pub fn object_path(bucket: &str, key: &str) -> String {
    let key: Vec<String> = key.split('/').map(query_encode).collect();
    format!("/{bucket}/{}", key.join("/"))
}

/// Finds the operation. All parameters of the query must be ones that it obeys.
///
/// # Errors
/// NotImplemented, MethodNotAllowed.
pub fn operation(method: &Method, target: &Target, query: &[(String, String)]) -> Result<Operation, S3Error> {
    let has = |name: &str| query.iter().any(|(it, _)| it == name);
    let not_allowed = "The specified method is not allowed against this resource.";
    let operation = match (&target.bucket, &target.key, method.as_str()) {
        (None, _, "GET") => Operation::ListBuckets,
        (Some(_), None, "GET") if has("location") => Operation::GetBucketLocation,
        (Some(_), None, "GET") if query.iter().any(|it| *it == ("list-type".into(), "2".into())) => {
            Operation::ListObjectsV2
        }
        (Some(_), None, "PUT") => Operation::CreateBucket,
        (Some(_), None, "HEAD") => Operation::HeadBucket,
        (Some(_), None, "DELETE") => Operation::DeleteBucket,
        (Some(_), Some(_), "PUT") => Operation::PutObject,
        (Some(_), Some(_), "GET") => Operation::GetObject,
        (Some(_), Some(_), "HEAD") => Operation::HeadObject,
        (Some(_), Some(_), "DELETE") => Operation::DeleteObject,
        (_, _, "GET" | "POST") => {
            let mut names = query.iter().map(|(name, _)| name.as_str());
            let what = names.find(|it| is_meant(it)).unwrap_or("without parameters");
            return Err(S3Error::not_implemented(&format!("{method} of {what}")));
        }
        _ => return Err(S3Error::new(405, "MethodNotAllowed", not_allowed)),
    };
    let obeyed = operation.parameters();
    let mut names = query.iter().map(|(name, _)| name.as_str());
    match names.find(|it| is_meant(it) && !obeyed.contains(it)) {
        Some(other) => Err(S3Error::not_implemented(&format!(
            "the parameter '{other}' of {method}"
        ))),
        None => Ok(operation),
    }
}

fn is_meant(parameter: &str) -> bool {
    let parameter = parameter.to_ascii_lowercase();
    parameter != NAME_PARAMETER && !parameter.starts_with(SIGNATURE_PARAMETERS)
}

/// What a body is, as the header says that stands for it in the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Not signed.
    Unsigned,
    /// This is its SHA-256, in hex.
    Hashed(String),
    /// In chunks with headers behind them, not signed.
    Chunked,
    /// In signed chunks.
    SignedChunks {
        /// There are signed headers behind them.
        has_trailer: bool,
    },
}

impl Payload {
    const CHUNKED: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    const SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    const SIGNED_WITH_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";

    /// Reads the header; a presigned request may have none.
    ///
    /// # Errors
    /// InvalidRequest, InvalidArgument, NotImplemented for other signatures.
    pub fn of(headers: &HeaderMap, is_presigned: bool) -> Result<Self, S3Error> {
        let Some(header) = headers.get(PAYLOAD_HASH) else {
            return match is_presigned {
                true => Ok(Self::Unsigned),
                false => Err(S3Error::invalid_request(format!(
                    "Missing required header for this request: {PAYLOAD_HASH}"
                ))),
            };
        };
        let words = header.to_str().unwrap_or_default();
        match words {
            UNSIGNED_PAYLOAD => Ok(Self::Unsigned),
            Self::CHUNKED => Ok(Self::Chunked),
            Self::SIGNED => Ok(Self::SignedChunks { has_trailer: false }),
            Self::SIGNED_WITH_TRAILER => Ok(Self::SignedChunks { has_trailer: true }),
            _ if words.starts_with("STREAMING-") => {
                Err(S3Error::not_implemented(&format!("{PAYLOAD_HASH} {words}")))
            }
            _ if words.len() == 64 && words.bytes().all(|it| it.is_ascii_hexdigit()) => {
                Ok(Self::Hashed(words.to_ascii_lowercase()))
            }
            _ => Err(S3Error::invalid_argument(
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
                PAYLOAD_HASH,
                words,
            )),
        }
    }

    /// What stands in the signature.
    pub fn words(&self) -> &str {
        match self {
            Self::Unsigned => UNSIGNED_PAYLOAD,
            Self::Hashed(hash) => hash,
            Self::Chunked => Self::CHUNKED,
            Self::SignedChunks { has_trailer: false } => Self::SIGNED,
            Self::SignedChunks { has_trailer: true } => Self::SIGNED_WITH_TRAILER,
        }
    }
}
