//! S3's own ways in HTTP, without IO: what a request means, bodies sent in signed chunks, answers and errors in XML.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html>

mod answers;
mod chunked;
mod error;
mod names;
mod request;

#[cfg(test)]
mod tests;

pub use answers::{
    ListedObject, ListedPage, ListedQuery, list_buckets, list_objects, location_constraint, wanted_region,
};
pub use chunked::{ChunkedError, Decoder};
pub use error::S3Error;
pub use names::{KEY_BYTES_MAX, is_bucket_name};
pub use request::{Operation, Payload, Target, object_path, operation, target};

/// Service of credential scopes, and of actions.
pub const SIGNING_NAME: &str = "s3";
/// Namespace of answers.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
