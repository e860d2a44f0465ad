//! Traffic of deployments: the rules of a listener that forward to the two target groups.

use std::sync::Arc;

use domain::code_deploy::deployment::{DeploymentError, ErrorCode, Route};
use domain::code_deploy::{ALL_TRAFFIC, Percent};
use domain::listener::Listener;
use domain::listener_rule::{Action, Forward, ListenerRule, WeightedTargetGroup};
use domain::load_balancer::{LoadBalancer, LoadBalancerKind};
use domain::{ListenerArn, TargetGroupArn};
use store::{State, Tx};

use crate::transitions::load_balancing::forward_to;

/// The group that a listener prefers among the two; `None` if it forwards to neither.
pub fn serving_group(
    state: &State,
    listener: &ListenerArn,
    groups: &[TargetGroupArn; 2],
) -> Option<TargetGroupArn> {
    let forwards = state.rules_of(listener).filter_map(|it| forward(&it.action));
    let targets = forwards.flat_map(|it| &it.target_groups);
    let known = targets.filter(|it| groups.contains(&it.arn));
    let mut best: Option<&WeightedTargetGroup> = None;
    for it in known {
        if best.is_none_or(|best| it.weight > best.weight) {
            best = Some(it);
        }
    }
    best.map(|it| it.arn.clone())
}

/// Whether both groups stay in the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// A group without traffic stays there, so that its targets are checked.
    Both,
    /// A group without traffic leaves.
    Serving,
}

/// Gives the replacement its share of what a listener forwards to the two groups. Rules that forward to others too
/// are left alone.
///
/// # Errors
/// The listener is gone, or forwards to neither group.
pub(super) fn shift(
    tx: &mut Tx<'_>,
    listener: &ListenerArn,
    route: &Route,
    share: Percent,
    keeping: Keeping,
) -> Result<(), DeploymentError> {
    let invalid = |message: String| DeploymentError {
        code: ErrorCode::ElasticLoadBalancingInvalid,
        message,
    };
    let known = tx.get::<Listener>(listener);
    let known = known.ok_or_else(|| invalid(format!("The listener {listener} does not exist any more.")))?;
    let is_mine = |it: &TargetGroupArn| *it == route.original_group || *it == route.replacement_group;
    let rules: Vec<Arc<ListenerRule>> = tx.state().rules_of(listener).cloned().collect();
    let mine = rules.iter().filter(|rule| {
        let mut groups = rule.action.target_groups().peekable();
        groups.peek().is_some() && groups.all(is_mine)
    });
    let mine: Vec<&Arc<ListenerRule>> = mine.collect();
    if mine.is_empty() {
        return Err(invalid(format!(
            "The listener {listener} forwards to neither of the target groups {} and {}.",
            route.original_group.group_name(),
            route.replacement_group.group_name()
        )));
    }
    let keeping = match tx.get::<LoadBalancer>(&known.load_balancer) {
        // A listener of a network load balancer forwards to one group.
        Some(it) if it.kind == LoadBalancerKind::Network => Keeping::Serving,
        _ => keeping,
    };
    for rule in mine {
        forward_to(tx, rule, weights(route, share, keeping));
    }
    Ok(())
}

fn weights(route: &Route, share: Percent, keeping: Keeping) -> Vec<WeightedTargetGroup> {
    let share = share.min(ALL_TRAFFIC);
    let all = [
        (&route.original_group, ALL_TRAFFIC - share),
        (&route.replacement_group, share),
    ];
    let kept = all
        .into_iter()
        .filter(|(_, weight)| keeping == Keeping::Both || *weight > 0);
    let weighted = kept.map(|(arn, weight)| WeightedTargetGroup {
        arn: arn.clone(),
        weight,
    });
    weighted.collect()
}

fn forward(action: &Action) -> Option<&Forward> {
    match action {
        Action::Forward(it) => Some(it),
        Action::Redirect(_) | Action::FixedResponse(_) => None,
    }
}
