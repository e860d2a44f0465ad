//! Operations on buckets.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyDataStream;
use wire::s3::{S3Error, list_buckets, location_constraint, wanted_region};

use super::answer::{self, Answer};
use super::{Visit, put};
use crate::object_storage::ObjectError;

/// The region whose buckets may be created again by their owner.
const FIRST_REGION: &str = "us-east-1";
/// Most buckets of a page.
const PAGE_MAX: usize = 10_000;
/// Longest configuration of a bucket, in bytes.
const CONFIGURATION_BYTES_MAX: u64 = 64 * 1024;

impl Visit<'_> {
    /// The region in which all buckets are.
    fn region(&self) -> &str {
        let regions = &self.control_plane.settings.regions;
        regions.first().map_or(FIRST_REGION, String::as_str)
    }
}

/// `GET /`
pub async fn list(visit: &Visit<'_>) -> Result<Answer, S3Error> {
    let most = match visit.parameter("max-buckets") {
        None => PAGE_MAX,
        Some(text) => {
            let count = text.parse().ok().filter(|it| (1..=PAGE_MAX).contains(it));
            count.ok_or_else(|| {
                let message = "Argument max-buckets must be an integer between 1 and 10000";
                S3Error::invalid_argument(message, "max-buckets", text)
            })?
        }
    };
    let prefix = visit.parameter("prefix").unwrap_or_default();
    let after = visit.parameter("continuation-token").unwrap_or_default();
    let mut buckets = visit.with_files(|it| it.buckets()).await?;
    buckets.retain(|(name, _)| name.starts_with(prefix) && name.as_str() > after);
    let has_more = buckets.len() > most;
    buckets.truncate(most);
    let next = buckets.last().map(|(name, _)| name.clone());
    let next = next.filter(|_| has_more);
    let document = list_buckets(visit.account(), visit.region(), &buckets, next.as_deref());
    Ok(answer::xml(StatusCode::OK, document))
}

/// `PUT /bucket`
pub async fn create<B>(visit: &Visit<'_>, body: B) -> Result<Answer, S3Error>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let received = put::receive(visit, BodyDataStream::new(body), None, CONFIGURATION_BYTES_MAX).await?;
    let path = received.arrival.path().to_owned();
    let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
    let text = read.map_err(|_| super::internal())?;
    let text = text.map_err(|error| visit.refusal(&ObjectError::Storage(error)))?;
    drop(received);
    if let Some(region) = wanted_region(&text)?.filter(|it| it != visit.region()) {
        let message = format!(
            "The {region} location constraint is incompatible for the region specific endpoint this request was sent to."
        );
        return Err(S3Error::new(400, "IllegalLocationConstraintException", message));
    }
    let name = visit.bucket().to_owned();
    let storage = std::sync::Arc::clone(&visit.control_plane.object_storage);
    let made = tokio::task::spawn_blocking(move || storage.create_bucket(&name)).await;
    match made.map_err(|_| super::internal())? {
        Ok(()) => {}
        // As on Amazon, in its first region only.
        Err(ObjectError::BucketExists) if visit.region() == FIRST_REGION => {}
        Err(error) => return Err(visit.refusal(&error)),
    }
    let mut answer = answer::empty(StatusCode::OK);
    answer::put(&mut answer, "location", &format!("/{}", visit.bucket()));
    Ok(answer)
}

async fn check(visit: &Visit<'_>) -> Result<(), S3Error> {
    let name = visit.bucket().to_owned();
    visit.with_files(move |it| it.check_bucket(&name)).await
}

/// `HEAD /bucket`
pub async fn head(visit: &Visit<'_>) -> Result<Answer, S3Error> {
    check(visit).await?;
    let mut answer = answer::empty(StatusCode::OK);
    answer::put(&mut answer, "x-amz-bucket-region", visit.region());
    answer::put(&mut answer, "x-amz-access-point-alias", "false");
    Ok(answer)
}

/// `GET /bucket?location`
pub async fn location(visit: &Visit<'_>) -> Result<Answer, S3Error> {
    check(visit).await?;
    Ok(answer::xml(StatusCode::OK, location_constraint(visit.region())))
}

/// `DELETE /bucket`
pub async fn delete(visit: &Visit<'_>) -> Result<Answer, S3Error> {
    let name = visit.bucket().to_owned();
    visit.with_files(move |it| it.delete_bucket(&name)).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}
