//! Repositories of container images: what the registry keeps, as Amazon ECR speaks of it.

use serde::{Deserialize, Serialize};

use crate::tags::Pair;
use crate::{Scope, Timestamp};

mod scan;
mod wildcard;

pub use scan::{ImageScan, ScanOutcome, ScannedPackage};
pub use wildcard::matches_wildcard;

#[cfg(test)]
mod tests;

/// Shortest name of a repository.
const NAME_LENGTH_MIN: usize = 2;
/// Longest name of a repository.
const NAME_LENGTH_MAX: usize = 256;
/// Longest tag of an image.
const TAG_LENGTH_MAX: usize = 300;

/// What identifies a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RepositoryKey {
    /// The registry: each account has one in each region.
    pub scope: Scope,
    /// For example `team/web`.
    pub name: String,
}

impl RepositoryKey {
    /// The repository of that name.
    pub fn new(scope: &Scope, name: impl Into<String>) -> Self {
        Self {
            scope: scope.clone(),
            name: name.into(),
        }
    }

    /// `arn:aws:ecr:us-east-1:123456789012:repository/web`
    pub fn arn(&self) -> String {
        let Scope { account, region } = &self.scope;
        format!("arn:aws:ecr:{region}:{account}:repository/{}", self.name)
    }

    /// Reads what [`RepositoryKey::arn`] writes; `None` for anything else.
    pub fn parse_arn(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", "aws", "ecr", region, account, resource] = fields[..] else {
            return None;
        };
        let name = resource.strip_prefix("repository/")?;
        is_repository_name(name).then(|| Self::new(&Scope::new(account, region), name))
    }
}

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// The record's key.
    pub key: RepositoryKey,
    /// When it was made.
    pub created_at: Timestamp,
    /// Which tags may be moved from one image to another.
    pub tag_mutability: TagMutability,
    /// Whether images are scanned as they come.
    pub scan_on_push: bool,
    /// As asked for.
    pub encryption: Encryption,
    /// Who may do what, as given: JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Which images expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_policy: Option<LifecyclePolicyText>,
    /// What a policy would expire, and when that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_preview: Option<LifecyclePolicyText>,
    /// Tags of the repository itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// A lifecycle policy as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecyclePolicyText {
    /// JSON that has been checked.
    pub text: String,
    /// When images were last compared with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluated_at: Option<Timestamp>,
}

/// `encryptionConfiguration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// `AES256` or `KMS`.
    pub kind: String,
    /// Of KMS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
}

/// `imageTagMutability` with its exclusion filters, in which `*` stands for anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TagMutability {
    /// Any tag may move.
    Mutable,
    /// No tag may move.
    Immutable,
    /// Tags may move but for those that a filter matches.
    MutableWithExclusion(Vec<String>),
    /// No tag may move but those that a filter matches.
    ImmutableWithExclusion(Vec<String>),
}

impl TagMutability {
    /// Whether a tag that one image has may be given to another.
    pub fn may_move(&self, tag: &str) -> bool {
        let is_excluded = |filters: &[String]| filters.iter().any(|it| matches_wildcard(it, tag));
        match self {
            Self::Mutable => true,
            Self::Immutable => false,
            Self::MutableWithExclusion(filters) => !is_excluded(filters),
            Self::ImmutableWithExclusion(filters) => is_excluded(filters),
        }
    }
}

/// An image of a repository: a manifest, or an index of several. Its content lies beside the state, by digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryImage {
    /// Where it is.
    pub repository: RepositoryKey,
    /// Of the manifest: with the repository, the record's key.
    pub digest: String,
    /// Of the manifest.
    pub media_type: String,
    /// What kind of artifact it is: by default the media type of its configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_media_type: Option<String>,
    /// The manifest that it says something about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Of the manifest, in bytes.
    pub manifest_bytes: u64,
    /// Of its blobs, in bytes; of an index that of its largest image.
    pub size_bytes: u64,
    /// When it was first pushed.
    pub pushed_at: Timestamp,
    /// In order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Digests of its configuration and layers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    /// Digests of the images of an index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub manifests: Vec<String>,
    /// The last time that it was looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<ImageScan>,
}

/// A blob that was uploaded to a repository, or mounted into it: a layer or a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryLayer {
    /// Where it may be had.
    pub repository: RepositoryKey,
    /// With the repository, the record's key.
    pub digest: String,
    /// Its length.
    pub size_bytes: u64,
    /// When it came: one that no image has is kept for a while.
    pub uploaded_at: Timestamp,
}

/// Whether a repository may have this name: `(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*`
pub fn is_repository_name(name: &str) -> bool {
    let is_word = |it: &str| {
        !it.is_empty()
            && it
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    (NAME_LENGTH_MIN..=NAME_LENGTH_MAX).contains(&name.len())
        && name
            .split('/')
            .all(|part| part.split(['.', '_', '-']).all(is_word))
}

/// Whether an image may have this tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]*`.
pub fn is_image_tag(tag: &str) -> bool {
    let is_word = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    let mut bytes = tag.bytes();
    tag.len() <= TAG_LENGTH_MAX
        && bytes.next().is_some_and(is_word)
        && bytes.all(|it| is_word(it) || it == b'.' || it == b'-')
}

/// Whether a text is a digest as images have them: `sha256:` and 64 hexadecimal digits.
pub fn is_digest(text: &str) -> bool {
    let is_hex = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
    text.strip_prefix("sha256:")
        .is_some_and(|it| it.len() == 64 && it.bytes().all(is_hex))
}
