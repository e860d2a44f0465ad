//! Tasks are placed: hosts promise, addresses are given, records made, all in one transaction.

mod address;
mod capacity;
mod consider;
mod daemon_room;
mod eligible;
mod fargate;
mod instance_tasks;
mod once;
mod platform;
mod refusals;

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::capacity_provider::CapacityProviderStrategyItem;
use domain::client_request::ClientRequest;
use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::host::{Host, Resources};
use domain::placement::{PlacementConstraint, PlacementStrategy};
use domain::service_connect::{TaskEndpoint, TaskServiceConnect};
use domain::service_load_balancer::TaskTarget;
use domain::service_registry::TaskRegistration;
use domain::tags::Pair;
use domain::task::{
    ContainerStatus, DesiredStatus, NetworkConfiguration, Overrides, Task, TaskContainer, TaskStatus,
    TaskTimes,
};
use domain::task_definition::{LaunchType, TaskDefinition};
use domain::{ClusterArn, ContainerInstanceArn, ServiceArn};
use ipnet::Ipv4Net;
use placement::{Candidate, Placement, PlacementRefusal, Requirements, Rules, place};
use store::{State, Tx};

use super::queued_tasks::NO_HOST;
use super::reservation::reservation;
pub use address::free_address;
pub use capacity::EMPTY_CAPACITY_PROVIDER;
pub use consider::{Considered, consider};
pub(crate) use eligible::eligible;
pub use fargate::CAPACITY_UNAVAILABLE;
pub use once::{RunTasksOnceRefusal, run_tasks_once};
pub use refusals::{tell_refusal, tell_refusals};

/// What is to run.
#[derive(Clone, Debug)]
pub struct RunTasks {
    /// Cluster of the tasks.
    pub cluster: ClusterArn,
    /// What they run.
    pub definition: Arc<TaskDefinition>,
    /// How many.
    pub count: u32,
    /// On what.
    pub launch_type: LaunchType,
    /// How they are divided, if by a strategy; not obeyed by StartTask.
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// Where.
    pub placed: Where,
    /// Where they may go, beside what the definition says; not obeyed on FARGATE and by StartTask.
    pub placement_constraints: Vec<PlacementConstraint>,
    /// Where they go best; not obeyed on FARGATE and by StartTask.
    pub placement_strategy: Vec<PlacementStrategy>,
    /// `family:…`, `service:…` or the caller's.
    pub group: String,
    /// The deployment, or the caller's word.
    pub started_by: Option<String>,
    /// The service that wants them.
    pub service: Option<ServiceArn>,
    /// Changes of the definition.
    pub overrides: Overrides,
    /// Subnets and security groups, in `awsvpc`.
    pub network: Option<NetworkConfiguration>,
    /// What the public addresses are given of that the network asks for; `None` where nothing is started yet.
    pub public_addresses: Option<Ipv4Net>,
    /// FARGATE only.
    pub platform_version: Option<String>,
    /// Their places in target groups.
    pub targets: Vec<TaskTarget>,
    /// Their place in a service registry.
    pub registration: Option<TaskRegistration>,
    /// What they offer by Service Connect.
    pub endpoints: Vec<TaskEndpoint>,
    /// Commands can be run in their containers.
    pub enable_execute_command: bool,
    /// The call, if it may be repeated.
    pub client_request: Option<ClientRequest>,
    /// Tags.
    pub tags: Vec<Pair>,
}

/// Where tasks go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// Wherever placement finds room.
    Anywhere,
    /// Wherever it finds room in this availability zone.
    InZone(String),
    /// One on each of these, as StartTask wants it.
    On(Vec<ContainerInstanceArn>),
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunTasksOutcome {
    /// The new tasks.
    pub tasks: Vec<Arc<Task>>,
    /// Why there are not more.
    pub failures: Vec<PlacementFailure>,
}

/// Why a task is not there: what a host says against it, or on FARGATE that none is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacementFailure {
    /// ARN of what is in the way, such as the container instance considered; FARGATE names no hosts.
    pub arn: Option<String>,
    /// `RESOURCE:CPU` and so on.
    pub reason: String,
    /// What is missing, where the reason does not say it.
    pub detail: Option<String>,
    /// What a service event says of it.
    pub in_event: String,
}

