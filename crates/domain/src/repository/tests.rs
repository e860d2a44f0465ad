use super::*;
use proptest::prelude::*;

#[test]
fn names_follow_amazons_pattern() {
    let long = "a".repeat(256);
    for name in ["web", "team/web", "a.b-c_d/e", "a1", "0/0", &long] {
        assert!(is_repository_name(name), "{name:?}");
    }
    let longer = "a".repeat(257);
    for name in [
        "", "a", "Web", "/web", "web/", "a//b", "-web", "web-", "a..b", "a._b", "we b", "a/../b", "ä",
        &longer,
    ] {
        assert!(!is_repository_name(name), "{name:?}");
    }
}

#[test]
fn tags_and_digests_have_their_forms() {
    for tag in ["latest", "_x", "1.0-rc.1", "V2"] {
        assert!(is_image_tag(tag), "{tag:?}");
    }
    for tag in ["", ".x", "-x", "a b", "a/b", "a:b", &"t".repeat(301)] {
        assert!(!is_image_tag(tag), "{tag:?}");
    }
    assert!(is_digest(&format!("sha256:{}", "0a".repeat(32))));
    for digest in ["", "sha256:", "sha256:0A", "sha512:00"] {
        assert!(!is_digest(digest), "{digest:?}");
    }
    assert!(!is_digest(&format!("sha256:{}", "0A".repeat(32))));
}

#[test]
fn arns_are_read_as_they_are_written() {
    let key = RepositoryKey::new(&Scope::new("123456789012", "us-east-1"), "team/web");
    assert_eq!(
        key.arn(),
        "arn:aws:ecr:us-east-1:123456789012:repository/team/web"
    );
    assert_eq!(RepositoryKey::parse_arn(&key.arn()), Some(key));
    for text in [
        "",
        "arn:aws:ecs:us-east-1:123456789012:repository/web",
        "arn:aws:ecr:us-east-1:123456789012:web",
        "arn:aws:ecr:us-east-1:123456789012:repository/UP",
    ] {
        assert_eq!(RepositoryKey::parse_arn(text), None, "{text}");
    }
}

#[test]
fn tags_move_as_their_repository_allows() {
    let filters = || vec!["dev-*".to_owned(), "latest".to_owned()];
    for (mutability, moving, fixed) in [
        (TagMutability::Mutable, vec!["a", "latest"], vec![]),
        (TagMutability::Immutable, vec![], vec!["a", "latest"]),
        (
            TagMutability::MutableWithExclusion(filters()),
            vec!["a", "dev"],
            vec!["latest", "dev-1"],
        ),
        (
            TagMutability::ImmutableWithExclusion(filters()),
            vec!["latest", "dev-"],
            vec!["a", "x-dev-1"],
        ),
    ] {
        assert!(moving.iter().all(|it| mutability.may_move(it)), "{mutability:?}");
        assert!(!fixed.iter().any(|it| mutability.may_move(it)), "{mutability:?}");
    }
}

/// By trying everything.
fn matches_slowly(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|at| matches_slowly(rest, &text[at..])),
        Some((byte, rest)) => text.first() == Some(byte) && matches_slowly(rest, &text[1..]),
    }
}

proptest! {
    #[test]
    fn wildcards_match_as_the_slow_way_says(pattern in "[ab*]{0,8}", text in "[ab]{0,8}") {
        prop_assert_eq!(
            matches_wildcard(&pattern, &text),
            matches_slowly(pattern.as_bytes(), text.as_bytes())
        );
    }
}
