//! Lifecycle policies, and what they would do.

use api::ecr;
use domain::Timestamp;
use domain::lifecycle_policy::{Candidate, Expiry, evaluate};
use domain::repository::{LifecyclePolicyText, RepositoryKey};
use orchestrator::transitions::{self, RepositoryChange};

use super::errors::{from_change, invalid_parameter, unsupported};
use super::{listing, names};
use crate::call::Call;
use crate::registry::{candidates, parse_lifecycle_policy};

/// Longest policy, in bytes.
const POLICY_BYTES_MAX: usize = 30_720;

fn checked(text: &str) -> Result<(), ecr::Error> {
    let failed = |what: &str| {
        let constraint = format!("Lifecycle policy validation failure: {what}");
        invalid_parameter("LifecyclePolicyText", &constraint)
    };
    if text.len() > POLICY_BYTES_MAX {
        return Err(failed(&format!("it has at most {POLICY_BYTES_MAX} bytes")));
    }
    parse_lifecycle_policy(text)
        .map(drop)
        .map_err(|error| failed(&error.to_string()))
}

fn not_found(key: &RepositoryKey) -> ecr::Error {
    let message = format!(
        "Lifecycle policy does not exist for the repository with name '{}' in the registry with id '{}'",
        key.name, key.scope.account
    );
    ecr::Error::LifecyclePolicyNotFoundException(ecr::LifecyclePolicyNotFoundException {
        message: Some(message),
    })
}

/// Amazon shows the epoch for a policy that was never evaluated.
fn evaluated_at(policy: &LifecyclePolicyText) -> Timestamp {
    policy.evaluated_at.unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `PutLifecyclePolicy`: images are compared with it within the hour.
///
/// # Errors
/// InvalidParameterException, RepositoryNotFoundException.
pub async fn put_lifecycle_policy(
    call: Call<ecr::PutLifecyclePolicy>,
) -> Result<ecr::PutLifecyclePolicyOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let text = input.lifecycle_policy_text.clone();
    checked(&text)?;
    let (change, at) = (RepositoryChange::LifecyclePolicy(Some(text.clone())), key.clone());
    let store = call.access().store();
    let changed = store
        .transact(move |tx| transitions::change_repository(tx, &at, change))
        .await;
    changed.map_err(|error| from_change(error, &key))?;
    Ok(ecr::PutLifecyclePolicyOutput {
        lifecycle_policy_text: Some(text),
        registry_id: Some(key.scope.account),
        repository_name: Some(key.name),
    })
}

/// `GetLifecyclePolicy`.
///
/// # Errors
/// LifecyclePolicyNotFoundException, RepositoryNotFoundException.
pub async fn get_lifecycle_policy(
    call: Call<ecr::GetLifecyclePolicy>,
) -> Result<ecr::GetLifecyclePolicyOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let policy = call.access().store().read(|state| {
        let policy = names::found(state, &key)?.lifecycle_policy.clone();
        policy.ok_or_else(|| not_found(&key))
    })?;
    Ok(ecr::GetLifecyclePolicyOutput {
        last_evaluated_at: Some(evaluated_at(&policy)),
        lifecycle_policy_text: Some(policy.text),
        registry_id: Some(key.scope.account),
        repository_name: Some(key.name),
    })
}

/// `DeleteLifecyclePolicy`.
///
/// # Errors
/// LifecyclePolicyNotFoundException, RepositoryNotFoundException.
pub async fn delete_lifecycle_policy(
    call: Call<ecr::DeleteLifecyclePolicy>,
) -> Result<ecr::DeleteLifecyclePolicyOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let (change, at) = (RepositoryChange::LifecyclePolicy(None), key.clone());
    let store = call.access().store();
    let changed = store
        .transact(move |tx| transitions::change_repository(tx, &at, change))
        .await;
    let (before, _) = changed.map_err(|error| from_change(error, &key))?;
    let policy = before.lifecycle_policy.clone().ok_or_else(|| not_found(&key))?;
    Ok(ecr::DeleteLifecyclePolicyOutput {
        last_evaluated_at: Some(evaluated_at(&policy)),
        lifecycle_policy_text: Some(policy.text),
        registry_id: Some(key.scope.account),
        repository_name: Some(key.name),
    })
}

