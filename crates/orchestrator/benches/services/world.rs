//! A store on disk, its controllers, and hosts that obey at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::clock::Clock;
use domain::container_definition::ContainerDefinition;
use domain::host::Resources;
use domain::ids::Ids;
use domain::service::{DeploymentConfiguration, DeploymentController, PropagateTags, Service};
use domain::service_scheduling::{AvailabilityZoneRebalancing, SchedulingStrategy};
use domain::task::{DesiredStatus, Task, TaskStatus};
use domain::task_definition::{LaunchType, TaskDefinition, TaskDefinitionStatus};
use domain::{ClusterArn, Scope, ServiceArn, TaskArn, TaskDefinitionArn, Timestamp};
use orchestrator::controllers::Settings;
use orchestrator::transitions::{
    self, Connection, NewCluster, NewService, RegisterContainerInstance, ServiceChange, TaskReport, Versions,
};
use store::{Change, Embedded, Followed, State, Store, Tx};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Most reports of one transaction.
const REPORTS_MAX: usize = 256;
/// Nothing here takes longer.
const DEADLINE: Duration = Duration::from_secs(600);

struct WallClock;

impl Clock for WallClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "what is measured runs by the wall clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

pub struct World {
    store: Store,
    folder: TempDir,
    shutdown: CancellationToken,
    running: JoinSet<()>,
}

fn cluster() -> ClusterArn {
    ClusterArn::of(&Scope::new("123456789012", "us-east-1"), "lab")
}

fn open(folder: &TempDir) -> Store {
    let engine = Embedded::open(&folder.path().join("state.db")).expect("opens");
    Store::open(
        Box::new(engine),
        Arc::new(WallClock),
        Arc::new(Ids::seeded([0; 32])),
    )
    .expect("opens")
}

impl World {
    /// That many connected container instances with room for everything.
    pub async fn new(instances: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let world = Self::of(open(&folder), folder);
        world
            .write(|tx| {
                transitions::create_cluster(
                    tx,
                    NewCluster {
                        arn: cluster(),
                        settings: None,
                        configuration: domain::cluster::ClusterConfiguration::default(),
                        capacity: domain::cluster::ClusterCapacity::default(),
                        service_connect_namespace: None,
                        tags: Vec::new(),
                        principal: "arn:aws:iam::123456789012:root".to_owned(),
                    },
                )
                .map(drop)
                .expect("is created");
            })
            .await;
        for _ in 0..instances {
            world.write(register).await;
        }
        world
    }

    fn of(store: Store, folder: TempDir) -> Self {
        let shutdown = CancellationToken::new();
        let mut running = JoinSet::new();
        let settings = Settings {
            healthy_after: Duration::ZERO,
            ..Settings::default()
        };
        running.spawn(orchestrator::run(store.clone(), settings, shutdown.clone()));
        running.spawn(obey(store.clone(), shutdown.clone()));
        Self {
            store,
            folder,
            shutdown,
            running,
        }
    }

    async fn write<T: Send + 'static>(&self, decide: impl FnOnce(&mut Tx<'_>) -> T + Send + 'static) -> T {
        let decided = self.store.transact(move |tx| Ok::<T, ()>(decide(tx)));
        decided.await.expect("commits")
    }

    /// A new service of a new revision of `web`.
    pub async fn service(&self, name: &str, desired_count: u32) -> ServiceArn {
        let arn: ServiceArn = cluster().member(name);
        let new = arn.clone();
        self.write(move |tx| {
            let definition = definition(tx);
            transitions::create_service(tx, new_service(new, definition, desired_count))
                .map(drop)
                .expect("is created");
        })
        .await;
        arn
    }

    /// So many services of so many tasks; waits until all are steady.
    pub async fn services(&self, count: usize, desired_count: u32) {
        let mut services = Vec::new();
        for index in 0..count {
            services.push(self.service(&format!("web-{index}"), desired_count).await);
        }
        self.until(|state| {
            let mut known = services.iter().filter_map(|it| state.get::<Service>(it));
            known.all(|it| it.steady_since.is_some())
        })
        .await;
    }

    /// A new deployment of another revision.
    pub async fn deploy(&self, service: &ServiceArn) {
        let service = service.clone();
        self.write(move |tx| {
            let change = ServiceChange {
                task_definition: Some(definition(tx)),
                ..ServiceChange::default()
            };
            transitions::update_service(tx, &service, &change)
                .map(drop)
                .expect("is updated");
        })
        .await;
    }

    /// Waits until something is so.
    pub async fn until(&self, is_so: impl Fn(&State) -> bool) {
        let mut feed = self.store.follow();
        let deadline = Instant::now() + DEADLINE;
        while !self.store.read(&is_so) {
            assert!(Instant::now() < deadline, "never came to be");
            // The next commit, or a look now and then.
            let _ = tokio::time::timeout(Duration::from_millis(100), feed.next()).await;
        }
    }

    async fn stop(mut self) -> TempDir {
        self.shutdown.cancel();
        while self.running.join_next().await.is_some() {}
        self.store.close().await;
        self.folder
    }

    /// Ends.
    pub async fn close(self) {
        self.stop().await;
    }

    /// Closes and opens; tells how long opening took.
    pub async fn reopen(self) -> (Self, Duration) {
        let folder = self.stop().await;
        let started = Instant::now();
        let store = open(&folder);
        let took = started.elapsed();
        (Self::of(store, folder), took)
    }
}

