//! Forgets tasks that have been STOPPED for long enough.

use std::time::Duration;

use domain::task::Task;
use store::{Change, State, Tx};

use super::{Controller, Next};

/// Most tasks of one run.
const FORGOTTEN_MAX: usize = 256;
/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(60);

/// See the module.
pub struct StoppedTasks {
    /// How long they are shown.
    pub kept: Duration,
}

impl Controller for StoppedTasks {
    const NAME: &'static str = "stopped_tasks";
    type Key = ();

    fn keys(&self, _: &State, _: &Change) -> Vec<()> {
        Vec::new()
    }

    fn all_keys(&self, _: &State) -> Vec<()> {
        vec![()]
    }

    fn reconcile(&self, tx: &mut Tx<'_>, (): &()) -> Next {
        let before = tx.now() - self.kept;
        let old: Vec<_> = tx
            .state()
            .tasks_stopped_before(before)
            .take(FORGOTTEN_MAX)
            .map(|it| it.arn.clone())
            .collect();
        for arn in &old {
            tx.delete::<Task>(arn);
        }
        if old.len() == FORGOTTEN_MAX {
            Next::Again
        } else {
            Next::After(INTERVAL)
        }
    }
}
