//! Services.

mod parse;
mod read;
mod write;

pub use parse::{launch_type, platform_version};
pub use read::{describe_services, list_services};
pub use write::{create_service, delete_service, update_service};
