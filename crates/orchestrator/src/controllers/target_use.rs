//! Brings the health of targets in line with whether something forwards to their group, where there were too many of them
//! for the transaction that changed it.

use std::sync::Arc;

use domain::TargetGroupArn;
use domain::listener_rule::ListenerRule;
use domain::target_group::TargetGroup;
use store::{Change, State, Tx};

use super::{Controller, Next};
use crate::transitions::follow_target_use;

#[cfg(test)]
mod tests;

/// See the module.
pub struct TargetUse;

impl Controller for TargetUse {
    const NAME: &'static str = "target_use";
    type Key = TargetGroupArn;

    fn keys(&self, _: &State, change: &Change) -> Vec<TargetGroupArn> {
        let Change::ListenerRule(changed) = change else {
            return Vec::new();
        };
        let groups = |it: &Option<Arc<ListenerRule>>| -> Vec<TargetGroupArn> {
            let rule = it.iter();
            rule.flat_map(|it| it.action.target_groups()).cloned().collect()
        };
        [groups(&changed.before), groups(&changed.after)].concat()
    }

    fn all_keys(&self, state: &State) -> Vec<TargetGroupArn> {
        state.all::<TargetGroup>().map(|it| it.arn.clone()).collect()
    }

    fn reconcile(&self, tx: &mut Tx<'_>, key: &TargetGroupArn) -> Next {
        match follow_target_use(tx, key) {
            true => Next::AwaitChange,
            false => Next::Again,
        }
    }
}
