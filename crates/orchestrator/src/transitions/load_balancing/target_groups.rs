//! Target groups go with their targets, unless something forwards to them.

use std::sync::Arc;

use domain::TargetGroupArn;
use domain::target::Target;
use domain::target_group::TargetGroup;
use store::{State, Tx};

use super::targets::delete;

/// Whether a listener or a rule forwards to a group.
pub fn is_target_group_in_use(state: &State, group: &TargetGroupArn) -> bool {
    state.rules_to(group).next().is_some()
}

/// Deletes a group and its targets. `false`: something forwards to it, and it stays.
pub fn delete_target_group(tx: &mut Tx<'_>, group: &TargetGroupArn) -> bool {
    if is_target_group_in_use(tx.state(), group) {
        return false;
    }
    let targets: Vec<Arc<Target>> = tx.state().targets_of(group).cloned().collect();
    for target in targets {
        delete(tx, &target);
    }
    tx.delete::<TargetGroup>(group);
    true
}
