//! GetParametersByPath and DescribeParameters, and pages of them.

use std::sync::Arc;

use api::ssm;
use domain::Scope;
use domain::parameter::{Parameter, ParameterVersion};
use store::State;

use super::errors::{constraint, validation};
use super::filters::Filters;
use super::names::{Depth, check_path, is_below};
use super::value::{self, Decryption};
use crate::call::{Authorized, Call};
use crate::handlers::page::{PageRequest, page};

/// Most parameters of a page by path.
const BY_PATH_MAX: i32 = 10;
/// Most parameters of a page of DescribeParameters.
const DESCRIBE_MAX: i32 = 50;

/// What a caller says of the page it wants.
pub struct Page<'a> {
    /// Names the listing and its filters.
    pub listing: String,
    /// `NextToken`
    pub next_token: Option<&'a str>,
    /// `MaxResults`
    pub max_results: Option<i32>,
    /// Highest `MaxResults`.
    pub most: i32,
    /// Without `MaxResults`.
    pub default: i32,
}

/// Cuts a page.
///
/// # Errors
/// ValidationException, InvalidNextToken.
pub fn cut<T>(
    access: &Authorized,
    wanted: &Page<'_>,
    items: impl Iterator<Item = (String, T)>,
) -> Result<(Vec<T>, Option<String>), ssm::Error> {
    let max_results = wanted.max_results.unwrap_or(wanted.default);
    let rule = match max_results {
        it if it < 1 => "Member must have value greater than or equal to 1".to_owned(),
        it if it > wanted.most => format!("Member must have value less than or equal to {}", wanted.most),
        _ => String::new(),
    };
    if !rule.is_empty() {
        return Err(constraint(&max_results.to_string(), "maxResults", &rule));
    }
    let request = PageRequest {
        listing: &format!("ssm {}", wanted.listing),
        next_token: wanted.next_token.filter(|it| !it.is_empty()),
        max_results: usize::try_from(max_results).unwrap_or(1),
    };
    page(access.page_key(), &request, items).map_err(|_| {
        ssm::Error::InvalidNextToken(ssm::InvalidNextToken {
            message: Some("The specified token isn't valid.".to_owned()),
        })
    })
}

type Found = (Arc<Parameter>, Arc<ParameterVersion>);

fn matching(state: &State, scope: &Scope, is_wanted: impl Fn(&Found) -> bool) -> Vec<(String, Found)> {
    let found = state.parameters(scope).filter_map(|it| {
        let key = (scope.clone(), it.name.clone(), it.latest);
        let found = (Arc::clone(it), Arc::clone(state.get::<ParameterVersion>(&key)?));
        is_wanted(&found).then(|| (it.name.clone(), found))
    });
    found.collect()
}

/// `GetParametersByPath`.
///
/// # Errors
/// ValidationException, InvalidFilterKey, InvalidFilterOption, InvalidNextToken.
pub async fn get_parameters_by_path(
    call: Call<ssm::GetParametersByPath>,
) -> Result<ssm::GetParametersByPathOutput, ssm::Error> {
    let (scope, input) = (call.scope(), call.input());
    check_path(&input.path)?;
    let depth = match input.recursive {
        Some(true) => Depth::Recursive,
        Some(false) | None => Depth::OneLevel,
    };
    let filters = Filters::of_path(input.parameter_filters.as_deref().unwrap_or_default())?;
    let found = call.access().store().read(|state| {
        matching(state, scope, |(parameter, version)| {
            is_below(&parameter.name, &input.path, depth) && filters.accept(parameter, version)
        })
    });
    let page = Page {
        listing: format!("path {} {depth:?} {filters:?}", input.path),
        next_token: input.next_token.as_deref(),
        max_results: input.max_results,
        most: BY_PATH_MAX,
        default: BY_PATH_MAX,
    };
    let (page, next_token) = cut(call.access(), &page, found.into_iter())?;
    let decryption = Decryption::from(input.with_decryption);
    let shown = page
        .iter()
        .map(|(_, version)| value::rendered(call.access().values(), version, None, decryption));
    Ok(ssm::GetParametersByPathOutput {
        next_token,
        parameters: Some(shown.collect::<Result<_, _>>()?),
    })
}

/// `DescribeParameters`.
///
/// # Errors
/// ValidationException, InvalidFilterKey, InvalidFilterOption, InvalidFilterValue, InvalidNextToken.
pub async fn describe_parameters(
    call: Call<ssm::DescribeParameters>,
) -> Result<ssm::DescribeParametersOutput, ssm::Error> {
    let (scope, input) = (call.scope(), call.input());
    let filters = match (&input.filters, &input.parameter_filters) {
        (Some(old), Some(new)) if !old.is_empty() && !new.is_empty() => {
            return Err(validation(
                "You can use either Filters or ParameterFilters in a single request.",
            ));
        }
        (Some(old), _) if !old.is_empty() => Filters::of_old(old)?,
        (_, new) => Filters::of_description(new.as_deref().unwrap_or_default())?,
    };
    // Nobody shares parameters with this account.
    let is_shared = input.shared == Some(true);
    let found = call.access().store().read(|state| {
        matching(state, scope, |(parameter, version)| {
            !is_shared && filters.accept(parameter, version)
        })
    });
    let page = Page {
        listing: format!("describe {filters:?}"),
        next_token: input.next_token.as_deref(),
        max_results: input.max_results,
        most: DESCRIBE_MAX,
        default: DESCRIBE_MAX,
    };
    let (page, next_token) = cut(call.access(), &page, found.into_iter())?;
    let shown = page
        .iter()
        .map(|(parameter, version)| value::metadata(parameter, version));
    Ok(ssm::DescribeParametersOutput {
        next_token,
        parameters: Some(shown.collect()),
    })
}
