//! The page and the handlers say the same: each member that is named is refused, and each that is refused is named.

mod rows;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::{Value, json};

use super::PARTIAL;
use crate::fixture::Fixture;
use rows::rows;

/// A client finds no refusal that its SDK has no class for.
const MODEL: &str = include_str!("../../../../../../models/ecs.json");
/// What every refusal says behind the member.
const REFUSED: &str = " is not supported by Gantry yet";

/// What the page says in code.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn lacks(operation: &str) -> &'static str {
    super::super::lacks("ecs", operation).unwrap_or_else(|| panic!("{operation} is said to work"))
}

#[tokio::test]
async fn what_the_page_names_is_refused() {
    let fixture = Fixture::new().await;
    let port = json!([{ "containerPort": 80, "name": "http" }]);
    let container = json!({ "name": "web", "image": "web", "memory": 64, "portMappings": port });
    fixture
        .ask(
            "RegisterTaskDefinition",
            json!({ "family": "web", "containerDefinitions": [container] }),
        )
        .await;
    fixture
        .ask(
            "UpdateCluster",
            json!({ "cluster": "default", "serviceConnectDefaults": { "namespace": "internal" } }),
        )
        .await;
    fixture
        .ask(
            "CreateService",
            json!({ "serviceName": "web", "taskDefinition": "web", "desiredCount": 0 }),
        )
        .await;
    let external = json!({ "serviceName": "external", "deploymentController": { "type": "EXTERNAL" } });
    fixture.ask("CreateService", external).await;
    let model: Value = serde_json::from_str(MODEL).expect("JSON");
    for (operation, input, said, word) in rows() {
        let (code, message) = fixture.refused(operation, input).await;
        let modelled = model["operations"][operation]["errors"].as_array();
        assert!(
            modelled.is_some_and(|all| all.iter().any(|it| *it == code)),
            "{operation} does not model {code}: {message}"
        );
        assert!(
            message.contains(&format!("{said}{REFUSED}")),
            "{operation}: {message}"
        );
        assert!(
            words(lacks(operation)).any(|it| it == word),
            "{operation}: `{word}` is not on the page"
        );
    }
    let attachment = json!({ "attachments": [{ "attachmentArn": "a", "status": "ATTACHED" }] });
    let (code, message) = fixture.refused("SubmitAttachmentStateChanges", attachment).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("InvalidParameterException", "The attachment a was not found.")
    );
    lacks("SubmitAttachmentStateChanges");
}

/// Words in code that name no member which is refused.
const KEPT: [(&str, &str); 4] = [
    ("PutAccountSetting", "containerInsights"),
    ("RegisterContainerInstance", "platformDevices"),
    ("SubmitAttachmentStateChanges", "attachments"),
    ("UpdateClusterSettings", "instanceRebalancing"),
];

#[test]
fn the_page_names_nothing_else() {
    let tried: BTreeSet<(&str, &str)> = rows().iter().map(|it| (it.0, it.3)).chain(KEPT).collect();
    for (operation, text) in PARTIAL {
        for word in words(text) {
            assert!(
                tried.contains(&(operation, word)),
                "{operation}: nobody tries `{word}`"
            );
        }
    }
}

/// Handlers, without their tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|it| it.expect("an entry").path());
    let mut all = Vec::new();
    for path in entries {
        match path.is_dir() {
            true if path.ends_with("tests") => {}
            true => all.append(&mut sources(&path)),
            false if path.ends_with("tests.rs") => {}
            false => all.push(path),
        }
    }
    all
}

/// What the handlers write for the names of what they refuse: in lists of `refuse_unbuilt`, of the tables of task
/// definitions, and alone.
fn refused_by(source: &str) -> Vec<String> {
    let quoted = |pattern: &str, text: &str| -> Vec<String> {
        let pattern = Regex::new(pattern).expect("a pattern");
        pattern.captures_iter(text).map(|it| it[1].to_owned()).collect()
    };
    let mut all = Vec::new();
    for list in source.split("refuse_unbuilt(&[").skip(1) {
        let list = list.split_once("])").map_or(list, |(list, _)| list);
        all.append(&mut quoted(r#"\(\s*"([^"]+)","#, list));
    }
    if source.contains("type Member<T>") {
        all.append(&mut quoted(r#"\(\s*"([^"]+)",\s*\|it\|"#, source));
    }
    // Others have a function of that name for what FARGATE does not support.
    let imports = Regex::new(r"errors::(\{[^}]*)?(?-u:\b)unsupported(?-u:\b)").expect("a pattern");
    if imports.is_match(source) {
        all.append(&mut quoted(r#"(?-u:\b)unsupported\("([^"]+)"\)"#, source));
    }
    all.append(&mut quoted(r#"(?-u:\b)unbuilt\("([^"]+)"\)"#, source));
    all.append(&mut quoted(r#""([^"{]+) is not supported by Gantry yet"#, source));
    all
}

#[test]
fn what_is_refused_is_on_the_page() {
    let rows = rows();
    let tried: BTreeSet<&str> = rows.iter().map(|it| it.2).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/handlers/ecs");
    let mut found = BTreeSet::new();
    for path in sources(&folder) {
        let source = std::fs::read_to_string(&path).expect("a file");
        found.extend(refused_by(&source));
    }
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(found, tried);
}
