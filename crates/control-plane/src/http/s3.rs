//! S3, as far as tasks need it: buckets, and objects of one part. Bodies are streams, so that it has a front of its own.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>

mod answer;
mod buckets;
mod objects;
mod put;

#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Uri};
use wire::s3::{Operation, Payload, S3Error, SIGNING_NAME, Target, is_bucket_name};
use wire::sigv4;

use crate::call::authorize;
use crate::control_plane::ControlPlane;
use crate::identity::{self, Claimed};
use crate::object_storage::{ObjectError, ObjectStorage};
use answer::Answer;

/// Largest object, in bytes. Larger ones come in parts, which are not built.
pub const OBJECT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Headers that ask for nothing that is not done: what is signed, said of the client, or read below.
const HEADERS: [&str; 11] = [
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-user-agent",
    "x-amz-expected-bucket-owner",
    "x-amz-decoded-content-length",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-trailer",
    "x-amz-checksum-mode",
    "x-amz-te",
    "x-amz-request-payer",
];
/// Headers that may only say what is the case anyway.
const NEUTRAL: [(&str, &[&str]); 4] = [
    ("x-amz-acl", &["private", "bucket-owner-full-control"]),
    ("x-amz-storage-class", &["STANDARD"]),
    ("x-amz-bucket-object-lock-enabled", &["false", "False"]),
    ("x-amz-object-ownership", &["BucketOwnerEnforced"]),
];

/// A request whose sender is known, and may do this.
struct Visit<'a> {
    control_plane: &'a Arc<ControlPlane>,
    parts: Parts,
    claimed: Claimed,
    payload: Payload,
    target: Target,
    query: Vec<(String, String)>,
}

/// Whether a request is for S3: nothing but its signature says so.
pub fn serves<B>(request: &Request<B>) -> bool {
    let signed_for = sigv4::signed_for(request.headers(), request.uri());
    signed_for.as_deref() == Some(SIGNING_NAME) || is_of_version_2(request.headers(), request.uri())
}

/// Whether a request is signed as only S3 still takes it on Amazon, and boto3 presigns unless it is told otherwise.
fn is_of_version_2(headers: &HeaderMap, uri: &Uri) -> bool {
    let header = headers.get("authorization").and_then(|it| it.to_str().ok());
    let query = uri.query().unwrap_or_default();
    header.is_some_and(|it| it.starts_with("AWS "))
        || query.split('&').any(|it| it.starts_with("AWSAccessKeyId="))
}

/// Answers a request. Its body is read by what needs it, and not before the sender is known.
pub async fn answer<B>(control_plane: &Arc<ControlPlane>, request: Request<B>) -> Answer
where
    B: hyper::body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: std::fmt::Display + Send,
{
    let request_id = uuid::Uuid::new_v4().simple().to_string();
    let is_head = request.method() == Method::HEAD;
    let resource = request.uri().path().to_owned();
    let work = AssertUnwindSafe(handle(control_plane, request));
    let answered = work.catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("a request to S3 panicked");
        Err(internal())
    });
    let answer = answered.unwrap_or_else(|error| answer::refuse(&error, &resource, &request_id));
    answer::finished(answer, &request_id, is_head)
}

async fn handle<B>(control_plane: &Arc<ControlPlane>, request: Request<B>) -> Result<Answer, S3Error>
where
    B: hyper::body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: std::fmt::Display + Send,
{
    let (parts, body) = request.into_parts();
    if is_of_version_2(&parts.headers, &parts.uri) {
        let message =
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
        return Err(S3Error::invalid_request(message));
    }
    let now = control_plane.clock.now();
    let common = |error| S3Error::of_common(&error);
    let claimed = identity::claimed(control_plane, SIGNING_NAME, &parts, now).map_err(common)?;
    let payload = Payload::of(&parts.headers, claimed.signature.is_presigned())?;
    let (signature, key) = (&claimed.signature, &claimed.signing_key);
    sigv4::verify_head(signature, key, &parts, payload.words(), now).map_err(common)?;
    let query = sigv4::query_pairs(parts.uri.query().unwrap_or_default());
    let host = header(&parts, "host").unwrap_or_default();
    let endpoint = endpoint_host(&control_plane.settings.advertised_endpoint);
    let target = wire::s3::target(host, parts.uri.path(), endpoint)?;
    let operation = wire::s3::operation(&parts.method, &target, &query)?;
    let (caller, name) = (&claimed.caller, operation.as_str());
    authorize(control_plane, caller, SIGNING_NAME, name)
        .map_err(|denied| S3Error::new(403, "AccessDenied", denied.message))?;
    let admitted = control_plane
        .buckets
        .admit(&caller.scope, SIGNING_NAME, name, now);
    admitted.map_err(common)?;
    check_headers(&parts, operation, &claimed.caller.scope.account)?;
    if let Some(bucket) = target.bucket.as_deref().filter(|it| !is_bucket_name(it)) {
        return Err(
            S3Error::new(400, "InvalidBucketName", "The specified bucket is not valid.")
                .with("BucketName", bucket),
        );
    }
    let visit = Visit {
        control_plane,
        parts,
        claimed,
        payload,
        target,
        query,
    };
    match operation {
        Operation::ListBuckets => buckets::list(&visit).await,
        Operation::CreateBucket => buckets::create(&visit, body).await,
        Operation::HeadBucket => buckets::head(&visit).await,
        Operation::DeleteBucket => buckets::delete(&visit).await,
        Operation::GetBucketLocation => buckets::location(&visit).await,
        Operation::ListObjectsV2 => objects::list(&visit).await,
        Operation::GetObject => objects::get(&visit).await,
        Operation::HeadObject => objects::head(&visit).await,
        Operation::DeleteObject => objects::delete(&visit).await,
        Operation::PutObject => put::put(&visit, body).await,
    }
}