/// Why nothing was even tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunTasksRefusal {
    /// No container instance in the cluster that takes tasks, no host in the pool.
    NoContainerInstances,
    /// A security group that is named is not there any more.
    NoSecurityGroup(String),
}

/// What each of the tasks takes of its host.
pub fn needs(run: &RunTasks) -> Resources {
    reservation(&run.definition, &run.overrides)
}

/// Amazon's reason for tasks that get no network interface.
const NO_ADDRESS: &str = "RESOURCE:ENI";

/// Places tasks and makes their records.
///
/// # Errors
/// There is nowhere to place them at all; nothing is changed.
pub fn run_tasks(tx: &mut Tx<'_>, run: &RunTasks) -> Result<RunTasksOutcome, RunTasksRefusal> {
    let wanted = needs(run);
    let mut outcome = RunTasksOutcome::default();
    match &run.placed {
        Where::Anywhere | Where::InZone(_) if run.capacity_provider_strategy.is_empty() => {
            place_anywhere(tx, run, &wanted, &mut outcome)?;
        }
        Where::Anywhere | Where::InZone(_) => {
            for part in capacity::parts(tx.state(), run) {
                place_anywhere(tx, &part, &wanted, &mut outcome)?;
            }
        }
        Where::On(instances) => {
            for arn in instances {
                let hosts = hosts(tx.state(), run, Some(arn));
                if hosts.is_empty() {
                    outcome
                        .failures
                        .push(failure(arn.to_string(), "MISSING", None, "is not there"));
                    continue;
                }
                let placement = placement(tx, run, &wanted, hosts, 1);
                start(tx, run, &wanted, placement, &mut outcome)?;
            }
        }
    }
    Ok(outcome)
}

fn place_anywhere(
    tx: &mut Tx<'_>,
    run: &RunTasks,
    wanted: &Resources,
    outcome: &mut RunTasksOutcome,
) -> Result<(), RunTasksRefusal> {
    if let Some(name) = capacity::provider(run).filter(|_| capacity::is_of_group(run)) {
        outcome.failures.push(capacity::empty(&run.cluster.scope(), name));
        return Ok(());
    }
    let hosts = hosts(tx.state(), run, None);
    let is_fargate = run.launch_type == LaunchType::Fargate;
    if !is_fargate && !hosts.iter().any(|(_, instance)| is_active(instance)) {
        return Err(RunTasksRefusal::NoContainerInstances);
    }
    // Only who names an instance that takes no tasks is told of it; from what runs there, tasks are still spread away.
    let closed = hosts.iter().filter(|(_, instance)| !is_active(instance));
    let closed: BTreeSet<String> = closed.map(|(_, instance)| instance.arn.to_string()).collect();
    let mut placement = placement(tx, run, wanted, hosts, run.count);
    placement
        .failures
        .retain(|it| it.arn.as_ref().is_none_or(|arn| !closed.contains(arn)));
    if !is_fargate {
        return start(tx, run, wanted, placement, outcome);
    }
    let missing = (run.count as usize).saturating_sub(placement.chosen.len());
    let refused = std::mem::take(&mut placement.failures);
    start(tx, run, wanted, placement, outcome)?;
    // Only now the ledgers say what is left.
    let unplaced = fargate::unplaced(tx.state(), wanted, &refused, missing);
    outcome.failures.extend(unplaced);
    Ok(())
}

/// A host, and the container instance that it registered as.
type Joined<'a> = (&'a Arc<Host>, &'a Arc<ContainerInstance>);

