//! Names of images: `busybox` means `docker.io/library/busybox:latest`.

mod grammar;

use oci_spec::distribution::Reference;

use super::{ImageError, digest};

const HUB: &str = "docker.io";
/// An older name of it.
const HUB_BEFORE: &str = "index.docker.io";
/// Whose images Docker Hub's short names mean.
const HUB_LIBRARY: &str = "library";
const DEFAULT_TAG: &str = "latest";
const MAX_REPOSITORY_BYTES: usize = 255;
const MAX_TAG_BYTES: usize = 128;

/// Parses a name as Docker does. The library's own parser takes 45 ms the first time, for its expression.
///
/// # Errors
/// [`ImageError::Reference`].
pub fn parse(text: &str) -> Result<Reference, ImageError> {
    split(text).ok_or_else(|| ImageError::Reference(text.to_owned()))
}

fn split(text: &str) -> Option<Reference> {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    // A colon before a slash belongs to a port.
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (rest, None),
    };
    let (registry, repository) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        _ => (HUB, name),
    };
    let registry = if registry == HUB_BEFORE { HUB } else { registry };
    let is_valid = grammar::is_host(registry)
        && repository.split('/').all(grammar::is_path_component)
        && tag.is_none_or(|it| grammar::is_tag(it) && it.len() <= MAX_TAG_BYTES)
        && digest.is_none_or(|it| digest::hex_part(it).is_ok());
    if !is_valid {
        return None;
    }
    let repository = match repository.contains('/') || registry != HUB {
        true => repository.to_owned(),
        false => format!("{HUB_LIBRARY}/{repository}"),
    };
    if repository.len() > MAX_REPOSITORY_BYTES {
        return None;
    }
    let registry = registry.to_owned();
    Some(match (tag, digest) {
        (Some(tag), Some(digest)) => {
            Reference::with_tag_and_digest(registry, repository, tag.to_owned(), digest.to_owned())
        }
        (None, Some(digest)) => Reference::with_digest(registry, repository, digest.to_owned()),
        (tag, None) => Reference::with_tag(registry, repository, tag.unwrap_or(DEFAULT_TAG).to_owned()),
    })
}

/// Parses a name that can be given to an image: one without a digest.
///
/// # Errors
/// [`ImageError::Reference`].
pub fn parse_tagged(text: &str) -> Result<Reference, ImageError> {
    let reference = parse(text)?;
    match reference.digest() {
        None => Ok(reference),
        Some(_) => Err(ImageError::Reference(text.to_owned())),
    }
}

/// The one spelling of a name. A digest says all, so the tag beside it is dropped.
pub fn normalized(reference: &Reference) -> String {
    match reference.digest() {
        Some(digest) => format!("{}@{digest}", repository(reference)),
        None => reference.whole(),
    }
}

/// A normalized name as people write it: without what names of Docker Hub leave out.
pub fn familiar(name: &str) -> String {
    let Some(on_hub) = name.strip_prefix("docker.io/") else {
        return name.to_owned();
    };
    let short = on_hub.strip_prefix("library/").unwrap_or(on_hub);
    // `docker.io/a.b/c` is no image of Docker Hub any more without its first part.
    let means_it = |it: &&str| parse(it).is_ok_and(|it| normalized(&it) == name);
    [short, on_hub]
        .into_iter()
        .find(means_it)
        .unwrap_or(name)
        .to_owned()
}

/// Registry and repository of a name.
pub fn repository(reference: &Reference) -> String {
    format!("{}/{}", reference.registry(), reference.repository())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(normalized(&parse(text).expect("a reference")), expected);
    }

    #[test]
    fn short_names_mean_docker_hub() {
        check("busybox", "docker.io/library/busybox:latest");
        check("busybox:1", "docker.io/library/busybox:1");
        check("docker.io/busybox", "docker.io/library/busybox:latest");
        check("index.docker.io/amazon/app", "docker.io/amazon/app:latest");
        check("localhost:5000/app:x", "localhost:5000/app:x");
        check("localhost/app", "localhost/app:latest");
    }

    #[test]
    fn a_digest_makes_the_tag_irrelevant() {
        let digest = format!("sha256:{}", "a".repeat(64));
        check(
            &format!("busybox:1@{digest}"),
            &format!("docker.io/library/busybox@{digest}"),
        );
    }

    #[test]
    fn names_are_shown_as_they_are_written() {
        for (name, expected) in [
            ("docker.io/library/busybox:latest", "busybox:latest"),
            ("docker.io/amazon/app:1", "amazon/app:1"),
            ("localhost:5000/library/app:x", "localhost:5000/library/app:x"),
            // What would mean something else is not left out.
            ("docker.io/library/a/b:1", "library/a/b:1"),
            ("docker.io/a.b/c:1", "docker.io/a.b/c:1"),
            ("docker.io/library/a.b/c:1", "library/a.b/c:1"),
            ("docker.io/library/localhost/c:1", "library/localhost/c:1"),
        ] {
            assert_eq!(familiar(name), expected);
            check(expected, name);
        }
    }

    /// The library's parser is the oracle, but for capitals in the first part, which Docker refuses.
    #[test]
    fn names_are_parsed_as_by_the_library() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let names = "a a/b a/b/c a.b/c a.b:5000/c/d localhost/x localhost:1/x a-b.c/d -a.b/c a..b/c a.b:/c \
                     a.b:x/c a.b-/c docker.io/a docker.io/a/b index.docker.io/a A.b/c a.b a_b a__b a___b a-b \
                     a--b a.-b a..b a_ _a a- .a a.b/-c a.b/C a/ /a a//b : é a:b/c";
        let suffixes = [
            "",
            ":x",
            ":_x",
            ":-x",
            ":.x",
            ":X.y-z_1",
            ":",
            ":a:b",
            ":a/b",
            "@",
            "@sha256:12",
            "@x:y",
        ];
        let long = "l".repeat(MAX_TAG_BYTES);
        let mut suffixes: Vec<String> = suffixes.map(str::to_owned).to_vec();
        suffixes.extend([
            format!("@{digest}"),
            format!(":t@{digest}"),
            format!("@{digest}@{digest}"),
        ]);
        suffixes.extend([format!(":{long}"), format!(":{long}l")]);
        for name in names.split(' ').chain(["", "a b"]) {
            for suffix in &suffixes {
                let text = format!("{name}{suffix}");
                assert_eq!(
                    parse(&text).ok(),
                    Reference::try_from(text.as_str()).ok(),
                    "{text:?}"
                );
            }
        }
        let fits = format!("a.b/{}", "n".repeat(MAX_REPOSITORY_BYTES));
        assert!(parse(&fits).is_ok() && parse(&format!("{fits}n")).is_err());
        // With the part that a short name leaves out.
        let fits = "n".repeat(MAX_REPOSITORY_BYTES - "library/".len());
        assert!(parse(&fits).is_ok() && parse(&format!("{fits}n")).is_err());
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "UPPER/case", "a b", "x:", "busybox@sha256:12", "../x", "-x"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(parse_tagged(&format!("a@sha256:{}", "a".repeat(64))).is_err());
    }
}
