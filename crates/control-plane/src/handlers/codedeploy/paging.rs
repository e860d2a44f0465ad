//! Pages of the listings, which callers cannot choose the size of.

use api::codedeploy::{self, Error};

use crate::call::Authorized;
use crate::handlers::page::{PageRequest, page};

/// Items of a page.
const PAGE_SIZE: usize = 100;

/// Cuts a page out of items in the order of their keys; `listing` names it with its filters.
///
/// # Errors
/// InvalidNextToken.
pub fn cut<T>(
    access: &Authorized,
    listing: &str,
    next_token: Option<&str>,
    items: impl Iterator<Item = (String, T)>,
) -> Result<(Vec<T>, Option<String>), Error> {
    let request = PageRequest {
        listing: &format!("codedeploy {listing}"),
        next_token: next_token.filter(|it| !it.is_empty()),
        max_results: PAGE_SIZE,
    };
    page(access.page_key(), &request, items).map_err(|_| {
        Error::InvalidNextTokenException(codedeploy::InvalidNextTokenException {
            message: Some("The next token is not valid".to_owned()),
        })
    })
}
