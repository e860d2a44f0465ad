//! CreateRule, DescribeRules, ModifyRule, DeleteRule, SetRulePriorities.

use std::sync::Arc;

use api::elbv2::{self, Error};
use domain::Scope;
use domain::listener::Listener;
use domain::listener_rule::{Action, ListenerRule};
use domain::load_balancer::{LoadBalancer, LoadBalancerKind};
use orchestrator::transitions::{
    NewRule, create_rule as create, delete_rule as delete, modify_rule as modify,
    set_rule_priorities as set_priorities,
};
use store::State;

use super::errors::{
    constraint, from_store, invalid_configuration, no_rule, not_permitted, priority_in_use, unbuilt,
    validation,
};
use super::limits::{RULES_MAX, TARGET_GROUPS_OF_LOAD_BALANCER_MAX};
use super::paging::{Wanted, cut};
use super::{actions, conditions, names, render, tags};
use crate::call::Call;

/// Largest priority.
const PRIORITY_MAX: i32 = 50_000;

/// `CreateRule`.
///
/// # Errors
/// ListenerNotFound, PriorityInUse, TooManyRules, those of conditions and actions, TooManyTags, DuplicateTagKeys,
/// InvalidConfigurationRequest, ValidationError.
pub async fn create_rule(call: Call<elbv2::CreateRule>) -> Result<elbv2::CreateRuleOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_transforms(input.transforms.as_deref())?;
    let priority = priority(input.priority)?;
    let conditions = conditions::read(&input.conditions)?;
    let tags = tags::read(input.tags.clone())?;
    let created = call.access().store().transact(move |tx| {
        let listener = names::listener(tx.state(), &scope, &input.listener_arn)?;
        let load_balancer = names::load_balancer_of(tx.state(), &listener)?;
        if load_balancer.kind == LoadBalancerKind::Network {
            return Err(Error::UnsupportedProtocolException(
                elbv2::UnsupportedProtocolException {
                    message: Some(
                        "Rules are not supported for listeners of load balancers with type 'network'".into(),
                    ),
                },
            ));
        }
        let action = action(tx.state(), &scope, &load_balancer, &listener, &input.actions)?;
        if rule_count(tx.state(), &load_balancer) >= RULES_MAX {
            return Err(Error::TooManyRulesException(elbv2::TooManyRulesException {
                message: Some(format!("A load balancer can have at most {RULES_MAX} rules")),
            }));
        }
        let new = NewRule {
            listener: listener.arn.clone(),
            priority,
            conditions,
            action,
            action_order: actions::order(&input.actions)?,
            tags,
        };
        create(tx, new).map_err(|refusal| priority_in_use(refusal.priority))
    });
    let created = created.await.map_err(from_store)?;
    Ok(elbv2::CreateRuleOutput {
        rules: Some(vec![render::rule(&created)]),
    })
}

fn check_transforms(given: Option<&[elbv2::RuleTransform]>) -> Result<(), Error> {
    match given {
        None | Some([]) => Ok(()),
        Some(_) => Err(unbuilt("a transform of requests")),
    }
}

fn priority(given: i32) -> Result<u16, Error> {
    let rule = match given {
        ..=0 => "Member must have value greater than or equal to 1",
        1..=PRIORITY_MAX => "",
        _ => "Member must have value less than or equal to 50000",
    };
    match u16::try_from(given) {
        Ok(it) if rule.is_empty() => Ok(it),
        _ => Err(constraint(&given.to_string(), "priority", rule)),
    }
}

fn action(
    state: &State,
    scope: &Scope,
    load_balancer: &LoadBalancer,
    listener: &Listener,
    given: &[elbv2::Action],
) -> Result<Action, Error> {
    let place = actions::Place {
        state,
        scope,
        load_balancer,
        protocol: listener.protocol,
    };
    let action = actions::read(&place, given)?;
    let rules = all_rules(state, load_balancer);
    let mut groups: Vec<_> = rules.iter().flat_map(|it| it.action.target_groups()).collect();
    groups.extend(action.target_groups());
    groups.sort();
    groups.dedup();
    if groups.len() > TARGET_GROUPS_OF_LOAD_BALANCER_MAX {
        return Err(Error::TooManyUniqueTargetGroupsPerLoadBalancerException(
            elbv2::TooManyUniqueTargetGroupsPerLoadBalancerException {
                message: Some(format!(
                    "A load balancer can have at most {TARGET_GROUPS_OF_LOAD_BALANCER_MAX} target groups"
                )),
            },
        ));
    }
    Ok(action)
}

fn all_rules(state: &State, load_balancer: &LoadBalancer) -> Vec<Arc<ListenerRule>> {
    let listeners = state.listeners_of(&load_balancer.arn);
    listeners
        .flat_map(|it| state.rules_of(&it.arn))
        .cloned()
        .collect()
}

fn rule_count(state: &State, load_balancer: &LoadBalancer) -> usize {
    let rules = all_rules(state, load_balancer);
    rules.iter().filter(|it| it.priority.is_some()).count()
}

