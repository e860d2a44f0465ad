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
fn regular_expressions() {
    check("%ERROR 4[0-9]+%", &[BAD, MISSING], &[INTERNAL, FINE]);
    check(r"%\[INFO \d{3}\] S%", &[FINE], &[BAD]);
    check("%^.INFO|ARGUMENTS$%", &[FINE, MISSING], &[BAD]);
    let event = r#"{"level":"error","status":503}"#;
    check("{ $.level = %^err% }", &[event], &["error"]);
    check("{ $.level != %^err% }", &[r#"{"level":"info"}"#], &[event, "{}"]);
    check("{ $.status = %50% }", &[], &[event]);
}

const APACHE: &str =
    r#"127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;

#[test]
fn columns() {
    for pattern in [
        "[ip, server, username, timestamp, request, status_code, bytes]",
        "[ip, server, username, timestamp, request = *html*, status_code = 4*, bytes]",
        "[ip, server, username, timestamp, request, status_code = 4* && bytes != 403, bytes > 1000]",
        "[..., status_code = 404 || status_code = 410, bytes]",
        "[ip = 127.0.0.1, ..., bytes = 1534]",
        r"[ip=%127\.0\.0\.[1-9]%, ...]",
        "[..., timestamp = \"10/Oct/2000:13:25:15 -0700\", , , ]",
        "[..., request=%^GET /index%, status_code=4*,]",
        "[ip, rest = *html*]",
        "[ip, server, (username = frank || username = joe) && username != ada, ...]",
    ] {
        check(pattern, &[APACHE], &["", "one"]);
    }
    for pattern in [
        "[a, b, c, d, e, f, g, h]",
        "[a, b, c, d, e, f, g, h, ...]",
        "[..., status_code = 5*, bytes]",
        "[ip = frank, ...]",
        "[ip, server > 5, ...]",
        "[..., bytes < 1534]",
        "[ip != 127.*, ...]",
    ] {
        check(pattern, &[], &[APACHE]);
    }
}

#[test]
fn the_last_column_takes_the_rest() {
    let lines = ["ERROR WARN message", "ERROR message", "WARN message", "ERROR"];
    check("[w1=ERROR, w2]", &lines[..2], &lines[2..]);
    check("[w1=ERROR || w1=WARN, w2]", &lines[..3], &lines[3..]);
    check("[w1!=ERROR && w1!=WARN, w2]", &["INFO message"], &lines);
    check("[w1=ERROR]", &lines[3..], &lines[..3]);
}

#[test]
fn what_is_not_understood_is_refused() {
    for pattern in [
        "foo.bar",
        "\"open",
        "?",
        "-",
        "[ip, user",
        "[ip = 4",
        "[ip ==4]",
        "[..., a, ...]",
        "[a] more",
        "[= 4]",
        "[a = 1 b]",
        "%error",
        "%a(b)%",
        "%what!%",
        "%a{1000}{1000}%",
        r"%\pL%",
        "%a% b",
        "{ $.level = %err }",
        "{ $.level > %err% }",
        "{ $.a = %a% && $.b = %b% && $.c = %c% }",
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
