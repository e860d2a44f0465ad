//! Pages of the listings: `Marker` and `MaxItems`, or `NextToken` and `MaxResults`.

use api::efs::Error;

use super::errors::{bad_request, constraint};
use crate::call::Authorized;
use crate::handlers::page::{PageRequest, page};

/// Items of a page unless told, and most of them.
const ITEMS_MAX: i32 = 100;

/// What a caller asks of a listing.
pub struct Wanted<'a> {
    /// Names the listing and its filters.
    pub listing: &'a str,
    /// What the member is called that says how many: `maxItems`.
    pub member: &'a str,
    /// How many at most.
    pub most: Option<i32>,
    /// Where the last page ended.
    pub token: Option<&'a str>,
}

/// Cuts a page out of items in the order of their ids.
///
/// # Errors
/// BadRequest, ValidationException.
pub fn cut<T>(
    access: &Authorized,
    wanted: &Wanted<'_>,
    items: Vec<(String, T)>,
) -> Result<(Vec<T>, Option<String>), Error> {
    let most = wanted.most.unwrap_or(ITEMS_MAX);
    let positive = usize::try_from(most).ok().filter(|it| *it > 0);
    let most = positive.ok_or_else(|| {
        let rule = "Member must have value greater than or equal to 1";
        constraint(&most.to_string(), wanted.member, rule)
    })?;
    let request = PageRequest {
        listing: &format!("efs {}", wanted.listing),
        next_token: wanted.token.filter(|it| !it.is_empty()),
        max_results: most.min(usize::try_from(ITEMS_MAX).unwrap_or(1)),
    };
    page(access.page_key(), &request, items.into_iter())
        .map_err(|_| bad_request("The pagination token is invalid."))
}
