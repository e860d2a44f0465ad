//! Repositories.

use api::ecr;
use domain::repository::{Encryption, Repository, RepositoryKey, TagMutability};
use orchestrator::transitions::{
    self, CreateRepositoryRefusal, DeleteImages, DeleteRepositoryRefusal, Deletion, NewRepository,
    REPOSITORIES_MAX, RepositoryChange,
};

use super::errors::{from_change, from_store, invalid_parameter, repository_not_found};
use super::{listing, names, tags};
use crate::call::{Authorized, Call};

/// Most exclusion filters of a repository, and most `*` of a filter.
const FILTERS_MAX: usize = 5;
const FILTER_WILDCARDS_MAX: usize = 2;
const FILTER_LENGTH_MAX: usize = 128;
/// Most repositories of one DescribeRepositories by name.
const DESCRIBED_MAX: usize = 100;

/// A repository on the wire.
fn render(access: &Authorized, it: &Repository) -> ecr::Repository {
    let (mutability, filters) = render_mutability(&it.tag_mutability);
    let endpoint = access.advertised_endpoint();
    let host = endpoint.split_once("://").map_or(endpoint, |(_, host)| host);
    ecr::Repository {
        created_at: Some(it.created_at),
        encryption_configuration: Some(ecr::EncryptionConfiguration {
            encryption_type: ecr::EncryptionType::from(it.encryption.kind.as_str()),
            kms_key: it.encryption.kms_key.clone(),
        }),
        image_scanning_configuration: Some(scanning(it.scan_on_push)),
        image_tag_mutability: Some(mutability),
        image_tag_mutability_exclusion_filters: filters,
        registry_id: Some(it.key.scope.account.clone()),
        repository_arn: Some(it.key.arn()),
        repository_name: Some(it.key.name.clone()),
        // Where push and pull work: the name under Amazon's domain is no name of this machine.
        repository_uri: Some(format!("{host}/{}", it.key.name)),
    }
}

fn scanning(scan_on_push: bool) -> ecr::ImageScanningConfiguration {
    ecr::ImageScanningConfiguration {
        scan_on_push: Some(scan_on_push),
    }
}

fn render_mutability(
    it: &TagMutability,
) -> (
    ecr::ImageTagMutability,
    Option<Vec<ecr::ImageTagMutabilityExclusionFilter>>,
) {
    let filters = |all: &[String]| {
        let filters = all.iter().map(|it| ecr::ImageTagMutabilityExclusionFilter {
            filter: it.clone(),
            filter_type: ecr::ImageTagMutabilityExclusionFilterType::Wildcard,
        });
        Some(filters.collect())
    };
    match it {
        TagMutability::Mutable => (ecr::ImageTagMutability::Mutable, None),
        TagMutability::Immutable => (ecr::ImageTagMutability::Immutable, None),
        TagMutability::MutableWithExclusion(all) => {
            (ecr::ImageTagMutability::MutableWithExclusion, filters(all))
        }
        TagMutability::ImmutableWithExclusion(all) => {
            (ecr::ImageTagMutability::ImmutableWithExclusion, filters(all))
        }
    }
}

fn parse_mutability(
    setting: Option<&ecr::ImageTagMutability>,
    filters: Option<&[ecr::ImageTagMutabilityExclusionFilter]>,
) -> Result<TagMutability, ecr::Error> {
    let member = "imageTagMutabilityExclusionFilters";
    let filters = filters.unwrap_or_default();
    let is_filter = |it: &ecr::ImageTagMutabilityExclusionFilter| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._*-".contains(&byte);
        (1..=FILTER_LENGTH_MAX).contains(&it.filter.len())
            && it.filter.bytes().all(is_plain)
            && it.filter.matches('*').count() <= FILTER_WILDCARDS_MAX
            && it.filter_type == ecr::ImageTagMutabilityExclusionFilterType::Wildcard
    };
    if filters.len() > FILTERS_MAX || !filters.iter().all(is_filter) {
        let constraint = format!(
            "at most {FILTERS_MAX} filters of type WILDCARD, of letters, digits, '.', '_', '-' and at most \
             {FILTER_WILDCARDS_MAX} '*'"
        );
        return Err(invalid_parameter(member, &constraint));
    }
    let texts = || filters.iter().map(|it| it.filter.clone()).collect();
    let parsed = match (setting, filters.is_empty()) {
        (None | Some(ecr::ImageTagMutability::Mutable), true) => TagMutability::Mutable,
        (Some(ecr::ImageTagMutability::Immutable), true) => TagMutability::Immutable,
        (Some(ecr::ImageTagMutability::MutableWithExclusion), false) => {
            TagMutability::MutableWithExclusion(texts())
        }
        (Some(ecr::ImageTagMutability::ImmutableWithExclusion), false) => {
            TagMutability::ImmutableWithExclusion(texts())
        }
        (Some(ecr::ImageTagMutability::Unmodelled(_)), _) => {
            let constraint = "Member must satisfy enum value set: [IMMUTABLE, MUTABLE, IMMUTABLE_WITH_EXCLUSION, \
                              MUTABLE_WITH_EXCLUSION]";
            return Err(invalid_parameter("imageTagMutability", constraint));
        }
        _ => {
            let constraint = "exclusion filters go with IMMUTABLE_WITH_EXCLUSION and MUTABLE_WITH_EXCLUSION, which \
                              need them";
            return Err(invalid_parameter(member, constraint));
        }
    };
    Ok(parsed)
}

