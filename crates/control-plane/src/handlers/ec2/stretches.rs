//! Pages out of more than one look at the state may hold others up for: it is searched in stretches.

use api::ec2;
use store::{State, Store};

use super::invalid_value;
use crate::handlers::page::{PageKey, PageRequest, page, resumes_after};

/// Most candidates of one look at the state. The writer waits for a look, and everybody for the writer.
pub const STRETCH: usize = 500;
/// Most items of a page, whatever is asked for. Amazon fails here, where many are asked for without pages.
pub const PAGE_MAX: usize = 1000;

/// What one look found.
pub struct Stretch<T> {
    /// Under their positions, which go up.
    pub items: Vec<(String, T)>,
    /// The position after which the next look begins; none at the end.
    pub resume: Option<String>,
}

impl<T> Stretch<T> {
    /// Nothing, and nothing comes.
    pub fn end() -> Self {
        Self {
            items: Vec::new(),
            resume: None,
        }
    }
}

/// A page of what looks find one after the other. Each is given the position after which it begins.
///
/// # Errors
/// InvalidParameterValue for a token that is not of this listing.
pub async fn page_of_stretches<T>(
    store: &Store,
    key: &PageKey,
    mut request: PageRequest<'_>,
    look: impl Fn(&State, Option<&str>) -> Stretch<T>,
) -> Result<(Vec<T>, Option<String>), ec2::Error> {
    let invalid = |_| invalid_value("Unable to parse pagination token");
    request.max_results = request.max_results.min(PAGE_MAX);
    let mut position = resumes_after(key, request.listing, request.next_token).map_err(invalid)?;
    let mut found = Vec::new();
    loop {
        let stretch = store.read(|state| look(state, position.as_deref()));
        found.extend(stretch.items);
        position = stretch.resume;
        // One more than the page tells that there is more.
        if position.is_none() || found.len() > request.max_results {
            break;
        }
        tokio::task::yield_now().await;
    }
    page(key, &request, found.into_iter()).map_err(invalid)
}
