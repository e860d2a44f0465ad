//! What a commit comes to. Pure: from what records were and are to events.

use store::{Change, Commit, State};
use telemetry::events::NewEvent;

use super::record::{Cause, Happening, record};
use super::{container_instance, service, task};

/// What a commit comes to, as far as it takes the state to say.
#[derive(Debug)]
pub struct Derived {
    cause: Cause,
    happenings: Vec<Happening>,
}

/// The events of a commit, in the order of its changes; those of container instances come last. The state is that of
/// the commit or a later one: what an event says beside the record that has changed is looked up there.
pub fn derive(state: &State, commit: &Commit) -> Derived {
    let mut happenings: Vec<Happening> = Vec::new();
    for change in &commit.changes {
        match change {
            Change::Task(it) => happenings.extend(task::happening(state, it)),
            Change::Service(it) => happenings.extend(service::deployments(it)),
            Change::ServiceEvent(it) => happenings.extend(service::action(it)),
            _ => {}
        }
    }
    happenings.extend(container_instance::happenings(state, commit));
    let cause = Cause {
        commit: commit.id,
        at: commit.at,
    };
    Derived { cause, happenings }
}

impl Derived {
    /// Writes them down, which is most of the work.
    pub fn into_events(self) -> impl Iterator<Item = NewEvent> {
        let cause = self.cause;
        let numbered = self.happenings.into_iter().enumerate();
        let records = numbered.map(move |(index, it)| record(cause, index, it));
        let whole = records.inspect(move |it| {
            if let Err(error) = it {
                tracing::error!(commit = cause.commit.0, %error, "an event cannot be written");
            }
        });
        whole.filter_map(Result::ok)
    }
}
