//! `maxResults` and `nextToken` of ECR's listings.

use api::ecr;

use super::errors::invalid_parameter;
use crate::handlers::page::{PageKey, PageRequest, page};

/// How many items come if the caller does not say.
const DEFAULT: usize = 100;
/// Highest `maxResults`.
const MOST: i32 = 1000;

/// Cuts a page out of items in the order of their keys; `listing` names it with its filters.
///
/// # Errors
/// InvalidParameterException for a foreign token or a size out of bounds.
pub fn list<T>(
    key: &PageKey,
    max_results: Option<i32>,
    next_token: Option<&str>,
    listing: &str,
    items: impl Iterator<Item = (String, T)>,
) -> Result<(Vec<T>, Option<String>), ecr::Error> {
    let max_results = match max_results {
        None => DEFAULT,
        Some(given) => usize::try_from(given)
            .ok()
            .filter(|_| (1..=MOST).contains(&given))
            .ok_or_else(|| {
                let constraint = format!("Member must have value between 1 and {MOST}");
                invalid_parameter("maxResults", &constraint)
            })?,
    };
    let request = PageRequest {
        listing,
        next_token,
        max_results,
    };
    page(key, &request, items).map_err(|_| invalid_parameter("nextToken", "Invalid token"))
}
