//! CodeDeploy for services of ECS: the other compute platforms are refused.
//!
//! <https://docs.aws.amazon.com/codedeploy/latest/APIReference/Welcome.html>

mod app_spec;
mod applications;
mod deployment_configs;
mod deployment_groups;
mod deployments;
mod errors;
mod group_settings;
mod hooks;
mod names;
mod paging;
mod read;
mod render;
mod replacement;
mod revisions;
mod tags;
mod targets;
#[cfg(test)]
mod tests;

pub use applications::{
    batch_get_applications, create_application, delete_application, get_application, list_applications,
    update_application,
};
pub use deployment_configs::{
    create_deployment_config, delete_deployment_config, get_deployment_config, list_deployment_configs,
};
pub use deployment_groups::{
    batch_get_deployment_groups, create_deployment_group, delete_deployment_group, get_deployment_group,
    list_deployment_groups, update_deployment_group,
};
pub use deployments::{continue_deployment, create_deployment, stop_deployment};
pub use errors::{not_supported, required};
pub use hooks::put_lifecycle_event_hook_execution_status;
pub use read::{batch_get_deployments, get_deployment, list_deployments};
pub use revisions::{
    batch_get_application_revisions, get_application_revision, list_application_revisions,
    register_application_revision,
};
pub use tags::{list_tags_for_resource, tag_resource, untag_resource};
pub use targets::{batch_get_deployment_targets, get_deployment_target, list_deployment_targets};
