//! AWS Certificate Manager: certificates that are imported. None is issued here.
//!
//! <https://docs.aws.amazon.com/acm/latest/APIReference/Welcome.html>

mod delete;
mod describe;
mod errors;
mod import;
mod listing;
mod names;
mod tags;
#[cfg(test)]
mod tests;

pub use delete::delete_certificate;
pub use describe::{describe_certificate, get_certificate};
pub use errors::{denied, invalid_parameter, validation};
pub use import::import_certificate;
pub use listing::list_certificates;
pub use tags::{
    add_tags_to_certificate, list_tags_for_certificate, list_tags_for_resource, remove_tags_from_certificate,
    tag_resource, untag_resource,
};
