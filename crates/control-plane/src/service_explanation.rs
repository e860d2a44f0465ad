//! What a service waits for, in plain words. Pure: from its outlook to sentences.

use std::sync::Arc;

use domain::deployment_lifecycle::DeploymentLifecycle;
use domain::host::Resources;
use domain::lifecycle_hook::{HookRun, HookStatus};
use domain::service::ServiceStatus;
use domain::service_load_balancer::{TaskTarget, TaskTargetState};
use domain::task::Task;
use domain::{ContainerInstanceArn, Timestamp};
use orchestrator::controllers::service_deployments::{ServiceOutlook, Wait};
use orchestrator::transitions::{Considered, RunTasksRefusal, tell_refusals};
use store::State;

#[cfg(test)]
mod tests;

/// One sentence.
pub fn summary(it: &ServiceOutlook) -> String {
    let (desired, running, pending) = sums(it);
    let has = format!("{running} of {desired} tasks run");
    match it.service.status {
        ServiceStatus::Inactive => return "The service has been deleted.".to_owned(),
        ServiceStatus::Draining => return "The service is being deleted: its tasks stop.".to_owned(),
        ServiceStatus::Active => {}
    }
    let is_idle = it.parts.iter().all(|it| it.starts + it.stops == 0);
    match it.waits.len() {
        0 if is_idle && pending == 0 && running == desired => {
            format!("The service is as it should be: {has}.")
        }
        0 => format!("The service is at work: {has}, {pending} start."),
        1 => format!("{has}. The service waits for one thing."),
        count => format!("{has}. The service waits for {count} things."),
    }
}

fn sums(it: &ServiceOutlook) -> (u32, u32, u32) {
    let sum = |of: fn(&orchestrator::controllers::service_deployments::PartOutlook) -> u32| {
        it.parts.iter().map(of).sum::<u32>()
    };
    (
        sum(|it| it.desired_count),
        sum(|it| it.tally.running),
        sum(|it| it.tally.pending),
    )
}

/// What it waits for.
pub fn waits_for(state: &State, it: &ServiceOutlook, now: Timestamp) -> Vec<String> {
    let told = it.waits.iter().map(|wait| told(it, wait, now));
    let mut told: Vec<String> = told.collect();
    for (placement, considered) in it
        .parts
        .iter()
        .filter_map(|it| Some((it, it.considered.as_ref()?)))
    {
        let is_refused = considered.hosts.iter().all(|(_, refusals)| !refusals.is_empty());
        if is_refused && let Some(counts) = counts(state, considered) {
            told.push(format!("of deployment {}: {counts}", placement.id));
        }
    }
    told
}

