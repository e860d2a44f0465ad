//! Amazon ECR: the registry of images of each account and region.

mod authorization;
mod errors;
mod images;
mod layers;
mod lifecycle;
mod listing;
mod names;
mod policies;
mod repositories;
mod scans;
mod tags;
#[cfg(test)]
mod tests;

pub use authorization::{describe_registry, get_authorization_token};
pub use images::{batch_delete_image, batch_get_image, describe_images, list_images, put_image};
pub use layers::{
    batch_check_layer_availability, complete_layer_upload, get_download_url_for_layer, initiate_layer_upload,
    upload_layer_part,
};
pub use lifecycle::{
    delete_lifecycle_policy, get_lifecycle_policy, get_lifecycle_policy_preview, put_lifecycle_policy,
    start_lifecycle_policy_preview,
};
pub use names::texts;
pub use policies::{delete_repository_policy, get_repository_policy, set_repository_policy};
pub use repositories::{
    create_repository, delete_repository, describe_repositories, put_image_scanning_configuration,
    put_image_tag_mutability,
};
pub use scans::{describe_image_scan_findings, get_registry_scanning_configuration, start_image_scan};
pub use tags::{list_tags_for_resource, tag_resource, untag_resource};
