//! Takes targets away that have drained: when the delay of their group is over.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html>

use domain::target::{Target, TargetKey, TargetState};
use domain::target_group::TargetGroup;
use store::{Change, State, Tx};

use super::{Controller, Next};
use crate::transitions::forget_drained_target;

#[cfg(test)]
mod tests;

/// See the module.
pub struct DrainingTargets;

impl Controller for DrainingTargets {
    const NAME: &'static str = "draining_targets";
    type Key = TargetKey;

    fn keys(&self, state: &State, change: &Change) -> Vec<TargetKey> {
        match change {
            Change::Target(changed) => changed.after.iter().filter_map(|it| key(it)).collect(),
            Change::TargetGroup(changed) => changed.after.iter().flat_map(|it| of_group(state, it)).collect(),
            _ => Vec::new(),
        }
    }

    fn all_keys(&self, state: &State) -> Vec<TargetKey> {
        state.draining_targets().cloned().collect()
    }

    fn reconcile(&self, tx: &mut Tx<'_>, key: &TargetKey) -> Next {
        forget_drained_target(tx, key).map_or(Next::AwaitChange, Next::After)
    }
}

fn key(target: &Target) -> Option<TargetKey> {
    matches!(target.state, TargetState::Draining { .. }).then(|| target.key.clone())
}

/// The delay may have become shorter.
fn of_group(state: &State, group: &TargetGroup) -> Vec<TargetKey> {
    state.targets_of(&group.arn).filter_map(|it| key(it)).collect()
}
