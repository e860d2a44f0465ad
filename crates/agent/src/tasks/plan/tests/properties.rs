//! Whatever happens in whatever order: no container starts before its turn, none is asked to stop before those that
//! depend on it have ended, and every task ends.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::tasks::state::{HealthStatus, Phase};
use crate::tasks::task::{HealthCheck, RestartPolicy};

/// Steps in which any task of these must have ended once it is to stop.
const STEPS_MAX: usize = 400;

/// What the host does next.
#[derive(Clone, Debug)]
enum Event {
    /// Answers one of the steps under way.
    Answer(prop::sample::Index, Fate),
    /// Ends one of the running containers.
    Exit(prop::sample::Index, i32),
    /// Lets time pass, in seconds.
    Wait(u64),
    /// The control plane wants the task stopped.
    Stop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Good,
    Bad,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![9 => Just(Fate::Good), 1 => Just(Fate::Bad)]
}

fn event() -> impl Strategy<Value = Event> {
    let code = prop_oneof![Just(0), Just(1)];
    prop_oneof![
        20 => (any::<prop::sample::Index>(), fate()).prop_map(|(at, fate)| Event::Answer(at, fate)),
        3 => (any::<prop::sample::Index>(), code).prop_map(|(at, code)| Event::Exit(at, code)),
        4 => (0_u64..100).prop_map(Event::Wait),
        1 => Just(Event::Stop),
    ]
}

fn health_check() -> HealthCheck {
    HealthCheck {
        arguments: vec!["true".to_owned()],
        interval: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
        retries: 2,
        start_period: Duration::ZERO,
    }
}

fn restart_policy() -> RestartPolicy {
    RestartPolicy {
        ignored_exit_codes: vec![0],
        attempt_period: Duration::from_secs(60),
    }
}

/// Up to five containers; each depends on some of those before it.
fn tasks() -> impl Strategy<Value = Task> {
    let condition = prop_oneof![
        Just(Condition::Start),
        Just(Condition::Complete),
        Just(Condition::Success),
        Just(Condition::Healthy)
    ];
    let one = (
        any::<bool>(),
        any::<bool>(),
        prop::option::of(1_u64..60),
        prop::collection::vec((any::<prop::sample::Index>(), condition), 0..3),
    );
    prop::collection::vec(one, 1..6).prop_map(|all| {
        let mut containers = Vec::new();
        for (index, (is_essential, is_restarted, timeout, on)) in all.into_iter().enumerate() {
            let mut it = container(&format!("c{index}"));
            it.is_essential = is_essential;
            it.start_timeout = timeout.map(Duration::from_secs);
            it.restart_policy = is_restarted.then(restart_policy);
            it.health_check = Some(health_check());
            if index > 0 {
                let dependency = |(at, condition): (prop::sample::Index, _)| Dependency {
                    on: at.index(index),
                    condition,
                };
                it.depends_on = on.into_iter().map(dependency).collect();
            }
            containers.push(it);
        }
        task(containers)
    })
}

/// A host that begins what is planned and answers when it is told to.
struct World {
    task: Task,
    state: TaskState,
    begun: VecDeque<Action>,
    now: Instant,
    wall: Timestamp,
    is_over: bool,
}

