use jiff::Timestamp;

use super::*;
use crate::environment_files::EnvironmentFiles;
use crate::host::{ContainerExit, ContainerSpec, RecoveredContainer, StartedContainer};
use crate::log_drivers::LogDriver;
use crate::tasks::state::Status;
use crate::tasks::task::AboutContainer;
use crate::tasks::task::Container;

fn task() -> Task {
    let mut task = Task::unrunnable("arn:aws:ecs:us-east-1:123456789012:task/default/1");
    task.containers = ["web", "db"].map(container).into();
    task
}

fn container(name: &str) -> Container {
    Container {
        secrets: Vec::new(),
        log_secrets: Vec::new(),
        registry_login: None,
        environment_files: EnvironmentFiles::default(),
        spec: ContainerSpec {
            name: name.to_owned(),
            ..ContainerSpec::default()
        },
        image: "x:1".to_owned(),
        is_essential: true,
        depends_on: Vec::new(),
        start_timeout: None,
        stop_timeout: Duration::from_secs(30),
        stop_signal: None,
        health_check: None,
        restart_policy: None,
        log_driver: LogDriver::HostOnly,
        about: AboutContainer::default(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn started(id: &str) -> StartedContainer {
    StartedContainer {
        runtime_id: id.to_owned(),
        started_at: at(5),
        port_mappings: Vec::new(),
    }
}

/// A record of a task that ran.
fn running() -> Progress {
    let mut state = TaskState::new(&task(), DesiredStatus::Running);
    for (container, id) in state.containers.iter_mut().zip(["w", "d"]) {
        container.started = Some(started(id));
        container.phase = Phase::Running;
    }
    state.acknowledged = Status::Running;
    Progress::of(&state)
}

fn on_host(exits: [Option<i32>; 2]) -> RecoveredSandbox {
    let containers = ["web", "db"]
        .into_iter()
        .zip(exits)
        .map(|(name, exit)| RecoveredContainer {
            name: name.to_owned(),
            started: started(&name[..1]),
            exit: exit.map(|exit_code| ContainerExit {
                exit_code,
                is_out_of_memory: false,
                finished_at: at(9),
            }),
        });
    RecoveredSandbox {
        task_id: "1".to_owned(),
        containers: containers.collect(),
    }
}

#[test]
fn a_task_that_still_runs_is_as_it_was() {
    let state = restore(
        &task(),
        &running(),
        Some(&on_host([None, None])),
        Instant::now(),
        at(20),
    );
    assert!(state.containers.iter().all(|it| it.phase == Phase::Running));
    assert_eq!(
        (state.desired, state.sandbox),
        (DesiredStatus::Running, Sandbox::Present)
    );
    assert_eq!(state.acknowledged, Status::Running);
}

#[test]
fn what_ended_meanwhile_has_its_exit_code() {
    let mut state = restore(
        &task(),
        &running(),
        Some(&on_host([Some(3), None])),
        Instant::now(),
        at(20),
    );
    state.settle(&task(), Instant::now(), at(20));
    assert_eq!(state.containers[0].exit.as_ref().unwrap().exit_code, 3);
    assert_eq!(state.containers[1].phase, Phase::Running);
    assert_eq!(state.desired, DesiredStatus::Stopped);
    assert_eq!(state.execution_stopped_at, Some(at(9)));
}

#[test]
fn what_the_host_does_not_know_any_more_has_vanished() {
    let state = restore(&task(), &running(), None, Instant::now(), at(20));
    assert_eq!(
        (state.desired, state.sandbox),
        (DesiredStatus::Stopped, Sandbox::Absent)
    );
    for container in &state.containers {
        assert_eq!((&container.phase, &container.exit), (&Phase::Stopped, &None));
        assert_eq!(container.reason.as_deref(), Some(VANISHED));
    }
}

#[test]
fn a_task_that_was_just_starting_goes_on() {
    let fresh = Progress::of(&TaskState::new(&task(), DesiredStatus::Running));
    let nothing = restore(&task(), &fresh, None, Instant::now(), at(20));
    assert_eq!(
        (nothing.sandbox, nothing.desired),
        (Sandbox::Absent, DesiredStatus::Running)
    );
    let mut half = on_host([None, None]);
    half.containers.truncate(1);
    let state = restore(&task(), &fresh, Some(&half), Instant::now(), at(20));
    assert_eq!(
        (&state.containers[0].phase, &state.containers[1].phase),
        (&Phase::Running, &Phase::Waiting)
    );
    half.containers.clear();
    let state = restore(&task(), &fresh, Some(&half), Instant::now(), at(20));
    assert_eq!(state.sandbox, Sandbox::Partial);
}

#[test]
fn a_record_survives_being_written() {
    let progress = running();
    let text = serde_json::to_string(&progress).unwrap();
    let read: Progress = serde_json::from_str(&text).unwrap();
    assert_eq!(read, progress);
    assert_eq!(
        Progress::of(&read.state(&task())).containers[0]
            .runtime_id
            .as_deref(),
        Some("w")
    );
}
