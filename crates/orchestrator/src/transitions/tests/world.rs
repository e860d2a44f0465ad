//! A cluster with container instances, and calls that end at once.

use std::ops::Deref;
use std::sync::Arc;

use domain::TaskArn;
use domain::host::{Host, Resources};
use domain::task::{Overrides, QueuePolicy, Stop, StopCode, Task, TaskStatus};
use domain::task_definition::{LaunchType, TaskDefinition};

use super::super::*;
use crate::fixture;

/// The crate's world, with rooms of any size.
pub struct World(fixture::World);

impl Deref for World {
    type Target = fixture::World;

    fn deref(&self) -> &fixture::World {
        &self.0
    }
}

/// What a container of the definition wants.
pub const CPU: u32 = 10;
pub const MEMORY: u32 = 64;

impl World {
    pub fn new() -> Self {
        Self(fixture::World::new())
    }

    /// A host with room for so many tasks, its agent connected.
    pub fn join(&self, tasks: u32) {
        let total = Resources {
            cpu: CPU * tasks,
            memory: MEMORY * tasks,
            ..Resources::default()
        };
        self.instance_of(total, Vec::new());
    }

    pub fn wanted(&self, definition: &Arc<TaskDefinition>, count: u32) -> RunTasks {
        RunTasks {
            cluster: fixture::lab(),
            definition: Arc::clone(definition),
            count,
            launch_type: LaunchType::Ec2,
            capacity_provider_strategy: Vec::new(),
            placed: Where::Anywhere,
            placement_constraints: Vec::new(),
            placement_strategy: Vec::new(),
            group: "family:web".into(),
            started_by: None,
            service: None,
            overrides: Overrides::default(),
            network: None,
            public_addresses: None,
            platform_version: None,
            targets: Vec::new(),
            registration: None,
            endpoints: Vec::new(),
            enable_execute_command: false,
            client_request: None,
            tags: Vec::new(),
        }
    }

    pub fn run(&self, wanted: RunTasks) -> Result<RunTasksOutcome, RunTasksOnceRefusal> {
        self.attempt(move |tx| run_tasks_once(tx, &wanted, &QueuePolicy::default()))
    }

    pub fn stop(&self, task: &TaskArn) {
        let (task, reason) = (task.clone(), "enough".to_owned());
        let code = StopCode::UserInitiated;
        self.attempt(move |tx| stop_task(tx, &task, Stop { code, reason }))
            .expect("it is there");
    }

    pub fn report(&self, task: &TaskArn, status: TaskStatus) {
        self.0.report(task.clone(), status);
    }

    pub fn report_whole(&self, task: &TaskArn, report: TaskReport) {
        let task = task.clone();
        self.attempt(move |tx| observe_task(tx, &task, &report))
            .expect("it is there");
    }

    pub fn task(&self, arn: &TaskArn) -> Task {
        self.get::<Task>(arn)
    }

    pub fn hosts(&self) -> Vec<Arc<Host>> {
        self.store.read(|state| state.all::<Host>().cloned().collect())
    }
}
