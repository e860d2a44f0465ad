//! Values that headers may have, and others.

use super::check;

#[test]
fn headers_say_what_browsers_know() {
    for (header, value, is_taken) in [
        ("x-content-type-options", "nosniff", true),
        ("x-content-type-options", "sniff", false),
        ("x-frame-options", "DENY", true),
        ("x-frame-options", "sameorigin", true),
        ("x-frame-options", "ALLOW-FROM https://example.com", true),
        ("x-frame-options", "ALLOW-FROM", false),
        ("x-frame-options", "ALLOW-FROM nowhere", false),
        ("x-frame-options", "DENY, SAMEORIGIN", false),
        ("access-control-allow-credentials", "true", true),
        ("access-control-allow-credentials", "false", false),
        ("access-control-allow-methods", "*", true),
        ("access-control-allow-methods", "GET,PUT, TRACE", true),
        ("access-control-allow-methods", "FETCH", false),
        ("access-control-allow-methods", "GET,", false),
        ("access-control-allow-headers", "Accept-Language, X-Own", true),
        ("access-control-allow-headers", "Accept Language", false),
        ("access-control-expose-headers", "*", true),
        ("access-control-expose-headers", "a:b", false),
        ("access-control-max-age", "86400", true),
        ("access-control-max-age", "86401", false),
        ("access-control-max-age", "-1", false),
        ("access-control-max-age", "a day", false),
        ("access-control-allow-origin", "https://example.com", true),
        ("content-security-policy", "default-src 'self'; img-src *", true),
        ("content-security-policy", "default-src\u{7}", false),
        (
            "strict-transport-security",
            "max-age=31536000; includeSubDomains",
            true,
        ),
    ] {
        assert_eq!(check(header, value).is_ok(), is_taken, "{header}: {value}");
    }
}
