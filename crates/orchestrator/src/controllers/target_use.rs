//! Brings the health of targets in line with whether something forwards to their group, and takes them away with it, where
//! there were too many of them for the transaction that changed it.

use std::sync::Arc;

use domain::TargetGroupArn;
use domain::listener_rule::ListenerRule;
use domain::target::Target;
use domain::target_group::TargetGroup;
use store::{Change, State, Tx};

use super::{Controller, Next};
use crate::transitions::{follow_target_use, target_groups_behind};

#[cfg(test)]
mod tests;

/// See the module.
pub struct TargetUse;

impl Controller for TargetUse {
    const NAME: &'static str = "target_use";
    type Key = TargetGroupArn;

    fn keys(&self, state: &State, change: &Change) -> Vec<TargetGroupArn> {
        if let Change::LoadBalancer(changed) = change
            && let (Some(before), Some(after)) = (&changed.before, &changed.after)
            && before.zones != after.zones
        {
            return target_groups_behind(state, &after.arn).into_iter().collect();
        }
        if let Change::TargetGroup(changed) = change
            && changed.after.is_none()
        {
            return vec![changed.current().arn.clone()];
        }
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
        let mut groups: Vec<_> = state.all::<TargetGroup>().map(|it| it.arn.clone()).collect();
        // Those of one that is gone stand together.
        let mut orphans: Vec<_> = state.all::<Target>().map(|it| &it.key.group).collect();
        orphans.dedup();
        groups.extend(
            orphans
                .into_iter()
                .filter(|it| state.get::<TargetGroup>(it).is_none())
                .cloned(),
        );
        groups
    }

    fn reconcile(&self, tx: &mut Tx<'_>, key: &TargetGroupArn) -> Next {
        match follow_target_use(tx, key) {
            true => Next::AwaitChange,
            false => Next::Again,
        }
    }
}
