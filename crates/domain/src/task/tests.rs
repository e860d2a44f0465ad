use super::*;
use crate::Scope;

const ALL: [TaskStatus; 8] = [
    TaskStatus::Provisioning,
    TaskStatus::Pending,
    TaskStatus::Activating,
    TaskStatus::Running,
    TaskStatus::Deactivating,
    TaskStatus::Stopping,
    TaskStatus::Deprovisioning,
    TaskStatus::Stopped,
];

fn task(last_status: TaskStatus) -> Task {
    let scope = Scope::new("123456789012", "us-east-1");
    Task {
        arn: ClusterArn::of(&scope, "lab").member("0123"),
        task_definition: TaskDefinitionArn::of(&scope, "web", 1),
        launch_type: LaunchType::Ec2,
        capacity_provider: None,
        host_id: "h".into(),
        container_instance: None,
        availability_zone: "us-east-1a".into(),
        group: "family:web".into(),
        started_by: None,
        service: None,
        desired_status: DesiredStatus::Running,
        last_status,
        version: 1,
        stop: None,
        times: TaskTimes::of_new(Timestamp::UNIX_EPOCH),
        containers: Vec::new(),
        overrides: Overrides::default(),
        eni: None,
        promised: Resources::default(),
        enable_execute_command: false,
        service_connect: None,
        targets: Box::default(),
        registration: None,
        client_request: None,
        platform_version: None,
        protected_until: None,
        queued: None,
        tags: Vec::new(),
    }
}

#[test]
fn every_report_in_every_state_moves_forward_or_not_at_all() {
    let now = Timestamp::from_second(5).expect("in range");
    for from in ALL {
        for to in ALL {
            let mut it = task(from);
            let moved = it.advance(to, now);
            assert_eq!(moved, to > from, "{from:?} {to:?}");
            assert_eq!(it.last_status, from.max(to));
            assert_eq!(it.version, 1 + u64::from(moved));
        }
    }
}

#[test]
fn the_first_reason_to_stop_stays() {
    let now = Timestamp::from_second(5).expect("in range");
    let mut it = task(TaskStatus::Running);
    let stop = |reason: &str| Stop {
        code: StopCode::UserInitiated,
        reason: reason.into(),
    };
    assert!(it.stop(stop("first"), now));
    assert!(!it.stop(stop("second"), now));
    assert_eq!(it.stop.as_deref(), Some(&stop("first")));
    assert_eq!(it.times.stopping_at, Some(now));
}
