use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::environment_files::EnvironmentFiles;
use crate::host::{ContainerSpec, PulledImage, StartedContainer};
use crate::secrets::{Provider, SecretSource};
use crate::tasks::state::TaskState;
use crate::tasks::task::{AboutContainer, Dependency};

fn container(name: &str) -> Container {
    Container {
        secrets: Vec::new(),
        log_secrets: Vec::new(),
        registry_login: None,
        environment_files: EnvironmentFiles::default(),
        about: AboutContainer::default(),
        spec: ContainerSpec {
            name: name.to_owned(),
            ..ContainerSpec::default()
        },
        image: format!("{name}:1"),
        is_essential: true,
        depends_on: Vec::new(),
        start_timeout: None,
        stop_timeout: Duration::from_secs(30),
        stop_signal: None,
        health_check: None,
        restart_policy: None,
        log_driver: LogDriver::HostOnly,
    }
}

/// `app` waits for the health of `db`.
fn task() -> Task {
    let mut task = Task::unrunnable("arn:aws:ecs:us-east-1:123456789012:task/default/1");
    let mut app = container("app");
    app.depends_on = vec![Dependency {
        on: 0,
        condition: Condition::Healthy,
    }];
    app.secrets = vec![SecretSource {
        name: "TOKEN".to_owned(),
        value_from: "/token".to_owned(),
        region: "us-east-1".to_owned(),
        provider: Provider::Ssm,
    }];
    task.containers = vec![container("db"), app];
    task
}

fn seen(state: &TaskState) -> Published {
    Published::of(state)
}

fn waits(state: &TaskState) -> Vec<Vec<String>> {
    let all = inspection(&task(), &seen(state), None)
        .containers
        .expect("has containers");
    all.into_iter()
        .map(|it| it.waits_for.unwrap_or_default())
        .collect()
}

fn image() -> Image {
    Image::Present(PulledImage {
        image_id: "sha256:i".to_owned(),
        manifest_digest: None,
        stop_signal: 15,
    })
}

#[test]
fn a_container_says_what_it_waits_for() {
    let mut state = TaskState::new(&task(), DesiredStatus::Running);
    state.containers[0].image = Image::Pulling;
    let [db, app] = waits(&state).try_into().expect("two");
    assert_eq!(db[0], "image db:1, which is being pulled");
    assert!(db[1].contains("the network"), "{db:?}");
    assert_eq!(app[2], "db to reach HEALTHY (it is WAITING)");
    state.sandbox = Sandbox::Present;
    for container in &mut state.containers {
        container.image = image();
    }
    state.containers[0].phase = Phase::Running;
    state.containers[0].started = Some(StartedContainer {
        runtime_id: "r".to_owned(),
        started_at: Timestamp::UNIX_EPOCH,
        port_mappings: Vec::new(),
    });
    assert_eq!(
        waits(&state),
        [Vec::new(), vec!["db to reach HEALTHY (it is RUNNING)".to_owned()]]
    );
}

#[test]
fn values_of_secrets_are_hidden() {
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let host = ContainerInspection {
        name: "app".to_owned(),
        process_id: Some(7),
        environment: vec![
            variable("PLAIN", "seen"),
            variable("TOKEN", "s3cret"),
            variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/id"),
            variable("ECS_CONTAINER_METADATA_URI_V4", "http://169.254.170.2/v4/id"),
        ],
        ..ContainerInspection::default()
    };
    let found = SandboxInspection {
        containers: vec![host],
        ..SandboxInspection::default()
    };
    let state = TaskState::new(&task(), DesiredStatus::Running);
    let shown = inspection(&task(), &seen(&state), Some(found));
    let written = String::from_utf8(wire::json::encode(&shown)).expect("UTF-8");
    assert!(
        !["s3cret", "/v2/credentials", "/v4/"]
            .iter()
            .any(|it| written.contains(it)),
        "{written}"
    );
    assert!(
        written.contains("seen") && written.contains("\"processId\":7"),
        "{written}"
    );
    let read: gantry::TaskInspection = wire::json::decode(written.as_bytes()).expect("the same shape");
    assert_eq!(read, shown);
}
