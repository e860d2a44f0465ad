//! An object of S3 as task definitions name it.

#[cfg(test)]
mod tests;

/// What the ARN of an object begins with, after its partition.
const SERVICE: &str = "s3";

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct S3Object {
    /// As the task definition names it.
    pub arn: String,
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
}

impl S3Object {
    /// Reads `arn:aws:s3:::bucket/key`.
    pub fn parse(arn: &str) -> Option<Self> {
        let fields: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, SERVICE, _, _, path] = fields[..] else {
            return None;
        };
        let (bucket, key) = path.split_once('/')?;
        let is_whole = !bucket.is_empty() && !key.is_empty();
        is_whole.then(|| Self {
            arn: arn.to_owned(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }
}
