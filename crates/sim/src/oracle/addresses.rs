//! No two tasks have the same address.

use std::collections::BTreeSet;

use domain::task::TaskStatus;
use store::{Change, Commit};

use super::Replica;

/// Looks at the addresses that a commit gives.
pub fn check(commit: &Commit, after: &Replica) -> Result<(), String> {
    let gives = |it: &Change| matches!(it, Change::Task(it) if it.before.is_none());
    if !commit.changes.iter().any(gives) {
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    let open = after
        .tasks
        .values()
        .filter(|it| it.last_status != TaskStatus::Stopped);
    for eni in open.filter_map(|it| it.eni.as_ref()) {
        if !seen.insert((&eni.subnet_id, eni.address)) {
            return Err(format!(
                "two tasks have the address {} of {}",
                eni.address, eni.subnet_id
            ));
        }
    }
    Ok(())
}
