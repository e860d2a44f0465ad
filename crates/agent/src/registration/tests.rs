use std::path::PathBuf;
use std::time::Duration;

use wire::client::ClientError;

use super::*;
use crate::config::{CapacityKind, TaskApi};
use crate::control_plane::CallError;

fn config() -> AgentConfig {
    AgentConfig {
        endpoint: "http://127.0.0.1:4566".to_owned(),
        region: "us-east-1".to_owned(),
        cluster: "default".to_owned(),
        access_key_id: "AKIA".to_owned(),
        secret_access_key: "secret".to_owned(),
        state_dir: PathBuf::new(),
        attributes: vec![("stack".to_owned(), Some("prod".to_owned()))],
        reserved_ports: vec![22, 4566],
        images: crate::config::ImageSettings::default(),
        capacity: CapacityKind::ContainerInstanceAndFargate,
        version: "0.1.0".to_owned(),
        task_api: TaskApi::Closed,
        task_metadata_rate: crate::config::RequestRate::default(),
        introspection: None,
        publishing: Default::default(),
    }
}

fn resource(input: &ecs::RegisterContainerInstanceInput, name: &str) -> ecs::Resource {
    let mut resources = input.total_resources.iter().flatten();
    resources
        .find(|it| it.name.as_deref() == Some(name))
        .unwrap()
        .clone()
}

#[test]
fn resources_are_what_is_left_for_tasks() {
    for (memory_mib, expected) in [(1024, 768), (24_576, 23_348), (100, 0)] {
        let input = input(
            &config(),
            &HostCapacity {
                cpu_units: 2048,
                memory_mib,
            },
            None,
        );
        assert_eq!(resource(&input, "CPU").integer_value, Some(2048));
        assert_eq!(resource(&input, "MEMORY").integer_value, Some(expected));
        assert_eq!(
            resource(&input, "PORTS").string_set_value.unwrap(),
            ["22", "4566"]
        );
        assert_eq!(resource(&input, "PORTS_UDP").string_set_value.unwrap(), [""; 0]);
    }
}

#[test]
fn attributes_say_what_the_agent_can_do() {
    let names = |config: &AgentConfig| attributes(config).into_iter().map(|it| it.0).collect::<Vec<_>>();
    let all = names(&config());
    for name in [
        "com.amazonaws.ecs.capability.docker-remote-api.1.17",
        "com.amazonaws.ecs.capability.docker-remote-api.1.44",
        "com.amazonaws.ecs.capability.logging-driver.awslogs",
        "ecs.capability.env-files.s3",
        "ecs.capability.task-eni",
        "ecs.capability.full-sync",
        "ecs.os-type",
        "ecs.cpu-architecture",
        "gantry.capability.fargate-capacity",
        "stack",
    ] {
        assert!(all.iter().any(|it| it == name), "{name}");
    }
    let plain = AgentConfig {
        capacity: CapacityKind::ContainerInstance,
        ..config()
    };
    assert!(
        !names(&plain)
            .iter()
            .any(|it| it == "gantry.capability.fargate-capacity")
    );
    assert!(
        !all.iter().any(|it| it.contains("task-iam-role-network-host")),
        "not built yet"
    );
}

#[test]
fn an_attribute_that_was_not_taken_is_an_error() {
    let input = input(
        &config(),
        &HostCapacity {
            cpu_units: 1,
            memory_mib: 1,
        },
        None,
    );
    let mut instance = ecs::ContainerInstance {
        attributes: input.attributes.clone(),
        ..Default::default()
    };
    assert!(check_attributes(&input, &instance).is_ok());
    instance
        .attributes
        .as_mut()
        .unwrap()
        .retain(|it| it.name != "stack");
    let error = check_attributes(&input, &instance).unwrap_err();
    assert!(matches!(error, Failure::AttributeNotTaken { name, .. } if name == "stack"));
}

#[test]
fn an_identity_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.json");
    assert_eq!(load(&file).unwrap(), None);
    let identity = Identity {
        cluster: "c".to_owned(),
        container_instance_arn: "arn".to_owned(),
    };
    save(&file, &identity).unwrap();
    assert_eq!(load(&file).unwrap(), Some(identity));
}

#[test]
fn an_identity_that_cannot_be_understood_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.json");
    std::fs::write(&file, "{").unwrap();
    let error = load(&file).unwrap_err().to_string();
    assert!(
        error.contains("agent.json") && error.contains("Move it away"),
        "{error}"
    );
}

fn answered(error: ecs::Error) -> Failure {
    Failure::Call(CallError::Answer(ClientError::Service(error)))
}

fn client(message: &str) -> Failure {
    answered(ecs::Error::ClientException(ecs::ClientException {
        message: Some(message.to_owned()),
    }))
}

#[test]
fn an_arn_that_means_nothing_is_forgotten() {
    let gone = client("The referenced container instance was not found.");
    assert_eq!(gone.recovery(true), Recovery::Anew);
    assert_eq!(gone.recovery(false), Recovery::Later);
    for missing in [
        client("Cluster not found."),
        answered(ecs::Error::ClusterNotFoundException(Default::default())),
    ] {
        assert_eq!(missing.recovery(true), Recovery::Cluster);
        assert_eq!(missing.next_step(&config()), "create the cluster default");
    }
    let unreachable = Failure::Call(CallError::Unreachable(String::new()));
    assert_eq!(unreachable.recovery(true), Recovery::Later);
}

#[test]
fn pauses_are_short_only_while_nobody_answers() {
    let other = |status, code: &str| {
        Failure::Call(CallError::Answer(ClientError::<ecs::Error>::Other {
            status,
            code: code.to_owned(),
            message: String::new(),
        }))
    };
    let unreachable = Failure::Call(CallError::Unreachable(String::new()));
    assert!(unreachable.pause(1, 0.0) < Duration::from_secs(1));
    assert_eq!(
        unreachable.next_step(&config()),
        "see that the control plane answers at http://127.0.0.1:4566"
    );
    for (failure, failures, seconds, step) in [
        (other(503, ""), 2, 6, "the control plane is at fault or busy"),
        (
            other(400, "ThrottlingException"),
            1,
            3,
            "the control plane is at fault or busy",
        ),
        (client("no"), 40, 192, "mend what the error names"),
        (
            other(403, "InvalidClientTokenId"),
            1,
            3,
            "see that the agent's key is the control plane's",
        ),
    ] {
        assert_eq!(failure.pause(failures, 0.0), Duration::from_secs(seconds));
        assert_eq!(failure.next_step(&config()), step);
    }
}
