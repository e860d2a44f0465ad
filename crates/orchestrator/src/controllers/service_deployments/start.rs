//! Tasks of a service are started, and what comes of it is announced.

use std::sync::Arc;
use std::time::Duration;

use domain::service::Service;
use domain::task::Task;
use store::Tx;

use super::part::Part;
use super::refusal::Refusal;
use super::{Next, ServiceDeployments};
use crate::transitions::{RunTasks, Where, record_action, record_event, run_tasks};

/// What came of starting tasks.
pub(super) enum Launched {
    /// These; there was nothing to say against more of them.
    Started(Vec<Arc<Task>>),
    /// These, and why there are not more.
    Refused {
        /// Those that there are.
        started: Vec<Arc<Task>>,
        /// Why.
        refusal: Refusal,
    },
    /// Nothing is started before so long.
    Waits(Duration),
}

impl ServiceDeployments {
    /// Starts tasks of a part. What it announces of a refusal is noted in the part.
    pub(super) fn start(
        &self,
        tx: &mut Tx<'_>,
        service: &mut Service,
        part: &mut Part,
        count: u32,
        placed: Where,
    ) -> Next {
        if count == 0 {
            return Next::AwaitChange;
        }
        let refusal = match self.launch(tx, service, part, count, placed) {
            Launched::Waits(wait) => return Next::After(wait),
            Launched::Started(tasks) => {
                announce_started(tx, service, &tasks);
                part.announced_refusal = None;
                return Next::AwaitChange;
            }
            Launched::Refused { started, refusal } => {
                announce_started(tx, service, &started);
                refusal
            }
        };
        // Said once, until something else is to be said.
        if part.announced_refusal.as_ref() != Some(&refusal.phrase) {
            let message = refusal.message();
            record_action(tx, service, &message, refusal.action);
            part.announced_refusal = Some(refusal.phrase);
        }
        Next::After(self.placement_retry)
    }

    /// Starts tasks of a part and announces nothing.
    pub(super) fn launch(
        &self,
        tx: &mut Tx<'_>,
        service: &Service,
        part: &Part,
        count: u32,
        placed: Where,
    ) -> Launched {
        let wait = part
            .throttled_until
            .map(|until| Duration::try_from(until.duration_since(tx.now())));
        if let Some(Ok(wait)) = wait
            && !wait.is_zero()
        {
            return Launched::Waits(wait);
        }
        let Some(run) = part.run(tx.state(), service, count) else {
            return Launched::Started(Vec::new());
        };
        let public_addresses = Some(self.public_addresses);
        let run = RunTasks {
            placed,
            public_addresses,
            ..run
        };
        let (started, refusal) = match run_tasks(tx, &run) {
            Ok(outcome) => match Refusal::by(tx.state(), &run, &outcome.failures) {
                None => return Launched::Started(outcome.tasks),
                Some(refusal) => (outcome.tasks, refusal),
            },
            Err(refusal) => (Vec::new(), Refusal::nowhere(&refusal)),
        };
        Launched::Refused { started, refusal }
    }
}

fn announce_started(tx: &mut Tx<'_>, service: &mut Service, tasks: &[Arc<Task>]) {
    if !tasks.is_empty() {
        let message = format!("has started {} tasks: {}.", tasks.len(), names(tasks));
        record_event(tx, service, message);
    }
}

/// Tasks, as events name them.
pub(super) fn names(tasks: &[Arc<Task>]) -> String {
    tasks
        .iter()
        .map(|it| format!("(task {})", it.arn.name()))
        .collect::<Vec<_>>()
        .join(" ")
}
