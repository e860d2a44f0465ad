//! What comes from outside: any value survives the wire, no bytes bring a reader down.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use wire::route::Protocol;
use wire::shape::{Blob, read_member, write_member};
use wire::sigv4::{self, Signer};
use wire::{DecodeError, Service, ServiceProtocol, Value, ValueReader, ValueWriter, json, query, route};

/// A shape of everything that shapes are made of.
#[derive(Clone, Debug, Default, PartialEq)]
struct Node {
    text: Option<String>,
    number: Option<i64>,
    small: Option<i32>,
    ratio: Option<f64>,
    flag: Option<bool>,
    at: Option<Timestamp>,
    bytes: Option<Blob>,
    words: Option<Vec<String>>,
    nodes: Option<Vec<Node>>,
    named: Option<BTreeMap<String, Node>>,
}

impl Value for Node {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.begin_object();
        write_member(writer, "text", &self.text);
        write_member(writer, "number", &self.number);
        write_member(writer, "small", &self.small);
        write_member(writer, "ratio", &self.ratio);
        write_member(writer, "flag", &self.flag);
        write_member(writer, "at", &self.at);
        write_member(writer, "bytes", &self.bytes);
        write_member(writer, "words", &self.words);
        write_member(writer, "nodes", &self.nodes);
        write_member(writer, "named", &self.named);
        writer.end_object();
    }

    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        reader.object(&mut |name, reader| {
            match name {
                "text" => read_member(reader, name, &mut it.text)?,
                "number" => read_member(reader, name, &mut it.number)?,
                "small" => read_member(reader, name, &mut it.small)?,
                "ratio" => read_member(reader, name, &mut it.ratio)?,
                "flag" => read_member(reader, name, &mut it.flag)?,
                "at" => read_member(reader, name, &mut it.at)?,
                "bytes" => read_member(reader, name, &mut it.bytes)?,
                "words" => read_member(reader, name, &mut it.words)?,
                "nodes" => read_member(reader, name, &mut it.nodes)?,
                "named" => read_member(reader, name, &mut it.named)?,
                _ => return Ok(false),
            };
            Ok(true)
        })?;
        Ok(it)
    }
}

/// Any text, often with what needs escaping.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\"\\\\/\n\r\t\u{0}-\u{1f}äß😀<>&'%+=. ]{0,12}"]
}

fn ratio() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}

fn moment() -> impl Strategy<Value = Timestamp> {
    let range = Timestamp::MIN.as_millisecond()..=Timestamp::MAX.as_millisecond();
    range.prop_filter_map("in range", |it| Timestamp::from_millisecond(it).ok())
}

fn leaf() -> impl Strategy<Value = Node> {
    let scalars = (
        proptest::option::of(text()),
        any::<Option<i64>>(),
        any::<Option<i32>>(),
        proptest::option::of(ratio()),
        any::<Option<bool>>(),
        proptest::option::of(moment()),
        any::<Option<Vec<u8>>>(),
        proptest::option::of(proptest::collection::vec(text(), 0..3)),
    );
    scalars.prop_map(|(text, number, small, ratio, flag, at, bytes, words)| Node {
        text,
        number,
        small,
        ratio,
        flag,
        at,
        bytes: bytes.map(Blob),
        words,
        ..Node::default()
    })
}

fn node() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(6, 24, 3, |inner| {
        let nodes = proptest::option::of(proptest::collection::vec(inner.clone(), 0..3));
        let named = proptest::option::of(proptest::collection::btree_map(text(), inner, 0..3));
        (leaf(), nodes, named).prop_map(|(leaf, nodes, named)| Node { nodes, named, ..leaf })
    })
}

/// Bytes that come close to documents: they reach further into a reader than noise does.
fn almost_json() -> impl Strategy<Value = Vec<u8>> {
    let token = proptest::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        " ",
        "null",
        "true",
        "-",
        "0",
        "17",
        ".",
        "e",
        "E+",
        "1e999",
        "\"",
        "\\",
        "\\u",
        "\\ud83d",
        "\\ude00",
        "\"text\"",
        "\"number\"",
        "\"small\":",
        "\"at\":",
        "\"bytes\":\"",
        "\"nodes\":[",
        "\"named\":{",
        "\"x\":",
        "2026-01-01T00:00:00Z",
        "\u{1}",
        "ä",
    ]);
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64),
        proptest::collection::vec(token.clone(), 0..24).prop_map(|it| it.concat().into_bytes()),
        proptest::collection::vec(token, 0..24).prop_map(|it| format!("{{{}", it.concat()).into_bytes()),
        // A valid document with one byte changed.
        (node(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(node, at, byte)| {
            let mut bytes = json::encode(&node);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
    ]
}

fn almost_form() -> impl Strategy<Value = Vec<u8>> {
    let token = proptest::sample::select(vec![
        "Action",
        "Version",
        "=",
        "&",
        ".",
        "member",
        ".member.",
        "1",
        "18446744073709551616",
        "-1",
        "%",
        "%4",
        "%zz",
        "%ff",
        "+",
        "text",
        "number",
        "at=",
        "bytes=",
        "nodes.member.1.nodes.member.2.text",
        "named.a.small=",
        "2011-06-15",
    ]);
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64),
        proptest::collection::vec(token, 0..24).prop_map(|it| it.concat().into_bytes()),
    ]
}

static ECS: Service = Service {
    signing_name: "ecs",
    target_prefix: "AmazonEC2ContainerServiceV20141113",
    api_version: "2014-11-13",
    protocol: ServiceProtocol::Json("1.1"),
    xml_namespace: "",
    operations: &["ListClusters"],
};
static STS: Service = Service {
    signing_name: "sts",
    target_prefix: "",
    api_version: "2011-06-15",
    protocol: ServiceProtocol::Query,
    xml_namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
    operations: &["GetCallerIdentity"],
};

