//! Policies of endpoints: kept, they decide nothing.

use api::ec2;
use serde_json::Value;

use crate::handlers::ec2::refusal;

/// What an endpoint has that was given no policy: everybody may do everything.
pub const FULL_ACCESS: &str = r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
/// Most letters of a policy.
const LENGTH_MAX: usize = 20480;

/// A policy as it is kept.
///
/// # Errors
/// InvalidPolicyDocument.
pub fn check(given: Option<&str>) -> Result<Option<String>, ec2::Error> {
    let Some(text) = given.filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    let is_policy = text.len() <= LENGTH_MAX
        && serde_json::from_str::<Value>(text).is_ok_and(|it| it.get("Statement").is_some());
    match is_policy {
        true => Ok(Some(text.to_owned())),
        false => Err(refusal("InvalidPolicyDocument", "Policy document is invalid.")),
    }
}