fn parse_encryption(given: Option<&ecr::EncryptionConfiguration>) -> Result<Encryption, ecr::Error> {
    let Some(given) = given else {
        return Ok(Encryption {
            kind: ecr::EncryptionType::Aes256.as_str().to_owned(),
            kms_key: None,
        });
    };
    let is_aes = given.encryption_type == ecr::EncryptionType::Aes256;
    if matches!(given.encryption_type, ecr::EncryptionType::Unmodelled(_))
        || (is_aes && given.kms_key.is_some())
    {
        let constraint = "AES256, or KMS or KMS_DSSE with an optional kmsKey";
        return Err(invalid_parameter("encryptionConfiguration", constraint));
    }
    Ok(Encryption {
        kind: given.encryption_type.as_str().to_owned(),
        kms_key: given.kms_key.clone(),
    })
}

/// `CreateRepository`.
///
/// # Errors
/// InvalidParameterException, RepositoryAlreadyExistsException, LimitExceededException, those of tags.
pub async fn create_repository(
    call: Call<ecr::CreateRepository>,
) -> Result<ecr::CreateRepositoryOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let scanning = input.image_scanning_configuration.as_ref();
    let new = NewRepository {
        key: key.clone(),
        tag_mutability: parse_mutability(
            input.image_tag_mutability.as_ref(),
            input.image_tag_mutability_exclusion_filters.as_deref(),
        )?,
        scan_on_push: scanning.and_then(|it| it.scan_on_push) == Some(true),
        encryption: parse_encryption(input.encryption_configuration.as_ref())?,
        tags: tags::parse(input.tags.as_deref().unwrap_or_default())?,
    };
    let store = call.access().store();
    let created = store
        .transact(move |tx| transitions::create_repository(tx, new))
        .await;
    let created = created.map_err(|error| from_store(error, |it| not_created(it, &key)))?;
    Ok(ecr::CreateRepositoryOutput {
        repository: Some(render(call.access(), &created)),
    })
}

fn not_created(refusal: CreateRepositoryRefusal, key: &RepositoryKey) -> ecr::Error {
    match refusal {
        CreateRepositoryRefusal::Exists => {
            let message = format!(
                "The repository with name '{}' already exists in the registry with id '{}'",
                key.name, key.scope.account
            );
            ecr::Error::RepositoryAlreadyExistsException(ecr::RepositoryAlreadyExistsException {
                message: Some(message),
            })
        }
        CreateRepositoryRefusal::TooMany => ecr::Error::LimitExceededException(ecr::LimitExceededException {
            message: Some(format!(
                "The registry has {REPOSITORIES_MAX} repositories, the most it may have"
            )),
        }),
    }
}