/// `StartLifecyclePolicyPreview` of a policy, or of the one that the repository has.
///
/// # Errors
/// InvalidParameterException, LifecyclePolicyNotFoundException, RepositoryNotFoundException.
pub async fn start_lifecycle_policy_preview(
    call: Call<ecr::StartLifecyclePolicyPreview>,
) -> Result<ecr::StartLifecyclePolicyPreviewOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let store = call.access().store();
    let text = match &input.lifecycle_policy_text {
        Some(text) => text.clone(),
        None => store.read(|state| {
            let policy = names::found(state, &key)?.lifecycle_policy.as_ref();
            policy.map(|it| it.text.clone()).ok_or_else(|| not_found(&key))
        })?,
    };
    checked(&text)?;
    let (change, at) = (RepositoryChange::LifecyclePreview(text.clone()), key.clone());
    let changed = store
        .transact(move |tx| transitions::change_repository(tx, &at, change))
        .await;
    changed.map_err(|error| from_change(error, &key))?;
    Ok(ecr::StartLifecyclePolicyPreviewOutput {
        lifecycle_policy_text: Some(text),
        registry_id: Some(key.scope.account),
        repository_name: Some(key.name),
        // Amazon's waiters ask until it is COMPLETE, which it is when it is first asked for.
        status: Some(ecr::LifecyclePolicyPreviewStatus::InProgress),
    })
}

/// `GetLifecyclePolicyPreview`: the images as they are now, at the time for which the preview was asked.
///
/// # Errors
/// LifecyclePolicyPreviewNotFoundException, InvalidParameterException, RepositoryNotFoundException.
pub async fn get_lifecycle_policy_preview(
    call: Call<ecr::GetLifecyclePolicyPreview>,
) -> Result<ecr::GetLifecyclePolicyPreviewOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    if input.image_ids.as_ref().is_some_and(|it| !it.is_empty()) {
        return Err(unsupported("imageIds"));
    }
    let tag_status = input.filter.as_ref().and_then(|it| it.tag_status.as_ref());
    let (preview, images) = call.access().store().read(|state| {
        let preview = names::found(state, &key)?.lifecycle_preview.clone();
        let preview = preview.ok_or_else(|| no_preview(&key))?;
        Ok::<_, ecr::Error>((preview, candidates(state, &key)))
    })?;
    checked(&preview.text)?;
    let rules = parse_lifecycle_policy(&preview.text).unwrap_or_default();
    let expired = evaluate(&rules, &images, evaluated_at(&preview));
    let count = i32::try_from(expired.len()).unwrap_or(i32::MAX);
    let mut wanted: Vec<_> = expired
        .iter()
        .filter(|it| is_wanted(tag_status, it.image))
        .collect();
    wanted.sort_by(|left, right| left.image.digest.cmp(&right.image.digest));
    let items = wanted
        .into_iter()
        .map(|it| (it.image.digest.clone(), rendered(it)));
    let listing = format!(
        "preview {} {}",
        key.name,
        tag_status.map_or("", ecr::TagStatus::as_str)
    );
    let page_key = call.access().page_key();
    let next_token = input.next_token.as_deref();
    let (results, next_token) = listing::list(page_key, input.max_results, next_token, &listing, items)?;
    Ok(ecr::GetLifecyclePolicyPreviewOutput {
        lifecycle_policy_text: Some(preview.text),
        next_token,
        preview_results: Some(results),
        registry_id: Some(key.scope.account),
        repository_name: Some(key.name),
        status: Some(ecr::LifecyclePolicyPreviewStatus::Complete),
        summary: Some(ecr::LifecyclePolicyPreviewSummary {
            expiring_image_total_count: Some(count),
            transitioning_image_total_counts: None,
        }),
    })
}

fn no_preview(key: &RepositoryKey) -> ecr::Error {
    let message = format!(
        "There is no lifecycle policy preview for the repository with name '{}' in the registry with id '{}'",
        key.name, key.scope.account
    );
    ecr::Error::LifecyclePolicyPreviewNotFoundException(ecr::LifecyclePolicyPreviewNotFoundException {
        message: Some(message),
    })
}

fn is_wanted(tag_status: Option<&ecr::TagStatus>, image: &Candidate) -> bool {
    match tag_status {
        Some(ecr::TagStatus::Tagged) => !image.tags.is_empty(),
        Some(ecr::TagStatus::Untagged) => image.tags.is_empty(),
        _ => true,
    }
}

fn rendered(it: &Expiry<'_>) -> ecr::LifecyclePolicyPreviewResult {
    ecr::LifecyclePolicyPreviewResult {
        action: Some(ecr::LifecyclePolicyRuleAction {
            r#type: Some(ecr::ImageActionType::Expire),
            target_storage_class: None,
        }),
        applied_rule_priority: i32::try_from(it.rule_priority).ok(),
        image_digest: Some(it.image.digest.clone()),
        image_pushed_at: Some(it.image.pushed_at),
        image_tags: Some(it.image.tags.clone()),
        storage_class: None,
    }
}
