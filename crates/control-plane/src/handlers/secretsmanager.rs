//! AWS Secrets Manager.
//!
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/Welcome.html>

mod create;
mod delete;
mod errors;
mod filters;
mod get;
mod listing;
mod names;
mod password;
mod put;
mod stages;
mod tags;
#[cfg(test)]
mod tests;
mod value;

pub use create::create_secret;
pub use delete::{delete_secret, restore_secret};
pub use get::{describe_secret, get_secret_value};
pub use listing::{list_secret_version_ids, list_secrets};
pub use password::get_random_password;
pub use put::{put_secret_value, update_secret};
pub use stages::update_secret_version_stage;
pub use tags::{tag_resource, untag_resource};
