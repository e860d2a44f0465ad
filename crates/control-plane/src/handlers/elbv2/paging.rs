//! Pages of the listings: `Marker` and `PageSize`.

use api::elbv2::Error;

use super::errors::{constraint, validation};
use crate::call::Authorized;
use crate::handlers::page::{PageRequest, page};

/// Items of a page unless told, and most of them.
const PAGE_SIZE_MAX: i32 = 400;

/// What a caller asks of a listing.
pub struct Wanted<'a> {
    /// Names the listing and its filters.
    pub listing: &'a str,
    /// Where the last page ended.
    pub marker: Option<&'a str>,
    /// How many at most.
    pub page_size: Option<i32>,
}

/// Cuts a page out of items in the order of their keys.
///
/// # Errors
/// ValidationError.
pub fn cut<T>(
    access: &Authorized,
    wanted: &Wanted<'_>,
    items: Vec<(String, T)>,
) -> Result<(Vec<T>, Option<String>), Error> {
    let size = wanted.page_size.unwrap_or(PAGE_SIZE_MAX);
    let rule = match size {
        ..=0 => "Member must have value greater than or equal to 1",
        1..=PAGE_SIZE_MAX => "",
        _ => "Member must have value less than or equal to 400",
    };
    if !rule.is_empty() {
        return Err(constraint(&size.to_string(), "pageSize", rule));
    }
    let request = PageRequest {
        listing: &format!("elbv2 {}", wanted.listing),
        next_token: wanted.marker.filter(|it| !it.is_empty()),
        max_results: usize::try_from(size).unwrap_or(1),
    };
    page(access.page_key(), &request, items.into_iter())
        .map_err(|_| validation("The specified marker is not valid"))
}