/// Hosts in question.
fn hosts<'a>(state: &'a State, run: &RunTasks, only: Option<&ContainerInstanceArn>) -> Vec<Joined<'a>> {
    let joined = |it: &'a Arc<ContainerInstance>| Some((state.get::<Host>(&it.host_id)?, it));
    if run.launch_type == LaunchType::Fargate {
        let account = run.cluster.scope().account;
        let pool = state
            .hosts_of_account(&account)
            .filter(|it| it.is_fargate_capacity);
        return pool
            .filter(|it| is_in_zone(run, it))
            .filter_map(|it| {
                let mut instances = state.container_instances_of_host(&it.id);
                joined(instances.find(|it| it.status == ContainerInstanceStatus::Active)?)
            })
            .collect();
    }
    if let Some(arn) = only {
        let named = state.get::<ContainerInstance>(arn);
        return named.and_then(joined).into_iter().collect();
    }
    let is_external = run.launch_type == LaunchType::External;
    let is_meant = |it: &ContainerInstance| {
        it.is_external == is_external && it.status != ContainerInstanceStatus::Inactive
    };
    let sites = state.sites_of_cluster(&run.cluster).iter();
    let sites = sites.filter(|it| is_meant(&it.container_instance));
    let joined = sites.filter_map(|it| Some((it.host.as_ref()?, &it.container_instance)));
    joined.filter(|(host, _)| is_in_zone(run, host)).collect()
}

fn is_active(instance: &ContainerInstance) -> bool {
    instance.status == ContainerInstanceStatus::Active
}

fn is_in_zone(run: &RunTasks, host: &Host) -> bool {
    match &run.placed {
        Where::InZone(zone) => host.availability_zone == *zone,
        Where::Anywhere | Where::On(_) => true,
    }
}

/// What placement has decided.
struct Decided {
    /// The host of each task, and the container instance.
    chosen: Vec<(Arc<Host>, Arc<ContainerInstance>)>,
    failures: Vec<PlacementFailure>,
}

fn placement(tx: &Tx<'_>, run: &RunTasks, wanted: &Resources, hosts: Vec<Joined<'_>>, count: u32) -> Decided {
    let is_fargate = run.launch_type == LaunchType::Fargate;
    let (hosts, mut failures) = platform::matching(run, hosts);
    let rules = rules(run);
    let tasks = instance_tasks::of(tx.state(), run, &rules, &hosts);
    let ledgers = daemon_room::kept_free(tx.state(), run, &hosts);
    let candidates: Vec<Candidate<'_>> = hosts
        .iter()
        .enumerate()
        .map(|(index, (host, instance))| Candidate {
            host: ledgers.get(&index).unwrap_or(host),
            container_instance: (!is_fargate).then_some(&***instance),
            tasks: tasks.get(index),
        })
        .collect();
    let attributes = &platform::attributes(&run.definition);
    let Placement { placed, refused } = place(
        &candidates,
        &Requirements {
            resources: wanted,
            attributes,
            rules: &rules,
            group: &run.group,
            seed: if rules.is_empty() { 0 } else { tx.ids().seed() },
        },
        count,
    );
    let chosen = placed.into_iter().map(|index| {
        let (host, instance) = hosts[index];
        (Arc::clone(host), Arc::clone(instance))
    });
    failures.extend(refused.into_iter().map(|(index, refusal)| {
        let detail = match &refusal {
            PlacementRefusal::Attribute(name) => Some(name.clone()),
            _ => None,
        };
        let arn = hosts[index].1.arn.to_string();
        failure(arn, refusal.reason(), detail, refusal.in_event())
    }));
    Decided {
        chosen: chosen.collect(),
        failures,
    }
}

fn start(
    tx: &mut Tx<'_>,
    run: &RunTasks,
    wanted: &Resources,
    decided: Decided,
    outcome: &mut RunTasksOutcome,
) -> Result<(), RunTasksRefusal> {
    for (host, instance) in decided.chosen {
        let container_instance = (run.launch_type != LaunchType::Fargate).then(|| instance.arn.clone());
        match new_task(tx, run, wanted, &host, container_instance) {
            Ok(task) => outcome.tasks.push(task),
            Err(address::Unattached::NoSecurityGroup(id)) => {
                return Err(RunTasksRefusal::NoSecurityGroup(id));
            }
            // Those before it have been started, and are told; none after it will find one.
            Err(address::Unattached::NoAddress) => {
                outcome.failures.push(no_address(run, &instance));
                break;
            }
        }
    }
    outcome.failures.extend(decided.failures);
    Ok(())
}

