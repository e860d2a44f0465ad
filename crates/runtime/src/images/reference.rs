//! Names of images: `busybox` means `docker.io/library/busybox:latest`.

use oci_client::Reference;

use super::ImageError;

/// Parses a name as Docker does.
///
/// # Errors
/// [`ImageError::Reference`].
pub fn parse(text: &str) -> Result<Reference, ImageError> {
    let invalid = || ImageError::Reference(text.to_owned());
    let reference = Reference::try_from(text).map_err(|_| invalid())?;
    // The library takes the first part for a host name, which may have them.
    let has_capitals = reference.repository().bytes().any(|it| it.is_ascii_uppercase());
    if has_capitals {
        Err(invalid())
    } else {
        Ok(reference)
    }
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
    on_hub.strip_prefix("library/").unwrap_or(on_hub).to_owned()
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
        ] {
            assert_eq!(familiar(name), expected);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "UPPER/case", "a b", "x:", "busybox@sha256:12", "../x", "-x"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(parse_tagged(&format!("a@sha256:{}", "a".repeat(64))).is_err());
    }
}
