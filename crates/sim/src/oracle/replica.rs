//! The records that the oracle cares for, kept by following commits.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::cloud_map::{DiscoveryInstance, InstanceKey};
use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::host::Host;
use domain::service::Service;
use domain::service_deployment::ServiceDeployment;
use domain::service_load_balancer::TaskTarget;
use domain::target::{Target, TargetKey};
use domain::task::{DesiredStatus, HealthStatus, Task, TaskStatus};
use domain::task_definition::TaskDefinition;
use domain::{ContainerInstanceArn, ServiceArn, ServiceDeploymentArn, TaskArn, TaskDefinitionArn, Timestamp};
use orchestrator::Settings;
use store::{Change, Changed, Commit, CommitId, State};

/// Records by key.
#[derive(Default)]
pub struct Replica {
    /// STOPPED ones too.
    pub tasks: BTreeMap<TaskArn, Arc<Task>>,
    /// Ledgers.
    pub hosts: BTreeMap<String, Arc<Host>>,
    /// INACTIVE ones too.
    pub services: BTreeMap<ServiceArn, Arc<Service>>,
    /// History of services.
    pub deployments: BTreeMap<ServiceDeploymentArn, Arc<ServiceDeployment>>,
    /// All revisions.
    pub definitions: BTreeMap<TaskDefinitionArn, Arc<TaskDefinition>>,
    /// Registrations.
    pub instances: BTreeMap<ContainerInstanceArn, Arc<ContainerInstance>>,
    /// Of load balancers.
    pub targets: BTreeMap<TargetKey, Arc<Target>>,
    /// Of Cloud Map.
    pub discovery_instances: BTreeMap<InstanceKey, Arc<DiscoveryInstance>>,
    last: CommitId,
}

fn put<K: Ord, R>(table: &mut BTreeMap<K, Arc<R>>, key: K, change: &Changed<R>) {
    match &change.after {
        Some(record) => drop(table.insert(key, Arc::clone(record))),
        None => drop(table.remove(&key)),
    }
}

impl Replica {
    /// Follows a commit.
    pub fn apply(&mut self, commit: &Commit) -> Result<(), String> {
        if commit.id.0 != self.last.0 + 1 {
            return Err(format!("commit {} follows commit {}", commit.id, self.last));
        }
        self.last = commit.id;
        for change in &commit.changes {
            match change {
                Change::Task(it) => put(&mut self.tasks, it.current().arn.clone(), it),
                Change::Host(it) => put(&mut self.hosts, it.current().id.clone(), it),
                Change::Service(it) => put(&mut self.services, it.current().arn.clone(), it),
                Change::ServiceDeployment(it) => put(&mut self.deployments, it.current().arn.clone(), it),
                Change::TaskDefinition(it) => put(&mut self.definitions, it.current().arn.clone(), it),
                Change::ContainerInstance(it) => put(&mut self.instances, it.current().arn.clone(), it),
                Change::Target(it) => put(&mut self.targets, it.current().key.clone(), it),
                Change::DiscoveryInstance(it) => {
                    let key = (it.current().service_id.clone(), it.current().id.clone());
                    put(&mut self.discovery_instances, key, it);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a state that was loaded from the disk is the one that commits have made.
    pub fn compare(&self, state: &State) -> Result<(), String> {
        let is_same = state.last_commit() == self.last
            && state.all::<Task>().eq(self.tasks.values())
            && state.all::<Host>().eq(self.hosts.values())
            && state.all::<Service>().eq(self.services.values())
            && state.all::<ServiceDeployment>().eq(self.deployments.values())
            && state.all::<Target>().eq(self.targets.values())
            && state
                .all::<DiscoveryInstance>()
                .eq(self.discovery_instances.values());
        match is_same {
            true => Ok(()),
            false => Err("what was loaded after a restart is not what had been committed".to_owned()),
        }
    }

    /// Tasks of a service, STOPPED ones too.
    pub fn tasks_of<'a>(&'a self, service: &'a ServiceArn) -> impl Iterator<Item = &'a Arc<Task>> {
        let mine = move |it: &&Arc<Task>| it.service.as_ref() == Some(service);
        self.tasks.values().filter(mine)
    }

    /// Tasks of a host that are not STOPPED.
    pub fn tasks_on<'a>(&'a self, host_id: &'a str) -> impl Iterator<Item = &'a Arc<Task>> {
        let open = move |it: &&Arc<Task>| it.host_id == host_id && it.last_status != TaskStatus::Stopped;
        self.tasks.values().filter(open)
    }

    /// What the health checks of a task come to.
    pub fn health(&self, task: &Task) -> HealthStatus {
        let definition = self.definitions.get(&task.task_definition);
        definition.map_or(HealthStatus::Unknown, |it| task.health(it))
    }

    /// Whether its health checks fail, or those of a load balancer.
    pub fn is_unhealthy(&self, task: &Task) -> bool {
        self.health(task) == HealthStatus::Unhealthy || task.targets.iter().any(TaskTarget::is_unhealthy)
    }

    /// Whether its container instance is DRAINING.
    pub fn is_on_draining(&self, task: &Task) -> bool {
        let instance = task.container_instance.as_ref();
        let instance = instance.and_then(|it| self.instances.get(it));
        instance.is_some_and(|it| it.status == ContainerInstanceStatus::Draining)
    }

    /// Whether a task has to be replaced where it is.
    pub fn is_leaving(&self, task: &Task) -> bool {
        self.is_on_draining(task) || self.is_unhealthy(task)
    }

    /// Whether a task does what its service is there for: it is wanted and runs, its health checks say so, and
    /// without any it has run for a while.
    pub fn is_healthy(&self, task: &Task, now: Timestamp) -> bool {
        if !is_wanted(task) || task.last_status != TaskStatus::Running {
            return false;
        }
        if !task.targets.iter().all(TaskTarget::is_healthy) {
            return false;
        }
        let definition = self.definitions.get(&task.task_definition);
        let is_checked = definition.is_some_and(|it| it.containers.iter().any(|it| it.is_health_checked()));
        match (self.health(task), task.times.started_at) {
            (HealthStatus::Healthy, _) => true,
            (HealthStatus::Unhealthy, _) => false,
            (HealthStatus::Unknown, _) if !is_checked && !task.targets.is_empty() => true,
            (HealthStatus::Unknown, Some(since)) if !is_checked => {
                let lived = now.duration_since(since);
                std::time::Duration::try_from(lived).unwrap_or_default() >= Settings::default().healthy_after
            }
            _ => false,
        }
    }
}

/// A task that counts for its service: it is to run, and has not stopped.
pub fn is_wanted(task: &Task) -> bool {
    task.desired_status == DesiredStatus::Running && task.last_status != TaskStatus::Stopped
}
