//! Errors of S3: XML, and codes of their own also for what all services have in common.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>

use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;

use crate::error::CommonError;

/// Longest text that is read of an error's element.
const TEXT_MAX: usize = 4096;

/// An error that S3 answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Error {
    /// HTTP status.
    pub status: u16,
    /// `NoSuchKey`
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// Elements besides: `Key`, `BucketName`.
    pub details: Vec<(&'static str, String)>,
}

impl S3Error {
    /// Any.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            details: Vec::new(),
        }
    }

    /// With an element beside.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// There is no such bucket.
    pub fn no_such_bucket(bucket: &str) -> Self {
        Self::new(404, "NoSuchBucket", "The specified bucket does not exist").with("BucketName", bucket)
    }

    /// There is no such object.
    pub fn no_such_key(key: &str) -> Self {
        Self::new(404, "NoSuchKey", "The specified key does not exist.").with("Key", key)
    }

    /// Not built: S3's words, then what.
    pub fn not_implemented(what: &str) -> Self {
        let message = format!(
            "A header you provided implies functionality that is not implemented: {what} is not supported by Gantry yet."
        );
        Self::new(501, "NotImplemented", message)
    }

    /// An argument is wrong.
    pub fn invalid_argument(message: &str, name: &str, value: &str) -> Self {
        Self::new(400, "InvalidArgument", message)
            .with("ArgumentName", name)
            .with("ArgumentValue", value)
    }

    /// The request cannot be.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidRequest", message)
    }

    /// What all services have in common, as S3 calls it.
    pub fn of_common(error: &CommonError) -> Self {
        let same = |status: u16, code: &str| Self::new(status, code, error.message.clone());
        match error.query_code {
            "MissingAuthenticationToken" => Self::new(403, "AccessDenied", "Access Denied"),
            "AccessDenied" => same(403, "AccessDenied"),
            "InvalidClientTokenId" => {
                let message = "The AWS Access Key Id you provided does not exist in our records.";
                Self::new(403, "InvalidAccessKeyId", message)
            }
            "IncompleteSignature" => same(400, "AuthorizationHeaderMalformed"),
            "SignatureDoesNotMatch" if error.message.starts_with("Signature expired") => {
                let message = "The difference between the request time and the current time is too large.";
                Self::new(403, "RequestTimeTooSkewed", message)
            }
            "SignatureDoesNotMatch" => same(403, "SignatureDoesNotMatch"),
            "Throttling" => Self::new(503, "SlowDown", "Please reduce your request rate."),
            code if error.status >= 500 => same(error.status, "InternalError").with("Cause", code),
            code => same(error.status, code),
        }
    }

    /// The document.
    pub fn xml(&self, resource: &str, request_id: &str) -> String {
        let mut details = String::new();
        for (name, value) in &self.details {
            details.push_str(&format!("<{name}>{}</{name}>", escape(value)));
        }
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>{details}\
             <Resource>{}</Resource><RequestId>{request_id}</RequestId><HostId>{request_id}</HostId></Error>",
            escape(&self.code),
            escape(&self.message),
            escape(resource),
        )
    }

    /// Reads a document; of one that is none, the status says enough.
    pub fn parse(status: u16, document: &[u8]) -> Self {
        let text = String::from_utf8_lossy(document);
        let mut reader = Reader::from_str(&text);
        let mut error = Self::new(status, "", "");
        let mut element = Vec::new();
        loop {
            match reader.read_event() {
                Ok(Event::Start(it)) => element = it.name().as_ref().to_vec(),
                Ok(Event::End(_)) => element.clear(),
                Ok(Event::Text(it)) => {
                    let text = it.decode().unwrap_or_default();
                    append(&mut error, &element, &text);
                }
                Ok(Event::GeneralRef(it)) => {
                    let name = it.decode().unwrap_or_default();
                    let whole = format!("&{name};");
                    let text = quick_xml::escape::unescape(&whole).unwrap_or_default();
                    append(&mut error, &element, &text);
                }
                Ok(Event::Eof) | Err(_) => return error,
                Ok(_) => {}
            }
        }
    }
}

fn append(error: &mut S3Error, element: &[u8], text: &str) {
    let target = match element {
        b"Code" => &mut error.code,
        b"Message" => &mut error.message,
        _ => return,
    };
    if target.len() + text.len() <= TEXT_MAX {
        target.push_str(text);
    }
}
