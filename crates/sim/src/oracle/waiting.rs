//! Tasks that wait or are tried again: no more attempts than were asked for, and none beside another where that is
//! forbidden.

use domain::task::{CONCURRENCY_TAG, DesiredStatus, RETRIES_TAG, Task};
use store::{Change, Commit};

use super::Replica;

/// Looks at the tasks of a commit.
pub fn check(commit: &Commit, after: &Replica) -> Result<(), String> {
    for change in &commit.changes {
        let Change::Task(it) = change else { continue };
        let Some(task) = it.after.as_deref() else { continue };
        let checked = match it.before {
            None => attempts(task).and_then(|()| alone(task, after)),
            Some(_) => Ok(()),
        };
        checked.map_err(|it| format!("task {}: {it}", task.arn.name()))?;
    }
    Ok(())
}

fn tag<'a>(task: &'a Task, name: &str) -> Option<&'a str> {
    let found = task.tags.iter().find(|it| it.name == name);
    found.and_then(|it| it.value.as_deref())
}

fn attempts(task: &Task) -> Result<(), String> {
    let Some(queued) = &task.queued else { return Ok(()) };
    let retries: u32 = tag(task, RETRIES_TAG).and_then(|it| it.parse().ok()).unwrap_or(0);
    let all = queued.attempt + queued.retries_left;
    match all <= retries + 1 {
        true => Ok(()),
        false => Err(format!(
            "attempt {} and {} more, where {retries} were asked for",
            queued.attempt, queued.retries_left
        )),
    }
}

/// Where concurrency is forbidden, those of another call are not wanted any more; the same where they are replaced. Calls
/// that allow it may come beside a further attempt.
fn alone(task: &Task, after: &Replica) -> Result<(), String> {
    let concurrency = tag(task, CONCURRENCY_TAG).filter(|it| *it != "allow");
    let Some(concurrency) = concurrency.filter(|_| task.service.is_none()) else {
        return Ok(());
    };
    let is_first = task.queued.as_ref().is_none_or(|it| it.attempt == 1);
    let tolerates_none = |it: &Task| tag(it, CONCURRENCY_TAG).is_some_and(|it| it != "allow");
    let mut others = after.tasks.values().filter(|it| {
        it.started_by == task.started_by
            && it.service.is_none()
            && it.desired_status == DesiredStatus::Running
            && it.client_request != task.client_request
            && (is_first || tolerates_none(it))
    });
    match others.next() {
        None => Ok(()),
        Some(other) => Err(format!(
            "it comes beside {} although its concurrency is {concurrency}",
            other.arn.name()
        )),
    }
}
