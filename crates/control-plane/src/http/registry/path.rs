//! What a path of the protocol names. Names of repositories have slashes, so paths are read from their end.

use domain::repository::{is_digest, is_image_tag, is_repository_name};
use percent_encoding::percent_decode_str;

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `/v2/`: whether the protocol is spoken, and the sender let in.
    Base,
    /// A layer or a configuration.
    Blob {
        /// Of the repository.
        name: String,
        /// Of the blob.
        digest: String,
    },
    /// Where uploads begin.
    Uploads {
        /// Of the repository.
        name: String,
    },
    /// An upload that has begun.
    Upload {
        /// Of the repository.
        name: String,
        /// Of the upload.
        id: String,
    },
    /// A manifest.
    Manifest {
        /// Of the repository.
        name: String,
        /// By tag or digest.
        reference: Reference,
    },
    /// All tags.
    Tags {
        /// Of the repository.
        name: String,
    },
    /// Manifests that say something about another one.
    Referrers {
        /// Of the repository.
        name: String,
        /// Of the other one.
        digest: String,
    },
}

/// What names a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A tag.
    Tag(String),
    /// A digest.
    Digest(String),
}

/// Reads a path that begins with `/v2`; `None` if it names nothing.
pub fn parse(path: &str) -> Option<Target> {
    let rest = match path.strip_prefix("/v2")? {
        "" | "/" => return Some(Target::Base),
        rest => rest.strip_prefix('/')?,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let mut parts: Vec<&str> = rest.split('/').collect();
    let last = parts.pop()?;
    let before = parts.pop()?;
    let named = |parts: &[&str]| {
        let name = parts.join("/");
        is_repository_name(&name).then_some(name)
    };
    let digest = |text: &str| is_digest(text).then(|| text.to_owned());
    match (before, last) {
        ("blobs", "uploads") => Some(Target::Uploads { name: named(&parts)? }),
        ("uploads", id) if parts.last() == Some(&"blobs") => Some(Target::Upload {
            name: named(&parts[..parts.len() - 1])?,
            id: id.to_owned(),
        }),
        ("blobs", text) => Some(Target::Blob {
            name: named(&parts)?,
            digest: digest(text)?,
        }),
        ("manifests", text) => Some(Target::Manifest {
            name: named(&parts)?,
            reference: reference(text)?,
        }),
        ("tags", "list") => Some(Target::Tags { name: named(&parts)? }),
        ("referrers", text) => Some(Target::Referrers {
            name: named(&parts)?,
            digest: digest(text)?,
        }),
        _ => None,
    }
}

fn reference(text: &str) -> Option<Reference> {
    if is_digest(text) {
        return Some(Reference::Digest(text.to_owned()));
    }
    is_image_tag(text).then(|| Reference::Tag(text.to_owned()))
}

/// A parameter of a query, decoded.
pub fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
    let decoded = percent_decode_str(value).decode_utf8().ok()?;
    Some(decoded.into_owned())
}
