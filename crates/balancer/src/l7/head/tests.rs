use proptest::prelude::*;

use super::{Framing, Grade, HEAD_MAX, LINE_MAX, Refusal, end, inspect, too_long};
use domain::load_balancer::DesyncMitigation;

fn look(lines: &str) -> Result<super::Head, Refusal> {
    let head = lines.replace('\n', "\r\n") + "\r\n\r\n";
    inspect(head.as_bytes(), DesyncMitigation::Defensive)
}

#[test]
fn plain_heads_are_compliant() {
    let head = look("GET /a?b=c HTTP/1.1\nHost: a\nAccept: */*").expect("a head");
    assert_eq!(
        (head.grade, head.framing, head.upgrades),
        (Grade::Compliant, Framing::Length(0), false)
    );
    let head = look("POST / HTTP/1.1\nHost: a\nContent-Length: 12").expect("a head");
    assert_eq!(head.framing, Framing::Length(12));
    let head = look("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: Chunked").expect("a head");
    assert_eq!(head.framing, Framing::Chunked);
    assert!(
        look("GET / HTTP/1.1\nHost: a\nUpgrade: websocket")
            .expect("a head")
            .upgrades
    );
    assert!(look("GET / HTTP/1.0").is_ok());
}

const SMUGGLING: &[(&str, &str)] = &[
    (
        "POST / HTTP/1.1\nHost: a\nContent_Length: 3\nContent-Length: 3\nTransfer-Encoding: chunked",
        "SuspiciousTeClPresent",
    ),
    (
        "POST / HTTP/1.1\nHost: a\nContent-Length: 3\nContent-Length: 4",
        "MultipleContentLength",
    ),
    (
        "POST / HTTP/1.1\nHost: a\nContent-Length: 3, 3",
        "BadContentLength",
    ),
    ("POST / HTTP/1.1\nHost: a\nContent-Length: +3", "BadContentLength"),
    (
        "POST / HTTP/1.1\nHost: a\nContent-Length: 0x3",
        "BadContentLength",
    ),
    ("POST / HTTP/1.1\nHost: a\nContent-Length: ", "BadContentLength"),
    (
        "POST / HTTP/1.1\nHost: a\nContent-Length: 99999999999999999999",
        "BadContentLength",
    ),
    ("POST / HTTP/1.1\nHost: a\nContent-Length : 3", "BadHeader"),
    (
        "POST / HTTP/1.1\nHost: a\nTransfer-Encoding\t: chunked",
        "BadHeader",
    ),
    (
        "POST / HTTP/1.1\nHost: a\nTransfer-Encoding:\n chunked",
        "BadHeader",
    ),
    ("GET / HTTP/1.1\nHost: a\n folded", "BadHeader"),
    ("GET / HTTP/1.1\n Host: a", "BadHeader"),
    (
        "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nTransfer-Encoding: identity",
        "MultipleTransferEncodingChunked",
    ),
    (
        "POST / HTTP/1.0\nTransfer-Encoding: chunked",
        "UndefinedTransferEncodingSemantics",
    ),
    ("GET  / HTTP/1.1\nHost: a", "BadUri"),
    ("GET / \tHTTP/1.1\nHost: a", "BadVersion"),
    ("GET HTTP/1.1\nHost: a", "BadVersion"),
    ("GET /\nHost: a", "BadVersion"),
    ("GET /a\u{0}b HTTP/1.1\nHost: a", "BadUri"),
    ("GET /a\rb HTTP/1.1\nHost: a", "BadUri"),
    ("G(T / HTTP/1.1\nHost: a", "BadMethod"),
    ("GET / HTTP/1.1\nHost: a\nX: a\u{0}b", "BadHeader"),
    ("GET / HTTP/1.1\nHost: a\nX: a\rY: b", "BadHeader"),
    (
        "GET / HTTP/1.1\nHost: a\nX:\rTransfer-Encoding: chunked",
        "BadHeader",
    ),
    ("GET / HTTP/1.1\nHost: a\nX: a\r", "BadHeader"),
    ("GET / HTTP/1.1\nHost: a\nX: \u{c}a", "NonCompliantHeader"),
    ("GET / HTTP/1.1\nHost: a\nno colon", "BadHeader"),
];

#[test]
fn what_smuggles_is_refused() {
    for (head, reason) in SMUGGLING {
        assert_eq!(look(head), Err(Refusal::Malformed(reason)), "{head:?}");
    }
    for encoding in [
        "xchunked",
        "chunked, identity",
        "\u{b}chunked",
        "gzip, chunked",
        "\"chunked\"",
    ] {
        let head = format!("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: {encoding}");
        assert!(look(&head).is_err(), "{head:?}");
    }
    assert_eq!(look("GET / HTTP/2.0\nHost: a"), Err(Refusal::Version));
    assert_eq!(look("GET / HTTP/1.1\nHost: a\nHost: b"), Err(Refusal::Host));
    assert_eq!(look("GET / HTTP/1.1"), Err(Refusal::Host));
}

/// A head, its classification and framing, and what the parser is given instead.
type Doubtful = (&'static str, (Grade, &'static str, Framing), Option<&'static str>);

