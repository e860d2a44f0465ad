use http::{HeaderMap, HeaderValue, Method, Uri};
use jiff::Timestamp;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::items::{ItemKind, http_date, item, take_item, time};
use super::template::{labels, parameters};
use super::{Bound, HttpOperation, Place, Request, decode, encode, find};
use crate::shape::{
    DecodeError, Service, ServiceProtocol, Value, ValueReader, ValueWriter, read_member, write_member,
};

static OPERATIONS: [HttpOperation; 5] = [
    of("GetThing", "GET", "/v1/things/{Name}"),
    of("GetSpecial", "GET", "/v1/things/special"),
    of("ListThings", "GET", "/v1/things"),
    of("GetFile", "GET", "/files/{Key+}/end"),
    of("GetAcl", "GET", "/v1/things/{Name}?acl"),
];

static THINGS: Service = Service {
    signing_name: "things",
    target_prefix: "",
    api_version: "1",
    protocol: ServiceProtocol::RestJson(&[]),
    xml_namespace: "https://things/",
    operations: &[],
};

const fn of(name: &'static str, method: &'static str, uri: &'static str) -> HttpOperation {
    HttpOperation {
        name,
        method,
        uri,
        status: 200,
        input: &[],
        output: &[],
    }
}

#[test]
fn paths_lead_to_the_most_fixed_template() {
    for (method, uri, expected) in [
        ("GET", "/v1/things/a%2Fb", Some("GetThing")),
        ("GET", "/v1/things/special", Some("GetSpecial")),
        ("GET", "/v1/things", Some("ListThings")),
        ("GET", "/v1/things?Marker=x", Some("ListThings")),
        ("GET", "/v1/things/a?acl", Some("GetAcl")),
        ("GET", "/files/a/b/c/end", Some("GetFile")),
        ("GET", "/files/end", None),
        ("GET", "/files/a/b", None),
        ("GET", "/v1/things/", None),
        ("GET", "/v1/things/a/b", None),
        ("POST", "/v1/things", None),
        ("GET", "/", None),
    ] {
        let method: Method = method.parse().expect("a method");
        let uri: Uri = uri.parse().expect("an address");
        let found = find(&OPERATIONS, &method, &uri).map(|it| it.name);
        assert_eq!(found, expected, "{uri}");
    }
}

#[test]
fn labels_are_decoded_after_the_path_is_cut() {
    let arn = "/tags/arn%3Aaws%3Aelasticfilesystem%3Aus-east-1%3A123%3Afile-system%2Ffs-1";
    let expected = "arn:aws:elasticfilesystem:us-east-1:123:file-system/fs-1";
    assert_eq!(labels("/tags/{Id}", arn), Some(vec![("Id", expected.to_owned())]));
    let greedy = labels("/{Bucket}/{Key+}", "/b/one/t%20wo");
    assert_eq!(
        greedy,
        Some(vec![("Bucket", "b".to_owned()), ("Key", "one/t wo".to_owned())])
    );
    assert_eq!(labels("/{Name}", "/%ff"), None, "no UTF-8");
    assert_eq!(labels("/a/{Name}/b", "/a/x"), None);
}

#[test]
fn lists_in_headers_have_commas_quotes_and_times() {
    let texts = |header: &str| {
        let mut rest = header.to_owned();
        let mut items = Vec::new();
        while !rest.trim().is_empty() {
            items.push(take_item(&mut rest, ItemKind::Text));
        }
        items
    };
    assert_eq!(texts("a, b ,c"), ["a", "b", "c"]);
    assert_eq!(texts(r#""b,c", "\"def\"", a"#), ["b,c", "\"def\"", "a"]);
    assert_eq!(texts("\"never ends, x"), ["never ends, x"]);
    let mut times = "Mon, 16 Dec 2019 23:48:18 GMT, Mon, 16 Dec 2019 23:48:19 GMT".to_owned();
    assert_eq!(
        take_item(&mut times, ItemKind::Time),
        "Mon, 16 Dec 2019 23:48:18 GMT"
    );
    assert_eq!(
        take_item(&mut times, ItemKind::Time),
        "Mon, 16 Dec 2019 23:48:19 GMT"
    );
    assert_eq!(times, "");
}

#[test]
fn times_are_read_in_three_forms() {
    let expected = Timestamp::from_second(1_576_540_098).ok();
    for text in [
        "Mon, 16 Dec 2019 23:48:18 GMT",
        "2019-12-16T23:48:18Z",
        "1576540098",
        "1576540098.0",
    ] {
        assert_eq!(time(text), expected, "{text}");
    }
    assert_eq!(time("yesterday"), None);
    assert_eq!(
        http_date(expected.expect("in range")),
        "Mon, 16 Dec 2019 23:48:18 GMT"
    );
}

/// A shape with a member in each place, and one in the body.
#[derive(Clone, Debug, Default, PartialEq)]
struct Thing {
    label: String,
    query: Option<Vec<String>>,
    header: Option<i32>,
    list: Option<Vec<String>>,
    body: Option<String>,
}

impl Value for Thing {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.begin_object();
        write_member(writer, "Header", &self.header);
        write_member(writer, "List", &self.list);
        write_member(writer, "Body", &self.body);
        writer.end_object();
    }

    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        reader.object(&mut |name, reader| {
            match name {
                "Label" => read_member(reader, name, &mut it.label)?,
                "Query" => read_member(reader, name, &mut it.query)?,
                "Header" => read_member(reader, name, &mut it.header)?,
                "List" => read_member(reader, name, &mut it.list)?,
                "Body" => read_member(reader, name, &mut it.body)?,
                _ => return Ok(false),
            };
            Ok(true)
        })?;
        Ok(it)
    }
}

