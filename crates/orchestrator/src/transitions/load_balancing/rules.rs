//! Rules of listeners, but for default ones, which come and go with their listeners.

use std::sync::Arc;

use domain::listener::Listener;
use domain::listener_rule::{Action, Condition, Forward, ListenerRule, WeightedTargetGroup};
use domain::tags::Pair;
use domain::{ListenerArn, TargetGroupArn};
use store::Tx;

use super::listeners::modify_listener;
use super::targets::follow_use;

/// What a new rule is like; it has been checked against its listener.
#[derive(Clone, Debug)]
pub struct NewRule {
    /// Whose it is.
    pub listener: ListenerArn,
    /// 1 to 50000.
    pub priority: u16,
    /// All must be met.
    pub conditions: Vec<Condition>,
    /// What is done.
    pub action: Action,
    /// `Order` of the action; `None` is 1.
    pub action_order: Option<u16>,
    /// In the order given.
    pub tags: Vec<Pair>,
}

/// Another rule of the listener has this priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriorityRefusal {
    /// Which.
    pub priority: u16,
}

/// Creates a rule. Targets of the groups it forwards to are in use from now on.
///
/// # Errors
/// The priority is taken.
pub fn create_rule(tx: &mut Tx<'_>, new: NewRule) -> Result<Arc<ListenerRule>, PriorityRefusal> {
    let priority = new.priority;
    if tx.state().rule_of_priority(&new.listener, priority).is_some() {
        return Err(PriorityRefusal { priority });
    }
    let rule = ListenerRule {
        arn: new.listener.rule(&tx.ids().hex_16()),
        listener: new.listener,
        priority: Some(priority),
        conditions: new.conditions,
        action: new.action,
        action_order: new.action_order,
        tags: new.tags,
    };
    let rule = tx.put(rule);
    follow_use(tx, &groups_of(&rule));
    Ok(rule)
}

/// Replaces conditions and action of a rule.
pub fn modify_rule(tx: &mut Tx<'_>, before: &ListenerRule, after: ListenerRule) -> Arc<ListenerRule> {
    let mut groups = groups_of(before);
    groups.extend(groups_of(&after));
    let after = tx.put(after);
    follow_use(tx, &groups);
    after
}

/// Has a rule forward to these groups; how long clients stay with one is kept. What the default rule of a listener does,
/// its listener says too.
pub fn forward_to(tx: &mut Tx<'_>, rule: &ListenerRule, target_groups: Vec<WeightedTargetGroup>) {
    let stickiness_seconds = match &rule.action {
        Action::Forward(it) => it.stickiness_seconds,
        Action::Redirect(_) | Action::FixedResponse(_) => None,
    };
    let action = Action::Forward(Forward {
        target_groups,
        stickiness_seconds,
    });
    if action == rule.action {
        return;
    }
    match (rule.priority, tx.get::<Listener>(&rule.listener)) {
        (None, Some(listener)) => {
            let listener = Listener {
                default_action: action,
                ..Listener::clone(&listener)
            };
            // Its port stays as it is, so that nobody can have taken it.
            let _ = modify_listener(tx, listener);
        }
        _ => {
            let after = ListenerRule {
                action,
                ..rule.clone()
            };
            modify_rule(tx, rule, after);
        }
    }
}

/// Deletes a rule.
pub fn delete_rule(tx: &mut Tx<'_>, rule: &ListenerRule) {
    tx.delete::<ListenerRule>(&rule.arn);
    follow_use(tx, &groups_of(rule));
}

/// Gives rules of one listener new priorities, all at once: they may change places.
///
/// # Errors
/// A rule that is not among them has one of the priorities, or two get the same.
pub fn set_rule_priorities(
    tx: &mut Tx<'_>,
    wishes: &[(Arc<ListenerRule>, u16)],
) -> Result<Vec<Arc<ListenerRule>>, PriorityRefusal> {
    for (at, (rule, priority)) in wishes.iter().enumerate() {
        let holder = tx.state().rule_of_priority(&rule.listener, *priority);
        let is_held = holder.is_some_and(|it| wishes.iter().all(|(rule, _)| rule.arn != it.arn));
        if is_held || wishes[..at].iter().any(|(_, it)| it == priority) {
            return Err(PriorityRefusal { priority: *priority });
        }
    }
    let moved = wishes.iter().map(|(rule, priority)| {
        tx.put(ListenerRule {
            priority: Some(*priority),
            ..ListenerRule::clone(rule)
        })
    });
    Ok(moved.collect())
}

fn groups_of(rule: &ListenerRule) -> Vec<TargetGroupArn> {
    rule.action.target_groups().cloned().collect()
}
