//! Roles of AWS IAM. Their policies are kept; they decide nothing yet.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html>

mod errors;
mod listing;
mod policies;
mod roles;
mod tags;
#[cfg(test)]
mod tests;

pub use policies::{
    attach_role_policy, delete_role_policy, detach_role_policy, get_role_policy, list_attached_role_policies,
    list_role_policies, put_role_policy,
};
pub use roles::{
    create_role, delete_role, get_role, list_instance_profiles_for_role, list_roles,
    update_assume_role_policy, update_role,
};
pub use tags::{list_role_tags, tag_role, untag_role};
