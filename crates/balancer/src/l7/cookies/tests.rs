use http::{HeaderMap, HeaderValue, header};
use proptest::prelude::*;

use super::{CookieKey, Kind, has, set_cookies, sets, values};

fn key() -> CookieKey {
    CookieKey::new([7; 32])
}

#[test]
fn a_cookie_leads_back_until_it_ends() {
    let tag = key().tag("10.0.0.1:80");
    let value = key().seal(Kind::Duration, "group", &tag, 1000);
    assert_eq!(
        key().open(Kind::Duration, "group", value.as_bytes(), 999),
        Some(tag)
    );
    assert_eq!(
        key().open(Kind::Duration, "group", value.as_bytes(), 1000),
        None,
        "it has ended"
    );
    assert_eq!(
        key().open(Kind::Group, "group", value.as_bytes(), 999),
        None,
        "another kind"
    );
    assert_eq!(
        key().open(Kind::Duration, "other", value.as_bytes(), 999),
        None,
        "another group"
    );
    assert_eq!(
        CookieKey::new([8; 32]).open(Kind::Duration, "group", value.as_bytes(), 999),
        None,
        "another key"
    );
}

proptest! {
    #[test]
    fn altered_cookies_are_worth_nothing(at in 0usize..54, letter in "[A-Za-z0-9_-]") {
        let tag = key().tag("target");
        let mut value = key().seal(Kind::Duration, "group", &tag, u64::MAX);
        let before = value.clone();
        value.replace_range(at..at + 1, &letter);
        prop_assume!(value != before);
        prop_assert_eq!(key().open(Kind::Duration, "group", value.as_bytes(), 0), None);
    }

    #[test]
    fn any_text_is_read_without_harm(text in "\\PC{0,80}") {
        prop_assert_eq!(key().open(Kind::Duration, "group", text.as_bytes(), 0), None);
    }
}

#[test]
fn the_header_is_amazons() {
    let lines = set_cookies(Kind::Duration, "v", 0, true);
    assert_eq!(
        lines,
        [
            "AWSALB=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/",
            "AWSALBCORS=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; SameSite=None; Secure",
        ]
    );
    assert_eq!(
        set_cookies(Kind::Application, "v", 0, false),
        ["AWSALBAPP-0=v; Path=/"]
    );
}

#[test]
fn cookies_are_found_in_any_header() {
    let mut headers = HeaderMap::new();
    headers.append(header::COOKIE, HeaderValue::from_static("a=1; AWSALB=x"));
    headers.append(header::COOKIE, HeaderValue::from_static("AWSALBCORS=y;broken"));
    assert_eq!(values(&headers, Kind::Duration).collect::<Vec<_>>(), [b"x", b"y"]);
    assert!(has(&headers, "a") && !has(&headers, "broken"));
    let mut answer = HeaderMap::new();
    answer.append(header::SET_COOKIE, HeaderValue::from_static("SESSION=1; Path=/"));
    assert!(sets(&answer, "SESSION") && !sets(&answer, "SESS"));
}

#[test]
fn bytes_of_other_cookies_do_no_harm() {
    let mut headers = HeaderMap::new();
    let latin = HeaderValue::from_bytes(b"n=\xE9; AWSALBTG=x;\xFF=1").expect("a value");
    headers.append(header::COOKIE, latin);
    assert_eq!(values(&headers, Kind::Group).collect::<Vec<_>>(), [b"x"]);
    assert!(has(&headers, "n"));
    let mut answer = HeaderMap::new();
    let latin = HeaderValue::from_bytes(b"SESSION=\xE9; Path=/").expect("a value");
    answer.append(header::SET_COOKIE, latin);
    assert!(sets(&answer, "SESSION"));
}