/// `DescribeRepositories`: those named, or all by name.
///
/// # Errors
/// InvalidParameterException, RepositoryNotFoundException.
pub async fn describe_repositories(
    call: Call<ecr::DescribeRepositories>,
) -> Result<ecr::DescribeRepositoriesOutput, ecr::Error> {
    let input = call.input();
    let (access, registry) = (call.access(), input.registry_id.as_deref());
    if let Some(given) = input.repository_names.as_deref().filter(|it| !it.is_empty()) {
        if input.max_results.is_some() || input.next_token.is_some() {
            let constraint = "maxResults and nextToken cannot be used with repositoryNames";
            return Err(invalid_parameter("repositoryNames", constraint));
        }
        if given.len() > DESCRIBED_MAX {
            let constraint = format!("Member must have length less than or equal to {DESCRIBED_MAX}");
            return Err(invalid_parameter("repositoryNames", &constraint));
        }
        let keys = given.iter().map(|name| names::repository(&call, registry, name));
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        let repositories = access.store().read(|state| {
            let found = keys
                .iter()
                .map(|key| Ok(render(access, names::found(state, key)?)));
            found.collect::<Result<Vec<_>, ecr::Error>>()
        })?;
        return Ok(ecr::DescribeRepositoriesOutput {
            next_token: None,
            repositories: Some(repositories),
        });
    }
    if registry.is_some_and(|it| it != call.scope().account) {
        let constraint = format!("this server has the registry of {} only", call.scope().account);
        return Err(invalid_parameter("registryId", &constraint));
    }
    let (repositories, next_token) = access.store().read(|state| {
        let all = state.repositories(call.scope());
        let items = all.map(|it| (it.key.name.clone(), render(access, it)));
        let next_token = input.next_token.as_deref();
        listing::list(
            access.page_key(),
            input.max_results,
            next_token,
            "repositories",
            items,
        )
    })?;
    Ok(ecr::DescribeRepositoriesOutput {
        next_token,
        repositories: Some(repositories),
    })
}

/// `DeleteRepository`, a large one in several transactions: until the last it is there, with less in it.
///
/// # Errors
/// RepositoryNotFoundException, RepositoryNotEmptyException.
pub async fn delete_repository(
    call: Call<ecr::DeleteRepository>,
) -> Result<ecr::DeleteRepositoryOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let images = match input.force {
        Some(true) => DeleteImages::Delete,
        _ => DeleteImages::Refuse,
    };
    loop {
        let at = key.clone();
        let store = call.access().store();
        let deleted = store
            .transact(move |tx| transitions::delete_repository(tx, &at, images))
            .await;
        let deletion = deleted.map_err(|error| {
            from_store(error, |refusal| match refusal {
                DeleteRepositoryRefusal::NotFound => repository_not_found(&key),
                DeleteRepositoryRefusal::NotEmpty => not_empty(&key),
            })
        })?;
        if let Deletion::Done(repository) = deletion {
            return Ok(ecr::DeleteRepositoryOutput {
                repository: Some(render(call.access(), &repository)),
            });
        }
    }
}

fn not_empty(key: &RepositoryKey) -> ecr::Error {
    let message = format!(
        "The repository with name '{}' in registry with id '{}' cannot be deleted because it still contains images",
        key.name, key.scope.account
    );
    ecr::Error::RepositoryNotEmptyException(ecr::RepositoryNotEmptyException {
        message: Some(message),
    })
}

/// `PutImageTagMutability`: tags that moved before stay where they are.
///
/// # Errors
/// InvalidParameterException, RepositoryNotFoundException.
pub async fn put_image_tag_mutability(
    call: Call<ecr::PutImageTagMutability>,
) -> Result<ecr::PutImageTagMutabilityOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let mutability = parse_mutability(
        Some(&input.image_tag_mutability),
        input.image_tag_mutability_exclusion_filters.as_deref(),
    )?;
    let (setting, filters) = render_mutability(&mutability);
    let (change, at) = (RepositoryChange::TagMutability(mutability), key.clone());
    let store = call.access().store();
    let changed = store
        .transact(move |tx| transitions::change_repository(tx, &at, change))
        .await;
    changed.map_err(|error| from_change(error, &key))?;
    Ok(ecr::PutImageTagMutabilityOutput {
        image_tag_mutability: Some(setting),
        image_tag_mutability_exclusion_filters: filters,
        registry_id: Some(key.scope.account),
        repository_name: Some(key.name),
    })
}

/// `PutImageScanningConfiguration`: whether images are scanned as they come from now on.
///
/// # Errors
/// RepositoryNotFoundException.
pub async fn put_image_scanning_configuration(
    call: Call<ecr::PutImageScanningConfiguration>,
) -> Result<ecr::PutImageScanningConfigurationOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let scan_on_push = input.image_scanning_configuration.scan_on_push == Some(true);
    let (change, at) = (RepositoryChange::ScanOnPush(scan_on_push), key.clone());
    let store = call.access().store();
    let changed = store
        .transact(move |tx| transitions::change_repository(tx, &at, change))
        .await;
    changed.map_err(|error| from_change(error, &key))?;
    Ok(ecr::PutImageScanningConfigurationOutput {
        image_scanning_configuration: Some(scanning(scan_on_push)),
        registry_id: Some(key.scope.account),
        repository_name: Some(key.name),
    })
}
