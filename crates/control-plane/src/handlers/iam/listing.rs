//! `Marker`, `MaxItems` and `IsTruncated` of the listings.

use api::iam;

use super::errors::validation;
use crate::call::Authorized;
use crate::handlers::page::{PageRequest, page};

/// Items of a page unless told, and most of them.
const ITEMS: i32 = 100;
const ITEMS_MAX: i32 = 1000;

/// A page, whether more follows, and where that begins.
pub struct Page<T> {
    /// In order.
    pub items: Vec<T>,
    /// There is a marker.
    pub is_truncated: Option<bool>,
    /// Where the next page begins.
    pub marker: Option<String>,
}

/// Cuts a page.
///
/// # Errors
/// ValidationError.
pub fn cut<T>(
    access: &Authorized,
    listing: &str,
    marker: Option<&str>,
    max_items: Option<i32>,
    items: impl Iterator<Item = (String, T)>,
) -> Result<Page<T>, iam::Error> {
    let max_items = max_items.unwrap_or(ITEMS);
    if !(1..=ITEMS_MAX).contains(&max_items) {
        return Err(validation(format!(
            "1 validation error detected: Value '{max_items}' at 'maxItems' failed to satisfy constraint: Member must have \
             value between 1 and {ITEMS_MAX}"
        )));
    }
    let request = PageRequest {
        listing: &format!("iam {listing}"),
        next_token: marker.filter(|it| !it.is_empty()),
        max_results: usize::try_from(max_items).unwrap_or(1),
    };
    let cut = page(access.page_key(), &request, items);
    let (items, marker) = cut.map_err(|_| validation("The specified value for marker is invalid."))?;
    Ok(Page {
        items,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}
