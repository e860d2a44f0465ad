//! File systems of Amazon EFS: directories below the one that the operator names.
//!
//! <https://docs.aws.amazon.com/efs/latest/ug/api-reference.html>

mod access_points;
mod errors;
mod file_systems;
mod listing;
mod mount_targets;
mod names;
mod policies;
mod tags;
#[cfg(test)]
mod tests;

pub use access_points::{create_access_point, delete_access_point, describe_access_points};
pub use file_systems::{
    create_file_system, delete_file_system, describe_account_preferences, describe_file_systems,
    update_file_system,
};
pub use mount_targets::{
    create_mount_target, delete_mount_target, describe_mount_target_security_groups, describe_mount_targets,
    modify_mount_target_security_groups,
};
pub use policies::{
    delete_file_system_policy, describe_backup_policy, describe_file_system_policy,
    describe_lifecycle_configuration, put_backup_policy, put_file_system_policy, put_lifecycle_configuration,
};
pub use tags::{list_tags_for_resource, tag_resource, untag_resource};