/// `DescribeRules`: those of a listener in the order they are tried, or of the ARNs given.
///
/// # Errors
/// ListenerNotFound, RuleNotFound, ValidationError.
pub async fn describe_rules(call: Call<elbv2::DescribeRules>) -> Result<elbv2::DescribeRulesOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let arns = input.rule_arns.as_deref().unwrap_or_default();
    let found = call
        .access()
        .store()
        .read(|state| match (&input.listener_arn, arns) {
            (Some(arn), []) => {
                let it = names::listener(state, scope, arn)?;
                Ok(state.rules_of(&it.arn).cloned().collect())
            }
            (None, [_, ..]) => arns
                .iter()
                .map(|arn| match names::rule(state, scope, arn) {
                    Err(Error::RuleNotFoundException(_)) => Err(no_rule("One or more rules not found")),
                    other => other,
                })
                .collect::<Result<Vec<_>, _>>(),
            _ => Err(validation(
                "You must specify either listener rule ARNs or a listener ARN",
            )),
        })?;
    let wanted = Wanted {
        listing: &format!("rules {:?} {arns:?}", input.listener_arn),
        marker: input.marker.as_deref(),
        page_size: input.page_size,
    };
    let place = |it: &ListenerRule| format!("{:05} {}", it.priority.unwrap_or(u16::MAX), it.arn);
    let mut found: Vec<_> = found.into_iter().map(|it| (place(&it), it)).collect();
    found.sort_by(|left, right| left.0.cmp(&right.0));
    let (found, next_marker) = cut(call.access(), &wanted, found)?;
    Ok(elbv2::DescribeRulesOutput {
        next_marker,
        rules: Some(found.iter().map(|it| render::rule(it)).collect()),
    })
}

/// `ModifyRule`: what is not given stays.
///
/// # Errors
/// RuleNotFound, OperationNotPermitted, and those of [`create_rule`].
pub async fn modify_rule(call: Call<elbv2::ModifyRule>) -> Result<elbv2::ModifyRuleOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_transforms(input.transforms.as_deref())?;
    let conditions = input.conditions.as_deref().filter(|it| !it.is_empty());
    let conditions = conditions.map(conditions::read).transpose()?;
    let modified = call.access().store().transact(move |tx| {
        let before = names::rule(tx.state(), &scope, &input.rule_arn)?;
        if before.priority.is_none() {
            return Err(not_permitted(format!(
                "Default rule '{}' cannot be modified",
                input.rule_arn
            )));
        }
        let listener = names::listener(tx.state(), &scope, before.listener.as_str())?;
        let load_balancer = names::load_balancer_of(tx.state(), &listener)?;
        let mut after = ListenerRule::clone(&before);
        if let Some(given) = input.actions.as_deref().filter(|it| !it.is_empty()) {
            after.action = action(tx.state(), &scope, &load_balancer, &listener, given)?;
            after.action_order = actions::order(given)?;
        }
        if let Some(conditions) = conditions {
            after.conditions = conditions;
        }
        Ok(modify(tx, &before, after))
    });
    let modified = modified.await.map_err(from_store)?;
    Ok(elbv2::ModifyRuleOutput {
        rules: Some(vec![render::rule(&modified)]),
    })
}

/// `DeleteRule`: not the default one.
///
/// # Errors
/// RuleNotFound, OperationNotPermitted.
pub async fn delete_rule(call: Call<elbv2::DeleteRule>) -> Result<elbv2::DeleteRuleOutput, Error> {
    let (scope, arn) = (call.scope().clone(), call.input().rule_arn.clone());
    let deleted = call.access().store().transact(move |tx| {
        let it = names::rule(tx.state(), &scope, &arn)?;
        if it.priority.is_none() {
            return Err(not_permitted(format!("Default rule '{arn}' cannot be deleted")));
        }
        delete(tx, &it);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(elbv2::DeleteRuleOutput {})
}

/// `SetRulePriorities`: rules of one listener, all at once.
///
/// # Errors
/// RuleNotFound, PriorityInUse, OperationNotPermitted, InvalidConfigurationRequest, ValidationError.
pub async fn set_rule_priorities(
    call: Call<elbv2::SetRulePriorities>,
) -> Result<elbv2::SetRulePrioritiesOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let moved = call.access().store().transact(move |tx| {
        let mut wishes: Vec<(Arc<ListenerRule>, u16)> = Vec::new();
        for pair in &input.rule_priorities {
            let arn = pair.rule_arn.as_deref().unwrap_or_default();
            let it = names::rule(tx.state(), &scope, arn)?;
            if it.priority.is_none() {
                return Err(not_permitted(format!(
                    "Priority of default rule '{arn}' cannot be modified"
                )));
            }
            if wishes.iter().any(|(other, _)| other.arn == it.arn) {
                return Err(validation(format!("Rule '{arn}' was specified more than once")));
            }
            if wishes
                .first()
                .is_some_and(|(other, _)| other.listener != it.listener)
            {
                return Err(invalid_configuration(
                    "All rules must belong to the same listener",
                ));
            }
            let wish = pair
                .priority
                .ok_or_else(|| validation("A rule priority must be specified"))?;
            wishes.push((it, priority(wish)?));
        }
        if wishes.is_empty() {
            return Err(validation("At least one rule priority must be specified"));
        }
        set_priorities(tx, &wishes).map_err(|refusal| priority_in_use(refusal.priority))
    });
    let moved = moved.await.map_err(from_store)?;
    Ok(elbv2::SetRulePrioritiesOutput {
        rules: Some(moved.iter().map(|it| render::rule(it)).collect()),
    })
}