const HEADERS: [Bound; 2] = [
    Bound {
        member: "Header",
        place: Place::Header("x-header"),
    },
    Bound {
        member: "List",
        place: Place::Header("x-list"),
    },
];

static PUT_THING: HttpOperation = HttpOperation {
    name: "PutThing",
    method: "PUT",
    uri: "/things/{Id}",
    status: 201,
    input: &[
        Bound {
            member: "Label",
            place: Place::Label("Id"),
        },
        Bound {
            member: "Query",
            place: Place::Query("q"),
        },
        HEADERS[0],
        HEADERS[1],
    ],
    output: &HEADERS,
};

fn read(uri: &str, headers: &[(&'static str, &str)], body: &[u8]) -> Result<Thing, DecodeError> {
    let uri: Uri = uri.parse().expect("an address");
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_str(value).expect("a value"));
    }
    let (uri, headers) = (&uri, &map);
    decode(&THINGS, &PUT_THING, Request { uri, headers, body })
}

#[test]
fn members_are_read_from_their_places() {
    let headers = [("x-header", "7"), ("x-list", "a"), ("x-list", "b, c")];
    let body = br#"{"Body": "b", "Label": "of the body", "Header": {"no": 1}, "Other": []}"#;
    let expected = Thing {
        label: "a/b".to_owned(),
        query: Some(vec!["1".to_owned(), "2 3".to_owned()]),
        header: Some(7),
        list: Some(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]),
        body: Some("b".to_owned()),
    };
    assert_eq!(
        read("/things/a%2Fb?q=1&q=2+3&other=4", &headers, body),
        Ok(expected)
    );
    let bare = read("/things/a", &[], b" ").expect("no body is an empty one");
    assert_eq!((bare.label.as_str(), bare.body), ("a", None));
}

#[test]
fn what_does_not_fit_is_refused() {
    assert!(read("/things/a", &[("x-header", "seven")], b"").is_err());
    assert!(read("/things/a", &[], b"[]").is_err());
    assert!(read("/things/a", &[], b"{} {}").is_err());
    let many = format!("/things/a?{}", "q=1&".repeat(1001));
    assert!(read(&many, &[], b"").is_err());
}

#[test]
fn members_are_written_to_their_places() {
    let thing = Thing {
        header: Some(7),
        list: Some(vec!["a".to_owned(), "b,c".to_owned()]),
        body: Some("b".to_owned()),
        ..Thing::default()
    };
    let answer = encode(&THINGS, &PUT_THING, &thing);
    assert_eq!(answer.status, 201);
    assert_eq!(String::from_utf8_lossy(&answer.body), r#"{"Body":"b"}"#);
    let expected = [("x-header", "7"), ("x-list", "a, \"b,c\"")];
    assert_eq!(
        answer.headers,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

proptest! {
    #[test]
    fn items_come_back_as_they_were(texts in proptest::collection::vec("[a-z\",\\\\]([ a-z\",\\\\]{0,8}[a-z\",\\\\])?", 1..5)) {
        let plain = texts.iter().all(|it| it.contains([',', '"']) || !it.starts_with('"'));
        prop_assert!(plain);
        let mut rest = texts.iter().map(|it| item(it)).collect::<Vec<_>>().join(", ");
        let mut read = Vec::new();
        for _ in &texts {
            read.push(take_item(&mut rest, ItemKind::Text));
        }
        prop_assert_eq!(read, texts);
    }

    #[test]
    fn any_request_is_read_or_refused(path in "[ -~]{0,40}", query in "[ -~]{0,40}", header in "[ -~]{0,40}", body in any::<Vec<u8>>()) {
        let _ = (labels("/{a}/{b+}/c", &path), parameters(&query), time(&header));
        let _ = read("/things/x?q=1", &[("x-list", &header), ("x-header", &header)], &body);
    }
}