/// A header that asks for what is not done is refused.
fn check_headers(parts: &Parts, operation: Operation, account: &str) -> Result<(), S3Error> {
    if header(parts, "x-amz-expected-bucket-owner").is_some_and(|it| it != account) {
        return Err(S3Error::new(403, "AccessDenied", "Access Denied"));
    }
    let is_put = operation == Operation::PutObject;
    for (name, value) in &parts.headers {
        let name = name.as_str();
        let value = value.to_str().unwrap_or_default();
        let neutral = NEUTRAL.iter().find(|(it, _)| *it == name);
        let is_obeyed = match neutral {
            Some((_, values)) => values.contains(&value),
            None if !name.starts_with("x-amz-") => true,
            None => HEADERS.contains(&name) || (is_put && put::reads(name)),
        };
        if !is_obeyed {
            return Err(S3Error::not_implemented(&format!("'{name}: {value}'")));
        }
    }
    Ok(())
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).and_then(|it| it.to_str().ok())
}

/// `http://host:port` without the rest.
fn endpoint_host(endpoint: &str) -> &str {
    let authority = endpoint.rsplit('/').next().unwrap_or_default();
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

fn internal() -> S3Error {
    let message = "We encountered an internal error. Please try again.";
    S3Error::new(500, "InternalError", message)
}

impl Visit<'_> {
    fn bucket(&self) -> &str {
        self.target.bucket.as_deref().unwrap_or_default()
    }

    fn key(&self) -> &str {
        self.target.key.as_deref().unwrap_or_default()
    }

    fn account(&self) -> &str {
        &self.claimed.caller.scope.account
    }

    fn header(&self, name: &str) -> Option<&str> {
        header(&self.parts, name)
    }

    /// A parameter of the query, decoded.
    fn parameter(&self, name: &str) -> Option<&str> {
        let mut all = self.query.iter();
        all.find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// Works with files where that may take its time.
    async fn with_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ObjectStorage) -> Result<T, ObjectError> + Send + 'static,
    ) -> Result<T, S3Error> {
        let storage = Arc::clone(&self.control_plane.object_storage);
        let worked = tokio::task::spawn_blocking(move || work(&storage)).await;
        match worked {
            Ok(outcome) => outcome.map_err(|error| self.refusal(&error)),
            Err(error) => {
                tracing::error!(%error, "work with objects ended early");
                Err(internal())
            }
        }
    }

    fn refusal(&self, error: &ObjectError) -> S3Error {
        let (bucket, key) = (self.bucket(), self.key());
        match error {
            ObjectError::NoSuchBucket => S3Error::no_such_bucket(bucket),
            ObjectError::NoSuchKey => S3Error::no_such_key(key),
            ObjectError::BucketExists => {
                let message =
                    "Your previous request to create the named bucket succeeded and you already own it.";
                S3Error::new(409, "BucketAlreadyOwnedByYou", message).with("BucketName", bucket)
            }
            ObjectError::TooManyBuckets => {
                let message = "You have attempted to create more buckets than allowed";
                S3Error::new(400, "TooManyBuckets", message)
            }
            ObjectError::BucketNotEmpty => {
                let message = "The bucket you tried to delete is not empty";
                S3Error::new(409, "BucketNotEmpty", message).with("BucketName", bucket)
            }
            ObjectError::KeyInTheWay | ObjectError::PartTooLong => {
                S3Error::not_implemented(&format!("the key '{key}' beside what is there ({error})"))
            }
            ObjectError::ObjectExists => {
                let message = "At least one of the pre-conditions you specified did not hold";
                S3Error::new(412, "PreconditionFailed", message).with("Condition", "If-None-Match")
            }
            ObjectError::InvalidToken => S3Error::invalid_argument(
                "The continuation token provided is incorrect",
                "continuation-token",
                self.parameter("continuation-token").unwrap_or_default(),
            ),
            ObjectError::Storage(error) => {
                tracing::error!(bucket, key, %error, "the files of objects failed");
                internal()
            }
        }
    }
}
