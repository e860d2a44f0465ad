//! Parts of a service that have tasks of their own: its PRIMARY deployment, or its task sets.

use domain::capacity_provider::CapacityProviderStrategyItem;
use domain::service::{Deployment, PropagateTags, Service, ServiceStatus};
use domain::service_connect::TaskEndpoint;
use domain::service_deployment::ServiceRevision;
use domain::service_load_balancer::{Behind, ServiceLoadBalancer, TaskTarget};
use domain::service_registry::{RegistrationState, TaskRegistration};
use domain::tags::Pair;
use domain::task::{NetworkConfiguration, Task};
use domain::task_definition::{LaunchType, NetworkMode, TaskDefinition};
use domain::task_set::TaskSet;
use domain::{TaskDefinitionArn, Timestamp};
use store::State;

use crate::transitions::{RunTasks, Where, service_connect_endpoints};

/// What the tasks of a part are made of, and how many it wants.
#[derive(Clone, Debug)]
pub struct Part {
    /// `startedBy` of its tasks.
    pub id: String,
    /// How many tasks it wants.
    pub desired_count: u32,
    /// What they run.
    pub task_definition: TaskDefinitionArn,
    /// On what.
    pub launch_type: LaunchType,
    /// How they are divided, if by a strategy.
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// FARGATE only.
    pub platform_version: Option<String>,
    /// In `awsvpc`.
    pub network_configuration: Option<NetworkConfiguration>,
    /// No task is started before this time.
    pub throttled_until: Option<Timestamp>,
    /// The last placement refusal announced.
    pub announced_refusal: Option<String>,
    /// Whose tasks may be stopped for it.
    pub reach: Reach,
}

/// Whose tasks may be stopped for a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of any other part: it takes their place.
    All,
    /// Those of any but this one, which stands beside it.
    AllBut(String),
    /// Its own.
    Own,
}

/// How many tasks a service wants now: none once it is deleted.
pub fn desired_count(service: &Service) -> u32 {
    match service.status {
        ServiceStatus::Active => service.desired_count,
        ServiceStatus::Draining | ServiceStatus::Inactive => 0,
    }
}

impl Part {
    /// The PRIMARY deployment.
    pub fn primary_deployment(service: &Service) -> Option<Self> {
        let primary = service.deployments.first()?;
        Some(Self {
            id: primary.id.clone(),
            desired_count: desired_count(service),
            task_definition: primary.task_definition.clone(),
            launch_type: service.launch_type,
            capacity_provider_strategy: service.capacity_provider_strategy.clone(),
            platform_version: service.platform_version.clone(),
            network_configuration: primary.network_configuration.clone(),
            throttled_until: service.throttled_until,
            announced_refusal: service.announced_refusal.clone(),
            reach: Reach::All,
        })
    }

    /// Any deployment, as its revision has it; `None` if nobody knows that any more.
    pub fn deployment(state: &State, service: &Service, it: &Deployment, reach: Reach) -> Option<Self> {
        let revision = state.get::<ServiceRevision>(&it.revision)?;
        Some(Self {
            id: it.id.clone(),
            desired_count: desired_count(service),
            task_definition: it.task_definition.clone(),
            launch_type: revision.launch_type,
            capacity_provider_strategy: revision.capacity_provider_strategy.clone(),
            platform_version: revision.platform_version.clone(),
            network_configuration: it.network_configuration.clone(),
            throttled_until: it.starts.throttled_until,
            announced_refusal: it.starts.announced_refusal.clone(),
            reach,
        })
    }

    /// A task set.
    pub fn task_set(service: &Service, it: &TaskSet) -> Self {
        Self {
            id: it.id.clone(),
            desired_count: it.computed_desired_count(desired_count(service)),
            task_definition: it.task_definition.clone(),
            launch_type: it.launch_type,
            capacity_provider_strategy: it.capacity_provider_strategy.clone(),
            platform_version: it.platform_version.clone(),
            network_configuration: it.network_configuration.clone(),
            throttled_until: it.throttled_until,
            announced_refusal: it.announced_refusal.clone(),
            reach: Reach::Own,
        }
    }

    /// Whether a task is of this part.
    pub fn has(&self, task: &Task) -> bool {
        task.started_by.as_ref() == Some(&self.id)
    }

    /// Whether a task may be stopped for this part.
    pub fn may_stop(&self, task: &Task) -> bool {
        match &self.reach {
            Reach::All => true,
            Reach::AllBut(other) => task.started_by.as_ref() != Some(other),
            Reach::Own => self.has(task),
        }
    }

