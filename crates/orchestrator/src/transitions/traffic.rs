//! Traffic between the revisions of a service that takes turns with two target groups: who is registered where, and what
//! share of requests each group gets.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb-resources-for-blue-green.html>

use domain::TargetGroupArn;
use domain::deployment_strategy::{ALL_TRAFFIC, Weight};
use domain::listener_rule::{Action, ListenerRule, WeightedTargetGroup};
use domain::service::Service;
use domain::service_deployment::ServiceRevision;
use domain::service_load_balancer::{AdvancedConfiguration, Behind, TrafficSource};
use store::{State, Tx};

use super::load_balancing::forward_to;

#[cfg(test)]
mod tests;

/// Shares of a new revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Of production traffic.
    pub production: Weight,
    /// Of test traffic.
    pub test: Weight,
}

/// What tasks of a new revision are registered with: where another deployment keeps the traffic beside it, those groups
/// that this one does not use.
pub fn target_groups(state: &State, service: &Service, beside: Option<&str>) -> Vec<Behind> {
    let mut deployments = service.deployments.iter();
    let beside = beside.and_then(|id| deployments.find(|it| it.id == id));
    let beside = beside.and_then(|it| state.get::<ServiceRevision>(&it.revision));
    let load_balancers = service.load_balancers.iter();
    let groups = load_balancers.map(|it| {
        let (Some(advanced), Behind::TargetGroup(own)) = (&it.advanced, &it.behind) else {
            return it.behind.clone();
        };
        let uses = |beside: &ServiceRevision, group: &TargetGroupArn| {
            let mut used = beside.target_groups.iter();
            used.any(|it| it.target_group() == Some(group))
        };
        let group = match beside {
            Some(beside) if uses(beside, own) => &advanced.alternate_target_group,
            Some(beside) if uses(beside, &advanced.alternate_target_group) => own,
            _ => serving(state, own, advanced),
        };
        Behind::TargetGroup(group.clone())
    });
    groups.collect()
}

/// The group that gets production traffic now.
fn serving<'a>(
    state: &State,
    own: &'a TargetGroupArn,
    advanced: &'a AdvancedConfiguration,
) -> &'a TargetGroupArn {
    let rule = rule(state, &advanced.production_listener_rule);
    let Some(Action::Forward(forward)) = rule.map(|it| &it.action) else {
        return own;
    };
    let weight = |group: &TargetGroupArn| {
        let mut groups = forward.target_groups.iter();
        groups.find(|it| it.arn == *group).map_or(0, |it| it.weight)
    };
    match weight(&advanced.alternate_target_group) > weight(own) {
        true => &advanced.alternate_target_group,
        false => own,
    }
}

/// The rule behind a source of traffic; that of a listener is its default one.
pub fn rule<'a>(state: &'a State, source: &TrafficSource) -> Option<&'a ListenerRule> {
    let rule = match source {
        TrafficSource::Rule(arn) => state.get::<ListenerRule>(arn),
        TrafficSource::Listener(arn) => state.default_rule_of(arn),
    };
    rule.map(|it| &**it)
}

/// What is wrong with a rule that traffic is to shift at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleFault {
    /// It is gone.
    Gone,
    /// It forwards to neither of the two groups.
    Elsewhere,
    /// It forwards to another group as well.
    Other(TargetGroupArn),
}

/// Whether traffic between two groups can shift at a rule, which is so if it forwards to them and to no others: else
/// somebody has other plans with it.
///
/// # Errors
/// See [`RuleFault`].
pub fn check_rule(
    state: &State,
    source: &TrafficSource,
    groups: [&TargetGroupArn; 2],
) -> Result<(), RuleFault> {
    let rule = rule(state, source).ok_or(RuleFault::Gone)?;
    if !rule.action.target_groups().any(|it| groups.contains(&it)) {
        return Err(RuleFault::Elsewhere);
    }
    match others(&rule.action, groups).next() {
        None => Ok(()),
        Some(other) => Err(RuleFault::Other(other.arn.clone())),
    }
}

/// The groups beside two that get traffic: one of weight 0 an earlier deployment may have left.
fn others<'a>(
    action: &'a Action,
    groups: [&'a TargetGroupArn; 2],
) -> impl Iterator<Item = &'a WeightedTargetGroup> {
    let forwarded = match action {
        Action::Forward(it) => it.target_groups.as_slice(),
        Action::Redirect(_) | Action::FixedResponse(_) => &[],
    };
    forwarded
        .iter()
        .filter(move |it| it.weight > 0 && !groups.contains(&&it.arn))
}