const DOUBTFUL: &[Doubtful] = &[
    (
        "POST / HTTP/1.1\nContent-Length: 3\nHost: a\nTransfer-Encoding: chunked",
        (Grade::Ambiguous, "BothTeClPresent", Framing::Chunked),
        Some("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked"),
    ),
    (
        "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\ncontent-length: 3\nContent-Length:3",
        (Grade::Ambiguous, "DuplicateContentLength", Framing::Chunked),
        Some("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked"),
    ),
    (
        "POST / HTTP/1.1\nHost: a\nContent-Length: 3\nContent-Length: 3",
        (Grade::Ambiguous, "DuplicateContentLength", Framing::Length(3)),
        None,
    ),
    (
        "GET / HTTP/1.1\nHost: a\nContent-Length: 0",
        (Grade::Acceptable, "GetHeadZeroContentLength", Framing::Length(0)),
        None,
    ),
    (
        "GET / HTTP/1.1\nHost: a\nContent-Length: 3",
        (
            Grade::Ambiguous,
            "UndefinedContentLengthSemantics",
            Framing::Length(3),
        ),
        None,
    ),
    (
        "HEAD / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked",
        (
            Grade::Ambiguous,
            "UndefinedTransferEncodingSemantics",
            Framing::Chunked,
        ),
        None,
    ),
    (
        "GET / HTTP/1.1\nHost: a\nX: \u{e4}",
        (Grade::Acceptable, "NonCompliantHeader", Framing::Length(0)),
        None,
    ),
    (
        "GET /a b?c=<\"`> HTTP/1.1\nHost: a",
        (Grade::Acceptable, "SpaceInUri", Framing::Length(0)),
        Some("GET /a%20b?c=%3C%22%60%3E HTTP/1.1\nHost: a"),
    ),
    (
        "GET /a HTTP/1.0 HTTP/1.1\nHost: a",
        (Grade::Acceptable, "SpaceInUri", Framing::Length(0)),
        Some("GET /a%20HTTP/1.0 HTTP/1.1\nHost: a"),
    ),
    (
        "GET /\u{1}\u{7f} HTTP/1.1\nHost: a",
        (Grade::Ambiguous, "AmbiguousUri", Framing::Length(0)),
        Some("GET /%01%7F HTTP/1.1\nHost: a"),
    ),
    (
        "GET /\u{e4}?\" HTTP/1.1\nHost: a",
        (Grade::Compliant, "", Framing::Length(0)),
        Some("GET /\u{e4}?%22 HTTP/1.1\nHost: a"),
    ),
];

#[test]
fn what_is_doubtful_is_passed_on_so_that_it_has_one_meaning() {
    for (head, expected, rewritten) in DOUBTFUL {
        let found = look(head).expect(head);
        assert_eq!((found.grade, found.reason, found.framing), *expected, "{head:?}");
        let rewritten = rewritten.map(|it| (it.replace('\n', "\r\n") + "\r\n\r\n").into_bytes());
        assert_eq!(found.rewritten, rewritten, "{head:?}");
        let strictest = inspect(
            (head.replace('\n', "\r\n") + "\r\n\r\n").as_bytes(),
            DesyncMitigation::Strictest,
        );
        assert_eq!(strictest.is_err(), found.grade != Grade::Compliant, "{head:?}");
    }
    let latin = b"GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n";
    let found = inspect(latin, DesyncMitigation::Strictest).expect("a head");
    let rewritten = found.rewritten.map(|it| String::from_utf8(it).expect("ASCII"));
    assert_eq!(rewritten.as_deref(), Some("GET /%E4 HTTP/1.1\r\nHost: a\r\n\r\n"));
}

#[test]
fn bare_line_feeds_are_refused() {
    for head in [
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
    ] {
        assert_eq!(end(head.as_bytes(), 0), Some(head.len()));
        let refused = inspect(head.as_bytes(), DesyncMitigation::Monitor);
        assert_eq!(refused, Err(Refusal::Malformed("BadHeader")), "{head:?}");
    }
}

#[test]
fn modes_differ_in_what_is_doubtful() {
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 3\r\n\r\n";
    let found = inspect(head, DesyncMitigation::Defensive).expect("forwarded");
    assert_eq!(
        (found.grade, found.framing),
        (Grade::Ambiguous, Framing::Length(0))
    );
    assert!(inspect(head, DesyncMitigation::Strictest).is_err());
}

#[test]
fn what_is_too_long_is_refused_before_it_ends() {
    let uri = format!("GET /{}", "a".repeat(LINE_MAX));
    assert_eq!(too_long(uri.as_bytes()), Some(Refusal::UriTooLong));
    let line = format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(LINE_MAX));
    assert_eq!(too_long(line.as_bytes()), Some(Refusal::TooLarge));
    let many = "GET / HTTP/1.1\r\n".to_owned() + &"X: y\r\n".repeat(HEAD_MAX / 6);
    assert_eq!(too_long(many.as_bytes()), Some(Refusal::TooLarge));
    assert_eq!(too_long(b"GET / HTTP/1.1\r\n"), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(head) = inspect(&bytes, DesyncMitigation::Defensive)
            && let Some(rewritten) = head.rewritten
        {
            let again = inspect(&rewritten, DesyncMitigation::Defensive).expect("what is made is a head");
            prop_assert_eq!(again.rewritten, None);
            prop_assert_eq!(again.framing, head.framing);
        }
        let _ = end(&bytes, 0);
    }

    #[test]
    fn an_end_is_found_wherever_reading_stopped(split in 0usize..40) {
        let head = b"GET / HTTP/1.1\r\nHost: example\r\n\r\nrest";
        let whole = head.len() - 4;
        let first = end(&head[..split.min(whole - 1)], 0);
        prop_assert_eq!(first, None);
        prop_assert_eq!(end(head, split.min(whole - 1)), Some(whole));
    }
}
