//! Policy routing: tables beside the main one, and rules that lead there.

use std::net::Ipv4Addr;

use rtnetlink::packet_route::route::{RouteScope, RouteType};
use rtnetlink::packet_route::rule::RuleAction;
use rtnetlink::{Handle, RouteMessageBuilder};

use super::NetworkError;
use super::links::{LOOPBACK_INDEX, replace_route};

/// Of rules: after the table of one's own addresses, before the main one.
const PRIORITY: u32 = 100;

/// A table by which everything leaves through `gateway`.
pub(super) async fn add_default_route(
    handle: &Handle,
    index: u32,
    gateway: Ipv4Addr,
    table: u32,
) -> Result<(), NetworkError> {
    let route = RouteMessageBuilder::<Ipv4Addr>::new()
        .gateway(gateway)
        .output_interface(index)
        .onlink()
        .table_id(table)
        .build();
    replace_route(handle, route, "add the route back to a load balancer").await
}

/// A table by which every address is this namespace's own.
pub(super) async fn add_local_table(handle: &Handle, table: u32) -> Result<(), NetworkError> {
    let route = RouteMessageBuilder::<Ipv4Addr>::new()
        .output_interface(LOOPBACK_INDEX)
        .scope(RouteScope::Host)
        .kind(RouteType::Local)
        .table_id(table)
        .build();
    replace_route(handle, route, "take what clients are sent as one's own").await
}

/// What comes by a link is routed by the table, unless it is meant for an address of this namespace.
pub(super) async fn add_rule_for_link(handle: &Handle, link: &str, table: u32) -> Result<(), NetworkError> {
    let rule = handle.rule().add().v4().input_interface(link);
    let rule = rule
        .table_id(table)
        .priority(PRIORITY)
        .action(RuleAction::ToTable);
    or_there(rule.execute().await)
}

/// What has the mark is routed by the table.
pub(super) async fn add_rule_for_mark(handle: &Handle, mark: u32, table: u32) -> Result<(), NetworkError> {
    let rule = handle.rule().add().v4().fw_mark(mark);
    let rule = rule
        .table_id(table)
        .priority(PRIORITY)
        .action(RuleAction::ToTable);
    or_there(rule.execute().await)
}

/// Removes the rule of a mark; one that is not there is no error.
pub(super) async fn remove_rule_for_mark(handle: &Handle, mark: u32, table: u32) -> Result<(), NetworkError> {
    let mut rule = handle.rule().add().v4().fw_mark(mark);
    rule = rule
        .table_id(table)
        .priority(PRIORITY)
        .action(RuleAction::ToTable);
    let message = rule.message_mut().clone();
    let removed = handle.rule().del(message).execute().await;
    match removed.map_err(NetworkError::netlink("remove a routing rule")) {
        Err(NetworkError::Netlink { source, .. }) if source.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        result => result,
    }
}

fn or_there(added: Result<(), rtnetlink::Error>) -> Result<(), NetworkError> {
    match added.map_err(NetworkError::netlink("add a routing rule")) {
        Err(error) if error.is_existing() => Ok(()),
        result => result,
    }
}
