//! Overrides against a definition.

use domain::container_definition::{ContainerDefinition, Secret};
use domain::task_definition::{LaunchType, TaskDefinition, TaskDefinitionStatus};
use domain::{Scope, TaskDefinitionArn, Timestamp};
use serde_json::{Value, json};

use super::*;

fn definition() -> TaskDefinition {
    let scope = Scope::new("123456789012", "us-east-1");
    let web = ContainerDefinition {
        name: "web".to_owned(),
        memory: Some(256),
        memory_reservation: Some(128),
        secrets: Some(vec![Secret {
            name: "TOKEN".to_owned(),
            value_from: "token".to_owned(),
        }]),
        ..ContainerDefinition::default()
    };
    TaskDefinition {
        arn: TaskDefinitionArn::of(&scope, "app", 1),
        family: "app".to_owned(),
        revision: 1,
        status: TaskDefinitionStatus::Active,
        registered_at: Timestamp::UNIX_EPOCH,
        deregistered_at: None,
        delete_requested_at: None,
        registered_by: "me".to_owned(),
        network_mode: None,
        requires_compatibilities: Some(vec![LaunchType::Fargate]),
        compatibilities: Vec::new(),
        requires_attributes: Vec::new(),
        cpu: Some(256),
        memory: Some(512),
        execution_role_arn: None,
        task_role_arn: None,
        runtime_platform: None,
        containers: vec![web],
        volumes: Vec::new(),
        placement_constraints: Vec::new(),
        pid_mode: None,
        ipc_mode: None,
        proxy_configuration: None,
        ephemeral_storage_gib: None,
        enable_fault_injection: None,
        tags: Vec::new(),
    }
}

fn parsed(overrides: &Value) -> Result<Overrides, ecs::Error> {
    let given = wire::json::decode(&overrides.to_string().into_bytes()).expect("decodes");
    parse(&definition(), Some(&given))
}

fn of_container(members: Value) -> Value {
    let mut container = members;
    container["name"] = json!("web");
    json!({ "containerOverrides": [container] })
}

#[test]
fn overrides_have_rules() {
    let refused = |message: &str| client(message);
    for (given, expected) in [
        (
            json!({ "containerOverrides": [{ "name": "db" }] }),
            invalid_parameter("Override for container named db is not a container in the TaskDefinition."),
        ),
        (
            json!({ "containerOverrides": [{ "name": "web", "cpu": 1 }, { "name": "web", "cpu": 2 }] }),
            invalid_parameter(
                "Container overrides cannot name a container more than once: web is there twice.",
            ),
        ),
        (
            of_container(json!({ "command": ["x".repeat(8192)] })),
            invalid_parameter("Container Overrides length must be at most 8192"),
        ),
        (
            json!({ "cpu": "much" }),
            refused("Invalid 'cpu' setting for task."),
        ),
        (
            json!({ "memory": "0" }),
            refused("Invalid 'memory' setting for task."),
        ),
        (
            json!({ "cpu": "512" }),
            refused(
                "No Fargate configuration exists for given values: 512 CPU, 512 memory. See the Amazon ECS documentation for the valid values.",
            ),
        ),
        (json!({ "taskRoleArn": "no role" }), refused("Role is not valid")),
        (
            json!({ "ephemeralStorage": { "sizeInGiB": 1 } }),
            refused("EphemeralStorage size should be at least 21."),
        ),
        (
            of_container(json!({ "memory": 1024 })),
            refused("The 'memory' setting for container 'web' is greater than for the task."),
        ),
        (
            of_container(json!({ "memory": 64 })),
            refused(
                "Invalid setting for container 'web'. 'memory' must be greater than or equal to 'memoryReservation'.",
            ),
        ),
        (
            of_container(json!({ "cpu": -1 })),
            refused("Invalid 'cpu' override for container 'web': it must not be negative."),
        ),
        (
            of_container(json!({ "environment": [{ "name": "TOKEN", "value": "1" }] })),
            refused(
                "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as 'TOKEN'.",
            ),
        ),
    ] {
        let error = parsed(&given).expect_err("is refused");
        assert_eq!(format!("{error:?}"), format!("{expected:?}"), "{given}");
    }
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    for (given, member) in [
        (
            json!({ "ephemeralStorage": { "sizeInGiB": 30 } }),
            "overrides.ephemeralStorage",
        ),
        (
            of_container(json!({ "resourceRequirements": [{ "type": "GPU", "value": "1" }] })),
            "containerOverrides.resourceRequirements",
        ),
    ] {
        let error = parsed(&given).expect_err("is refused");
        assert!(format!("{error:?}").contains(member), "{error:?}");
    }
}

#[test]
fn sizes_and_roles_are_normalised() {
    let given = json!({ "cpu": "1 vCPU", "memory": "2GB", "taskRoleArn": "app" });
    let parsed = parsed(&given).expect("is valid");
    assert_eq!((parsed.cpu, parsed.memory), (Some(1024), Some(2048)));
    assert_eq!(
        parsed.task_role_arn.as_deref(),
        Some("arn:aws:iam::123456789012:role/app")
    );
}

#[test]
fn environment_files_are_checked_as_in_a_definition() {
    let files = |arn: &str| of_container(json!({ "environmentFiles": [{ "type": "s3", "value": arn }] }));
    let given = parsed(&files("arn:aws:s3:::bucket/a.env")).expect("is valid");
    let read = given.containers[0]
        .environment_files
        .as_deref()
        .unwrap_or_default();
    assert_eq!(
        read.iter().map(|it| &*it.value).collect::<Vec<_>>(),
        ["arn:aws:s3:::bucket/a.env"]
    );
    for arn in ["bucket/a.env", "arn:aws:s3:::bucket/a.txt"] {
        assert!(parsed(&files(arn)).is_err(), "{arn}");
    }
}
