//! A small world for tests: a store in memory with the cluster `lab`, where agents report what they are told to.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use domain::container_definition::{ContainerDefinition, HealthCheck};
use domain::deployment_strategy::DeploymentStrategy;
use domain::host::Resources;
use domain::placement::PlacementConstraint;
use domain::service::{DeploymentConfiguration, DeploymentController, PropagateTags, Service};
use domain::service_scheduling::{AvailabilityZoneRebalancing, SchedulingStrategy};
use domain::tags::Pair;
use domain::task::{ContainerHealth, DesiredStatus, HealthStatus, Task, TaskStatus};
use domain::task_definition::{LaunchType, TaskDefinition, TaskDefinitionStatus};
use domain::{ClusterArn, ContainerInstanceArn, Scope, ServiceArn, TaskArn, TaskDefinitionArn, Timestamp};
use futures_util::FutureExt;
use store::{ManualClock, Record, Store, TransactError, Tx, memory_store};

use crate::transitions::{
    self, Connection, HealthReport, NewCluster, NewService, RegisterContainerInstance, TaskReport,
};

mod classic;
mod load_balancing;
mod service_connect;

pub use load_balancing::Balanced;
pub use service_connect::{VPC, offering};

pub struct World {
    pub store: Store,
    pub clock: Arc<ManualClock>,
}

pub fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

pub fn lab() -> ClusterArn {
    ClusterArn::of(&scope(), "lab")
}

pub fn root() -> String {
    domain::account_setting::root_of(&scope().account)
}

pub fn new_cluster(name: &str) -> NewCluster {
    NewCluster {
        arn: ClusterArn::of(&scope(), name),
        settings: None,
        configuration: domain::cluster::ClusterConfiguration::default(),
        capacity: domain::cluster::ClusterCapacity::default(),
        service_connect_namespace: None,
        tags: Vec::new(),
        principal: root(),
    }
}

impl World {
    pub fn new() -> Self {
        let (store, clock) = memory_store(Timestamp::from_second(1_700_000_000).expect("in range"));
        let world = Self { store, clock };
        world.write(|tx| transitions::create_cluster(tx, new_cluster("lab")));
        world
    }

