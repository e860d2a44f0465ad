use domain::cluster::DEFAULT_CLUSTER;
use domain::container_definition::{ContainerDefinition, Dependency, DependencyCondition};
use domain::host::Resources;
use domain::task::{ContainerEnd, ContainerHealth, HealthStatus, Overrides, Stop, StopCode, TaskTimes};
use domain::task_definition::{LaunchType, TaskDefinitionStatus};
use domain::{ClusterArn, Scope, TaskDefinitionArn, Timestamp};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("in range")
}

fn container(name: &str) -> TaskContainer {
    TaskContainer {
        name: name.to_owned(),
        id: "id".to_owned(),
        last_status: ContainerStatus::Pending,
        exit_code: None,
        reason: None,
        runtime_id: None,
        image_digest: None,
        network_bindings: Vec::new(),
        health: None,
        last_lines: Vec::new(),
        end: None,
    }
}

fn ended(name: &str, exit_code: i32, end: Option<ContainerEnd>) -> TaskContainer {
    TaskContainer {
        last_status: ContainerStatus::Stopped,
        exit_code: Some(exit_code),
        end: end.map(Box::new),
        ..container(name)
    }
}

fn finished(second: i64) -> ContainerEnd {
    ContainerEnd {
        finished_at: Some(at(second)),
        ..ContainerEnd::default()
    }
}

fn failed(name: &str, reason: &str) -> TaskContainer {
    TaskContainer {
        last_status: ContainerStatus::Stopped,
        reason: Some(reason.to_owned()),
        ..container(name)
    }
}

fn stopped(code: StopCode, reason: &str, containers: Vec<TaskContainer>) -> Task {
    Task {
        desired_status: DesiredStatus::Stopped,
        stop: Some(Box::new(Stop {
            code,
            reason: reason.to_owned(),
        })),
        ..task(TaskStatus::Stopped, containers)
    }
}

fn task(last_status: TaskStatus, containers: Vec<TaskContainer>) -> Task {
    let scope = Scope::new("123456789012", "us-east-1");
    Task {
        arn: ClusterArn::of(&scope, DEFAULT_CLUSTER).member("0123"),
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
        times: TaskTimes {
            created_at: at(0),
            connectivity_at: Some(at(0)),
            pull_started_at: None,
            pull_stopped_at: None,
            started_at: None,
            stopping_at: None,
            execution_stopped_at: None,
            stopped_at: None,
        },
        containers,
        overrides: Overrides::default(),
        eni: None,
        promised: Resources::default(),
        client_request: None,
        platform_version: None,
        protected_until: None,
        queued: None,
        targets: Box::default(),
        registration: None,
        enable_execute_command: false,
        service_connect: None,
        tags: Vec::new(),
    }
}

