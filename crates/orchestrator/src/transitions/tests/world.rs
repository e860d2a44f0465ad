//! A cluster with container instances, and calls that end at once.

use std::sync::Arc;

use domain::container_instance::ContainerInstance;
use domain::host::{Host, Resources};
use domain::task::{Overrides, Stop, StopCode, Task, TaskStatus};
use domain::task_definition::{LaunchType, TaskDefinition};
use domain::{ClusterArn, Scope, TaskArn, Timestamp};
use futures_util::FutureExt;
use store::{ManualClock, Store, TransactError, Tx, memory_store};

use super::super::*;

pub struct World {
    pub store: Store,
    pub clock: Arc<ManualClock>,
    pub cluster: ClusterArn,
}

/// What a container of the definition wants.
pub const CPU: u32 = 10;
pub const MEMORY: u32 = 64;

impl World {
    pub fn new() -> Self {
        let (store, clock) = memory_store(Timestamp::UNIX_EPOCH);
        let scope = Scope::new("123456789012", "us-east-1");
        let cluster = ClusterArn::of(&scope, "default");
        let world = Self {
            store,
            clock,
            cluster,
        };
        let arn = world.cluster.clone();
        world
            .transact(move |tx| create_cluster(tx, crate::fixture::new_cluster(arn.name())))
            .expect("a cluster");
        world
    }

    /// Runs a transition; on this store it has ended when it is first polled.
    pub fn transact<T: Send + 'static, E: Send + 'static>(
        &self,
        transition: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        match self.store.transact(transition).now_or_never().expect("at once") {
            Ok(outcome) => Ok(outcome),
            Err(TransactError::Refused(refusal)) => Err(refusal),
            Err(TransactError::Unavailable(error)) => panic!("{error}"),
        }
    }

    /// A host with room for so many tasks, its agent connected.
    pub fn join(&self, tasks: u32) -> Arc<ContainerInstance> {
        let register = RegisterContainerInstance {
            cluster: self.cluster.clone(),
            existing: None,
            total: Resources {
                cpu: CPU * tasks,
                memory: MEMORY * tasks,
                ..Resources::default()
            },
            attributes: Vec::new(),
            tags: Vec::new(),
        };
        self.transact(move |tx| {
            let instance = register_container_instance(tx, register)?;
            connect_host(tx, &instance.arn, Connection::Connected, "1", "1")?;
            Ok::<_, ContainerInstanceRefusal>(instance)
        })
        .expect("a container instance")
    }

    pub fn definition(&self) -> Arc<TaskDefinition> {
        let scope = self.cluster.scope();
        self.transact(move |tx| {
            let now = tx.now();
            register_task_definition(tx, &scope, "app", |arn, revision| {
                crate::fixture::definition(arn, revision, now)
            })
        })
        .expect("a definition")
    }

    pub fn wanted(&self, definition: &Arc<TaskDefinition>, count: u32) -> RunTasks {
        RunTasks {
            cluster: self.cluster.clone(),
            definition: Arc::clone(definition),
            count,
            launch_type: LaunchType::Ec2,
            capacity_provider_strategy: Vec::new(),
            placed: Where::Anywhere,
            placement_constraints: Vec::new(),
            placement_strategy: Vec::new(),
            group: "family:app".into(),
            started_by: None,
            service: None,
            overrides: Overrides::default(),
            network: None,
            platform_version: None,
            client_request: None,
            tags: Vec::new(),
        }
    }

    pub fn run(&self, wanted: RunTasks) -> Result<RunTasksOutcome, RunTasksOnceRefusal> {
        self.transact(move |tx| run_tasks_once(tx, &wanted))
    }

    pub fn stop(&self, task: &TaskArn) {
        let (task, reason) = (task.clone(), "enough".to_owned());
        let code = StopCode::UserInitiated;
        self.transact(move |tx| stop_task(tx, &task, Stop { code, reason }))
            .expect("it is there");
    }

    pub fn report(&self, task: &TaskArn, status: TaskStatus) {
        let report = TaskReport {
            status: Some(status),
            ..TaskReport::default()
        };
        self.report_whole(task, report);
    }

    pub fn report_whole(&self, task: &TaskArn, report: TaskReport) {
        let task = task.clone();
        self.transact(move |tx| observe_task(tx, &task, &report))
            .expect("it is there");
    }

    pub fn task(&self, arn: &TaskArn) -> Arc<Task> {
        self.store
            .read(|state| state.get::<Task>(arn).cloned())
            .expect("it is there")
    }

    pub fn hosts(&self) -> Vec<Arc<Host>> {
        self.store.read(|state| state.all::<Host>().cloned().collect())
    }
}