fn told(it: &ServiceOutlook, wait: &Wait, now: Timestamp) -> String {
    match wait {
        Wait::Stage(lifecycle) => told_of_stage(lifecycle, now),
        Wait::GivenUp(reason) => {
            let reason = reason.as_deref().unwrap_or("it failed");
            format!("a new deployment: this one was given up ({reason})")
        }
        Wait::Throttled { until, failed_starts } => told_of_throttle(*until, *failed_starts, now),
        Wait::Placement { count } => {
            format!(
                "placement: no container instance takes {}",
                tasks_of(*count, "task")
            )
        }
        Wait::Starting(count, tasks) => format!(
            "{} to run: {}",
            tasks_of(*count, "task that was placed"),
            names(*count, tasks, |it| Some(it.last_status.as_str().to_owned()))
        ),
        Wait::HealthChecks(count, tasks) => format!(
            "the health checks of {}: {}",
            tasks_of(*count, "running task"),
            names(*count, tasks, |_| None)
        ),
        Wait::Targets(count, tasks) => format!(
            "load balancers to find {} healthy: {}",
            tasks_of(*count, "running task"),
            names(*count, tasks, |it| it.targets.iter().find_map(in_group))
        ),
        Wait::Lifetime(count, tasks, healthy_after) => format!(
            "{} to have run for {} s: {}",
            tasks_of(*count, "task without health checks"),
            healthy_after.as_secs(),
            names(*count, tasks, |_| None)
        ),
        Wait::Stopping(count, tasks) => format!(
            "the end of {}: {}",
            tasks_of(*count, "task that shall stop"),
            names(*count, tasks, |it| Some(it.last_status.as_str().to_owned()))
        ),
        Wait::Maximum { missing } => format!(
            "older tasks to stop: {missing} more would be above the maximum of {}",
            tasks_of(it.maximum, "task")
        ),
        Wait::Minimum { kept } => format!(
            "new tasks to get healthy: {} kept for the minimum of {}",
            match kept {
                1 => "1 older task is".to_owned(),
                kept => format!("{kept} older tasks are"),
            },
            tasks_of(it.minimum, "healthy task")
        ),
        Wait::Protected(count, tasks) => format!(
            "the end of the protection of {}: {}",
            tasks_of(*count, "task"),
            names(*count, tasks, |it| it
                .protection(now)
                .map(|until| format!("until {until:.0}")))
        ),
        Wait::Agents(count, instances) => format!(
            "the agents of {}, which are not connected: {}",
            instances_of(*count),
            instance_names(*count, instances)
        ),
        Wait::LastToStop(count, instances) => format!(
            "the other tasks on {}, DRAINING, where daemons stop last: {}",
            instances_of(*count),
            instance_names(*count, instances)
        ),
    }
}

fn told_of_throttle(until: Timestamp, failed_starts: u32, now: Timestamp) -> String {
    let left = until.duration_since(now).as_secs().max(0);
    format!(
        "the throttle of starts, until {until:.0} ({left} s): {failed_starts} starts failed one after the other"
    )
}

/// How a task is in a target group that does not find it healthy.
fn in_group(it: &TaskTarget) -> Option<String> {
    let state = match &it.state {
        TaskTargetState::Waiting => "not registered yet",
        TaskTargetState::Registered { health, .. } => health.as_str(),
        TaskTargetState::Refused => "refused",
        TaskTargetState::Deregistered { .. } => "deregistered",
    };
    (!it.is_healthy()).then(|| format!("{state} in {}", it.behind.name()))
}

/// Where a deployment in stages is, and who is asked there.
fn told_of_stage(lifecycle: &DeploymentLifecycle, now: Timestamp) -> String {
    let since = now.duration_since(lifecycle.since).as_secs().max(0);
    let mut told = format!(
        "the stage {} of its deployment, for {since} s now, with {} % of the traffic on the new revision",
        lifecycle.stage.as_str(),
        f64::from(lifecycle.production_weight) / 10.0
    );
    for hook in lifecycle.hooks.iter().filter(|it| it.status.is_open()) {
        let target = hook.hook.target.arn();
        let target = target.as_deref().unwrap_or("a pause");
        told.push_str(&format!(
            "; the hook {} ({target}) until {:.0}",
            hook.id, hook.expires_at
        ));
        if let Some(reason) = &hook.reason {
            told.push_str(&format!(": {reason}"));
        }
    }
    told
}

/// "1 task", "3 tasks that were …": the noun is the first word that can be one.
fn tasks_of(count: u32, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!(
            "{count} {}",
            noun.replacen("task", "tasks", 1)
                .replacen("that was", "that were", 1)
        ),
    }
}

fn names(count: u32, tasks: &[Arc<Task>], more: impl Fn(&Task) -> Option<String>) -> String {
    let one = |it: &Arc<Task>| match more(it) {
        Some(more) => format!("{} ({more})", it.arn.name()),
        None => it.arn.name().to_owned(),
    };
    let mut names: Vec<String> = tasks.iter().map(one).collect();
    if names.len() < count as usize {
        names.push("...".to_owned());
    }
    names.join(", ")
}

