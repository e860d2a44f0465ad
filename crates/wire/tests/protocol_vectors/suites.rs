//! The vectors: suites of cases, each suite with shapes of its own.

use std::io::Read;
use std::sync::Arc;

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use wire::rest::HttpOperation;
use wire::{Service, ServiceProtocol};

use crate::rest::{self, leaked};
use crate::shapes::{Model, Protocol};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Requests.
    Input,
    /// Answers.
    Output,
    /// Answers, as our own client reads them: it speaks JSON only.
    Client,
}

impl Direction {
    /// First word of the names of its cases.
    pub fn word(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Client => "client",
        }
    }

    /// Where its vectors are, and what an operation calls its shape.
    fn folder(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output | Self::Client => "output",
        }
    }

    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Input | Self::Output => &["ec2", "query", "json", "json_1_0", "rest-json", "rest-xml"],
            Self::Client => &["json", "json_1_0"],
        }
    }
}

pub struct Case {
    /// `input/query QueryLists`
    pub name: String,
    pub direction: Direction,
    pub model: Arc<Model>,
    pub service: &'static Service,
    /// As it stands in the file.
    pub case: Value,
}

impl Case {
    pub fn operation(&self) -> &str {
        self.case["given"]["name"].as_str().unwrap_or_default()
    }

    /// Name of the shape that comes in or goes out; empty where nothing does.
    pub fn shape(&self) -> &str {
        self.case["given"][self.direction.folder()]["shape"]
            .as_str()
            .unwrap_or_default()
    }
}

pub fn cases(direction: Direction) -> Vec<Case> {
    let files = direction.files().iter().flat_map(|file| {
        let suites = read(direction, file);
        suites
            .into_iter()
            .flat_map(move |suite| of_suite(direction, file, &suite))
    });
    files.collect()
}

fn read(direction: Direction, file: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let path = format!("{folder}/{}/{file}.json.gz", direction.folder());
    let bytes = std::fs::read(&path).expect(&path);
    let mut text = String::new();
    GzDecoder::new(&*bytes).read_to_string(&mut text).expect(&path);
    serde_json::from_str(&text).expect(&path)
}

fn of_suite(direction: Direction, file: &str, suite: &Value) -> Vec<Case> {
    let model = json!({ "metadata": suite["metadata"], "operations": {}, "shapes": suite["shapes"] });
    let model = Arc::new(Model::parse(&model.to_string()).expect("a model"));
    let operations = suite["cases"].as_array().expect("cases").iter();
    let operations = operations
        .map(|it| rest::operation(&model, &it["given"]))
        .collect();
    let service = service(&model, operations);
    let cases = suite["cases"].as_array().expect("cases").iter();
    cases
        .map(|case| Case {
            name: format!(
                "{}/{file} {}",
                direction.word(),
                case["id"].as_str().expect("an id")
            ),
            direction,
            model: Arc::clone(&model),
            service,
            case: case.clone(),
        })
        .collect()
}

/// Services live as long as the program: this one is leaked.
fn service(model: &Model, operations: Vec<HttpOperation>) -> &'static Service {
    let metadata = &model.metadata;
    Box::leak(Box::new(Service {
        signing_name: "vectors",
        target_prefix: leaked(&metadata.target_prefix),
        api_version: leaked(&metadata.api_version),
        protocol: match metadata.protocol {
            Protocol::Json => {
                ServiceProtocol::Json(leaked(metadata.json_version.as_deref().unwrap_or("1.1")))
            }
            Protocol::Query => ServiceProtocol::Query,
            Protocol::Ec2 => ServiceProtocol::Ec2,
            Protocol::RestJson => ServiceProtocol::RestJson(Vec::leak(operations)),
            Protocol::RestXml => ServiceProtocol::RestXml(Vec::leak(operations)),
        },
        xml_namespace: "https://example.com/",
        operations: &[],
    }))
}
