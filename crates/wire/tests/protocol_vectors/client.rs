//! Answers in JSON, read as the agent reads those of the control plane.

use wire::client::{ClientError, answer};
use wire::error::CodedError;
use wire::{Operation, Service, ServiceProtocol};

use crate::dynamic::{Dynamic, expect};
use crate::requests::{present, same};
use crate::suites::Case;

/// Any operation of the vectors: what it reads is said before.
struct Any;

static SERVICE: Service = Service {
    signing_name: "vectors",
    target_prefix: "",
    api_version: "",
    protocol: ServiceProtocol::Json("1.1"),
    xml_namespace: "",
    operations: &[],
};

impl Operation for Any {
    const NAME: &'static str = "Any";
    const SERVICE: &'static Service = &SERVICE;
    type Input = Dynamic;
    type Output = Dynamic;
    type Error = CodedError;
}

pub fn check(case: &Case) -> Result<(), String> {
    let response = &case.case["response"];
    let status = response["status_code"].as_u64().unwrap_or_default();
    let status = u16::try_from(status).map_err(|error| error.to_string())?;
    expect(&case.model, case.shape());
    let body = response["body"].as_str().unwrap_or_default();
    match answer::<Any>(status, body.as_bytes()) {
        Ok(output) if same(&output.json, &present(&case.case["result"])) => Ok(()),
        Ok(output) => Err(format!("read {}", output.json)),
        Err(ClientError::Other { code, .. }) if case.case["errorCode"] == code.as_str() => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
