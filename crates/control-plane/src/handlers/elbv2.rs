//! Elastic Load Balancing v2: application and network load balancers.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/Welcome.html>

mod actions;
mod attributes;
mod capacity_reservations;
mod certificates;
mod conditions;
mod errors;
mod health_checks;
mod hosted_zones;
mod limits;
mod listeners;
mod load_balancers;
mod names;
mod paging;
mod placement;
mod render;
mod rules;
mod ssl_policies;
mod tags;
mod target_groups;
mod targets;
#[cfg(test)]
pub(crate) mod tests;

pub use attributes::{
    describe_listener_attributes, describe_load_balancer_attributes, describe_target_group_attributes,
    modify_listener_attributes, modify_load_balancer_attributes, modify_target_group_attributes,
};
pub use capacity_reservations::{describe_capacity_reservation, modify_capacity_reservation};
pub use certificates::{
    add_listener_certificates, describe_listener_certificates, remove_listener_certificates,
};
pub use errors::not_permitted;
pub use hosted_zones::{hosted_zone, hosted_zone_of};
pub use limits::describe_account_limits;
pub use listeners::{create_listener, delete_listener, describe_listeners, modify_listener};
pub use load_balancers::{create_load_balancer, delete_load_balancer, describe_load_balancers};
pub use placement::{set_ip_address_type, set_security_groups, set_subnets};
pub use rules::{create_rule, delete_rule, describe_rules, modify_rule, set_rule_priorities};
pub use ssl_policies::describe_ssl_policies;
pub use tags::{add_tags, describe_tags, remove_tags};
pub use target_groups::{
    create_target_group, delete_target_group, describe_target_groups, modify_target_group,
};
pub use targets::{deregister_targets, describe_target_health, register_targets};
