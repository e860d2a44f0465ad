//! Names of a request, and what Amazon says where they lead nowhere.

use api::ecr;
use domain::repository::{Repository, RepositoryKey, is_repository_name};
use store::State;
use wire::Operation;

use super::errors::{invalid_parameter, repository_not_found};
use crate::call::Call;

/// Amazon's sentences, which the registry's other protocol says too.
pub mod texts {
    use domain::repository::RepositoryKey;

    /// There is no such repository.
    pub fn repository_not_found(key: &RepositoryKey) -> String {
        let RepositoryKey { scope, name } = key;
        format!(
            "The repository with name '{name}' does not exist in the registry with id '{}'",
            scope.account
        )
    }

    /// There is no such image in the repository.
    pub fn image_not_found(key: &RepositoryKey, digest: Option<&str>, tag: Option<&str>) -> String {
        let quoted = |it: Option<&str>| format!("'{}'", it.unwrap_or("null"));
        format!(
            "The image with imageId {{imageDigest:{}, imageTag:{}}} does not exist within the repository with name \
             '{}' in the registry with id '{}'",
            quoted(digest),
            quoted(tag),
            key.name,
            key.scope.account
        )
    }

    /// The tag may not move.
    /// <https://github.com/osscontainertools/kaniko/pull/204>
    pub fn tag_immutable(key: &RepositoryKey, tag: &str) -> String {
        format!(
            "The image tag '{tag}' already exists in the '{}' repository and cannot be overwritten because the tag is \
             immutable.",
            key.name
        )
    }
}

/// Why a name can be that of no repository.
const NAME_RULE: &str = "must satisfy regular expression \
                         '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*'";

/// The repository that a call names; whether it is there is another question.
///
/// # Errors
/// InvalidParameterException; RepositoryNotFoundException for the registry of another account.
pub fn repository<O: Operation>(
    call: &Call<O>,
    registry_id: Option<&str>,
    name: &str,
) -> Result<RepositoryKey, ecr::Error> {
    if !is_repository_name(name) {
        return Err(invalid_parameter("repositoryName", NAME_RULE));
    }
    let mut key = RepositoryKey::new(call.scope(), name);
    if let Some(id) = registry_id.filter(|it| *it != key.scope.account) {
        id.clone_into(&mut key.scope.account);
        return Err(repository_not_found(&key));
    }
    Ok(key)
}

/// The repository of an ARN, for tags.
///
/// # Errors
/// InvalidParameterException; RepositoryNotFoundException for one of another account or region.
pub fn repository_of_arn<O: Operation>(call: &Call<O>, arn: &str) -> Result<RepositoryKey, ecr::Error> {
    let key = RepositoryKey::parse_arn(arn);
    let key = key.ok_or_else(|| invalid_parameter("resourceArn", "Invalid ARN"))?;
    if key.scope != *call.scope() {
        return Err(repository_not_found(&key));
    }
    Ok(key)
}

/// A repository that is there.
///
/// # Errors
/// RepositoryNotFoundException.
pub fn found<'a>(state: &'a State, key: &RepositoryKey) -> Result<&'a Repository, ecr::Error> {
    let found = state.get::<Repository>(key);
    found.map(|it| &**it).ok_or_else(|| repository_not_found(key))
}
