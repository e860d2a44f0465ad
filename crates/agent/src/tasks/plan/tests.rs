mod life;
mod order;
mod properties;

use std::fmt::Write;

use expect_test::{Expect, expect};
use jiff::Timestamp;

use super::*;
use crate::environment_files::EnvironmentFiles;
use crate::host::{
    ContainerExit, ContainerSpec, Eni, HostError, ProcessEnd, PulledImage, SandboxNetwork, StartedContainer,
};
use crate::log_drivers::awslogs::{AwsLogsOptions, MissingGroup};
use crate::tasks::state::Observation;
use crate::tasks::task::{AboutContainer, Condition, Container, Dependency};

/// A task, what is known of it, and a log of what happened and what was planned.
struct Story {
    task: Task,
    state: TaskState,
    now: Instant,
    wall: Timestamp,
    log: String,
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
        image: format!("{name}:1"),
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

fn task(containers: Vec<Container>) -> Task {
    let mut task = Task::unrunnable("arn:aws:ecs:us-east-1:123456789012:task/default/1");
    task.network = SandboxNetwork::Bridge;
    task.containers = containers;
    task
}

fn after(mut it: Container, on: usize, condition: Condition) -> Container {
    it.depends_on.push(Dependency { on, condition });
    it
}

fn sidecar(mut it: Container) -> Container {
    it.is_essential = false;
    it
}

fn story(task: Task) -> Story {
    let state = TaskState::new(&task, DesiredStatus::Running);
    let mut story = Story {
        task,
        state,
        now: Instant::now(),
        wall: Timestamp::from_second(1).unwrap(),
        log: String::new(),
    };
    story.note("arrives");
    story
}

fn exit(code: i32) -> ContainerExit {
    let finished_at = Timestamp::from_second(100).unwrap();
    ContainerExit {
        exit_code: code,
        is_out_of_memory: false,
        finished_at,
    }
}

impl Story {
    /// Plans, checks that planning again would plan nothing more, and writes down what was planned.
    fn note(&mut self, what: &str) {
        let plan = plan(&self.task, &self.state, self.now);
        let _ = write!(self.log, "{what}:");
        for action in &plan.actions {
            let _ = write!(self.log, " {}", self.print(action));
            self.state.begin(action, &self.task, self.now, self.wall);
        }
        if let Some(at) = plan.wake_at {
            let _ = write!(self.log, " wake in {}s", (at - self.now).as_secs());
        }
        self.log.push('\n');
        let again = super::plan(&self.task, &self.state, self.now);
        let is_forgotten = again.actions == [Action::Forget];
        assert!(
            again.actions.is_empty() || is_forgotten,
            "planned again: {:?}",
            again.actions
        );
    }

    fn then(mut self, what: &str, observation: Observation) -> Self {
        self.state.observe(&self.task, observation, self.now, self.wall);
        self.note(what);
        self
    }

    fn wait(mut self, seconds: u64) -> Self {
        self.now += Duration::from_secs(seconds);
        self.then(&format!("{seconds}s later"), Observation::Tick)
    }

    fn pulled(self, index: usize) -> Self {
        let image = PulledImage {
            image_id: "sha256:1".to_owned(),
            manifest_digest: None,
            stop_signal: libc::SIGTERM,
        };
        self.then(
            &format!("pulled {index}"),
            Observation::ImagePulled(index, Ok(image)),
        )
    }

    fn sandbox(self) -> Self {
        self.then("sandbox", Observation::SandboxCreated(Ok(())))
    }

    fn started(self, index: usize) -> Self {
        let started = StartedContainer {
            runtime_id: format!("r{index}"),
            started_at: self.wall,
            port_mappings: Vec::new(),
        };
        self.then(
            &format!("started {index}"),
            Observation::ContainerStarted(index, Ok(started)),
        )
    }

