//! Secrets of Secrets Manager.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sealed::Sealed;
use crate::tags::Pair;
use crate::{Scope, Timestamp};

/// A secret, without its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Account and region; with the name, the record's key.
    pub scope: Scope,
    /// `prod/db`
    pub name: String,
    /// Six letters and digits at the end of the ARN: a secret made again under an old name is another one.
    pub suffix: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// In the order given.
    pub tags: Vec<Pair>,
    /// Version of each staging label.
    pub stages: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed in any way.
    pub changed_at: Timestamp,
    /// Day of the last reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accessed_at: Option<Timestamp>,
    /// Set while it is scheduled for deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<SecretDeletion>,
}

/// A deletion that can still be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretDeletion {
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When the secret goes.
    pub due_at: Timestamp,
}

/// One value that a secret has had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretVersion {
    /// Of the secret.
    pub scope: Scope,
    /// Of the secret.
    pub name: String,
    /// The client's request token.
    pub id: String,
    /// Encrypted.
    pub value: Sealed,
    /// What is in it.
    pub kind: SecretKind,
    /// When it was put.
    pub created_at: Timestamp,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretKind {
    /// `SecretString`
    String,
    /// `SecretBinary`
    Binary,
}

impl Secret {
    /// `arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf`
    pub fn arn(&self) -> String {
        let Scope { account, region } = &self.scope;
        format!(
            "arn:aws:secretsmanager:{region}:{account}:secret:{}-{}",
            self.name, self.suffix
        )
    }

    /// The labels of a version, in their order.
    pub fn stages_of(&self, version: &str) -> Vec<String> {
        let stages = self.stages.iter().filter(|(_, it)| *it == version);
        stages.map(|(stage, _)| stage.clone()).collect()
    }
}
