//! The task that a caller means: by ARN, by id, or by the beginning of an id, in the state or in the history.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::gantry;
use domain::task::Task;
use domain::{ClusterArn, Scope, TaskArn, Timestamp};

use super::errors::{self, invalid_parameter, task_not_found};
use crate::call::{Authorized, Call};
use crate::handlers::ecs::names;
use crate::task_history;

/// Ids that are named when a beginning is not unique.
const NAMED_MAX: usize = 5;
/// Longest id: the UUID of before 2018.
const ID_LENGTH_MAX: usize = 36;

/// Where a task was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// DescribeTasks shows it.
    State,
    /// It stopped a while ago.
    History,
}

impl Source {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::State => "STATE",
            Self::History => "HISTORY",
        }
    }
}

/// The cluster that is meant; `None`: any.
///
/// # Errors
/// InvalidParameterException for what can name no cluster.
pub fn cluster(scope: &Scope, given: Option<&str>) -> Result<Option<ClusterArn>, gantry::Error> {
    let given = given.filter(|it| !it.is_empty());
    let named = given.map(|it| names::cluster(scope, Some(it)));
    named.transpose().map_err(|error| errors::of_name(&error))
}

/// How the keys of the tasks that are meant begin.
pub fn head(scope: &Scope, cluster: Option<&ClusterArn>) -> String {
    match cluster {
        Some(cluster) => {
            let first: TaskArn = cluster.member("");
            first.to_string()
        }
        None => format!("arn:aws:ecs:{}:{}:task/", scope.region, scope.account),
    }
}

/// Finds a task.
///
/// # Errors
/// TaskNotFoundException; InvalidParameterException for what is no id, or begins several.
pub async fn find<O: wire::Operation>(
    call: &Call<O>,
    in_cluster: Option<&str>,
    given: &str,
) -> Result<(Arc<Task>, Source), gantry::Error> {
    let (scope, access, now) = (call.scope(), call.access(), call.now());
    let cluster = cluster(scope, in_cluster)?;
    let candidates = match given.starts_with("arn:") {
        true => BTreeSet::from([arn(scope, given)?]),
        false => beginning_with(scope, access, cluster.as_ref(), given, now)?,
    };
    let exact = candidates.iter().find(|it| it.name() == given);
    let chosen = match (exact, candidates.len()) {
        (Some(exact), _) => Some(exact),
        (None, 0 | 1) => candidates.first(),
        (None, count) => return Err(ambiguous(given, count, &candidates)),
    };
    let found = match chosen {
        None => None,
        Some(arn) => match access.store().read(|state| state.get::<Task>(arn).cloned()) {
            Some(task) => Some((task, Source::State)),
            None => of_history(access, arn, now)
                .await?
                .map(|it| (it, Source::History)),
        },
    };
    found.ok_or_else(|| {
        let place = match &cluster {
            Some(cluster) => format!("in the cluster {}", cluster.name()),
            None => "in any cluster".to_owned(),
        };
        task_not_found(format!(
            "The referenced task was not found: there is no task {given} {place}, and none in the history of stopped \
             tasks."
        ))
    })
}

fn arn(scope: &Scope, given: &str) -> Result<TaskArn, gantry::Error> {
    let parsed = TaskArn::parse(given)
        .ok()
        .filter(|it| it.cluster().scope() == *scope);
    parsed.ok_or_else(|| {
        invalid_parameter(format!(
            "Invalid identifier: {given} is not the ARN of a task of this account and region."
        ))
    })
}

fn beginning_with(
    scope: &Scope,
    access: &Authorized,
    cluster: Option<&ClusterArn>,
    given: &str,
    now: Timestamp,
) -> Result<BTreeSet<TaskArn>, gantry::Error> {
    let is_id = (1..=ID_LENGTH_MAX).contains(&given.len())
        && given.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    if !is_id {
        return Err(invalid_parameter(format!(
            "Invalid identifier: {given:?} is neither the id of a task, nor the beginning of one, nor an ARN."
        )));
    }
    let head = head(scope, cluster);
    let is_meant = |it: &TaskArn| it.as_str().starts_with(&head) && it.name().starts_with(given);
    let mut found: BTreeSet<TaskArn> = access.store().read(|state| {
        let all = state.all::<Task>().map(|it| &it.arn);
        all.filter(|it| is_meant(it)).cloned().collect()
    });
    let past = access.history().keys(&head, now).into_iter();
    let past = past.filter_map(|(_, key)| TaskArn::parse(&key).ok());
    found.extend(past.filter(is_meant));
    Ok(found)
}

fn ambiguous(given: &str, count: usize, candidates: &BTreeSet<TaskArn>) -> gantry::Error {
    let mut names: Vec<&str> = candidates.iter().take(NAMED_MAX).map(|it| it.name()).collect();
    if count > NAMED_MAX {
        names.push("...");
    }
    invalid_parameter(format!(
        "{count} tasks begin with {given}: {}. Give more of the id.",
        names.join(", ")
    ))
}

async fn of_history(
    access: &Authorized,
    arn: &TaskArn,
    now: Timestamp,
) -> Result<Option<Arc<Task>>, gantry::Error> {
    let (history, key) = (Arc::clone(access.history()), arn.to_string());
    let read = tokio::task::spawn_blocking(move || task_history::read(&history, &key, now)).await;
    let task = read.map_err(|error| errors::history(&error))?;
    Ok(task.map_err(|error| errors::history(&error))?.map(Arc::new))
}
