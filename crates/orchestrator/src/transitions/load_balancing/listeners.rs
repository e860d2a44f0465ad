//! Listeners with their default rules.

use std::sync::Arc;

use domain::listener::{AlpnPolicy, Listener, ListenerAttributes, Protocol};
use domain::listener_rule::{Action, ListenerRule};
use domain::tags::Pair;
use domain::{ListenerArn, LoadBalancerArn, TargetGroupArn};
use store::{State, Tx};

use super::targets::follow_use;

/// What a new listener is like; it has been checked against its load balancer.
#[derive(Clone, Debug)]
pub struct NewListener {
    /// Whose it is.
    pub load_balancer: LoadBalancerArn,
    /// Where it listens.
    pub port: u16,
    /// What clients speak.
    pub protocol: Protocol,
    /// The default one first.
    pub certificates: Vec<String>,
    /// Of TLS.
    pub ssl_policy: Option<String>,
    /// Of TLS on a network load balancer.
    pub alpn_policy: Option<AlpnPolicy>,
    /// What is done if no rule's conditions are met.
    pub default_action: Action,
    /// `Order` of the default action; `None` is 1.
    pub action_order: Option<u16>,
    /// In the order given.
    pub tags: Vec<Pair>,
}

/// Why there is no such listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenerRefusal {
    /// The load balancer listens at this port already.
    Duplicate,
}

/// Creates a listener and its default rule. Targets of the groups it forwards to are in use from now on.
///
/// # Errors
/// The port is taken.
pub fn create_listener(tx: &mut Tx<'_>, new: NewListener) -> Result<Arc<Listener>, ListenerRefusal> {
    check_port(tx.state(), &new.load_balancer, new.port, new.protocol, None)?;
    let listener = Listener {
        arn: new.load_balancer.listener(&tx.ids().hex_16()),
        load_balancer: new.load_balancer,
        port: new.port,
        protocol: new.protocol,
        certificates: new.certificates,
        ssl_policy: new.ssl_policy,
        alpn_policy: new.alpn_policy,
        default_action: new.default_action,
        action_order: new.action_order,
        attributes: ListenerAttributes::default(),
        created_at: tx.now(),
        tags: new.tags,
    };
    let listener = tx.put(listener);
    let rule = ListenerRule {
        arn: listener.arn.rule(&tx.ids().hex_16()),
        listener: listener.arn.clone(),
        priority: None,
        conditions: Vec::new(),
        action: listener.default_action.clone(),
        action_order: listener.action_order,
        tags: Vec::new(),
    };
    let groups: Vec<TargetGroupArn> = rule.action.target_groups().cloned().collect();
    tx.put(rule);
    follow_use(tx, &groups);
    Ok(listener)
}

/// Replaces a listener; its default rule does what its default action now says.
///
/// # Errors
/// The port is taken by another one.
pub fn modify_listener(tx: &mut Tx<'_>, listener: Listener) -> Result<Arc<Listener>, ListenerRefusal> {
    let Listener { port, protocol, .. } = listener;
    check_port(
        tx.state(),
        &listener.load_balancer,
        port,
        protocol,
        Some(&listener.arn),
    )?;
    let rule = tx.state().default_rule_of(&listener.arn).cloned();
    let listener = tx.put(listener);
    if let Some(rule) = rule {
        let mut groups: Vec<TargetGroupArn> = rule.action.target_groups().cloned().collect();
        groups.extend(listener.default_action.target_groups().cloned());
        tx.put(ListenerRule {
            action: listener.default_action.clone(),
            action_order: listener.action_order,
            ..ListenerRule::clone(&rule)
        });
        follow_use(tx, &groups);
    }
    Ok(listener)
}

/// Deletes a listener with its rules, if it is there.
pub fn delete_listener(tx: &mut Tx<'_>, arn: &ListenerArn) {
    let rules: Vec<Arc<ListenerRule>> = tx.state().rules_of(arn).cloned().collect();
    let mut groups = Vec::new();
    for rule in rules {
        groups.extend(rule.action.target_groups().cloned());
        tx.delete::<ListenerRule>(&rule.arn);
    }
    tx.delete::<Listener>(arn);
    groups.sort();
    groups.dedup();
    follow_use(tx, &groups);
}

/// A port of TCP and the same of UDP are apart.
fn check_port(
    state: &State,
    load_balancer: &LoadBalancerArn,
    port: u16,
    protocol: Protocol,
    own: Option<&ListenerArn>,
) -> Result<(), ListenerRefusal> {
    let is_taken = state.listeners_of(load_balancer).any(|it| {
        let meets = it.protocol.is_on_tcp() && protocol.is_on_tcp()
            || it.protocol.is_on_udp() && protocol.is_on_udp();
        it.port == port && meets && Some(&it.arn) != own
    });
    match is_taken {
        true => Err(ListenerRefusal::Duplicate),
        false => Ok(()),
    }
}
