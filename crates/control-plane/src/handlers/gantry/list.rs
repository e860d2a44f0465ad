//! ListStoppedTasks.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use api::gantry;
use domain::task::{Task, TaskContainer, TaskStatus};
use domain::{ServiceArn, TaskArn, Timestamp};

use super::errors::{self, invalid_parameter};
use super::find::{Source, cluster, head};
use crate::call::{Authorized, Call};
use crate::handlers::ecs::names;
use crate::handlers::page::{PageRequest, page};
use crate::task_history;

/// Most tasks of a page, and how many come unless the caller says.
const PAGE_MAX: i32 = 100;
/// Only the newest are listed: each has to be read for a filter.
const READ_MAX: usize = 10_000;

/// What is asked for.
struct Filter {
    family: Option<String>,
    service: Option<ServiceArn>,
}

impl Filter {
    fn is_met(&self, task: &Task) -> bool {
        let family = task.task_definition.family_and_revision().map(|(it, _)| it);
        self.family.as_deref().is_none_or(|it| family == Some(it))
            && self
                .service
                .as_ref()
                .is_none_or(|it| task.service.as_ref() == Some(it))
    }
}

/// `ListStoppedTasks`: those of the state and those of the history, the last to stop first, at
/// most [`READ_MAX`].
///
/// # Errors
/// InvalidParameterException.
pub async fn list_stopped_tasks(
    call: Call<gantry::ListStoppedTasks>,
) -> Result<gantry::ListStoppedTasksOutput, gantry::Error> {
    let input = call.input();
    let most = input.max_results.unwrap_or(PAGE_MAX);
    let max_results = usize::try_from(most)
        .ok()
        .filter(|_| (1..=PAGE_MAX).contains(&most));
    let max_results = max_results.ok_or_else(|| {
        invalid_parameter(format!(
            "maxResults must be between 1 and {PAGE_MAX}, not {most}."
        ))
    })?;
    let chosen = cluster(call.scope(), input.cluster.as_deref())?;
    let service = input.service_name.as_deref().map(|name| {
        let cluster = names::cluster(call.scope(), input.cluster.as_deref());
        cluster.and_then(|it| names::service(&it, name))
    });
    let filter = Filter {
        family: input.family.clone(),
        service: service.transpose().map_err(|error| errors::of_name(&error))?,
    };
    let head = head(call.scope(), chosen.as_ref());
    let listing = format!("stopped tasks {head} {:?} {:?}", filter.family, filter.service);
    let all = newest_first(call.access(), &head, call.now());
    let request = PageRequest {
        listing: &listing,
        next_token: input.next_token.as_deref(),
        max_results,
    };
    let (access, now) = (call.access().clone(), call.now());
    let found = tokio::task::spawn_blocking(move || read(&access, all, &filter, now)).await;
    let found = found.map_err(|error| errors::history(&error))??;
    let key = call.access().page_key();
    let (tasks, next_token) =
        page(key, &request, found.into_iter()).map_err(|_| invalid_parameter("Invalid token."))?;
    Ok(gantry::ListStoppedTasksOutput {
        tasks: Some(tasks),
        next_token,
    })
}

/// ARNs with the times at which their tasks stopped, from both places.
fn newest_first(access: &Authorized, head: &str, now: Timestamp) -> Vec<(i64, String, Option<Arc<Task>>)> {
    let mut all: BTreeMap<String, (i64, Option<Arc<Task>>)> = BTreeMap::new();
    for (at_ms, key) in access.history().keys(head, now) {
        all.insert(key, (at_ms, None));
    }
    access.store().read(|state| {
        let stopped = state
            .all::<Task>()
            .filter(|it| it.last_status == TaskStatus::Stopped);
        for task in stopped.filter(|it| it.arn.as_str().starts_with(head)) {
            let at = task.times.stopped_at.unwrap_or(task.times.created_at);
            all.insert(
                task.arn.to_string(),
                (at.as_millisecond(), Some(Arc::clone(task))),
            );
        }
    });
    let mut all: Vec<_> = all.into_iter().map(|(arn, (at, task))| (at, arn, task)).collect();
    all.sort_by(|left, right| (Reverse(left.0), &left.1).cmp(&(Reverse(right.0), &right.1)));
    all.truncate(READ_MAX);
    all
}

/// Those that meet the filter, with keys that grow as the times fall.
fn read(
    access: &Authorized,
    all: Vec<(i64, String, Option<Arc<Task>>)>,
    filter: &Filter,
    now: Timestamp,
) -> Result<Vec<(String, gantry::StoppedTask)>, gantry::Error> {
    let mut found = Vec::new();
    for (at_ms, arn, task) in all {
        let (task, source) = match task {
            Some(task) => (Some(task), Source::State),
            None => {
                let read = task_history::read(access.history(), &arn, now);
                let task = read.map_err(|error| errors::history(&error))?;
                (task.map(Arc::new), Source::History)
            }
        };
        if let Some(task) = task.filter(|it| filter.is_met(it)) {
            found.push((format!("{:020} {arn}", i64::MAX - at_ms), render(&task, source)));
        }
    }
    Ok(found)
}

fn render(task: &Task, source: Source) -> gantry::StoppedTask {
    let container = |it: &TaskContainer| gantry::StoppedContainer {
        name: Some(it.name.clone()),
        exit_code: it.exit_code,
        reason: it.reason.clone(),
    };
    let arn: &TaskArn = &task.arn;
    gantry::StoppedTask {
        task_arn: Some(arn.to_string()),
        task_definition_arn: Some(task.task_definition.to_string()),
        group: Some(task.group.clone()),
        source: Some(source.as_str().to_owned()),
        started_at: task.times.started_at,
        stopped_at: task.times.stopped_at,
        stop_code: task.stop.as_ref().map(|it| it.code.as_str().to_owned()),
        stopped_reason: task.stop.as_ref().map(|it| it.reason.clone()),
        containers: Some(task.containers.iter().map(container).collect()),
    }
}
