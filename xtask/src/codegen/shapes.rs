//! Models as the generator reads them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;

/// A stripped model, see `models/`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    pub metadata: Metadata,
    pub operations: BTreeMap<String, Operation>,
    #[serde(default)]
    pub other_operations: BTreeSet<String>,
    pub shapes: BTreeMap<String, Shape>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    pub api_version: String,
    #[serde(default)]
    pub protocol: Protocol,
    pub json_version: Option<String>,
    /// Name in credential scopes, unless the endpoint's name is that too.
    #[serde(default)]
    pub signing_name: Option<String>,
    #[serde(default)]
    pub endpoint_prefix: Option<String>,
    #[serde(default)]
    pub target_prefix: String,
    #[serde(default)]
    pub xml_namespace: String,
}

/// How a service is spoken; our own models say nothing, and are JSON.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    #[default]
    Json,
    Query,
    Ec2,
    #[serde(rename = "rest-json")]
    RestJson,
    #[serde(rename = "rest-xml")]
    RestXml,
}

impl Protocol {
    /// Whether members may lie outside the body.
    pub fn is_rest(self) -> bool {
        matches!(self, Self::RestJson | Self::RestXml)
    }
}

#[derive(Deserialize)]
pub struct Operation {
    pub input: Option<String>,
    pub output: Option<String>,
    #[serde(default)]
    pub errors: Vec<String>,
    /// Of rest-json and rest-xml.
    pub http: Option<Http>,
}

/// Where an operation of rest-json or rest-xml is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Http {
    pub method: String,
    pub request_uri: String,
    pub response_code: Option<u16>,
}

#[derive(Clone, Deserialize)]
pub struct Shape {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub members: BTreeMap<String, Member>,
    #[serde(default)]
    pub required: Vec<String>,
    pub member: Option<Member>,
    pub key: Option<Member>,
    pub value: Option<Member>,
    #[serde(default)]
    pub flattened: bool,
    #[serde(rename = "enum")]
    pub words: Option<Vec<String>>,
    #[serde(default)]
    pub exception: bool,
    #[serde(default)]
    pub fault: bool,
    /// Any JSON, whatever the members.
    #[serde(default)]
    pub document: bool,
    /// Must not reach a log.
    #[serde(default)]
    pub sensitive: bool,
    /// In these, the member that is the whole body.
    pub payload: Option<String>,
    pub error: Option<ErrorTrait>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorTrait {
    pub http_status_code: Option<u16>,
    pub code: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    pub shape: String,
    pub location_name: Option<String>,
    pub query_name: Option<String>,
    /// In these, where it is if not in the body.
    pub location: Option<String>,
    #[serde(default)]
    pub flattened: bool,
}

impl Model {
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).context("not a model")
    }

    pub fn shape(&self, name: &str) -> &Shape {
        &self.shapes[name]
    }

    /// Exceptions of all operations.
    pub fn errors(&self) -> BTreeSet<&String> {
        let named = self.operations.values().flat_map(|it| &it.errors);
        named
            .chain(
                self.shapes
                    .iter()
                    .filter(|(_, it)| it.exception)
                    .map(|(name, _)| name),
            )
            .collect()
    }

    /// Name of the structure in Rust: inputs and outputs are named after their operation, unless others share them.
    pub fn structure_name(&self, shape: &str) -> String {
        if self.metadata.protocol.is_rest() && self.is_shared(shape) {
            return shape.to_owned();
        }
        for (operation, it) in &self.operations {
            if it.input.as_deref() == Some(shape) {
                return format!("{operation}Input");
            }
            if it.output.as_deref() == Some(shape) {
                return format!("{operation}Output");
            }
        }
        shape.to_owned()
    }

    /// Whether several operations, or other shapes too, have this shape.
    fn is_shared(&self, shape: &str) -> bool {
        let ends = self.operations.values().flat_map(|it| [&it.input, &it.output]);
        let of_operations = ends.filter(|it| it.as_deref() == Some(shape)).count();
        let of_shapes = self.shapes.values().any(|it| {
            let parts = it.members.values().chain(&it.member).chain(&it.value);
            parts.into_iter().any(|it| it.shape == shape)
        });
        of_operations > 1 || of_shapes
    }

    /// Whether a structure holds itself, through others.
    pub fn is_recursive(&self, from: &str, to: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![to];
        while let Some(name) = open.pop() {
            if name == from {
                return true;
            }
            // Lists and maps are on the heap already.
            let shape = self.shape(name);
            if shape.kind == "structure" && seen.insert(name) {
                open.extend(shape.members.values().map(|it| it.shape.as_str()));
            }
        }
        false
    }
}
