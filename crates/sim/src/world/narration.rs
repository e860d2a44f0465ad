//! Commits in words, a line for each change that users would see.

use domain::target::Target;
use domain::task::Task;
use store::{Change, Changed, Commit};

use super::World;
use super::balancing::told;

impl World {
    pub(super) fn narrate(&mut self, commit: &Commit) {
        for change in &commit.changes {
            let line = match change {
                Change::Task(it) => self.task(it),
                Change::ServiceEvent(it) => it.after.as_ref().map(|it| it.message.clone()),
                Change::Service(it) => Some(service(it)),
                Change::Target(it) => Some(target(it)),
                Change::Host(it) => Some(format!("host {}", self.ledger(it))),
                _ => None,
            };
            if let Some(line) = line {
                self.note(&format!("#{:<5} {line}", commit.id.0));
            }
        }
    }

    fn name_of_host(&self, id: &str) -> String {
        let is_it = |it: &&crate::machine::Machine| it.instance.as_ref().is_some_and(|it| it.name() == id);
        let found = self.machines.iter().find(is_it);
        found.map_or_else(|| id.to_owned(), |it| it.name.clone())
    }

    fn task(&self, change: &Changed<Task>) -> Option<String> {
        let task = change.current();
        let name = task.arn.name();
        let Some(after) = &change.after else {
            return Some(format!("task {name} is forgotten"));
        };
        let host = self.name_of_host(&task.host_id);
        let Some(before) = &change.before else {
            let family = task.task_definition.name();
            return Some(format!("task {name} of {} ({family}) on {host}", task.group));
        };
        let (from, to) = (before.last_status.as_str(), after.last_status.as_str());
        let stop = match (&before.stop, &after.stop) {
            (None, Some(stop)) => format!(" ({}: {})", stop.code.as_str(), stop.reason),
            _ => String::new(),
        };
        let health = after.containers.iter().filter_map(|it| it.health.as_ref());
        let health: String = health.map(|it| format!(" {}", it.status.as_str())).collect();
        Some(format!("task {name} on {host}: {from} -> {to}{health}{stop}"))
    }

    fn ledger(&self, change: &Changed<domain::host::Host>) -> String {
        let host = change.current();
        let name = self.name_of_host(&host.id);
        let connection = if host.is_connected { "connected" } else { "lost" };
        let (cpu, memory) = (host.promised.cpu, host.promised.memory);
        format!(
            "{name} {connection}, {} tasks, cpu {cpu}, memory {memory}",
            host.task_count
        )
    }
}

fn service(change: &Changed<domain::service::Service>) -> String {
    let service = change.current();
    let deployments = service.deployments.iter().map(|it| {
        let number = &it.id[it.id.len().saturating_sub(4)..];
        let family = it.task_definition.name();
        format!(
            "{number} {family} {} failed {}",
            it.rollout.as_str(),
            it.failed_tasks
        )
    });
    let deployments: Vec<_> = deployments.collect();
    let bounds = service.deployment_configuration;
    format!(
        "service {} {} wants {} within {}..{}%: [{}]",
        service.arn.name(),
        service.status.as_str(),
        service.desired_count,
        bounds.minimum_healthy_percent,
        bounds.maximum_percent,
        deployments.join(", ")
    )
}

fn target(change: &Changed<Target>) -> String {
    let name = told(&change.current().key);
    match &change.after {
        Some(it) if it.is_idle => format!("target {name}: {}, idle", it.health.state.as_str()),
        Some(it) => format!("target {name}: {}", it.health.state.as_str()),
        None => format!("target {name} is gone"),
    }
}
