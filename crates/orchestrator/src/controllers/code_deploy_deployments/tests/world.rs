//! A service behind two target groups, and the controllers that move it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use domain::code_deploy::deployment::{CodeDeployDeployment, Replacement, Revision, RevisionKind};
use domain::code_deploy::deployment_config::TrafficRouting;
use domain::code_deploy::deployment_group::{AutoRollback, BlueGreen, DeploymentGroup, TrafficRoutes};
use domain::service::Service;
use domain::target::{TargetHealthState, TargetState};
use domain::task::{ContainerStatus, TaskStatus};
use domain::task_definition::LaunchType;
use domain::task_set::TaskSetStatus;
use domain::{ServiceArn, TaskArn};

use crate::controllers::code_deploy_deployments::CodeDeployDeployments;
use crate::controllers::service_deployments::ServiceDeployments;
use crate::controllers::task_targets::TaskTargets;
use crate::controllers::{Controller, Next, Settings};
use crate::fixture::{Balanced, World, scope};
use crate::transitions::{
    self, ContainerReport, DeploymentRefusal, NewCodeDeployment, TaskReport, WaitType, WebhookAnswer,
};

/// Most looks until nothing moves any more.
const LOOKS_MAX: usize = 100;

#[derive(Clone, Copy)]
pub enum Route {
    Production,
    Test,
}

pub struct Deploy {
    pub world: World,
    service: ServiceArn,
    routes: TrafficRoutes,
    behind: Balanced,
    /// Whether targets are healthy from now on.
    pub passes_checks: Cell<bool>,
}

impl Deploy {
    /// A steady service behind `blue`.
    pub fn new(desired_count: u32) -> Self {
        let world = World::new();
        world.instance(Vec::new());
        let behind = world.load_balancer();
        let service = world.code_deploy_service(&behind, desired_count);
        let it = Self {
            world,
            service,
            routes: TrafficRoutes {
                target_groups: ["blue".to_owned(), "green".to_owned()],
                production: behind.production.listener().expect("has one"),
                test: Some(behind.test.listener().expect("has one")),
            },
            behind,
            passes_checks: Cell::new(true),
        };
        it.settle();
        it
    }

    pub fn service(&self) -> Service {
        self.world.stored_service(&self.service)
    }

    /// Id of the PRIMARY task set.
    pub fn primary(&self) -> String {
        let sets = self.service().task_sets;
        let mut primary = sets.iter().filter(|it| it.status == TaskSetStatus::Primary);
        let only = primary.next().expect("there is one").id.clone();
        assert!(primary.next().is_none(), "{sets:?}");
        only
    }

    /// A deployment whose original task set goes at once.
    pub fn create(&self, change: impl FnOnce(&mut NewCodeDeployment)) -> String {
        let at_once = BlueGreen {
            ready_minutes: None,
            termination_minutes: Some(0),
        };
        self.create_in(at_once, change)
    }

    /// A deployment of a group that waits so.
    pub fn create_in(&self, blue_green: BlueGreen, change: impl FnOnce(&mut NewCodeDeployment)) -> String {
        let group = DeploymentGroup {
            scope: scope(),
            application: "shop".to_owned(),
            name: "web".to_owned(),
            id: String::new(),
            service_role_arn: String::new(),
            deployment_config_name: String::new(),
            service: self.service.clone(),
            routes: self.routes.clone(),
            blue_green,
            auto_rollback: AutoRollback::default(),
            created_at: domain::Timestamp::UNIX_EPOCH,
            tags: Vec::new(),
        };
        let mut new = NewCodeDeployment {
            group: Arc::new(group),
            description: None,
            revision: Revision {
                kind: RevisionKind::AppSpecContent,
                content: String::new(),
                sha256: String::new(),
            },
            config: (String::new(), TrafficRouting::AllAtOnce),
            auto_rollback: AutoRollback::default(),
            replacement: Replacement {
                task_definition: self.world.awsvpc_definition(),
                container_name: "web".to_owned(),
                container_port: 80,
                launch_type: LaunchType::Ec2,
                capacity_provider_strategy: Vec::new(),
                platform_version: None,
                network_configuration: self.service().network_configuration,
            },
            hooks: BTreeMap::new(),
        };
        change(&mut new);
        let made = self
            .world
            .write(move |tx| transitions::create_code_deployment(tx, new));
        made.id.clone()
    }

