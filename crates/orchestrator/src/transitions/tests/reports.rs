//! What agents report, in any order and any number of times.

use domain::task::{ContainerStatus, DesiredStatus, Stop, StopCode, TaskEni, TaskStatus};
use proptest::prelude::*;

use super::super::*;
use super::world::World;

#[test]
fn reports_that_lag_behind_change_nothing() {
    let world = World::new();
    world.join(1);
    let definition = world.definition();
    let task = world.run(world.wanted(&definition, 1)).expect("placed").tasks[0]
        .arn
        .clone();
    world.report(&task, TaskStatus::Running);
    let running = world.task(&task);
    world.report(&task, TaskStatus::Pending);
    assert_eq!(world.task(&task), running);
    world.report(&task, TaskStatus::Stopped);
    let stopped = world.task(&task);
    assert_eq!(stopped.desired_status, DesiredStatus::Stopped);
    world.report(&task, TaskStatus::Running);
    assert_eq!(world.task(&task), stopped);
}

/// StopTask shows the task as it was wished to stop; then it is STOPPING, and its start is known even if it comes late.
#[test]
fn a_task_that_shall_stop_is_stopping() {
    let world = World::new();
    world.join(1);
    let definition = world.definition();
    let task = world.run(world.wanted(&definition, 1)).expect("placed").tasks[0]
        .arn
        .clone();
    let (arn, code) = (task.clone(), StopCode::UserInitiated);
    let reason = "enough".to_owned();
    let wished = world.attempt(move |tx| stop_task(tx, &arn, Stop { code, reason }));
    let wished = wished.expect("it is there");
    assert_eq!(
        (wished.last_status, wished.desired_status),
        (TaskStatus::Pending, DesiredStatus::Stopped)
    );
    let stopping = world.task(&task);
    assert_eq!(stopping.last_status, TaskStatus::Stopping);
    assert!(stopping.version > wished.version && stopping.times.stopping_at.is_some());
    world.report(&task, TaskStatus::Running);
    let late = world.task(&task);
    assert_eq!(
        (late.last_status, late.times.started_at.is_some()),
        (TaskStatus::Stopping, true)
    );
    world.report(&task, TaskStatus::Stopped);
    assert_eq!(world.task(&task).last_status, TaskStatus::Stopped);
}

#[test]
fn a_task_of_which_only_the_network_is_left_is_deprovisioning() {
    let world = World::new();
    world.join(1);
    let definition = world.definition();
    let task = world.run(world.wanted(&definition, 1)).expect("placed").tasks[0]
        .arn
        .clone();
    world.stop(&task);
    let eni = TaskEni {
        attachment_id: "a".into(),
        network_interface_id: "eni-1".into(),
        subnet_id: "subnet-1".into(),
        address: [10, 0, 0, 4].into(),
        mac_address: "02:00:00:00:00:01".into(),
        security_groups: Vec::new(),
        is_public: false,
        public_address: None,
        tags: Box::default(),
    };
    let ended = TaskReport {
        containers: vec![ContainerReport {
            name: "web".into(),
            status: Some(ContainerStatus::Stopped),
            exit_code: Some(143),
            ..ContainerReport::default()
        }],
        ..TaskReport::default()
    };
    world.report_whole(&task, ended.clone());
    assert_eq!(
        world.task(&task).last_status,
        TaskStatus::Stopping,
        "it has no network of its own"
    );
    let mut with_network = world.task(&task);
    with_network.eni = Some(Box::new(eni));
    with_network.containers[0].last_status = ContainerStatus::Running;
    let put = move |tx: &mut store::Tx<'_>| {
        tx.put(with_network);
        Ok::<(), TaskNotFound>(())
    };
    world.attempt(put).expect("is put");
    world.report_whole(&task, ended);
    assert_eq!(world.task(&task).last_status, TaskStatus::Deprovisioning);
    world.report(&task, TaskStatus::Stopped);
    assert_eq!(world.task(&task).last_status, TaskStatus::Stopped);
}

#[test]
fn the_reason_says_whether_it_ever_ran() {
    let container = |exit_code, reason: Option<&str>| ContainerReport {
        name: "web".into(),
        status: Some(ContainerStatus::Stopped),
        exit_code,
        reason: reason.map(str::to_owned),
        ..ContainerReport::default()
    };
    let pull = "CannotPullContainerError: no such image";
    let cases = [
        (
            container(Some(3), None),
            StopCode::EssentialContainerExited,
            "Essential container in task exited",
        ),
        (container(None, Some(pull)), StopCode::TaskFailedToStart, pull),
        (
            container(None, None),
            StopCode::TaskFailedToStart,
            "Task failed to start",
        ),
    ];
    for (report, code, reason) in cases {
        let world = World::new();
        world.join(1);
        let definition = world.definition();
        let task = world.run(world.wanted(&definition, 1)).expect("placed").tasks[0]
            .arn
            .clone();
        let report = TaskReport {
            status: Some(TaskStatus::Stopped),
            containers: vec![report],
            ..TaskReport::default()
        };
        world.report_whole(&task, report);
        let stop = world.task(&task).stop.clone().expect("it says why");
        assert_eq!((stop.code, stop.reason.as_str()), (code, reason));
    }
}

proptest! {
    /// Whatever comes in whatever order, a task only moves forward and keeps its first exit code.
    #[test]
    fn a_task_never_moves_backwards(reports in prop::collection::vec((0_u8..4, prop::option::of(0_i32..3)), 1..20)) {
        let world = World::new();
        world.join(1);
        let definition = world.definition();
        let task = world.run(world.wanted(&definition, 1)).expect("placed").tasks[0].arn.clone();
        let mut before = world.task(&task);
        for (status, exit_code) in reports {
            let status = [None, Some(TaskStatus::Pending), Some(TaskStatus::Running), Some(TaskStatus::Stopped)]
                [usize::from(status)];
            let container = ContainerReport {
                name: "web".into(),
                status: exit_code.map(|_| ContainerStatus::Stopped),
                exit_code,
                ..ContainerReport::default()
            };
            let report = TaskReport { status, containers: vec![container], ..TaskReport::default() };
            world.report_whole(&task, report);
            let after = world.task(&task);
            prop_assert!(after.last_status >= before.last_status);
            prop_assert!(after.version >= before.version);
            let first = before.containers[0].exit_code;
            prop_assert!(first.is_none() || after.containers[0].exit_code == first);
            before = after;
        }
    }
}

/// Agents tell when containers ended, and of their start only that they run.
#[test]
fn a_short_task_never_ends_before_it_began() {
    for comes_late in [false, true] {
        let world = World::new();
        world.join(1);
        let definition = world.definition();
        let task = world.run(world.wanted(&definition, 1)).expect("placed").tasks[0]
            .arn
            .clone();
        let ended = world.task(&task).times.created_at;
        world.clock.advance(std::time::Duration::from_millis(300));
        let report = |status| TaskReport {
            status: Some(status),
            execution_stopped_at: (comes_late || status == TaskStatus::Stopped).then_some(ended),
            ..TaskReport::default()
        };
        for status in [TaskStatus::Running, TaskStatus::Stopped] {
            let (arn, report) = (task.clone(), report(status));
            world
                .attempt(move |tx| observe_task(tx, &arn, &report))
                .expect("it is there");
        }
        let times = world.task(&task).times;
        assert_eq!(times.execution_stopped_at, times.started_at, "{comes_late}");
        assert!(times.started_at.is_some_and(|it| it > ended));
    }
}
