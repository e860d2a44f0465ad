//! Client side of awsJson: requests out, answers in, without IO.

use http::request::Parts;

use crate::error::ServiceError;
use crate::json::{self, JsonReader};
use crate::shape::{DecodeError, Operation, ServiceProtocol, ValueReader};

#[cfg(test)]
mod tests;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError<E: std::fmt::Debug> {
    /// An exception that the service models.
    #[error("{0:?}")]
    Service(E),
    /// Another refusal: signature, throttling, an unknown operation.
    #[error("{code}: {message}")]
    Other {
        /// HTTP status.
        status: u16,
        /// Name of the exception.
        code: String,
        /// What it says.
        message: String,
    },
    /// The answer cannot be read.
    #[error("the answer cannot be read: {0}")]
    Answer(#[from] DecodeError),
}

/// Head and body of a request; it still needs to be signed.
///
/// # Errors
/// The host is no host.
pub fn request<O: Operation>(host: &str, input: &O::Input) -> Result<(Parts, Vec<u8>), http::Error> {
    let version = match O::SERVICE.protocol {
        ServiceProtocol::Json(version) => version,
        ServiceProtocol::Query
        | ServiceProtocol::Ec2
        | ServiceProtocol::RestJson(_)
        | ServiceProtocol::RestXml(_) => "1.1",
    };
    let request = http::Request::builder()
        .method("POST")
        .uri("/")
        .header("host", host)
        .header("content-type", format!("application/x-amz-json-{version}"))
        .header(
            "x-amz-target",
            format!("{}.{}", O::SERVICE.target_prefix, O::NAME),
        );
    Ok((request.body(())?.into_parts().0, json::encode(input)))
}

/// Reads the answer to a request.
///
/// # Errors
/// It is an error, or cannot be read.
pub fn answer<O: Operation>(status: u16, body: &[u8]) -> Result<O::Output, ClientError<O::Error>> {
    if (200..300).contains(&status) {
        return Ok(json::decode(body)?);
    }
    let (code, message) = code_and_message(body);
    if let Some(error) = O::Error::from_json(&code, body) {
        return Err(ClientError::Service(error));
    }
    Err(ClientError::Other {
        status,
        code,
        message,
    })
}

fn code_and_message(body: &[u8]) -> (String, String) {
    let (mut code, mut message) = (String::new(), String::new());
    let mut reader = JsonReader::new(body);
    // A body that is no JSON leaves both empty: the status says enough.
    let _ = reader.object(&mut |name, reader| {
        match name {
            // A null says nothing, and is passed over.
            _ if reader.take_null() => {}
            "__type" => code = bare_name(&reader.string()?).to_owned(),
            "message" | "Message" => message = reader.string()?,
            _ => return Ok(false),
        }
        Ok(true)
    });
    (code, message)
}

/// The name of an exception: `com.amazonaws.ecs#NotFoundException:http://…` has a namespace before and an address behind.
fn bare_name(kind: &str) -> &str {
    let kind = kind.split(':').next().unwrap_or_default();
    kind.rsplit('#').next().unwrap_or_default()
}