    pub fn deployment(&self, id: &str) -> CodeDeployDeployment {
        self.world.get(&(scope(), id.to_owned()))
    }

    pub fn stop(&self, id: &str, rolls_back: Option<bool>) -> Result<(), DeploymentRefusal> {
        let key = (scope(), id.to_owned());
        self.world
            .attempt(move |tx| transitions::stop_code_deployment(tx, &key, rolls_back))
    }

    pub fn resume(&self, id: &str, wait: WaitType) -> Result<(), DeploymentRefusal> {
        let key = (scope(), id.to_owned());
        self.world
            .attempt(move |tx| transitions::continue_code_deployment(tx, &key, wait))
    }

    pub fn answer(&self, id: &str, hook: &str, answer: WebhookAnswer) {
        let (key, hook) = ((scope(), id.to_owned()), hook.to_owned());
        self.world
            .write(move |tx| transitions::put_hook_status(tx, &key, &hook, &answer));
    }

    /// Names and weights of the groups that a listener forwards to.
    pub fn traffic(&self, route: Route) -> Vec<(String, u16)> {
        let rule = match route {
            Route::Production => &self.behind.production,
            Route::Test => &self.behind.test,
        };
        let weights = self.world.weights(rule).into_iter();
        weights
            .map(|(group, weight)| (group.group_name().to_owned(), weight))
            .collect()
    }

    /// A task ends with its container.
    pub fn exit(&self, task: TaskArn, code: i32) {
        self.world.report(task.clone(), TaskStatus::Running);
        let report = TaskReport {
            status: Some(TaskStatus::Stopped),
            containers: vec![ContainerReport {
                name: "web".to_owned(),
                status: Some(ContainerStatus::Stopped),
                exit_code: Some(code),
                ..ContainerReport::default()
            }],
            ..TaskReport::default()
        };
        self.world
            .write(move |tx| transitions::observe_task(tx, &task, &report));
    }

    /// The controllers look until they wait for something. Tasks stay as they are.
    pub fn look(&self) {
        let services = ServiceDeployments::new(&Settings::default());
        until_it_waits(&self.world, services, &self.service);
        until_it_waits(&self.world, TaskTargets, &self.service);
        let all: Vec<_> = self.world.store.read(|state| {
            let active = state.active_code_deploy_deployments(&self.service);
            active.map(|it| (it.scope.clone(), it.id.clone())).collect()
        });
        for key in all {
            let controller = CodeDeployDeployments::new(&Settings::default());
            until_it_waits(&self.world, controller, &key);
        }
    }

    /// The same, and tasks start and stop as they are told, until nothing moves any more.
    pub fn settle(&self) {
        for _ in 0..LOOKS_MAX {
            let before = self.world.store.read(|state| state.last_commit());
            self.look();
            self.world.obey(&self.service);
            self.check_targets();
            if self.world.store.read(|state| state.last_commit()) == before {
                return;
            }
        }
        panic!("it does not settle");
    }

    /// What balancers find out: targets are healthy if they shall be, and nothing is in flight to those that leave.
    fn check_targets(&self) {
        for group in [&self.behind.blue, &self.behind.green] {
            for target in self.world.targets(group) {
                match target.state {
                    TargetState::Draining { .. } => self.world.report_idle(&target.key),
                    TargetState::Registered if self.passes_checks.get() => {
                        self.world.report_target(&target.key, TargetHealthState::Healthy);
                    }
                    TargetState::Registered => {}
                }
            }
        }
    }

    pub fn pass(&self, time: Duration) {
        self.world.clock.advance(time);
        self.settle();
    }
}

fn until_it_waits<C: Controller>(world: &World, controller: C, key: &C::Key) {
    let controller = Arc::new(controller);
    for _ in 0..LOOKS_MAX {
        let (controller, key) = (Arc::clone(&controller), key.clone());
        let next = world.write(move |tx| Ok::<_, Infallible>(controller.reconcile(tx, &key)));
        if next != Next::Again {
            return;
        }
    }
    panic!("it does not come to rest");
}