/// FARGATE spreads over zones by itself, and StartTask is placed by its caller.
fn rules(run: &RunTasks) -> Rules {
    if run.launch_type == LaunchType::Fargate || matches!(run.placed, Where::On(_)) {
        return Rules::default();
    }
    let of_definition = run.definition.placement_constraints.iter();
    let constraints = of_definition.chain(&run.placement_constraints);
    match run.service {
        None => Rules::new(constraints, &run.placement_strategy),
        Some(_) => Rules::of_service(constraints, &run.placement_strategy),
    }
}

fn no_address(run: &RunTasks, instance: &ContainerInstance) -> PlacementFailure {
    let of_instance = failure(
        instance.arn.to_string(),
        NO_ADDRESS,
        None,
        "finds no free address in its subnets",
    );
    match run.launch_type {
        LaunchType::Fargate => fargate::nameless(of_instance),
        LaunchType::Ec2 | LaunchType::External => of_instance,
    }
}

fn failure(arn: String, reason: &str, detail: Option<String>, in_event: &str) -> PlacementFailure {
    PlacementFailure {
        arn: Some(arn),
        reason: reason.to_owned(),
        detail,
        in_event: in_event.to_owned(),
    }
}

fn new_task(
    tx: &mut Tx<'_>,
    run: &RunTasks,
    wanted: &Resources,
    host: &Host,
    container_instance: Option<ContainerInstanceArn>,
) -> Result<Arc<Task>, address::Unattached> {
    let eni = run
        .network
        .as_ref()
        .map(|network| address::attach(tx, network, run.public_addresses))
        .transpose()?;
    let (eni, zone) = eni.map_or((None, host.availability_zone.clone()), |(eni, zone)| {
        (Some(eni), zone)
    });
    let task = Task {
        capacity_provider: capacity::provider(run).map(str::to_owned),
        host_id: host.id.clone(),
        container_instance,
        availability_zone: zone,
        last_status: if eni.is_some() {
            TaskStatus::Provisioning
        } else {
            TaskStatus::Pending
        },
        eni: eni.map(Box::new),
        promised: wanted.clone(),
        ..unplaced(tx, run)
    };
    if let Some(current) = tx.get::<Host>(&host.id) {
        let mut ledger = (*current).clone();
        // Placement has just seen that it fits.
        if ledger.promise(wanted).is_ok() {
            tx.put(ledger);
        }
    }
    Ok(tx.put(task))
}

/// A task as it was asked for, without a place.
pub(super) fn unplaced(tx: &Tx<'_>, run: &RunTasks) -> Task {
    let containers = run.definition.containers.iter().map(|it| TaskContainer {
        name: it.name.clone(),
        id: tx.ids().uuid(),
        last_status: ContainerStatus::Pending,
        exit_code: None,
        reason: None,
        runtime_id: None,
        image_digest: None,
        network_bindings: Vec::new(),
        health: None,
        last_lines: Vec::new(),
        end: None,
    });
    Task {
        containers: containers.collect(),
        arn: run.cluster.member(&tx.ids().hex_32()),
        task_definition: run.definition.arn.clone(),
        launch_type: run.launch_type,
        capacity_provider: None,
        host_id: NO_HOST.to_owned(),
        container_instance: None,
        availability_zone: String::new(),
        group: run.group.clone(),
        started_by: run.started_by.clone(),
        service: run.service.clone(),
        desired_status: DesiredStatus::Running,
        last_status: TaskStatus::Provisioning,
        version: 1,
        stop: None,
        times: TaskTimes::of_new(tx.now()),
        overrides: run.overrides.clone(),
        eni: None,
        targets: run.targets.clone().into_boxed_slice(),
        registration: run.registration.clone().map(Box::new),
        service_connect: service_connect(&run.endpoints),
        promised: Resources::default(),
        platform_version: run.platform_version.clone(),
        enable_execute_command: run.enable_execute_command,
        client_request: run.client_request.clone().map(Box::new),
        protected_until: None,
        queued: None,
        tags: run.tags.clone(),
    }
}

fn service_connect(endpoints: &[TaskEndpoint]) -> Option<Box<TaskServiceConnect>> {
    let connect = TaskServiceConnect {
        endpoints: endpoints.to_vec(),
        idle_on: Vec::new(),
    };
    (!endpoints.is_empty()).then(|| Box::new(connect))
}
