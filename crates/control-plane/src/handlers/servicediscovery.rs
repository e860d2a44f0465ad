//! AWS Cloud Map: namespaces, services in them, and instances that are discovered.
//!
//! What Amazon does in the background is done when the answer is sent: operations have always succeeded.
//! <https://docs.aws.amazon.com/cloud-map/latest/api/Welcome.html>

mod attributes;
mod discovery;
mod dns_config;
mod errors;
mod filters;
mod health;
mod instances;
mod names;
mod namespaces;
mod operations;
mod paging;
mod render;
mod services;
mod tags;
#[cfg(test)]
mod tests;

pub use attributes::{delete_service_attributes, get_service_attributes, update_service_attributes};
pub use discovery::{discover_instances, discover_instances_revision};
pub use health::{get_instances_health_status, update_instance_custom_health_status};
pub use instances::{deregister_instance, get_instance, list_instances, register_instance};
pub use namespaces::{
    create_http_namespace, create_private_dns_namespace, create_public_dns_namespace, delete_namespace,
    get_namespace, list_namespaces, update_http_namespace, update_private_dns_namespace,
    update_public_dns_namespace,
};
pub use operations::{get_operation, list_operations};
pub use services::{create_service, delete_service, get_service, list_services, update_service};
pub use tags::{list_tags_for_resource, tag_resource, untag_resource};
