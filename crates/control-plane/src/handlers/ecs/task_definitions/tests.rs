//! Task definitions from JSON to record and back, and the refusals on the way.

mod golden;

mod round_trip;
mod rules_of_containers;
mod rules_of_fargate;
mod rules_of_settings;
mod rules_of_tasks;
mod rules_of_volumes;
mod unbuilt;

use api::ecs;
use domain::task_definition::TaskDefinition;
use domain::{Scope, TaskDefinitionArn, Timestamp};
use serde_json::{Value, json};

use super::parse::{self, Draft};
use super::register;
use crate::handlers::ecs::render;

fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

/// Reads a definition as it comes over the wire.
fn draft(definition: &Value) -> Result<Draft, ecs::Error> {
    let bytes = definition.to_string().into_bytes();
    let input: ecs::RegisterTaskDefinitionInput = wire::json::decode(&bytes).expect("decodes");
    parse::parse(&scope(), &input)
}

fn record(draft: Draft) -> TaskDefinition {
    let arn = TaskDefinitionArn::of(&scope(), &draft.family, 1);
    register::record(draft, arn, 1, Timestamp::UNIX_EPOCH, "me".to_owned())
}

/// What DescribeTaskDefinition answers.
fn read_back(definition: &Value) -> Value {
    let draft = draft(definition).unwrap_or_else(|error| panic!("{definition:#}: {error:?}"));
    let shown = render::task_definition(&record(draft));
    serde_json::from_slice(&wire::json::encode(&shown)).expect("is JSON")
}

/// The message of a ClientException.
fn client_message(error: ecs::Error) -> String {
    match error {
        ecs::Error::ClientException(it) => it.message.unwrap_or_default(),
        other => panic!("another exception: {other:?}"),
    }
}

/// Sets members of an object.
fn merged(base: Value, changes: &Value) -> Value {
    let mut base = base;
    for (name, value) in changes.as_object().expect("is an object") {
        base[name] = value.clone();
    }
    base
}

fn container() -> Value {
    json!({ "name": "web", "image": "nginx", "memory": 64 })
}

/// A small valid definition with changes.
fn task(changes: &Value) -> Value {
    let base = json!({ "family": "app", "containerDefinitions": [container()] });
    merged(base, changes)
}

/// A definition with one container with changes.
fn of_container(changes: &Value) -> Value {
    task(&json!({ "containerDefinitions": [merged(container(), changes)] }))
}

/// A definition for FARGATE with changes of its container.
fn fargate(changes: &Value) -> Value {
    merged(
        of_container(changes),
        &json!({ "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512" }),
    )
}

/// Each definition is refused with its message.
fn check(rows: Vec<(Value, &str)>) {
    for (definition, message) in rows {
        match draft(&definition) {
            Ok(_) => panic!("accepted, and not {message:?}: {definition:#}"),
            Err(error) => assert_eq!(client_message(error), message, "{definition:#}"),
        }
    }
}
