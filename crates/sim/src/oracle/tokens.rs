//! A RunTask with a client token starts its tasks once.

use std::collections::BTreeMap;

use domain::ClusterArn;
use store::{Change, Commit, CommitId};

/// The commit that started the tasks of each token.
#[derive(Default)]
pub struct Tokens(BTreeMap<(ClusterArn, String), CommitId>);

impl Tokens {
    /// Looks at the tasks that a commit starts.
    pub fn check(&mut self, commit: &Commit) -> Result<(), String> {
        for change in &commit.changes {
            let Change::Task(it) = change else { continue };
            let task = it.current();
            // A further attempt is made for the same call.
            if task.queued.as_ref().is_some_and(|it| it.attempt > 1) {
                continue;
            }
            let Some(request) = task.client_request.as_ref().filter(|_| it.before.is_none()) else {
                continue;
            };
            let key = (task.cluster(), request.token.clone());
            let first = *self.0.entry(key).or_insert(commit.id);
            if first != commit.id {
                return Err(format!(
                    "the client token {} started tasks in commit {first} and again in {}",
                    request.token, commit.id
                ));
            }
        }
        Ok(())
    }
}