impl World {
    fn new(task: Task) -> Self {
        let state = TaskState::new(&task, DesiredStatus::Running);
        let mut world = Self {
            task,
            state,
            begun: VecDeque::new(),
            now: Instant::now(),
            wall: Timestamp::from_second(1).unwrap(),
            is_over: false,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        for action in plan(&self.task, &self.state, self.now).actions {
            match &action {
                Action::StartContainer(index) => self.check_start(*index),
                Action::SignalContainer(index, signal) if *signal != libc::SIGKILL => self.check_stop(*index),
                Action::Forget => {
                    self.is_over = true;
                    return;
                }
                _ => {}
            }
            self.state.begin(&action, &self.task, self.now, self.wall);
            self.begun.push_back(action);
        }
    }

    fn check_start(&self, index: usize) {
        for dependency in &self.task.containers[index].depends_on {
            let on = &self.state.containers[dependency.on];
            let has_ended_with = |code: Option<i32>| {
                let exit = on.exit.as_ref().map(|it| it.exit_code);
                on.phase == Phase::Stopped && on.started.is_some() && (code.is_none() || exit == code)
            };
            let is_met = match dependency.condition {
                Condition::Start => on.started.is_some(),
                Condition::Complete => has_ended_with(None),
                Condition::Success => has_ended_with(Some(0)),
                Condition::Healthy => on
                    .health
                    .as_ref()
                    .is_some_and(|it| it.status == HealthStatus::Healthy),
            };
            assert!(is_met, "c{index} starts before {dependency:?}");
        }
    }

    fn check_stop(&self, index: usize) {
        for dependant in self.task.dependants(index) {
            let phase = &self.state.containers[dependant].phase;
            assert_eq!(*phase, Phase::Stopped, "c{index} is stopped before c{dependant}");
        }
    }

    fn observe(&mut self, observation: Observation) {
        self.state.observe(&self.task, observation, self.now, self.wall);
        self.begin();
    }

    fn answer(&mut self, action: Action, fate: Fate) {
        let good_or_bad = || match fate {
            Fate::Good => Ok(()),
            Fate::Bad => Err(HostError::ContainerRuntime("bad".to_owned())),
        };
        let started = StartedContainer {
            runtime_id: "r".to_owned(),
            started_at: self.wall,
            port_mappings: Vec::new(),
        };
        let image = PulledImage {
            image_id: "sha256:1".to_owned(),
            manifest_digest: None,
            stop_signal: libc::SIGTERM,
        };
        let observation = match action {
            Action::Save(revision) => Observation::Saved(revision),
            Action::PullImage(index) => Observation::ImagePulled(index, good_or_bad().map(|()| image)),
            Action::OpenLogStream(index) => Observation::LogStreamOpened(index, Ok(())),
            Action::CreateSandbox => Observation::SandboxCreated(good_or_bad()),
            Action::StartContainer(index) => {
                Observation::ContainerStarted(index, good_or_bad().map(|()| started))
            }
            Action::RestartContainer(index) => {
                Observation::ContainerRestarted(index, good_or_bad().map(|()| started))
            }
            Action::CheckHealth(index) => {
                let end = ProcessEnd {
                    exit_code: i32::from(fate == Fate::Bad),
                    output: String::new(),
                    is_timed_out: false,
                };
                Observation::HealthChecked(index, Ok(end))
            }
            Action::SignalContainer(index, signal) => {
                // Bad luck: it ignores the signal.
                if fate == Fate::Good {
                    self.exit(index, 128 + signal);
                }
                Observation::ContainerSignalled(index, signal, Ok(()))
            }
            Action::Release => Observation::Released,
            Action::Submit(_) => Observation::Acknowledged,
            Action::Forget => return,
        };
        self.observe(observation);
    }

    fn exit(&mut self, index: usize, exit_code: i32) {
        let exit = ContainerExit {
            exit_code,
            is_out_of_memory: false,
            finished_at: self.wall,
        };
        self.observe(Observation::ContainerExited(index, exit));
    }

    fn running(&self) -> Vec<usize> {
        let all = self.state.containers.iter().enumerate();
        let runs = |phase: &Phase| {
            matches!(
                phase,
                Phase::Running | Phase::Stopping { .. } | Phase::Killing { .. }
            )
        };
        all.filter(|(_, it)| runs(&it.phase))
            .map(|(index, _)| index)
            .collect()
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.wall = Timestamp::from_second(self.wall.as_second() + seconds.cast_signed()).unwrap();
        self.observe(Observation::Tick);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Answer(at, fate) if !self.begun.is_empty() => {
                let at = at.index(self.begun.len());
                if let Some(action) = self.begun.remove(at) {
                    self.answer(action, fate);
                }
            }
            Event::Answer(..) => {}
            Event::Exit(at, code) => {
                let running = self.running();
                if !running.is_empty() {
                    self.exit(running[at.index(running.len())], code);
                }
            }
            Event::Wait(seconds) => self.wait(seconds),
            Event::Stop => self.observe(Observation::StopRequested),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn order_is_kept_and_every_task_ends(
        task in tasks(),
        events in prop::collection::vec(event(), 0..60),
        fates in prop::collection::vec(fate(), STEPS_MAX),
    ) {
        let mut world = World::new(task);
        for event in events {
            if world.is_over {
                break;
            }
            world.happen(event);
        }
        if !world.is_over {
            world.observe(Observation::StopRequested);
        }
        for fate in fates {
            if world.is_over {
                break;
            }
            match world.begun.pop_front() {
                Some(action) => world.answer(action, fate),
                None => world.wait(15),
            }
        }
        prop_assert!(world.is_over, "it never ends: {:#?}", world.state);
    }
}