    /// A transaction that is not refused.
    pub fn write<T: Send + 'static, E: Debug + Send + 'static>(
        &self,
        decide: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> T {
        self.attempt(decide).expect("is not refused")
    }

    pub fn attempt<T: Send + 'static, E: Debug + Send + 'static>(
        &self,
        decide: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let done = self
            .store
            .transact(decide)
            .now_or_never()
            .expect("runs on this thread");
        match done {
            Ok(value) => Ok(value),
            Err(TransactError::Refused(refusal)) => Err(refusal),
            Err(TransactError::Unavailable(error)) => panic!("{error}"),
        }
    }

    pub fn get<R: Record>(&self, key: &R::Key) -> R {
        let found = self.store.read(|state| state.get::<R>(key).cloned());
        (*found.expect("is there")).clone()
    }

    /// A connected container instance with room for ten tasks.
    pub fn instance(&self, attributes: Vec<Pair>) -> ContainerInstanceArn {
        let total = Resources {
            cpu: 1024,
            memory: 640,
            ports: BTreeSet::new(),
            gpus: 0,
        };
        self.instance_of(total, attributes)
    }

    /// A connected container instance of that size.
    pub fn instance_of(&self, total: Resources, attributes: Vec<Pair>) -> ContainerInstanceArn {
        let register = RegisterContainerInstance {
            cluster: lab(),
            existing: None,
            total,
            attributes,
            versions: transitions::Versions::default(),
            tags: Vec::new(),
        };
        let arn = self
            .write(|tx| transitions::register_container_instance(tx, register))
            .arn
            .clone();
        let connected = arn.clone();
        self.write(move |tx| transitions::connect_host(tx, &connected, Connection::Connected, "1", "1"));
        arn
    }

    pub fn definition(&self) -> Arc<TaskDefinition> {
        self.write(|tx| {
            let now = tx.now();
            transitions::register_task_definition(tx, &scope(), "web", |arn, revision| {
                definition(arn, revision, now)
            })
        })
    }

    pub fn service(&self, desired_count: u32, minimum: u32, maximum: u32) -> ServiceArn {
        let definition = self.definition();
        self.service_running(&definition, desired_count, minimum, maximum)
    }

    pub fn service_running(
        &self,
        definition: &TaskDefinition,
        desired_count: u32,
        minimum: u32,
        maximum: u32,
    ) -> ServiceArn {
        self.service_of(NewService {
            task_definition: Some(definition.arn.clone()),
            deployment_configuration: DeploymentConfiguration {
                maximum_percent: maximum,
                minimum_healthy_percent: minimum,
                ..DeploymentConfiguration::default()
            },
            ..new_service(desired_count)
        })
    }

    /// The service `agent`, with one task on each container instance that satisfies the constraints.
    pub fn daemon(&self, minimum: u32, placement_constraints: Vec<PlacementConstraint>) -> ServiceArn {
        let definition = self.definition();
        self.service_of(NewService {
            arn: lab().member("agent"),
            scheduling_strategy: SchedulingStrategy::Daemon,
            task_definition: Some(definition.arn.clone()),
            deployment_configuration: DeploymentConfiguration {
                maximum_percent: 100,
                minimum_healthy_percent: minimum,
                ..DeploymentConfiguration::default()
            },
            placement_constraints,
            ..new_service(0)
        })
    }

    /// A service that deploys in stages from its first deployment on.
    pub fn staged_service(&self, desired_count: u32, minimum: u32, maximum: u32) -> ServiceArn {
        self.service_of(NewService {
            task_definition: Some(self.definition().arn.clone()),
            deployment_configuration: DeploymentConfiguration {
                maximum_percent: maximum,
                minimum_healthy_percent: minimum,
                strategy: DeploymentStrategy::BlueGreen,
                ..DeploymentConfiguration::default()
            },
            ..new_service(desired_count)
        })
    }

    /// A service whose task sets are managed from outside.
    pub fn external_service(&self, desired_count: u32) -> ServiceArn {
        self.service_of(NewService {
            deployment_controller: DeploymentController::External,
            ..new_service(desired_count)
        })
    }

    pub fn service_of(&self, new: NewService) -> ServiceArn {
        self.write(|tx| transitions::create_service(tx, new)).arn.clone()
    }

    /// Tasks of a service that are wanted.
    pub fn tasks(&self, service: &ServiceArn) -> Vec<Task> {
        self.store.read(|state| {
            let tasks = state.tasks_of_service(service);
            let wanted = tasks.filter(|it| it.desired_status == DesiredStatus::Running);
            wanted.map(|it| (**it).clone()).collect()
        })
    }

    /// What agents would report: what is wanted runs, what is not stops.
    pub fn obey(&self, service: &ServiceArn) {
        let tasks: Vec<(TaskArn, DesiredStatus)> = self.store.read(|state| {
            let tasks = state.tasks_of_service(service);
            tasks.map(|it| (it.arn.clone(), it.desired_status)).collect()
        });
        for (arn, wish) in tasks {
            let status = match wish {
                DesiredStatus::Running => TaskStatus::Running,
                DesiredStatus::Stopped => TaskStatus::Stopped,
            };
            self.report(arn, status);
        }
    }

    pub fn report(&self, arn: TaskArn, status: TaskStatus) {
        let report = TaskReport {
            status: Some(status),
            ..TaskReport::default()
        };
        self.write(move |tx| transitions::observe_task(tx, &arn, &report));
    }

    /// What the agent of a task's host says of the health of its container `web`.
    pub fn report_health(&self, task: &Task, status: HealthStatus) {
        let health = ContainerHealth {
            status,
            since: None,
            output: "said so".to_owned(),
        };
        let (host_id, report) = (
            task.host_id.clone(),
            HealthReport {
                task: task.arn.clone(),
                containers: vec![("web".to_owned(), health)],
            },
        );
        self.write(move |tx| {
            transitions::observe_health(tx, &host_id, &[report]);
            Ok::<_, std::convert::Infallible>(())
        });
    }

    /// A new revision of `web` whose container has a health check.
    pub fn checked_definition(&self) -> Arc<TaskDefinition> {
        self.write(|tx| {
            let now = tx.now();
            transitions::register_task_definition(tx, &scope(), "web", |arn, revision| {
                let mut definition = definition(arn, revision, now);
                definition.containers[0].health_check = Some(HealthCheck {
                    command: vec!["CMD".to_owned(), "true".to_owned()],
                    interval_seconds: 5,
                    timeout_seconds: 2,
                    retries: 1,
                    start_period_seconds: None,
                });
                definition
            })
        })
    }

    pub fn stored_service(&self, arn: &ServiceArn) -> Service {
        self.get::<Service>(arn)
    }
}

pub fn new_service(desired_count: u32) -> NewService {
    NewService {
        arn: lab().member("web"),
        desired_count,
        scheduling_strategy: SchedulingStrategy::Replica,
        deployment_controller: DeploymentController::Ecs,
        launch_type: LaunchType::Ec2,
        capacity_provider_strategy: Vec::new(),
        platform_version: None,
        task_definition: None,
        deployment_configuration: DeploymentConfiguration::default(),
        lifecycle_hooks: Vec::new(),
        deployment_alarms: Default::default(),
        network_configuration: None,
        load_balancers: Vec::new(),
        role: None,
        service_registries: Vec::new(),
        service_connect: None,
        health_check_grace_period_seconds: None,
        placement_constraints: Vec::new(),
        placement_strategy: Vec::new(),
        availability_zone_rebalancing: AvailabilityZoneRebalancing::Disabled,
        created_by: root(),
        propagate_tags: PropagateTags::None,
        enable_ecs_managed_tags: false,
        enable_execute_command: false,
        client_token: None,
        tags: Vec::new(),
    }
}

/// A revision with one container `web`.
pub fn definition(arn: TaskDefinitionArn, revision: u32, now: Timestamp) -> TaskDefinition {
    let container =
        serde_json::json!({ "name": "web", "image": "web", "cpu": 10, "memory": 64, "essential": true });
    let container: ContainerDefinition = serde_json::from_value(container).expect("a stored container");
    TaskDefinition {
        arn,
        family: "web".to_owned(),
        revision,
        status: TaskDefinitionStatus::Active,
        registered_at: now,
        deregistered_at: None,
        delete_requested_at: None,
        registered_by: root(),
        network_mode: None,
        requires_compatibilities: None,
        compatibilities: vec![LaunchType::Ec2],
        requires_attributes: Vec::new(),
        cpu: None,
        memory: None,
        execution_role_arn: None,
        task_role_arn: None,
        runtime_platform: None,
        ephemeral_storage_gib: None,
        pid_mode: None,
        ipc_mode: None,
        proxy_configuration: None,
        enable_fault_injection: None,
        containers: vec![container],
        volumes: Vec::new(),
        placement_constraints: Vec::new(),
        tags: Vec::new(),
    }
}
