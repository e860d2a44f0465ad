//! What a commit comes to. Pure: from what records were and are to events.

use store::{Change, Commit, State};
use telemetry::events::NewEvent;

use super::record::{Cause, Happening, record};
use super::{container_instance, service, task};

/// The events of a commit, in the order of its changes; those of container instances come last. The state is that of
/// the commit or a later one: what an event says beside the record that has changed is looked up there.
pub fn derive(state: &State, commit: &Commit) -> Vec<NewEvent> {
    let cause = Cause {
        commit: commit.id,
        at: commit.at,
    };
    let mut happenings: Vec<Happening> = Vec::new();
    for change in &commit.changes {
        match change {
            Change::Task(it) => happenings.extend(task::happening(state, it, cause)),
            Change::Service(it) => happenings.extend(service::deployments(it)),
            Change::ServiceEvent(it) => happenings.extend(service::action(it)),
            _ => {}
        }
    }
    happenings.extend(container_instance::happenings(state, commit, cause));
    let numbered = happenings.into_iter().enumerate();
    let records = numbered.map(|(index, it)| record(cause, index, it));
    let whole = records.inspect(|it| {
        if let Err(error) = it {
            tracing::error!(commit = commit.id.0, %error, "an event cannot be written");
        }
    });
    whole.filter_map(Result::ok).collect()
}