    fn exited(self, index: usize, code: i32) -> Self {
        self.then(
            &format!("exited {index}"),
            Observation::ContainerExited(index, exit(code)),
        )
    }

    fn restarted(self, index: usize) -> Self {
        let started = self.state.containers[index].started.clone().unwrap();
        let observation = Observation::ContainerRestarted(index, Ok(started));
        self.then(&format!("restarted {index}"), observation)
    }

    fn restart_failed(self, index: usize) -> Self {
        let error = HostError::CannotStartContainer("no".to_owned());
        let observation = Observation::ContainerRestarted(index, Err(error));
        self.then(&format!("restart of {index} failed"), observation)
    }

    /// The answer of a health check.
    fn checked(self, index: usize, exit_code: i32) -> Self {
        let end = ProcessEnd {
            exit_code,
            output: format!("said {exit_code}"),
            is_timed_out: false,
        };
        let observation = Observation::HealthChecked(index, Ok(end));
        self.then(&format!("checked {index}: {exit_code}"), observation)
    }

    fn saved(self) -> Self {
        let revision = self.state.saving.unwrap_or(0);
        self.then("saved", Observation::Saved(revision))
    }

    fn acknowledged(self) -> Self {
        self.then("acknowledged", Observation::Acknowledged)
    }

    fn check(self, expected: &Expect) -> TaskState {
        expected.assert_eq(&self.log);
        self.state
    }