/// Why traffic cannot shift to a revision, and what is to be done, in a sentence each; `None` if it can. Test traffic is
/// looked at if that `is_tested` still.
pub fn obstacle(state: &State, new: &ServiceRevision, is_tested: bool) -> Option<String> {
    new.load_balancers.iter().find_map(|it| {
        let (Some(advanced), Behind::TargetGroup(own)) = (&it.advanced, &it.behind) else {
            return None;
        };
        let groups = [own, &advanced.alternate_target_group];
        let production = Some(("production", &advanced.production_listener_rule));
        let test = advanced.test_listener_rule.as_ref().filter(|_| is_tested);
        let test = test.map(|it| ("test", it));
        let mut sources = production.into_iter().chain(test);
        sources.find_map(|(kind, source)| {
            let fault = check_rule(state, source, groups).err()?;
            Some(told(kind, source, groups, &fault))
        })
    })
}

fn told(kind: &str, source: &TrafficSource, groups: [&TargetGroupArn; 2], fault: &RuleFault) -> String {
    let (noun, arn) = match source {
        TrafficSource::Rule(_) => ("listener rule", source.as_str()),
        TrafficSource::Listener(_) => ("listener", source.as_str()),
    };
    let names = groups.map(TargetGroupArn::group_name).join(" and ");
    match fault {
        RuleFault::Gone => format!(
            "the {kind} {noun} {arn} does not exist any more. Make one that forwards to the target groups {names}, and name \
             it in advancedConfiguration with UpdateService."
        ),
        RuleFault::Elsewhere => format!(
            "the {kind} {noun} {arn} does not forward to the target groups {names} any more. Have it forward to them, and \
             deploy again."
        ),
        RuleFault::Other(other) => format!(
            "the {kind} {noun} {arn} forwards to the target group {} too. Have it forward to no others than {names}, and \
             deploy again.",
            other.group_name()
        ),
    }
}

/// Shares traffic out between a new revision and what stands beside it. Rules that are gone or lead elsewhere stay as they
/// are, see [`obstacle`], and so do other groups of a rule: a revision that goes must not keep its share.
pub fn shift(tx: &mut Tx<'_>, new: &ServiceRevision, shares: Shares) {
    let places = new.load_balancers.iter().zip(&new.target_groups);
    for (it, group) in places {
        let (Some(advanced), Behind::TargetGroup(own), Behind::TargetGroup(group)) =
            (&it.advanced, &it.behind, group)
        else {
            continue;
        };
        let other = match group == own {
            true => &advanced.alternate_target_group,
            false => own,
        };
        set_weights(
            tx,
            &advanced.production_listener_rule,
            (group, other),
            shares.production,
        );
        if let Some(test) = &advanced.test_listener_rule {
            set_weights(tx, test, (group, other), shares.test);
        }
    }
}

fn set_weights(
    tx: &mut Tx<'_>,
    source: &TrafficSource,
    (group, other): (&TargetGroupArn, &TargetGroupArn),
    share: Weight,
) {
    let checked = check_rule(tx.state(), source, [group, other]);
    let Some(rule) = rule(tx.state(), source).cloned() else {
        return;
    };
    match checked {
        Ok(()) => {}
        Err(RuleFault::Other(_)) if share == 0 => return take_back(tx, &rule, group, other),
        Err(_) => return,
    }
    let (own, rest) = weights(share);
    let weighted = |arn: &TargetGroupArn, weight| WeightedTargetGroup {
        arn: arn.clone(),
        weight,
    };
    let mut target_groups = vec![weighted(group, own), weighted(other, rest)];
    target_groups.sort_by(|a, b| a.arn.cmp(&b.arn));
    forward_to(tx, &rule, target_groups);
}

/// Gives what one group has of a rule to another one. What somebody else gave to further groups stays theirs.
fn take_back(tx: &mut Tx<'_>, rule: &ListenerRule, from: &TargetGroupArn, to: &TargetGroupArn) {
    let Action::Forward(forward) = &rule.action else {
        return;
    };
    let mut target_groups = forward.target_groups.clone();
    let taken = target_groups.iter_mut().find(|it| it.arn == *from);
    let taken = taken.map_or(0, |it| std::mem::take(&mut it.weight));
    if taken == 0 {
        return;
    }
    match target_groups.iter_mut().find(|it| it.arn == *to) {
        Some(it) => it.weight += taken,
        None => target_groups.push(WeightedTargetGroup {
            arn: to.clone(),
            weight: taken,
        }),
    }
    forward_to(tx, rule, target_groups);
}

/// A share and its rest as weights: in percent, or in tenths of a percent where that is not enough.
fn weights(share: Weight) -> (u16, u16) {
    let share = share.min(ALL_TRAFFIC);
    let unit = if share.is_multiple_of(10) { 10 } else { 1 };
    let of = |it: Weight| u16::try_from(it / unit).unwrap_or_default();
    (of(share), of(ALL_TRAFFIC - share))
}
