//! Documents of S3 that are not errors.

use std::fmt::Write;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;

use super::NAMESPACE;
use super::error::S3Error;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
/// What stays as it is of a key that is URL-encoded in an answer.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*')
    .remove(b'/');

/// What a listing of objects was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedQuery {
    /// The bucket.
    pub bucket: String,
    /// Keys begin with it.
    pub prefix: String,
    /// Keys are summed up to it.
    pub delimiter: Option<String>,
    /// Most keys and common prefixes of the page.
    pub max_keys: usize,
    /// Keys come after it.
    pub start_after: Option<String>,
    /// Of the page before.
    pub continuation_token: Option<String>,
    /// Keys are answered URL-encoded.
    pub is_url_encoded: bool,
    /// Owners are answered.
    pub with_owner: bool,
}

/// An object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key.
    pub key: String,
    /// When it was written.
    pub modified_at: Timestamp,
    /// With its quotes.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
    /// Algorithm of the checksum that is kept with it.
    pub checksum: Option<&'static str>,
}

/// A page of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedPage {
    /// In the order of their keys.
    pub objects: Vec<ListedObject>,
    /// Keys summed up.
    pub common_prefixes: Vec<String>,
    /// There is more.
    pub next_token: Option<String>,
}

/// `ListBucketResult`
pub fn list_objects(query: &ListedQuery, page: &ListedPage, owner: &str) -> String {
    let key = |text: &str| match query.is_url_encoded {
        true => utf8_percent_encode(text, ENCODED).to_string(),
        false => escape(text).into_owned(),
    };
    let mut out = format!("{DECLARATION}<ListBucketResult xmlns=\"{NAMESPACE}\">");
    element(&mut out, "Name", &escape(&query.bucket));
    element(&mut out, "Prefix", &key(&query.prefix));
    optional(&mut out, "Delimiter", query.delimiter.as_deref().map(key));
    optional(&mut out, "StartAfter", query.start_after.as_deref().map(key));
    let token = query.continuation_token.as_deref();
    optional(
        &mut out,
        "ContinuationToken",
        token.map(|it| escape(it).into_owned()),
    );
    optional(&mut out, "NextContinuationToken", page.next_token.clone());
    element(
        &mut out,
        "KeyCount",
        &(page.objects.len() + page.common_prefixes.len()).to_string(),
    );
    element(&mut out, "MaxKeys", &query.max_keys.to_string());
    let encoding = query.is_url_encoded.then(|| "url".to_owned());
    optional(&mut out, "EncodingType", encoding);
    element(&mut out, "IsTruncated", bool_text(page.next_token.is_some()));
    for it in &page.objects {
        out.push_str("<Contents>");
        element(&mut out, "Key", &key(&it.key));
        element(&mut out, "LastModified", &time(it.modified_at));
        element(&mut out, "ETag", &escape(&it.etag));
        if let Some(algorithm) = it.checksum {
            element(&mut out, "ChecksumAlgorithm", algorithm);
            element(&mut out, "ChecksumType", "FULL_OBJECT");
        }
        element(&mut out, "Size", &it.size.to_string());
        if query.with_owner {
            owner_element(&mut out, owner);
        }
        out.push_str("<StorageClass>STANDARD</StorageClass></Contents>");
    }
    for it in &page.common_prefixes {
        let _ = write!(
            out,
            "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>",
            key(it)
        );
    }
    out.push_str("</ListBucketResult>");
    out
}

/// `ListAllMyBucketsResult`: names with the times at which they were made.
pub fn list_buckets(
    owner: &str,
    region: &str,
    buckets: &[(String, Timestamp)],
    next_token: Option<&str>,
) -> String {
    let mut out = format!("{DECLARATION}<ListAllMyBucketsResult xmlns=\"{NAMESPACE}\">");
    owner_element(&mut out, owner);
    out.push_str("<Buckets>");
    for (name, created_at) in buckets {
        out.push_str("<Bucket>");
        element(&mut out, "Name", name);
        element(&mut out, "CreationDate", &time(*created_at));
        element(&mut out, "BucketRegion", region);
        out.push_str("</Bucket>");
    }
    out.push_str("</Buckets>");
    optional(
        &mut out,
        "ContinuationToken",
        next_token.map(|it| escape(it).into_owned()),
    );
    out.push_str("</ListAllMyBucketsResult>");
    out
}

/// `LocationConstraint`: empty for the first region that there was.
pub fn location_constraint(region: &str) -> String {
    let region = if region == "us-east-1" { "" } else { region };
    format!("{DECLARATION}<LocationConstraint xmlns=\"{NAMESPACE}\">{region}</LocationConstraint>")
}

/// Reads `CreateBucketConfiguration`: the region that is asked for.
///
/// # Errors
/// MalformedXML; NotImplemented for anything else in it.
pub fn wanted_region(body: &[u8]) -> Result<Option<String>, S3Error> {
    let malformed = || {
        let message =
            "The XML you provided was not well-formed or did not validate against our published schema";
        S3Error::new(400, "MalformedXML", message)
    };
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    let mut reader = Reader::from_str(text);
    let mut open = Vec::new();
    let mut region = None;
    loop {
        match reader.read_event().map_err(|_| malformed())? {
            Event::Start(it) => {
                let name = String::from_utf8_lossy(it.local_name().as_ref()).into_owned();
                match (open.len(), name.as_str()) {
                    (0, "CreateBucketConfiguration") | (1, "LocationConstraint") => open.push(name),
                    (0, _) => return Err(malformed()),
                    _ => return Err(S3Error::not_implemented(&name)),
                }
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(it) if open.len() == 2 => {
                region = Some(it.decode().map_err(|_| malformed())?.trim().to_owned());
            }
            Event::Empty(it) if open.len() == 1 => {
                let name = String::from_utf8_lossy(it.local_name().as_ref()).into_owned();
                if name != "LocationConstraint" {
                    return Err(S3Error::not_implemented(&name));
                }
            }
            Event::Eof if open.is_empty() => return Ok(region.filter(|it| !it.is_empty())),
            Event::Eof => return Err(malformed()),
            _ => {}
        }
    }
}

fn owner_element(out: &mut String, owner: &str) {
    let _ = write!(out, "<Owner><ID>{}</ID></Owner>", escape(owner));
}

fn element(out: &mut String, name: &str, escaped: &str) {
    let _ = write!(out, "<{name}>{escaped}</{name}>");
}

fn optional(out: &mut String, name: &str, escaped: Option<String>) {
    if let Some(text) = escaped {
        element(out, name, &text);
    }
}

fn bool_text(it: bool) -> &'static str {
    if it { "true" } else { "false" }
}

/// `2026-11-21T04:21:56.000Z`
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