    fn print(&self, action: &Action) -> String {
        let name = |index: &usize| self.task.containers[*index].spec.name.clone();
        match action {
            Action::Save(_) => "save".to_owned(),
            Action::PullImage(it) => format!("pull({})", name(it)),
            Action::OpenLogStream(it) => format!("open-log({})", name(it)),
            Action::CreateSandbox => "create-sandbox".to_owned(),
            Action::StartContainer(it) => format!("start({})", name(it)),
            Action::RestartContainer(it) => format!("restart({})", name(it)),
            Action::CheckHealth(it) => format!("check({})", name(it)),
            Action::SignalContainer(it, signal) => format!("signal({} {signal})", name(it)),
            Action::Release => "release".to_owned(),
            Action::Submit(report) => {
                let containers = report
                    .containers
                    .iter()
                    .map(|(it, status)| format!(" {} {status:?}", name(it)));
                format!("submit({:?}{})", report.status, containers.collect::<String>())
            }
            Action::Forget => "forget".to_owned(),
        }
    }
}

#[test]
fn a_task_runs_and_ends_by_itself() {
    let story = story(task(vec![container("web")]))
        .saved()
        .pulled(0)
        .sandbox()
        .started(0)
        .saved()
        .acknowledged();
    let story = story
        .saved()
        .exited(0, 7)
        .saved()
        .then("released", Observation::Released)
        .acknowledged();
    let state = story.check(&expect![[r#"
        arrives: save create-sandbox pull(web)
        saved:
        pulled 0:
        sandbox: start(web)
        started 0: save submit(Running web Running)
        saved:
        acknowledged: save
        saved:
        exited 0: save
        saved: release
        released: submit(Stopped web Stopped)
        acknowledged: forget
    "#]]);
    assert_eq!(state.execution_stopped_at, Some(exit(7).finished_at));
}

#[test]
fn a_stop_is_asked_for_then_forced_and_at_last_assumed() {
    let story = story(task(vec![container("web")]))
        .saved()
        .pulled(0)
        .sandbox()
        .started(0)
        .saved()
        .acknowledged();
    let story = story
        .saved()
        .then("stop", Observation::StopRequested)
        .saved()
        .wait(10)
        .wait(20)
        .wait(10)
        .saved();
    let state = story.check(&expect![[r#"
        arrives: save create-sandbox pull(web)
        saved:
        pulled 0:
        sandbox: start(web)
        started 0: save submit(Running web Running)
        saved:
        acknowledged: save
        saved:
        stop: save signal(web 15)
        saved: wake in 30s
        10s later: wake in 20s
        20s later: signal(web 9)
        10s later: save
        saved: release
    "#]]);
    assert!(state.containers[0].reason.as_deref().unwrap().contains("SIGKILL"));
}

#[test]
fn a_container_that_cannot_be_asked_is_killed() {
    let story = story(task(vec![container("web")]))
        .saved()
        .pulled(0)
        .sandbox()
        .started(0)
        .saved()
        .acknowledged();
    let error = Err(HostError::ContainerRuntime("gone".to_owned()));
    let story = story.saved().then("stop", Observation::StopRequested).saved();
    let story = story.then(
        "refused",
        Observation::ContainerSignalled(0, libc::SIGTERM, error),
    );
    assert!(story.log.ends_with("refused: signal(web 9)\n"), "{}", story.log);
}

#[test]
fn an_early_end_is_reported_after_the_start() {
    let story = story(task(vec![container("web")]))
        .saved()
        .pulled(0)
        .sandbox()
        .exited(0, 1)
        .started(0)
        .saved();
    let story = story
        .then("released", Observation::Released)
        .acknowledged()
        .saved()
        .acknowledged();
    story.check(&expect![[r#"
        arrives: save create-sandbox pull(web)
        saved:
        pulled 0:
        sandbox: start(web)
        exited 0:
        started 0: save submit(Running web Running)
        saved: release
        released:
        acknowledged: save submit(Stopped web Stopped)
        saved:
        acknowledged: forget
    "#]]);
}

#[test]
fn an_image_that_cannot_be_pulled_ends_the_task() {
    let error = Err(HostError::CannotPullContainer("no such image".to_owned()));
    let story = story(task(vec![container("web"), container("db")]))
        .saved()
        .sandbox();
    let story = story
        .then("pull fails", Observation::ImagePulled(0, error))
        .saved();
    let story = story.then("released", Observation::Released).pulled(1);
    let state = story.check(&expect![[r#"
        arrives: save create-sandbox pull(web) pull(db)
        saved:
        sandbox:
        pull fails: save
        saved: release
        released: submit(Stopped web Stopped db Stopped)
        pulled 1:
    "#]]);
    assert_eq!(
        state.containers[0].reason.as_deref(),
        Some("CannotPullContainerError: no such image")
    );
    assert_eq!(state.containers[1].reason, None);
}

#[test]
fn a_sidecar_that_fails_or_ends_does_not_end_the_task() {
    let error = Err(HostError::CannotStartContainer("no such file".to_owned()));
    let story = story(task(vec![
        container("web"),
        sidecar(container("a")),
        sidecar(container("b")),
    ]));
    let story = story.saved().pulled(0).pulled(1).pulled(2).sandbox().started(0);
    let story = story
        .then("a fails", Observation::ContainerStarted(1, error))
        .started(2)
        .saved()
        .acknowledged();
    let story = story.saved().saved().exited(2, 0).acknowledged();
    story.check(&expect![[r#"
        arrives: save create-sandbox pull(web) pull(a) pull(b)
        saved:
        pulled 0:
        pulled 1:
        pulled 2:
        sandbox: start(web) start(a) start(b)
        started 0: save
        a fails: submit(Pending a Stopped)
        started 2:
        saved: save
        acknowledged: submit(Running web Running b Running)
        saved: save
        saved:
        exited 2: save
        acknowledged: submit(Running b Stopped)
    "#]]);
}

#[test]
fn a_sandbox_that_cannot_be_made_ends_the_task_with_its_reason() {
    let error = Err(HostError::ResourceInitialization("no memory left".to_owned()));
    let story = story(task(vec![container("web")]))
        .saved()
        .then("no sandbox", Observation::SandboxCreated(error));
    let story = story.saved().then("released", Observation::Released);
    let state = story.check(&expect![[r#"
        arrives: save create-sandbox pull(web)
        saved:
        no sandbox: save
        saved: release
        released: submit(Stopped web Stopped)
    "#]]);
    let expected = Some("ResourceInitializationError: no memory left");
    assert_eq!(
        (state.reason.as_deref(), state.containers[0].reason.as_deref()),
        (expected, expected)
    );
}

#[test]
fn a_stop_before_the_start_waits_for_what_the_host_is_doing() {
    let story = story(task(vec![container("web")]))
        .then("stop", Observation::StopRequested)
        .saved()
        .saved();
    let story = story.sandbox().then("released", Observation::Released);
    story.check(&expect![[r#"
        arrives: save create-sandbox pull(web)
        stop:
        saved: save
        saved:
        sandbox: release
        released: submit(Stopped web Stopped)
    "#]]);
}

#[test]
fn a_log_stream_comes_before_its_container() {
    let mut web = container("web");
    web.log_driver = LogDriver::AwsLogs(AwsLogsOptions {
        group: "g".to_owned(),
        region: None,
        endpoint: None,
        stream: None,
        missing_group: MissingGroup::Fail,
        multiline: None,
    });
    let story = story(task(vec![web])).saved().pulled(0).sandbox();
    let story = story.then("opened", Observation::LogStreamOpened(0, Ok(())));
    story.check(&expect![[r#"
        arrives: save create-sandbox pull(web) open-log(web)
        saved:
        pulled 0:
        sandbox:
        opened: start(web)
    "#]]);
}

#[test]
fn a_task_that_cannot_run_is_reported_and_forgotten() {
    let task = Task::unrunnable("arn:aws:ecs:us-east-1:123456789012:task/default/1");
    let mut state = TaskState::new(&task, DesiredStatus::Running);
    state.fail("nope".to_owned());
    let wall = Timestamp::from_second(1).unwrap();
    let mut story = Story {
        task,
        state,
        now: Instant::now(),
        wall,
        log: String::new(),
    };
    story.state.settle(&story.task, story.now, wall);
    story.note("arrives");
    let story = story.saved().acknowledged();
    story.check(&expect![[r#"
        arrives: save
        saved: submit(Stopped)
        acknowledged: forget
    "#]]);
}

#[test]
fn the_kernel_killing_for_memory_is_named() {
    let story = story(task(vec![container("web")]))
        .saved()
        .pulled(0)
        .sandbox()
        .started(0);
    let killed = ContainerExit {
        is_out_of_memory: true,
        ..exit(137)
    };
    let story = story.then("killed", Observation::ContainerExited(0, killed));
    let expected = "OutOfMemoryError: Container killed due to memory usage";
    assert_eq!(story.state.containers[0].reason.as_deref(), Some(expected));
}

#[test]
fn the_end_of_what_was_asked_to_stop_is_told_before_its_network_goes() {
    let mut awsvpc = task(vec![container("web")]);
    awsvpc.network = SandboxNetwork::Awsvpc(Eni {
        vpc_id: "vpc-1".to_owned(),
        vpc_cidr: ([10, 0, 0, 0].into(), 16),
        address: [10, 0, 0, 4].into(),
        gateway: [10, 0, 0, 1].into(),
        mac_address: "02:00:00:00:00:01".to_owned(),
    });
    let story = story(awsvpc)
        .saved()
        .pulled(0)
        .sandbox()
        .started(0)
        .saved()
        .acknowledged();
    let story = story
        .saved()
        .then("stop", Observation::StopRequested)
        .saved()
        .exited(0, 143)
        .saved()
        .acknowledged()
        .then("released", Observation::Released)
        .saved()
        .acknowledged();
    let ends = story.log.split("saved: wake in 30s\n").nth(1).expect("the end");
    let expected = "exited 0: save submit(Running web Stopped)\n\
        saved: release\n\
        acknowledged: save\n\
        released: submit(Stopped)\n\
        saved:\n\
        acknowledged: forget\n";
    assert_eq!(ends, expected, "{}", story.log);
}
