//! Which messages patterns match, after CloudWatch's own examples, and which patterns are refused.

use super::FilterPattern;

fn check(pattern: &str, matching: &[&str], others: &[&str]) {
    let parsed = FilterPattern::parse(pattern).expect(pattern);
    for message in matching {
        assert!(parsed.matches(message), "{pattern} should match {message}");
    }
    for message in others {
        assert!(!parsed.matches(message), "{pattern} should not match {message}");
    }
}

const BAD: &str = "[ERROR 400] BAD REQUEST";
const MISSING: &str = "[ERROR 419] MISSING ARGUMENTS";
const INTERNAL: &str = "[ERROR 500] INTERNAL SERVER ERROR";
const FINE: &str = "[INFO 200] SUCCESSFUL REQUEST";

#[test]
fn terms() {
    check("ERROR", &[BAD, MISSING, INTERNAL], &[FINE, "error"]);
    check("ERROR ARGUMENTS", &[MISSING], &[BAD, INTERNAL]);
    check("?INFO ?ARGUMENTS", &[MISSING, FINE], &[BAD]);
    check("?ERROR ?ARGUMENTS REQUEST", &[FINE, BAD], &[MISSING]);
    check(
        r#""INTERNAL SERVER ERROR""#,
        &[INTERNAL],
        &["INTERNAL ERROR SERVER"],
    );
    check("ERROR -ARGUMENTS", &[BAD, INTERNAL], &[MISSING, FINE]);
    check(r#"-"BAD REQUEST""#, &[FINE, MISSING], &[BAD]);
    check(r#""   ""#, &[FINE, BAD], &[]);
    check("", &[FINE, ""], &[]);
    check(r#""say \"hi\" \d""#, &[r#"say "hi" \d"#], &["say hi"]);
}

#[test]
fn json_fields() {
    let event = r#"{"level":"error","status":503,"ok":false,"none":null,"user":{"id":7,"name":"Ada"},
        "tags":["web","prod"],"dotted.key":"x","latency":1.5}"#;
    for pattern in [
        r#"{ $.level = "error" }"#,
        "{ $.level = error }",
        "{$.level=err*}",
        r#"{ $.level = "*r*o*" }"#,
        r#"{ $.level != "info" }"#,
        "{ $.status = 503 }",
        "{ $.status >= 5e2 && $.status < 504 }",
        "{ $.latency > 1.4 }",
        "{ $.user.id = 7 }",
        "{ $.user.name = Ada }",
        "{ $.tags[1] = prod }",
        "{ $['dotted.key'] = x }",
        "{ $.ok IS FALSE }",
        "{ $.none IS NULL }",
        "{ $.missing NOT EXISTS }",
        "{ $.level EXISTS }",
        "{ $.status = 1 || $.status = 503 }",
        "{ ($.status = 1 || $.status = 503) && ($.user.id != 8) }",
    ] {
        check(pattern, &[event], &["plain text", r#"{"level":"error""#]);
    }
    for pattern in [
        "{ $.level = info }",
        "{ $.level = \"err*x\" }",
        "{ $.level = 5 }",
        "{ $.missing != 5 }",
        "{ $.status = \"503\" }",
        "{ $.ok IS TRUE }",
        "{ $.tags[7] = prod }",
        "{ $.status = 503 && $.level = info }",
        "{ $.user = Ada }",
    ] {
        check(pattern, &[], &[event]);
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    for pattern in [
        "foo.bar",
        "\"open",
        "?",
        "-",
        "[ip, user, status=404]",
        "%error%",
        "{ $.level = %err% }",
        "{ $.level }",
        "{ $.level = }",
        "{ $.level > \"error\" }",
        "{ level = 1 }",
        "{ $.level = 1",
        "{ $.level = 1 } more",
        "{ ($.level = 1 }",
        "{ $. = 1 }",
        "{ $.a[x] = 1 }",
        "{ $.a IS MAYBE }",
        &"(".repeat(2000),
        &format!("{{ {}$.a = 1{} }}", "(".repeat(400), ")".repeat(400)),
        &format!("{{ {} $.a = 1 }}", "(".repeat(900)),
    ] {
        assert!(FilterPattern::parse(pattern).is_err(), "{pattern}");
    }
    let refused = FilterPattern::parse("foo.bar").expect_err("an unquoted dot");
    assert_eq!(refused.to_string(), "Invalid character(s) in term 'foo.bar'");
}
