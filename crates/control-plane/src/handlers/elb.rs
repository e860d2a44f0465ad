//! Elastic Load Balancing of 2012: classic load balancers.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/Welcome.html>

mod attributes;
mod errors;
mod health;
mod instances;
mod limits;
mod listeners;
mod load_balancers;
mod names;
mod paging;
mod placement;
mod policies;
mod render;
mod tags;
#[cfg(test)]
mod tests;

pub use attributes::{describe_load_balancer_attributes, modify_load_balancer_attributes};
pub use errors::not_permitted;
pub use health::{configure_health_check, describe_instance_health};
pub use instances::{deregister_instances_from_load_balancer, register_instances_with_load_balancer};
pub use limits::describe_account_limits;
pub use listeners::{
    create_load_balancer_listeners, delete_load_balancer_listeners,
    set_load_balancer_listener_ssl_certificate,
};
pub use load_balancers::{create_load_balancer, delete_load_balancer, describe_load_balancers};
pub use placement::{
    apply_security_groups_to_load_balancer, attach_load_balancer_to_subnets,
    detach_load_balancer_from_subnets, disable_availability_zones_for_load_balancer,
    enable_availability_zones_for_load_balancer,
};
pub use policies::{
    create_app_cookie_stickiness_policy, create_lb_cookie_stickiness_policy, delete_load_balancer_policy,
    describe_load_balancer_policies, set_load_balancer_policies_of_listener,
};
pub use tags::{add_tags, describe_tags, remove_tags};
