//! The Parameter Store of AWS Systems Manager.
//!
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html>

mod delete;
mod errors;
mod filters;
mod get;
mod labels;
mod listing;
mod names;
mod put;
mod tags;
#[cfg(test)]
mod tests;
mod value;

pub use delete::{delete_parameter, delete_parameters};
pub use get::{get_parameter, get_parameter_history, get_parameters};
pub use labels::{label_parameter_version, unlabel_parameter_version};
pub use listing::{describe_parameters, get_parameters_by_path};
pub use put::put_parameter;
pub use tags::{add_tags_to_resource, list_tags_for_resource, remove_tags_from_resource};
