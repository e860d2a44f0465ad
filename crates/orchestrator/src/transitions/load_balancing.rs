//! Load balancers and all that belongs to them: what several records must agree on is changed here.

mod classic;
mod listeners;
mod load_balancers;
mod rules;
mod target_groups;
mod targets;

pub use classic::{
    NewClassicLoadBalancer, NewInstance, classic_load_balancer_state, create_classic_load_balancer,
    deregister_instances, forget_drained_instances, instance_health, instances_are_idle, register_instances,
    set_classic_zones, until_instance_drained,
};
pub use listeners::{ListenerRefusal, NewListener, create_listener, delete_listener, modify_listener};
pub use load_balancers::{
    DeleteLoadBalancerRefusal, NewLoadBalancer, ZoneWish, ZonesRefusal, create_load_balancer,
    delete_load_balancer, load_balancer_has_failed, load_balancer_is_served, set_zones, target_groups_behind,
};
pub use rules::{
    NewRule, PriorityRefusal, create_rule, delete_rule, forward_to, modify_rule, set_rule_priorities,
};
pub use target_groups::{delete_target_group, is_target_group_in_use};
pub use targets::{
    HealthChange, NewTarget, deregister_targets, follow_target_use, forget_drained_target, register_targets,
    target_anomaly, target_health, target_is_idle, until_drained,
};

#[cfg(test)]
mod tests;