fn register(tx: &mut Tx<'_>) {
    let total = Resources {
        cpu: 1_000_000,
        memory: 1_000_000,
        ports: BTreeSet::new(),
        gpus: 0,
    };
    let instance = transitions::register_container_instance(
        tx,
        RegisterContainerInstance {
            cluster: cluster(),
            existing: None,
            total,
            attributes: Vec::new(),
            versions: Versions::default(),
            tags: Vec::new(),
        },
    );
    let arn = instance.expect("registers").arn.clone();
    transitions::connect_host(tx, &arn, Connection::Connected, "1", "1")
        .map(drop)
        .expect("connects");
}

fn definition(tx: &mut Tx<'_>) -> TaskDefinitionArn {
    let now = tx.now();
    let scope = Scope::new("123456789012", "us-east-1");
    let made = transitions::register_task_definition(tx, &scope, "web", |arn, revision| {
        let container =
            serde_json::json!({ "name": "web", "image": "web", "cpu": 1, "memory": 4, "essential": true });
        let container: ContainerDefinition = serde_json::from_value(container).expect("a stored container");
        TaskDefinition {
            arn,
            family: "web".to_owned(),
            revision,
            status: TaskDefinitionStatus::Active,
            registered_at: now,
            deregistered_at: None,
            delete_requested_at: None,
            registered_by: String::new(),
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
    });
    let made: Result<_, std::convert::Infallible> = made;
    made.expect("registers").arn.clone()
}

fn new_service(arn: ServiceArn, definition: TaskDefinitionArn, desired_count: u32) -> NewService {
    NewService {
        arn,
        desired_count,
        scheduling_strategy: SchedulingStrategy::Replica,
        deployment_controller: DeploymentController::Ecs,
        launch_type: LaunchType::Ec2,
        capacity_provider_strategy: Vec::new(),
        platform_version: None,
        task_definition: Some(definition),
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
        created_by: String::new(),
        propagate_tags: PropagateTags::None,
        enable_ecs_managed_tags: false,
        enable_execute_command: false,
        client_token: None,
        tags: Vec::new(),
    }
}

/// What all hosts do: a task that is wanted runs, one that is not stops.
async fn obey(store: Store, shutdown: CancellationToken) {
    let (tell, told) = mpsc::unbounded_channel();
    tokio::join!(
        hear(store.clone(), tell, shutdown.clone()),
        report(store, told, shutdown)
    );
}

fn news(task: &Task) -> Option<(TaskArn, TaskStatus)> {
    let status = match task.desired_status {
        DesiredStatus::Running if task.last_status.is_pending() => TaskStatus::Running,
        DesiredStatus::Stopped if task.last_status != TaskStatus::Stopped => TaskStatus::Stopped,
        _ => return None,
    };
    Some((task.arn.clone(), status))
}

async fn hear(store: Store, tell: mpsc::UnboundedSender<(TaskArn, TaskStatus)>, shutdown: CancellationToken) {
    let mut feed = store.follow();
    loop {
        let followed = tokio::select! {
            () = shutdown.cancelled() => return,
            followed = feed.next() => followed,
        };
        let found: Vec<_> = match followed {
            Followed::Commit(commit) => {
                let tasks = commit.changes.iter().filter_map(|it| match it {
                    Change::Task(it) => it.after.as_deref(),
                    _ => None,
                });
                tasks.filter_map(news).collect()
            }
            Followed::Lagged => store.read(|state| state.all::<Task>().filter_map(|it| news(it)).collect()),
        };
        for it in found {
            let _ = tell.send(it);
        }
    }
}

async fn report(
    store: Store,
    mut told: mpsc::UnboundedReceiver<(TaskArn, TaskStatus)>,
    shutdown: CancellationToken,
) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            count = told.recv_many(&mut batch, REPORTS_MAX) => if count == 0 { return },
        }
        let reports = std::mem::take(&mut batch);
        let noted = store.transact(move |tx| {
            for (arn, status) in reports {
                let report = TaskReport {
                    status: Some(status),
                    ..TaskReport::default()
                };
                // It may have stopped meanwhile.
                let _ = transitions::observe_task(tx, &arn, &report);
            }
            Ok::<(), ()>(())
        });
        noted.await.expect("commits");
    }
}
