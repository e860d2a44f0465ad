//! Services and their task sets.

mod balance;
mod external;
mod history;
pub mod load_balancers;
mod parse;
mod read;
pub mod registries;
mod role;
mod rules;
pub mod service_connect;
mod strategy;
mod task_sets;
#[cfg(test)]
mod tests;
mod unbuilt;
mod write;

pub use history::{
    continue_service_deployment, describe_service_deployments, describe_service_revisions,
    list_service_deployments, list_services_by_namespace, stop_service_deployment,
};
pub use load_balancers::group as target_group;
pub use parse::{launch_type, platform_version};
pub use read::{describe_services, list_services};
pub use strategy::target_of as hook_target;
pub use task_sets::{
    create_task_set, delete_task_set, describe_task_sets, update_service_primary_task_set, update_task_set,
};
pub use write::{create_service, delete_service, update_service};
