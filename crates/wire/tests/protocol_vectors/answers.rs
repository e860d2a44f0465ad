//! What clients read from answers, written forwards and compared with the answers.

use std::sync::Arc;

use serde_json::{Value, json};
use wire::error::{ServiceError, modelled};
use wire::json::JsonWriter;
use wire::route::Protocol;
use wire::{ServiceProtocol, Value as _, ValueWriter, ec2, query, rest};

use crate::dynamic::Dynamic;
use crate::requests::{present, same};
use crate::suites::Case;
use crate::xml;

const REQUEST_ID: &str = "r-1";

pub fn check(case: &Case) -> Result<(), String> {
    if case.case.get("error").is_some() {
        return check_error(case);
    }
    let output = Dynamic {
        model: Arc::clone(&case.model),
        shape: case.shape().to_owned(),
        json: case.case["result"].clone(),
    };
    let (service, operation) = (case.service, case.operation());
    if let ServiceProtocol::RestJson(_) | ServiceProtocol::RestXml(_) = service.protocol {
        return check_rest(case, &output);
    }
    let written = match service.protocol {
        ServiceProtocol::Json(_) => wire::json::encode(&output),
        ServiceProtocol::Query => query::encode(service, operation, &output, REQUEST_ID),
        ServiceProtocol::Ec2 => ec2::encode(service, operation, &output, REQUEST_ID),
        ServiceProtocol::RestJson(_) | ServiceProtocol::RestXml(_) => {
            return Err("is told apart before".to_owned());
        }
    };
    compare(case, &written)
}

/// Status, headers and body.
fn check_rest(case: &Case, output: &Dynamic) -> Result<(), String> {
    let operation = rest::operation(case.service, case.operation()).ok_or("no operation")?;
    let answer = rest::encode(case.service, operation, output);
    let expected = &case.case["response"];
    if expected["status_code"].as_u64() != Some(u64::from(answer.status)) {
        return Err(format!("status {}", answer.status));
    }
    let mut headers: Vec<(String, String)> = expected["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            (
                name.to_ascii_lowercase(),
                value.as_str().unwrap_or_default().to_owned(),
            )
        })
        .filter(|(name, _)| name != "content-type")
        .collect();
    let mut written = answer.headers;
    written.sort();
    headers.sort();
    if written != headers {
        return Err(format!("wrote headers {written:?}, expected {headers:?}"));
    }
    let body = expected["body"].as_str().unwrap_or_default();
    if answer.body == body.as_bytes() {
        return Ok(());
    }
    compare(case, &answer.body)
}

fn compare(case: &Case, written: &[u8]) -> Result<(), String> {
    let written = String::from_utf8_lossy(written);
    let expected = case.case["response"]["body"].as_str().unwrap_or_default();
    let is_same = match case.service.protocol {
        ServiceProtocol::Json(_) | ServiceProtocol::RestJson(_) => {
            same(&document(&written)?, &present(&document(expected)?))
        }
        ServiceProtocol::Query | ServiceProtocol::Ec2 if expected.is_empty() => {
            case.case["result"] == json!({})
        }
        ServiceProtocol::Query | ServiceProtocol::Ec2 => xml::tree(&written)? == xml::tree(expected)?,
        ServiceProtocol::RestXml(_) => xml::below_root(&written)? == xml::below_root(expected)?,
    };
    if is_same {
        return Ok(());
    }
    Err(format!("wrote {written}, expected {expected}"))
}

/// An answer without a body says as much as one with an empty document.
fn document(text: &str) -> Result<Value, String> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// An exception of the vectors, as the generator makes one of its shape.
#[derive(Debug)]
struct Exception {
    code: String,
    status: u16,
    message: Option<String>,
    members: Members,
}

struct Members(Dynamic);

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.json)
    }
}

impl ServiceError for Exception {
    fn code(&self) -> &str {
        &self.code
    }
    fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
    fn http_status(&self) -> u16 {
        self.status
    }
    fn write_members(&self, writer: &mut JsonWriter) {
        let Members(it) = &self.members;
        for (name, member) in &it.model.shape(&it.shape).members {
            if let Some(json) = it.json.get(name) {
                writer.name(name);
                let member = Dynamic {
                    model: Arc::clone(&it.model),
                    shape: member.shape.clone(),
                    json: json.clone(),
                };
                member.write(writer);
            }
        }
    }
    fn from_json(_: &str, _: &[u8]) -> Option<Self> {
        None
    }
}

fn check_error(case: &Case) -> Result<(), String> {
    let shape = case.case["given"]["errors"][0]["shape"]
        .as_str()
        .unwrap_or_default();
    let modelled_as = case.model.shape(shape);
    let error = modelled_as.error.as_ref();
    let exception = Exception {
        code: error
            .and_then(|it| it.code.clone())
            .unwrap_or_else(|| shape.to_owned()),
        status: error
            .and_then(|it| it.http_status_code)
            .unwrap_or(if modelled_as.fault { 500 } else { 400 }),
        message: case.case["errorMessage"].as_str().map(str::to_owned),
        members: Members(Dynamic {
            model: Arc::clone(&case.model),
            shape: shape.to_owned(),
            json: case.case["error"].clone(),
        }),
    };
    let protocol = match case.service.protocol {
        ServiceProtocol::Json("1.0") => Protocol::Json10,
        ServiceProtocol::Json(_) => Protocol::Json11,
        ServiceProtocol::Query => Protocol::Query,
        ServiceProtocol::Ec2 => Protocol::Ec2,
        ServiceProtocol::RestJson(_) => Protocol::RestJson,
        ServiceProtocol::RestXml(_) => Protocol::RestXml,
    };
    let answer = modelled(case.service, &exception, protocol, REQUEST_ID);
    let status = case.case["response"]["status_code"].as_u64();
    if status != Some(u64::from(answer.status)) {
        return Err(format!("status {} instead of {status:?}", answer.status));
    }
    if answer.code != case.case["errorCode"] {
        return Err(format!("code {}", answer.code));
    }
    match case.service.protocol {
        ServiceProtocol::Json(_) | ServiceProtocol::RestJson(_) => compare_members(case, &answer.body),
        ServiceProtocol::Query | ServiceProtocol::Ec2 | ServiceProtocol::RestXml(_) => {
            compare(case, &answer.body)
        }
    }
}

/// In JSON the code may stand in a header, in `__type` or in `code`, with or without a namespace and an address.
fn compare_members(case: &Case, written: &[u8]) -> Result<(), String> {
    let mut written = document(&String::from_utf8_lossy(written))?;
    let mut expected = document(case.case["response"]["body"].as_str().unwrap_or_default())?;
    // rest-json tells it in a header, which is compared before.
    let is_in_body = !matches!(case.service.protocol, ServiceProtocol::RestJson(_));
    if is_in_body && written["__type"] != case.case["errorCode"] {
        return Err(format!("wrote {written}"));
    }
    for it in [&mut written, &mut expected] {
        let members = it.as_object_mut().ok_or("no object")?;
        members.remove("__type");
        members.remove("code");
    }
    if same(&written, &expected) {
        return Ok(());
    }
    Err(format!("wrote {written}, expected {expected}"))
}
