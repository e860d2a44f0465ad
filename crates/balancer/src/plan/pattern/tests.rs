use proptest::prelude::*;

use super::Pattern;

fn any_case(pattern: &str) -> Pattern {
    Pattern::AnyCase(pattern.into())
}

#[test]
fn wildcards_match_whole_values() {
    let cases = [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("*", "anything", true),
        ("/api/*", "/api/", true),
        ("/api/*", "/api", false),
        ("/img/?.png", "/img/a.png", true),
        ("/img/?.png", "/img/ab.png", false),
        ("*.example.com", "www.example.com", true),
        ("*.example.com", "example.com", false),
        ("*a*b*c", "xxaxxbxxc", true),
        ("*a*b*c", "xxaxxbxx", false),
        ("a**b", "ab", true),
        ("ab", "abc", false),
    ];
    for (pattern, value, expected) in cases {
        let found = Pattern::Exact(pattern.into()).matches(value);
        assert_eq!(found, expected, "{pattern} on {value}");
    }
}

#[test]
fn case_counts_only_where_it_shall() {
    assert!(any_case("WWW.*").matches("www.example.com"));
    assert!(!Pattern::Exact("/A*".into()).matches("/abc"));
    assert!(Pattern::Regex(regex::Regex::new("^/v[0-9]+/").expect("a regex")).matches("/v12/x"));
}

/// The obvious definition, exponential and right.
fn reference(pattern: &[u8], value: &[u8]) -> bool {
    match (pattern.first(), value.first()) {
        (None, None) => true,
        (Some(b'*'), _) => {
            reference(&pattern[1..], value) || (!value.is_empty() && reference(pattern, &value[1..]))
        }
        (Some(b'?'), Some(_)) => reference(&pattern[1..], &value[1..]),
        (Some(a), Some(b)) if a == b => reference(&pattern[1..], &value[1..]),
        _ => false,
    }
}

proptest! {
    #[test]
    fn wildcards_agree_with_their_definition(pattern in "[ab*?]{0,8}", value in "[ab]{0,10}") {
        let found = Pattern::Exact(pattern.as_str().into()).matches(&value);
        prop_assert_eq!(found, reference(pattern.as_bytes(), value.as_bytes()));
    }
}

#[test]
fn hostile_patterns_end_soon() {
    let pattern = "*a".repeat(64);
    let value = "a".repeat(16 * 1024) + "b";
    assert!(!Pattern::Exact(pattern.into()).matches(&value));
}

#[test]
fn what_is_escaped_is_no_wildcard() {
    let cases = [
        (r"a\*", "A*", true),
        (r"a\*", "ab", false),
        (r"a\*", r"a\b", false),
        (r"\?*", "?x", true),
        (r"\?*", "yx", false),
        (r"a\\*", r"a\*", true),
        (r"a\b", r"a\b", true),
        (r"a\", r"a\", true),
        ("a*c?", "abcd", true),
    ];
    for (pattern, value, expected) in cases {
        let found = Pattern::escaped(pattern).matches(value);
        assert_eq!(found, expected, "{pattern} on {value}");
    }
}
