//! Pages of the listings: `Marker` and `PageSize`.

use api::elb::Error;

use super::errors::{range, validation};
use crate::call::Authorized;
use crate::handlers::page::{PageRequest, page};

/// Items of a page unless told, and most of them.
const PAGE_SIZE_MAX: i32 = 400;

/// Cuts a page out of items in the order of their keys. `listing` names what is listed, with its filters.
///
/// # Errors
/// ValidationError.
pub fn cut<T>(
    access: &Authorized,
    listing: &str,
    (marker, page_size): (Option<&str>, Option<i32>),
    items: impl Iterator<Item = (String, T)>,
) -> Result<(Vec<T>, Option<String>), Error> {
    let size = page_size.unwrap_or(PAGE_SIZE_MAX);
    range(size.into(), "pageSize", (1, PAGE_SIZE_MAX.into()))?;
    let request = PageRequest {
        listing: &format!("elb {listing}"),
        next_token: marker.filter(|it| !it.is_empty()),
        max_results: usize::try_from(size).unwrap_or(1),
    };
    page(access.page_key(), &request, items).map_err(|_| validation("The specified marker is not valid"))
}
