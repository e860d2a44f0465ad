//! Objects: read, removed, listed.

use domain::Timestamp;
use http::StatusCode;
use wire::s3::{ListedQuery, S3Error, list_objects};

use super::Visit;
use super::answer::{self, Answer};
use crate::http::registry::range::{Wanted, wanted};
use crate::object_storage::Object;

/// Most keys of a page.
const PAGE_MAX: usize = 1000;
/// Type of content of which nobody says one.
const CONTENT_TYPE: &str = "binary/octet-stream";

async fn open(visit: &Visit<'_>) -> Result<Object, S3Error> {
    let (bucket, key) = (visit.bucket().to_owned(), visit.key().to_owned());
    let object = visit.with_files(move |it| it.object(&bucket, &key)).await?;
    check_conditions(visit, &object)?;
    Ok(object)
}

/// `If-Match` and `If-None-Match`; what asks for times is refused.
fn check_conditions(visit: &Visit<'_>, object: &Object) -> Result<(), S3Error> {
    for name in ["if-modified-since", "if-unmodified-since"] {
        if visit.header(name).is_some() {
            return Err(S3Error::not_implemented(&format!("the header {name}")));
        }
    }
    let is_listed = |header: &str| {
        let mut tags = header.split(',').map(|it| it.trim().trim_matches('"'));
        tags.any(|it| it == "*" || it == object.etag.trim_matches('"'))
    };
    if visit.header("if-match").is_some_and(|it| !is_listed(it)) {
        let message = "At least one of the pre-conditions you specified did not hold";
        return Err(S3Error::new(412, "PreconditionFailed", message).with("Condition", "If-Match"));
    }
    if visit.header("if-none-match").is_some_and(is_listed) {
        return Err(S3Error::new(304, "NotModified", "Not Modified"));
    }
    Ok(())
}

/// `GET /bucket/key`
pub async fn get(visit: &Visit<'_>) -> Result<Answer, S3Error> {
    read(visit).await
}

/// `HEAD /bucket/key`: the same, without its content.
pub async fn head(visit: &Visit<'_>) -> Result<Answer, S3Error> {
    read(visit).await
}

async fn read(visit: &Visit<'_>) -> Result<Answer, S3Error> {
    let object = open(visit).await?;
    let size = object.size;
    let (status, begin, length) = match wanted(visit.header("range"), size) {
        Wanted::All => (StatusCode::OK, 0, size),
        Wanted::Part(first, last) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::Unsatisfiable => {
            let message = "The requested range is not satisfiable";
            return Err(S3Error::new(416, "InvalidRange", message)
                .with("RangeRequested", visit.header("range").unwrap_or_default())
                .with("ActualObjectSize", size.to_string()));
        }
    };
    let kept = object.kept.clone();
    let (etag, modified_at) = (object.etag.clone(), object.modified_at);
    let mut answer = answer::content(status, object, begin, length);
    let mut put = |name: &str, value: &str| answer::put(&mut answer, name, value);
    put("content-type", CONTENT_TYPE);
    for (name, value) in &kept.headers {
        put(name, value);
    }
    for (name, value) in &kept.metadata {
        put(&format!("x-amz-meta-{name}"), value);
    }
    put("content-length", &length.to_string());
    put("etag", &etag);
    put("last-modified", &http_date(modified_at));
    put("accept-ranges", "bytes");
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {begin}-{}/{size}", begin + length - 1);
        put("content-range", &range);
    }
    let is_asked = visit.header("x-amz-checksum-mode") == Some("ENABLED");
    // That of the whole says nothing of a part.
    if let Some((algorithm, value)) = kept.checksum.filter(|_| is_asked && length == size) {
        put(algorithm.header(), &value);
        put("x-amz-checksum-type", "FULL_OBJECT");
    }
    Ok(answer)
}

/// `DELETE /bucket/key`: one that is not there is deleted too.
pub async fn delete(visit: &Visit<'_>) -> Result<Answer, S3Error> {
    if visit.header("if-match").is_some() {
        return Err(S3Error::not_implemented("the header if-match"));
    }
    let (bucket, key) = (visit.bucket().to_owned(), visit.key().to_owned());
    visit.with_files(move |it| it.delete(&bucket, &key)).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// `GET /bucket?list-type=2`
pub async fn list(visit: &Visit<'_>) -> Result<Answer, S3Error> {
    let most = match visit.parameter("max-keys") {
        None => PAGE_MAX,
        Some(text) => {
            let count = text.parse::<usize>().ok();
            let count = count.filter(|it| *it <= i32::MAX as usize);
            let count = count.ok_or_else(|| {
                let message = "Argument maxKeys must be an integer between 0 and 2147483647";
                S3Error::invalid_argument(message, "max-keys", text)
            })?;
            count.min(PAGE_MAX)
        }
    };
    let text = |name: &str| visit.parameter(name).map(str::to_owned);
    let encoding = visit.parameter("encoding-type");
    if let Some(other) = encoding.filter(|it| *it != "url") {
        let message = "Invalid Encoding Method specified in Request";
        return Err(S3Error::invalid_argument(message, "encoding-type", other));
    }
    let query = ListedQuery {
        bucket: visit.bucket().to_owned(),
        prefix: text("prefix").unwrap_or_default(),
        delimiter: text("delimiter").filter(|it| !it.is_empty()),
        max_keys: most,
        start_after: text("start-after"),
        continuation_token: text("continuation-token"),
        is_url_encoded: encoding.is_some(),
        with_owner: visit.parameter("fetch-owner") == Some("true"),
    };
    let asked = query.clone();
    let page = visit.with_files(move |it| it.list(&asked)).await?;
    let document = list_objects(&query, &page, visit.account());
    Ok(answer::xml(StatusCode::OK, document))
}

/// `Sat, 21 Nov 2026 04:21:56 GMT`
fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
