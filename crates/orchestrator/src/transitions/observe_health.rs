//! What an agent reports of the health and the output of containers. Only changes are written.

use domain::TaskArn;
use domain::host::Host;
use domain::task::{ContainerEnd, ContainerHealth, Task, TaskStatus};
use store::Tx;

use super::task_registrations::follow_registration;

/// Most of a health check's output that is kept, in bytes.
const OUTPUT_BYTES_MAX: usize = 4096;
/// Last lines of a container that are kept, and most bytes of them.
const LINES_MAX: usize = 20;
const LINES_BYTES_MAX: usize = 4096;

/// The health of a task's containers, by name.
#[derive(Clone, Debug)]
pub struct HealthReport {
    /// The task.
    pub task: TaskArn,
    /// Its containers with a health check.
    pub containers: Vec<(String, ContainerHealth)>,
}

/// How the containers of a task last spoke, and how they ended.
#[derive(Clone, Debug)]
pub struct OutputReport {
    /// The task.
    pub task: TaskArn,
    /// Its containers that were started.
    pub containers: Vec<ContainerOutput>,
}

/// The part of a container.
#[derive(Clone, Debug, Default)]
pub struct ContainerOutput {
    /// Name in the task definition.
    pub name: String,
    /// Lines, oldest first.
    pub lines: Vec<String>,
    /// How it ended; absent where the agent does not say.
    pub end: Option<ContainerEnd>,
}

/// Follows reports of the agent of a host. What it says of tasks elsewhere, or of those that have stopped, is nothing.
pub fn observe_health(tx: &mut Tx<'_>, host_id: &str, reports: &[HealthReport]) {
    for report in reports {
        let Some(known) = task_of(tx, host_id, &report.task) else {
            continue;
        };
        if known.last_status == TaskStatus::Stopped {
            continue;
        }
        let mut task = known.clone();
        for (name, health) in &report.containers {
            let place = task.containers.iter_mut().find(|it| it.name == *name);
            if let Some(place) = place
                && place.health.as_ref().map(|it| it.status).unwrap_or_default() != health.status
            {
                let mut health = health.clone();
                cut(&mut health.output, OUTPUT_BYTES_MAX);
                place.health = Some(Box::new(health));
            }
        }
        if task != known {
            task.version += 1;
            tx.put(task);
            follow_registration(tx, &report.task);
        }
    }
}

/// Keeps how containers last spoke and ended; it may come before or after the report that their task has stopped.
pub fn observe_output(tx: &mut Tx<'_>, host_id: &str, report: &OutputReport) {
    let Some(known) = task_of(tx, host_id, &report.task) else {
        return;
    };
    let mut task = known.clone();
    for container in &report.containers {
        if let Some(place) = task.containers.iter_mut().find(|it| it.name == container.name) {
            place.last_lines = last(&container.lines);
            place.end = container.end.clone().map(Box::new);
        }
    }
    // What it said is no change of the task itself, so its version stays.
    if task != known {
        tx.put(task);
    }
}

fn task_of(tx: &Tx<'_>, host_id: &str, arn: &TaskArn) -> Option<Task> {
    tx.get::<Host>(&host_id.to_owned())?;
    let task = tx.get::<Task>(arn)?;
    (task.host_id == host_id).then(|| (*task).clone())
}

fn last(lines: &[String]) -> Vec<String> {
    let mut left = LINES_BYTES_MAX;
    let skipped = lines.len().saturating_sub(LINES_MAX);
    let mut kept: Vec<String> = Vec::new();
    for line in lines[skipped..]
        .iter()
        .rev()
        .take_while(|it| it.len() <= LINES_BYTES_MAX)
    {
        if line.len() > left {
            break;
        }
        left -= line.len();
        kept.push(line.clone());
    }
    kept.reverse();
    kept
}

fn cut(text: &mut String, bytes_max: usize) {
    let start = text.ceil_char_boundary(text.len().saturating_sub(bytes_max));
    text.drain(..start);
}
