//! Pages of the listings.

use api::servicediscovery::Error;

use super::errors::invalid_input;
use crate::call::Authorized;
use crate::handlers::page::{PageRequest, page};

/// Items of a page unless the caller says so, and most of them.
const PAGE_SIZE: i32 = 100;

/// What a caller asks of a listing.
pub struct Asked<'a> {
    /// Names the listing and its filters.
    pub listing: String,
    /// `NextToken`
    pub next_token: Option<&'a str>,
    /// `MaxResults`
    pub max_results: Option<i32>,
}

/// Cuts a page out of items in the order of their keys.
///
/// # Errors
/// InvalidInput.
pub fn cut<T>(
    access: &Authorized,
    asked: &Asked<'_>,
    items: impl Iterator<Item = (String, T)>,
) -> Result<(Vec<T>, Option<String>), Error> {
    let request = PageRequest {
        listing: &format!("servicediscovery {}", asked.listing),
        next_token: asked.next_token.filter(|it| !it.is_empty()),
        max_results: size(asked.max_results, PAGE_SIZE)?,
    };
    page(access.page_key(), &request, items).map_err(|_| invalid_input("Invalid NextToken"))
}

/// How many items a caller wants at once.
///
/// # Errors
/// InvalidInput.
pub fn size(given: Option<i32>, most: i32) -> Result<usize, Error> {
    let size = given.unwrap_or(PAGE_SIZE);
    match usize::try_from(size) {
        Ok(size) if (1..=most).contains(&given.unwrap_or(1)) => Ok(size),
        _ => Err(invalid_input(format!(
            "MaxResults must be from 1 to {most}, not {size}"
        ))),
    }
}
