//! Target groups, in two steps around the change of the listeners: what comes is there before a rule leads to it, and what
//! goes stays until no rule does any more. In between no request finds a group empty that has just given its traffic away.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::Balancer;
use crate::group::Group;
use crate::health::checker::Wanted;
use crate::plan::{GroupPlan, LoadBalancerPlan};

/// How long what is in flight to a group may last that no listener names any more: a target's time to drain, as Amazon gives
/// it to a new group.
const LEAVING_TIME: Duration = Duration::from_secs(300);

/// A group that no listener names any more, with something in flight. It is the same one if a listener names it again.
pub(super) struct Leaving {
    group: Arc<Group>,
    end: AbortHandle,
}

impl Leaving {
    fn begin(group: Arc<Group>) -> Self {
        let ends = group.clone();
        let end = tokio::spawn(async move {
            tokio::time::sleep(LEAVING_TIME).await;
            ends.end();
        });
        Self {
            group,
            end: end.abort_handle(),
        }
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.end.abort();
    }
}

/// Groups on their way to what their plans say.
pub(super) struct Coming {
    /// With their plans.
    groups: Vec<(Arc<Group>, Arc<GroupPlan>)>,
    /// Those that no listener names any more.
    gone: Vec<Arc<Group>>,
}

impl Balancer {
    /// The first step: new groups, and new targets of those that there are.
    pub(super) fn bring_groups(&mut self, plans: Vec<GroupPlan>) -> Coming {
        let mut groups = Vec::with_capacity(plans.len());
        for plan in plans {
            let plan = Arc::new(plan);
            let known = self.groups.remove(&plan.arn);
            let group = match known.or_else(|| self.take_back(&plan.arn)) {
                Some(known) => {
                    let before = known.members();
                    if before.plan != plan {
                        self.update(&known, Arc::new(plan.beside(&before.plan)));
                    }
                    known
                }
                None => {
                    let new = Group::new(plan.clone());
                    self.update(&new, plan.clone());
                    new
                }
            };
            groups.push((group, plan));
        }
        let named = groups
            .iter()
            .map(|(group, plan)| (plan.arn.clone(), group.clone()));
        let gone = std::mem::replace(&mut self.groups, named.collect());
        let gone = gone.into_values().collect();
        Coming { groups, gone }
    }

    fn take_back(&mut self, arn: &str) -> Option<Arc<Group>> {
        let at = self
            .leaving
            .iter()
            .position(|it| *it.group.members().plan.arn == *arn)?;
        Some(self.leaving.swap_remove(at).group.clone())
    }

    /// The second step: they are what their plans say. What is in flight to targets of groups that are gone goes on for a
    /// while: only the way to them was changed.
    pub(super) fn settle_groups(&mut self, coming: Coming, used: &HashMap<Arc<str>, Arc<LoadBalancerPlan>>) {
        let mut checked = Vec::new();
        for (group, plan) in coming.groups {
            if group.members().plan != plan {
                self.update(&group, plan.clone());
            }
            let (Some(check), Some(load_balancer)) = (plan.health_check.clone(), used.get(&plan.arn)) else {
                continue;
            };
            let (check, members) = (Arc::new(check), group.members());
            let registered = members.all.iter().filter(|it| !it.is_draining());
            checked.extend(registered.map(|target| Wanted {
                target: target.clone(),
                group: group.clone(),
                check: check.clone(),
                from: load_balancer.checks_from(target.zone.as_deref()),
            }));
        }
        self.leaving.retain(|it| it.group.is_busy());
        for gone in coming.gone {
            gone.members().all.iter().for_each(|it| it.pool.clear());
            if gone.is_busy() {
                self.leaving.push(Leaving::begin(gone));
            }
        }
        self.checker.watch(checked, &self.shared);
        self.look_after_groups();
    }

    fn update(&self, group: &Group, plan: Arc<GroupPlan>) {
        group.update(plan, &self.shared.key, &self.shared.reporter);
    }

    /// What is looked after from time to time are these from now on.
    fn look_after_groups(&self) {
        let leaving = self.leaving.iter().map(|it| &it.group);
        *self.looked_after.lock() = self.groups.values().chain(leaving).cloned().collect();
    }
}
