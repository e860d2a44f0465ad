//! What agents report, in any order and any number of times.

use domain::task::{ContainerStatus, DesiredStatus, StopCode, TaskStatus};
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