const AMZ_DATE: &str = "20150830T123600Z";

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(1_440_938_160)
}

/// The head of a request; what is no header or address is left out.
fn parts(path: &str, headers: &[(&str, &str)]) -> http::request::Parts {
    let mut parts = http::Request::new(()).into_parts().0;
    if let Ok(uri) = path.parse() {
        parts.uri = uri;
    }
    for (name, value) in headers {
        let name = http::HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(value.as_bytes())) {
            parts.headers.append(name, value);
        }
    }
    parts
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_value_survives_json(node in node()) {
        let bytes = json::encode(&node);
        let text = std::str::from_utf8(&bytes).expect("JSON is UTF-8");
        prop_assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "others read it too: {text}");
        prop_assert_eq!(json::decode::<Node>(&bytes), Ok(node));
    }

    #[test]
    fn we_take_numbers_and_texts_that_others_take(document in almost_json()) {
        // Duplicate names and nulls in maps aside, whatever we read another reader must read.
        if json::decode::<BTreeMap<String, Vec<f64>>>(&document).is_ok() && !document.iter().all(u8::is_ascii_whitespace) {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&document).is_ok());
        }
    }

    #[test]
    fn any_texts_survive_a_form(entries in proptest::collection::btree_map("[A-Za-z]{1,8}", proptest::collection::vec(text(), 1..12), 0..4)) {
        let encode = |it: &str| percent_encoding::utf8_percent_encode(it, percent_encoding::NON_ALPHANUMERIC).to_string();
        let pairs = entries.iter().enumerate().flat_map(|(at, (name, texts))| {
            let entry = format!("entry.{}", at + 1);
            let texts = texts.iter().enumerate().map(|(at, text)| format!("value.member.{}={}", at + 1, encode(text)));
            std::iter::once(format!("key={name}")).chain(texts).map(move |it| format!("{entry}.{it}"))
        });
        let form = pairs.collect::<Vec<_>>().join("&");
        prop_assert_eq!(query::decode::<BTreeMap<String, Vec<String>>>(form.as_bytes()), Ok(entries));
    }

    #[test]
    fn any_text_stays_one_text_in_xml(text in text()) {
        let document = query::error_document("https://x/", 400, "Code", &text, "r");
        let document = String::from_utf8(document).expect("XML is UTF-8");
        let message = document.split("<Message>").nth(1).and_then(|it| it.split("</Message>").next()).expect("a message");
        prop_assert!(!message.contains('<'));
        let read = quick_xml::escape::unescape(message).expect("entities are whole");
        let held = |it: char| if it < ' ' && !matches!(it, '\t' | '\n' | '\r') || matches!(it, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { it };
        prop_assert_eq!(&*read, text.chars().map(held).collect::<String>());
    }

    #[test]
    fn no_bytes_bring_the_json_reader_down(document in almost_json()) {
        let _ = json::decode::<Node>(&document);
        let _ = json::decode::<Vec<BTreeMap<String, i64>>>(&document);
    }

    #[test]
    fn no_bytes_bring_forms_and_routes_down(form in almost_form(), content_type in any::<String>(), target in proptest::option::of(any::<String>())) {
        let _ = query::decode::<Node>(&form);
        let _ = query::parameter(&form, "Action");
        let _ = route::route(&[&ECS, &STS], Protocol::Query, "application/x-www-form-urlencoded", None, &form);
        let protocol = Protocol::of_request(&[&ECS, &STS], &content_type, target.as_deref(), None);
        let _ = route::route(&[&ECS, &STS], protocol, &content_type, target.as_deref(), &form);
    }

    #[test]
    fn no_bytes_bring_signatures_down(
        tail in "[ ,;=/A-Za-z0-9-]{0,80}",
        credential in "[/a-z0-9]{0,40}|a/20150830/r/s/aws4_request",
        signed in "(host;?)?[a-z-;]{0,20}",
        date in "[0-9TZäx+-]{0,18}|20150830T123600Z",
        path in "/[ -~]{0,60}",
    ) {
        let header = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={tail}");
        let query = format!("/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={date}\
             &X-Amz-Expires=5&X-Amz-SignedHeaders={signed}&X-Amz-Signature={tail}");
        let requests = [
            parts(&path, &[("x-amz-date", &date), ("authorization", &header)]),
            parts(&path, &[("x-amz-date", AMZ_DATE), ("authorization", &format!("AWS4-HMAC-SHA256{tail}"))]),
            parts(&query, &[("host", "h")]),
        ];
        for parts in requests {
            if let Ok(signature) = sigv4::read(&parts) {
                prop_assert!(sigv4::verify(&signature, &[0; 32], &parts, b"", now()).is_err());
            }
        }
    }

    #[test]
    fn what_we_sign_verifies(path in "(/[a-zA-Z0-9%._~-]{0,6}){1,3}(\\?[a-zA-Z0-9%+=&/._~-]{0,24})?", body in any::<Vec<u8>>(), value in "[ -~]{0,20}") {
        let signer = Signer { access_key_id: "AKID", secret_access_key: "secret", region: "r", service: "s", session_token: None };
        let mut parts = parts(&path, &[("host", "h"), ("x-amz-meta", &value)]);
        sigv4::sign(&signer, &mut parts, &body, now());
        let signature = sigv4::read(&parts).expect("complete");
        let key = sigv4::signing_key("secret", "20150830", "r", "s");
        prop_assert_eq!(sigv4::verify(&signature, &key, &parts, &body, now()), Ok(()));
        let mut other = body.clone();
        other.push(0);
        prop_assert!(sigv4::verify(&signature, &key, &parts, &other, now()).is_err());
    }
}
