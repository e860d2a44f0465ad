//! Target groups go with their targets, unless something forwards to them.

use domain::TargetGroupArn;
use domain::target::{Target, TargetKey};
use domain::target_group::TargetGroup;
use store::{State, Tx};

/// Whether a listener or a rule forwards to a group.
pub fn is_target_group_in_use(state: &State, group: &TargetGroupArn) -> bool {
    state.rules_to(group).next().is_some()
}

/// Deletes a group and its targets. `false`: something forwards to it, and it stays.
pub fn delete_target_group(tx: &mut Tx<'_>, group: &TargetGroupArn) -> bool {
    if is_target_group_in_use(tx.state(), group) {
        return false;
    }
    let targets: Vec<TargetKey> = tx.state().targets_of(group).map(|it| it.key.clone()).collect();
    for target in targets {
        tx.delete::<Target>(&target);
    }
    tx.delete::<TargetGroup>(group);
    true
}
