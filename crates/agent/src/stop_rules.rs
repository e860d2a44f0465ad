//! How the containers of this host's tasks are to be stopped, for whoever stops them while no agent runs.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::tasks::payload;
use crate::tasks::record::Records;
use crate::tasks::task::task_id;

/// How one container is to be stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopRule {
    /// Its task.
    pub task_id: String,
    /// Its name in the task definition.
    pub container: String,
    /// What asks it to end: as the task definition says, else its image, else SIGTERM.
    pub signal: i32,
    /// When SIGKILL follows.
    pub timeout: Duration,
}

/// The rules of all tasks that an agent has recorded in its state folder.
///
/// # Errors
/// The records cannot be read.
pub fn stop_rules(state_dir: &Path) -> io::Result<Vec<StopRule>> {
    let mut rules = Vec::new();
    for record in Records::open(state_dir.join("tasks"))?.load_all()? {
        let (task, _) = payload::read(&record.arn, &record.payload);
        let mut known = record.progress.containers.iter();
        for container in &task.containers {
            let of_image = known.next().and_then(|it| it.stop_signal);
            rules.push(StopRule {
                task_id: task_id(&record.arn).to_owned(),
                container: container.spec.name.clone(),
                signal: container.stop_signal.or(of_image).unwrap_or(libc::SIGTERM),
                timeout: container.stop_timeout,
            });
        }
    }
    Ok(rules)
}