/// `web` is essential, `side` is not and starts after it.
fn definition() -> TaskDefinition {
    let scope = Scope::new("123456789012", "us-east-1");
    let named = |name: &str, essential| ContainerDefinition {
        name: name.to_owned(),
        image: format!("{name}:1"),
        memory: Some(64),
        essential,
        ..ContainerDefinition::default()
    };
    let depends_on = vec![Dependency {
        container_name: "web".to_owned(),
        condition: DependencyCondition::Healthy,
    }];
    let side = ContainerDefinition {
        depends_on: Some(depends_on),
        stop_timeout_seconds: Some(5),
        ..named("side", false)
    };
    TaskDefinition {
        arn: TaskDefinitionArn::of(&scope, "web", 1),
        family: "web".into(),
        revision: 1,
        status: TaskDefinitionStatus::Active,
        registered_at: at(0),
        deregistered_at: None,
        delete_requested_at: None,
        registered_by: "root".into(),
        network_mode: None,
        requires_compatibilities: None,
        compatibilities: Vec::new(),
        requires_attributes: Vec::new(),
        cpu: None,
        memory: None,
        execution_role_arn: None,
        task_role_arn: None,
        runtime_platform: None,
        containers: vec![named("web", true), side],
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

fn explained(task: &Task, service_stop: ServiceStop) -> Explanation {
    explain(&Facts {
        task,
        definition: Some(&definition()),
        service_stop,
        agent: AgentConnection::Connected,
        waits: &BTreeMap::new(),
    })
}

#[test]
fn exit_codes_are_decoded() {
    let killed = |end: ContainerEnd| Some(end);
    let ours = ContainerEnd {
        stop_signalled_at: Some(at(1)),
        killed_at: Some(at(31)),
        ..finished(31)
    };
    let asked = ContainerEnd {
        stop_signalled_at: Some(at(1)),
        ..finished(2)
    };
    let cases = [
        (0, None, "without an error"),
        (1, None, "general error"),
        (3, None, "of the program's own"),
        (125, None, "wrapper"),
        (126, None, "could not be executed"),
        (127, None, "not found"),
        (130, None, "SIGINT"),
        (134, None, "SIGABRT"),
        (137, None, "does not explain"),
        (137, killed(ours), "30 s after its stop signal"),
        (137, killed(finished(2)), "not Gantry's"),
        (139, None, "SIGSEGV"),
        (143, killed(asked), "Gantry asked it to stop"),
        (143, killed(finished(2)), "not Gantry's"),
        (255, None, "out of range"),
        (-1, None, "of the program's own"),
    ];
    for (code, end, expected) in cases {
        let text = meaning(&ended("web", code, end.clone()), 30).expect("ended");
        assert!(text.starts_with(&code.to_string()), "{text}");
        assert!(text.contains(expected), "{code} {end:?}: {text}");
    }
    assert_eq!(meaning(&container("web"), 30), None);
    let oom = TaskContainer {
        reason: Some("OutOfMemoryError: Container killed due to memory usage".to_owned()),
        ..ended("web", 137, Some(finished(1)))
    };
    assert!(
        meaning(&oom, 30)
            .expect("ended")
            .contains("more memory than its limit")
    );
}

/// Stop code and reason, a container, and what is said of them.
type Case<'a> = (StopCode, &'a str, TaskContainer, Cause, &'a str);

fn assert_causes<'a>(cases: impl IntoIterator<Item = Case<'a>>) {
    for (code, reason, container, cause, sentence) in cases {
        let it = explained(&stopped(code, reason, vec![container]), ServiceStop::ScaledIn);
        assert_eq!(it.cause, Some(cause), "{reason}");
        assert!(it.summary.contains(sentence), "{reason}: {}", it.summary);
        assert!(
            it.decision.as_ref().is_some_and(|it| it.starts_with(reason)),
            "{it:?}"
        );
        assert!(it.waits_for.is_empty());
        let is_wanted = matches!(
            cause,
            Cause::StoppedByUser | Cause::Deregistered | Cause::ScaledIn
        );
        assert_eq!(
            it.next_steps.is_empty(),
            is_wanted,
            "{reason}: {:?}",
            it.next_steps
        );
    }
}

#[test]
fn each_wished_stop_has_its_cause_and_a_sentence() {
    use StopCode::{ServiceSchedulerInitiated, TerminationNotice, UserInitiated};
    let sick = TaskContainer {
        health: Some(Box::new(ContainerHealth {
            status: HealthStatus::Unhealthy,
            since: None,
            output: "refused".to_owned(),
        })),
        ..ended("web", 143, None)
    };
    let web = || ended("web", 143, None);
    let forced = "Container instance deregistration forced by user";
    let scaling = "Scaling activity initiated by (deployment ecs-svc/1)";
    let unhealthy = "Task failed container health checks";
    let gone = "Host EC2 (instance i-1) terminated.";
    assert_causes([
        (
            UserInitiated,
            "Task stopped by user",
            web(),
            Cause::StoppedByUser,
            "A user",
        ),
        (UserInitiated, forced, web(), Cause::Deregistered, "by force"),
        (
            ServiceSchedulerInitiated,
            scaling,
            web(),
            Cause::ScaledIn,
            "more tasks than it wants",
        ),
        (
            ServiceSchedulerInitiated,
            unhealthy,
            sick,
            Cause::Unhealthy,
            "health check of container web",
        ),
        (
            TerminationNotice,
            gone,
            container("web"),
            Cause::HostLost,
            "went away",
        ),
    ]);
}

#[test]
fn each_end_by_itself_has_its_cause_and_a_sentence() {
    use StopCode::{EssentialContainerExited as Exited, TaskFailedToStart as Failed};
    let oom = TaskContainer {
        reason: Some("OutOfMemoryError: Container killed due to memory usage".to_owned()),
        ..ended("web", 137, Some(finished(1)))
    };
    let essential = "Essential container in task exited";
    let pull = "CannotPullContainerError: manifest for web:1 not found";
    let start = "CannotStartContainerError: exec: \"nope\": executable file not found in $PATH";
    let create = "CannotCreateContainerError: no such user";
    let secret = "ResourceInitializationError: unable to retrieve secret from asm";
    let order = "dependency graph: failed to resolve container ordering dependency [web] for target [side]";
    let plain = "Task failed to start";
    assert_causes([
        (
            Exited,
            essential,
            oom,
            Cause::OutOfMemory,
            "web needed more memory",
        ),
        (
            Exited,
            essential,
            ended("web", 3, None),
            Cause::EssentialExited,
            "web ended with exit code 3:",
        ),
        (
            Failed,
            pull,
            failed("web", pull),
            Cause::ImageNotPulled,
            "image of container web",
        ),
        (
            Failed,
            start,
            failed("web", start),
            Cause::NotExecuted,
            "program of container web",
        ),
        (
            Failed,
            create,
            failed("web", create),
            Cause::NotCreated,
            "web could not be created",
        ),
        (
            Failed,
            secret,
            failed("web", secret),
            Cause::NotInitialized,
            "before its containers",
        ),
        (
            Failed,
            plain,
            failed("side", order),
            Cause::DependencyFailed,
            "side was never started",
        ),
        (
            Failed,
            plain,
            container("web"),
            Cause::FailedToStart,
            "failed to start",
        ),
    ]);
}

#[test]
fn a_deployment_is_told_from_scaling_in() {
    let scaling = "Scaling activity initiated by (deployment ecs-svc/1)";
    let task = stopped(
        StopCode::ServiceSchedulerInitiated,
        scaling,
        vec![ended("web", 0, None)],
    );
    let causes = [ServiceStop::Replaced, ServiceStop::ScaledIn, ServiceStop::Unknown]
        .map(|it| explained(&task, it).cause);
    assert_eq!(
        causes,
        [
            Some(Cause::Replaced),
            Some(Cause::ScaledIn),
            Some(Cause::StoppedByService)
        ]
    );
}

#[test]
fn the_first_to_end_is_found_by_time() {
    let containers = vec![
        ended("web", 137, Some(finished(9))),
        ended("side", 1, Some(finished(3))),
    ];
    let it = explained(
        &stopped(StopCode::EssentialContainerExited, "Essential", containers),
        ServiceStop::Unknown,
    );
    assert_eq!(it.first_to_end.as_deref(), Some("side"));
    assert!(
        it.summary
            .contains("Before it, container side ended with exit code 1"),
        "{}",
        it.summary
    );
    // Without times, the essential one that failed goes first.
    let containers = vec![ended("side", 1, None), ended("web", 1, None)];
    let it = explained(
        &stopped(StopCode::EssentialContainerExited, "Essential", containers),
        ServiceStop::Unknown,
    );
    assert_eq!(it.first_to_end.as_deref(), Some("web"));
}

#[test]
fn a_container_that_ignored_its_signal_is_named() {
    let late = ContainerEnd {
        stop_signalled_at: Some(at(1)),
        killed_at: Some(at(6)),
        ..finished(6)
    };
    let containers = vec![ended("web", 143, None), ended("side", 137, Some(late))];
    let it = explained(
        &stopped(StopCode::UserInitiated, "enough", containers),
        ServiceStop::Unknown,
    );
    assert!(
        it.next_steps[0].contains("side ignored its stop signal for 5 s"),
        "{:?}",
        it.next_steps
    );
}

#[test]
fn what_is_not_there_yet_is_waited_for() {
    let running = TaskContainer {
        last_status: ContainerStatus::Running,
        ..container("web")
    };
    let pending = task(TaskStatus::Pending, vec![running.clone(), container("side")]);
    let it = explained(&pending, ServiceStop::Unknown);
    assert_eq!(
        (it.cause, it.waits_for),
        (None, vec!["container side: web to reach HEALTHY".to_owned()])
    );
    let definition = definition();
    let waits = BTreeMap::from([("side".to_owned(), vec!["image side:1, being pulled".to_owned()])]);
    let mut facts = Facts {
        task: &pending,
        definition: Some(&definition),
        service_stop: ServiceStop::Unknown,
        agent: AgentConnection::Connected,
        waits: &waits,
    };
    assert_eq!(
        explain(&facts).waits_for,
        ["container side: image side:1, being pulled"]
    );
    facts.agent = AgentConnection::Lost;
    let lost = explain(&facts);
    assert!(lost.waits_for[0].contains("not connected"), "{lost:?}");
    assert_eq!(lost.next_steps.len(), 1);
    let runs = explained(
        &task(TaskStatus::Running, vec![running.clone()]),
        ServiceStop::Unknown,
    );
    assert_eq!(
        (runs.summary.as_str(), runs.waits_for.len()),
        ("The task runs.", 0)
    );
    let stopping = Task {
        last_status: TaskStatus::Stopping,
        ..stopped(StopCode::UserInitiated, "enough", vec![running])
    };
    let it = explained(&stopping, ServiceStop::Unknown);
    assert!(
        it.waits_for[0].contains("end of container web; it has 30 s"),
        "{it:?}"
    );
}
