//! Policies of repositories, kept as given: who may do what is decided by access keys so far.

use api::ecr;
use domain::repository::RepositoryKey;
use orchestrator::transitions::{self, RepositoryChange};

use super::errors::{from_change, invalid_parameter};
use super::names;
use crate::call::Call;

/// Longest policy, in bytes.
const POLICY_BYTES_MAX: usize = 10 * 1024;

fn not_found(key: &RepositoryKey) -> ecr::Error {
    let message = format!(
        "Repository policy does not exist for the repository with name '{}' in the registry with id '{}'",
        key.name, key.scope.account
    );
    ecr::Error::RepositoryPolicyNotFoundException(ecr::RepositoryPolicyNotFoundException {
        message: Some(message),
    })
}

/// `SetRepositoryPolicy`.
///
/// # Errors
/// InvalidParameterException, RepositoryNotFoundException.
pub async fn set_repository_policy(
    call: Call<ecr::SetRepositoryPolicy>,
) -> Result<ecr::SetRepositoryPolicyOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let text = input.policy_text.clone();
    let is_policy =
        serde_json::from_str::<serde_json::Map<_, _>>(&text).is_ok_and(|it| it.contains_key("Statement"));
    if !is_policy || text.len() > POLICY_BYTES_MAX {
        return Err(invalid_parameter(
            "PolicyText",
            "Invalid repository policy provided",
        ));
    }
    let (change, at) = (RepositoryChange::Policy(Some(text.clone())), key.clone());
    let store = call.access().store();
    let changed = store
        .transact(move |tx| transitions::change_repository(tx, &at, change))
        .await;
    changed.map_err(|error| from_change(error, &key))?;
    Ok(ecr::SetRepositoryPolicyOutput {
        policy_text: Some(text),
        registry_id: Some(key.scope.account),
        repository_name: Some(key.name),
    })
}

/// `GetRepositoryPolicy`.
///
/// # Errors
/// RepositoryNotFoundException, RepositoryPolicyNotFoundException.
pub async fn get_repository_policy(
    call: Call<ecr::GetRepositoryPolicy>,
) -> Result<ecr::GetRepositoryPolicyOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let text = call.access().store().read(|state| {
        let policy = names::found(state, &key)?.policy.clone();
        policy.ok_or_else(|| not_found(&key))
    })?;
    Ok(ecr::GetRepositoryPolicyOutput {
        policy_text: Some(text),
        registry_id: Some(key.scope.account),
        repository_name: Some(key.name),
    })
}

/// `DeleteRepositoryPolicy`.
///
/// # Errors
/// RepositoryNotFoundException, RepositoryPolicyNotFoundException.
pub async fn delete_repository_policy(
    call: Call<ecr::DeleteRepositoryPolicy>,
) -> Result<ecr::DeleteRepositoryPolicyOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let (change, at) = (RepositoryChange::Policy(None), key.clone());
    let store = call.access().store();
    let changed = store
        .transact(move |tx| transitions::change_repository(tx, &at, change))
        .await;
    let (before, _) = changed.map_err(|error| from_change(error, &key))?;
    let text = before.policy.clone().ok_or_else(|| not_found(&key))?;
    Ok(ecr::DeleteRepositoryPolicyOutput {
        policy_text: Some(text),
        registry_id: Some(key.scope.account),
        repository_name: Some(key.name),
    })
}