fn instances_of(count: u32) -> String {
    match count {
        1 => "1 container instance".to_owned(),
        count => format!("{count} container instances"),
    }
}

fn instance_names(count: u32, instances: &[ContainerInstanceArn]) -> String {
    let mut names: Vec<&str> = instances.iter().map(ContainerInstanceArn::name).collect();
    if names.len() < count as usize {
        names.push("...");
    }
    names.join(", ")
}

/// How many hosts refuse for what.
pub fn counts(state: &State, it: &Considered) -> Option<String> {
    match &it.nowhere {
        Some(RunTasksRefusal::NoContainerInstances) => {
            return Some("No Container Instances were found in your cluster.".to_owned());
        }
        Some(RunTasksRefusal::NoSecurityGroup(id)) => {
            return Some(format!("The security group {id} does not exist any more."));
        }
        None => {}
    }
    let all: Vec<_> = it
        .hosts
        .iter()
        .flat_map(|(_, refusals)| refusals)
        .cloned()
        .collect();
    let counts = tell_refusals(state, &it.needs, &all);
    counts.or_else(|| {
        let failure = it.failures.first()?;
        Some(match &failure.detail {
            Some(detail) => format!("{}. {detail}", failure.reason),
            None => failure.reason.clone(),
        })
    })
}

/// What a task takes of its host.
pub fn needs(it: &Resources) -> String {
    let mut needs = vec![format!("{} CPU units", it.cpu), format!("{} MiB", it.memory)];
    if !it.ports.is_empty() {
        let ports: Vec<String> = it.ports.iter().map(|it| it.port.to_string()).collect();
        needs.push(format!("host ports {}", ports.join(", ")));
    }
    if it.gpus > 0 {
        needs.push(format!("{} GPUs", it.gpus));
    }
    needs.join(", ")
}

/// Why a task failed: its stop reason, the container that failed and its last line.
pub fn failure(task: &Task) -> String {
    let mut told = task
        .stop
        .as_ref()
        .map_or_else(String::new, |it| it.reason.clone());
    for container in &task.containers {
        if let Some(code) = container.exit_code.filter(|it| *it != 0) {
            told.push_str(&format!("; {} exited with {code}", container.name));
            if let Some(line) = container.last_lines.last() {
                told.push_str(&format!(", its last line: {line}"));
            }
        }
        if let Some(reason) = &container.reason {
            told.push_str(&format!("; {}: {reason}", container.name));
        }
    }
    told
}

/// What to try.
pub fn next_steps(it: &ServiceOutlook) -> Vec<String> {
    let mut steps = Vec::new();
    for wait in &it.waits {
        match wait {
            Wait::Placement { .. } => steps.push(
                "Give it room: stop other tasks, ask for less CPU or memory in the task definition, or register \
                 another container instance."
                    .to_owned(),
            ),
            Wait::Stage(lifecycle) => {
                let is_pause = |it: &&HookRun| it.status == HookStatus::AwaitingAction;
                if let Some(pause) = lifecycle.hooks.iter().find(is_pause) {
                    steps.push(format!(
                        "`aws ecs continue-service-deployment --hook-id {}` ends the pause; \
                         `--service-deployment-arn` is what `aws ecs list-service-deployments` says.",
                        pause.id
                    ));
                }
            }
            Wait::GivenUp(_) => steps.push(
                "Mend what failed, then update the service (or `--force-new-deployment`).".to_owned(),
            ),
            Wait::Maximum { .. } if it.minimum >= it.maximum => steps.push(
                "Lower minimumHealthyPercent or raise maximumPercent: as they are no task can be replaced."
                    .to_owned(),
            ),
            Wait::Throttled { .. } => {
                if let Some(task) = it.failed.first() {
                    steps.push(format!(
                        "`gantry task explain {}` says why its last task failed.",
                        task.arn.name()
                    ));
                }
            }
            _ => {}
        }
    }
    steps.dedup();
    steps
}