    /// Whether a task may have traffic: where another part stands beside this one, what is of neither has none.
    pub fn may_serve(&self, task: &Task) -> bool {
        match self.reach {
            Reach::All | Reach::Own => true,
            Reach::AllBut(_) => self.has(task),
        }
    }

    /// The places that its tasks are to get in target groups.
    fn targets(&self, state: &State, service: &Service) -> Vec<TaskTarget> {
        if let Some(it) = service.task_set(&self.id) {
            let load_balancers = it.load_balancers.iter();
            return load_balancers.map(|it| waiting(it, &it.behind)).collect();
        }
        let mut deployments = service.deployments.iter();
        let mine = deployments.find(|it| it.id == self.id);
        let Some(revision) = mine.and_then(|it| state.get::<ServiceRevision>(&it.revision)) else {
            return Vec::new();
        };
        let load_balancers = revision.load_balancers.iter().zip(&revision.target_groups);
        load_balancers.map(|(it, behind)| waiting(it, behind)).collect()
    }

    /// The place that its tasks are to get in a service registry.
    fn registration(&self, state: &State, service: &Service) -> Option<TaskRegistration> {
        let task_set = service.task_set(&self.id);
        let registry = match task_set {
            Some(it) => it.service_registries.first()?,
            None => {
                let mine = service.deployments.iter().find(|it| it.id == self.id)?;
                let revision = state.get::<ServiceRevision>(&mine.revision)?;
                revision.service_registries.first()?
            }
        };
        Some(TaskRegistration {
            registry: registry.clone(),
            external_id: task_set.and_then(|it| it.external_id.clone()),
            state: RegistrationState::Waiting,
        })
    }

    /// What its tasks offer by Service Connect.
    fn endpoints(&self, state: &State, service: &Service, definition: &TaskDefinition) -> Vec<TaskEndpoint> {
        let mut deployments = service.deployments.iter();
        let mine = deployments.find(|it| it.id == self.id);
        let revision = mine.and_then(|it| state.get::<ServiceRevision>(&it.revision));
        let configuration = revision.and_then(|it| it.service_connect.as_ref());
        service_connect_endpoints(state, configuration, definition)
    }

    /// So many of its tasks; `None` if nobody knows what they run.
    pub fn run(&self, state: &State, service: &Service, count: u32) -> Option<RunTasks> {
        let definition = state.get::<TaskDefinition>(&self.task_definition)?.clone();
        let tags = tags(service, &definition);
        // A service keeps its subnets when it goes on with a task definition that has no use for them.
        let has_address = definition.effective_network_mode() == NetworkMode::Awsvpc;
        let network = self.network_configuration.clone().filter(|_| has_address);
        Some(RunTasks {
            cluster: service.cluster.clone(),
            definition: definition.clone(),
            count,
            launch_type: self.launch_type,
            capacity_provider_strategy: self.capacity_provider_strategy.clone(),
            placed: Where::Anywhere,
            placement_constraints: service.placement_constraints.clone(),
            placement_strategy: service.placement_strategy.clone(),
            group: format!("service:{}", service.arn.name()),
            started_by: Some(self.id.clone()),
            service: Some(service.arn.clone()),
            targets: self.targets(state, service),
            registration: self.registration(state, service),
            endpoints: self.endpoints(state, service, &definition),
            enable_execute_command: service.enable_execute_command,
            client_request: None,
            overrides: domain::task::Overrides::default(),
            network,
            public_addresses: None,
            platform_version: self.platform_version.clone(),
            tags,
        })
    }
}

fn waiting(it: &ServiceLoadBalancer, behind: &Behind) -> TaskTarget {
    TaskTarget::waiting(behind.clone(), it.container.clone(), it.container_port)
}

fn tags(service: &Service, definition: &TaskDefinition) -> Vec<Pair> {
    let mut tags = match service.propagate_tags {
        PropagateTags::None => Vec::new(),
        PropagateTags::Service => service.tags.clone(),
        PropagateTags::TaskDefinition => definition.tags.clone(),
    };
    tags.extend(managed_tags(service));
    tags
}

/// Tags that ECS itself puts on tasks of a service, if it shall.
pub fn managed_tags(service: &Service) -> Vec<Pair> {
    match service.enable_ecs_managed_tags {
        true => vec![
            Pair::new("aws:ecs:clusterName", service.cluster.name()),
            Pair::new("aws:ecs:serviceName", service.arn.name()),
        ],
        false => Vec::new(),
    }
}
