use wire::ServiceError;

use super::*;

fn tag(key: &str, value: &str) -> ecs::Tag {
    ecs::Tag {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    }
}

#[test]
fn tags_follow_amazons_restrictions() {
    let long_key = "k".repeat(128);
    let long_value = "v".repeat(256);
    for (key, value) in [
        ("a", ""),
        ("Größe", "日本 語"),
        ("a b_.:/=+-@9", "a b_.:/=+-@9"),
        ("awsome", "aws:"),
        (&*long_key, &*long_value),
    ] {
        assert!(parse(Some(&[tag(key, value)])).is_ok(), "{key:?} {value:?}");
    }
    let longer_key = "k".repeat(129);
    let longer_value = "v".repeat(257);
    for (key, value) in [
        ("", "v"),
        ("a!", "v"),
        ("a\t", "v"),
        ("a", "v;"),
        ("a", "line\n"),
        ("aws:team", "v"),
        ("AWS:team", "v"),
        (&*longer_key, "v"),
        ("k", &*longer_value),
    ] {
        let refused = parse(Some(&[tag(key, value)])).expect_err("is refused");
        assert_eq!(refused.code(), "InvalidParameterException", "{key:?} {value:?}");
    }
    assert!(parse(Some(&[tag("a", "1"), tag("a", "2")])).is_err());
    assert!(
        parse(Some(&[tag("a", "1"), tag("A", "2")])).is_ok(),
        "keys have a case"
    );
}
