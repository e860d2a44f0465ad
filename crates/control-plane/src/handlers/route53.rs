//! Route 53, to be read: the hosted zones of Cloud Map's namespaces, in all regions of the account.
//!
//! Only Cloud Map makes and changes them here.
//! <https://docs.aws.amazon.com/Route53/latest/APIReference/Welcome.html>

mod changes;
mod errors;
mod ids;
mod listings;
mod pieces;
mod record_sets;
mod render;
mod tags;
#[cfg(test)]
mod tests;
mod zones;

pub use changes::{get_change, managed_elsewhere};
pub use errors::not_supported;
pub use listings::{list_hosted_zones, list_hosted_zones_by_name, list_hosted_zones_by_vpc};
pub use record_sets::list_resource_record_sets;
pub use tags::{list_tags_for_resource, list_tags_for_resources};
pub use zones::{get_hosted_zone, get_hosted_zone_count, get_hosted_zone_limit};
