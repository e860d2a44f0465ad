//! What a `valueFrom` says of a secret: `arn:…:secret:name` with optional `:json-key:version-stage:version-id`.

use serde_json::Value;

/// Fields of the ARN itself.
const ARN_FIELDS: usize = 7;

/// A secret, and what of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretReference {
    /// The secret.
    pub arn: String,
    /// A member of the JSON object that it is.
    pub json_key: Option<String>,
    /// Staging label.
    pub version_stage: Option<String>,
    /// Version.
    pub version_id: Option<String>,
}

impl SecretReference {
    /// Reads one; fields that are empty are not given.
    pub fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split(':').collect();
        let is_arn = fields.first() == Some(&"arn") && fields.get(5) == Some(&"secret");
        if !is_arn || !(ARN_FIELDS..=ARN_FIELDS + 3).contains(&fields.len()) {
            return None;
        }
        let field = |at: usize| {
            fields
                .get(at)
                .filter(|it| !it.is_empty())
                .map(|it| (*it).to_owned())
        };
        Some(Self {
            arn: fields[..ARN_FIELDS].join(":"),
            json_key: field(ARN_FIELDS),
            version_stage: field(ARN_FIELDS + 1),
            version_id: field(ARN_FIELDS + 2),
        })
    }

    /// The part of a secret's text that is meant.
    ///
    /// # Errors
    /// In Amazon's words; the text is not in them.
    pub fn value(&self, text: String) -> Result<String, String> {
        let Some(key) = &self.json_key else {
            return Ok(text);
        };
        let missing = || format!("retrieved secret from Secrets Manager did not contain json key {key}");
        let object: Value = serde_json::from_str(&text).map_err(|_| missing())?;
        match object.get(key) {
            Some(Value::String(value)) => Ok(value.clone()),
            Some(Value::Null) | None => Err(missing()),
            Some(other) => Ok(other.to_string()),
        }
    }
}
