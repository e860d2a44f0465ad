//! `maxResults` and `nextToken` of the List operations.

use std::fmt::Display;

use api::ecs;
use store::{Record, State};

use super::errors::invalid_parameter;
use super::render;
use crate::handlers::page::{self, PageKey, PageRequest, page};

#[cfg(test)]
mod tests;

/// Most items of a page, and how many come if the caller does not say.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Without `maxResults`.
    pub default: usize,
    /// Highest `maxResults`.
    pub most: i32,
}

/// The listings that give up to a hundred.
pub const HUNDRED: Limits = Limits {
    default: 100,
    most: 100,
};
/// ListAccountSettings gives ten at most.
pub const TEN: Limits = Limits {
    default: 10,
    most: 10,
};
/// ListServices gives ten unless told.
pub const SERVICES: Limits = Limits {
    default: 10,
    most: 100,
};

/// What the caller says of the page it wants.
pub struct Wanted<'a> {
    /// `maxResults`
    pub max_results: Option<i32>,
    /// `nextToken`
    pub next_token: Option<&'a str>,
}

/// A filter that is one of the words of the model, or a list of them.
///
/// # Errors
/// InvalidParameterException: a word that nobody knows would match nothing without a sound.
pub fn require_word<'a>(
    member: &str,
    given: impl IntoIterator<Item = &'a str>,
    words: &[&str],
) -> Result<(), ecs::Error> {
    match given.into_iter().find(|it| !words.contains(it)) {
        None => Ok(()),
        Some(given) => Err(invalid_parameter(format!(
            "Invalid {member}: {given:?}; it must be one of {}.",
            words.join(", ")
        ))),
    }
}

/// The records of a Describe in the order asked for, and "MISSING" for those that are not there.
pub fn found<'a, R: Record>(state: &'a State, arns: &[R::Key]) -> (Vec<&'a R>, Vec<ecs::Failure>)
where
    R::Key: Display,
{
    let mut found = Vec::with_capacity(arns.len());
    let mut failures = Vec::new();
    for arn in arns {
        match state.get::<R>(arn) {
            Some(it) => found.push(&**it),
            None => failures.push(render::missing(arn.to_string())),
        }
    }
    (found, failures)
}

/// Launch types of the model.
pub const LAUNCH_TYPES: [&str; 4] = ["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"];

/// The key after which a listing that goes up is to go on.
///
/// # Errors
/// InvalidParameterException for a foreign token.
pub fn resumes_after(
    key: &PageKey,
    wanted: &Wanted<'_>,
    listing: &str,
) -> Result<Option<String>, ecs::Error> {
    page::resumes_after(key, listing, wanted.next_token).map_err(|_| invalid_token())
}

/// Cuts a page out of a listing; `listing` names it with its filters.
///
/// # Errors
/// InvalidParameterException for a foreign token or a size out of bounds.
pub fn list<K: AsRef<str>, T>(
    key: &PageKey,
    limits: Limits,
    wanted: &Wanted<'_>,
    listing: &str,
    items: impl Iterator<Item = (K, T)>,
) -> Result<(Vec<T>, Option<String>), ecs::Error> {
    let max_results = match wanted.max_results {
        None => limits.default,
        Some(given) => usize::try_from(given)
            .ok()
            .filter(|_| (1..=limits.most).contains(&given))
            .ok_or_else(|| {
                invalid_parameter(format!(
                    "maxResults must be between 1 and {}, not {given}.",
                    limits.most
                ))
            })?,
    };
    let request = PageRequest {
        listing,
        next_token: wanted.next_token,
        max_results,
    };
    page(key, &request, items).map_err(|_| invalid_token())
}

fn invalid_token() -> ecs::Error {
    invalid_parameter("Invalid token.")
}
