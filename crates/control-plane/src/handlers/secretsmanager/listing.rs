//! ListSecrets and ListSecretVersionIds.

use api::secretsmanager as sm;
use domain::Timestamp;
use domain::secret::Secret;

use super::errors::validation;
use super::get::{deleted_date, versions_to_stages};
use super::names::require;
use super::{filters, tags};
use crate::call::{Authorized, Call};
use crate::handlers::page::{PageRequest, page};

/// Most items of a page, and how many come if the caller does not say.
const RESULTS_MAX: i32 = 100;

/// `ListSecrets`.
///
/// # Errors
/// InvalidParameterException, InvalidNextTokenException, ValidationException.
pub async fn list_secrets(call: Call<sm::ListSecrets>) -> Result<sm::ListSecretsOutput, sm::Error> {
    let (scope, input) = (call.scope(), call.input());
    let wanted = input.filters.as_deref().unwrap_or_default();
    filters::check(wanted)?;
    let with_deleted = input.include_planned_deletion == Some(true);
    let mut found: Vec<(String, Secret)> = call.access().store().read(|state| {
        let secrets = state.secrets(scope);
        let shown =
            secrets.filter(|it| (with_deleted || it.deletion.is_none()) && filters::accept(wanted, it));
        shown
            .map(|it| (place(input.sort_by.as_ref(), it), Secret::clone(it)))
            .collect()
    });
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    // By date the newest come first, unless asked otherwise; names go up.
    let is_by_name = matches!(input.sort_by, Some(sm::SortByType::Name));
    match input.sort_order {
        Some(sm::SortOrderType::Desc) => found.reverse(),
        None if !is_by_name => found.reverse(),
        _ => {}
    }
    let listing = format!(
        "secrets {wanted:?} {with_deleted} {:?}",
        (&input.sort_by, &input.sort_order)
    );
    let token = input.next_token.as_deref();
    let (page, next_token) = cut(
        call.access(),
        &listing,
        token,
        input.max_results,
        found.into_iter(),
    )?;
    Ok(sm::ListSecretsOutput {
        next_token,
        secret_list: Some(page.iter().map(entry).collect()),
    })
}

/// Where a secret stands in the order asked for. Times have the same number of digits.
fn place(sort_by: Option<&sm::SortByType>, secret: &Secret) -> String {
    let by = |at: Option<Timestamp>| {
        let millis = at.map_or(0, |it| it.as_millisecond().max(0));
        format!("{millis:020} {}", secret.name)
    };
    match sort_by {
        Some(sm::SortByType::Name) => secret.name.clone(),
        Some(sm::SortByType::LastAccessedDate) => by(secret.accessed_at),
        Some(sm::SortByType::LastChangedDate) => by(Some(secret.changed_at)),
        Some(sm::SortByType::CreatedDate | sm::SortByType::Unmodelled(_)) | None => {
            by(Some(secret.created_at))
        }
    }
}

fn cut<T>(
    access: &Authorized,
    listing: &str,
    next_token: Option<&str>,
    max_results: Option<i32>,
    items: impl Iterator<Item = (String, T)>,
) -> Result<(Vec<T>, Option<String>), sm::Error> {
    let max_results = max_results.unwrap_or(RESULTS_MAX);
    if !(1..=RESULTS_MAX).contains(&max_results) {
        return Err(validation(format!(
            "1 validation error detected: Value '{max_results}' at 'maxResults' failed to satisfy constraint: Member must \
             have value between 1 and {RESULTS_MAX}"
        )));
    }
    let request = PageRequest {
        listing: &format!("secretsmanager {listing}"),
        next_token: next_token.filter(|it| !it.is_empty()),
        max_results: usize::try_from(max_results).unwrap_or(1),
    };
    page(access.page_key(), &request, items).map_err(|_| {
        sm::Error::InvalidNextTokenException(sm::InvalidNextTokenException {
            message: Some("The NextToken value is invalid.".to_owned()),
        })
    })
}

fn entry(it: &Secret) -> sm::SecretListEntry {
    sm::SecretListEntry {
        arn: Some(it.arn()),
        created_date: Some(it.created_at),
        deleted_date: deleted_date(it),
        description: it.description.clone(),
        last_accessed_date: it.accessed_at,
        last_changed_date: Some(it.changed_at),
        name: Some(it.name.clone()),
        secret_versions_to_stages: Some(versions_to_stages(it)),
        tags: Some(tags::rendered(&it.tags)),
        ..sm::SecretListEntry::default()
    }
}

/// `ListSecretVersionIds`; versions without labels come if asked for.
///
/// # Errors
/// ResourceNotFoundException, InvalidNextTokenException.
pub async fn list_secret_version_ids(
    call: Call<sm::ListSecretVersionIds>,
) -> Result<sm::ListSecretVersionIdsOutput, sm::Error> {
    let (scope, input) = (call.scope(), call.input());
    let (secret, versions) = call.access().store().read(|state| {
        let secret = require(state, scope, &input.secret_id)?;
        let versions: Vec<_> = state.secret_versions(scope, &secret.name).cloned().collect();
        Ok::<_, sm::Error>((secret.clone(), versions))
    })?;
    let is_shown = |id: &str| input.include_deprecated == Some(true) || !secret.stages_of(id).is_empty();
    let items = versions
        .into_iter()
        .filter(|it| is_shown(&it.id))
        .map(|it| (it.id.clone(), it));
    let listing = format!("versions {} {:?}", secret.name, input.include_deprecated);
    let token = input.next_token.as_deref();
    let (page, next_token) = cut(call.access(), &listing, token, input.max_results, items)?;
    let shown = page.iter().map(|it| sm::SecretVersionsListEntry {
        created_date: Some(it.created_at),
        kms_key_ids: Some(vec!["DefaultEncryptionKey".to_owned()]),
        last_accessed_date: None,
        version_id: Some(it.id.clone()),
        version_stages: Some(secret.stages_of(&it.id)).filter(|it| !it.is_empty()),
    });
    Ok(sm::ListSecretVersionIdsOutput {
        arn: Some(secret.arn()),
        next_token,
        versions: Some(shown.collect()),
        name: Some(secret.name.clone()),
    })
}
