use std::collections::BTreeMap;

use super::*;
use crate::shape::{Document, ValueReader, ValueWriter, read_member, require, write_member};

#[derive(Clone, Debug, Default, PartialEq)]
struct Sample {
    name: String,
    count: Option<i32>,
    tags: Option<BTreeMap<String, String>>,
    list: Option<Vec<Sample>>,
    at: Option<jiff::Timestamp>,
    ratio: Option<f64>,
}

impl Value for Sample {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.begin_object();
        write_member(writer, "name", &self.name);
        write_member(writer, "count", &self.count);
        write_member(writer, "tags", &self.tags);
        write_member(writer, "list", &self.list);
        write_member(writer, "at", &self.at);
        write_member(writer, "ratio", &self.ratio);
        writer.end_object();
    }
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        let mut has_name = false;
        reader.object(&mut |name, reader| {
            match name {
                "name" => has_name = read_member(reader, name, &mut it.name)?,
                "count" => drop(read_member(reader, name, &mut it.count)?),
                "tags" => drop(read_member(reader, name, &mut it.tags)?),
                "list" => drop(read_member(reader, name, &mut it.list)?),
                "at" => drop(read_member(reader, name, &mut it.at)?),
                "ratio" => drop(read_member(reader, name, &mut it.ratio)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        require(has_name, "name")?;
        Ok(it)
    }
}

fn read(text: &str) -> Result<Sample, DecodeError> {
    decode(text.as_bytes())
}

#[test]
fn what_is_written_reads_back() {
    let sample = Sample {
        name: "ü \"\\\n\u{1}/".into(),
        count: Some(-3),
        tags: Some(BTreeMap::from([("a".into(), "b".into())])),
        list: Some(vec![Sample {
            name: "inner".into(),
            ..Sample::default()
        }]),
        at: jiff::Timestamp::from_millisecond(1_795_234_916_649).ok(),
        ratio: Some(0.25),
    };
    let text = String::from_utf8(encode(&sample)).expect("UTF-8");
    assert_eq!(
        text,
        r#"{"name":"ü \"\\\n\u0001/","count":-3,"tags":{"a":"b"},"list":[{"name":"inner"}],"at":1795234916.649,"ratio":0.25}"#
    );
    assert_eq!(read(&text), Ok(sample));
}

#[test]
fn unknown_members_and_nulls_are_passed_over() {
    let text = r#" { "x": [1, {"y": [true, null, "\u00e4"]}, -1.5e3], "name": "a", "count": null, "list": [null] } "#;
    assert_eq!(
        read(text),
        Ok(Sample {
            name: "a".into(),
            list: Some(Vec::new()),
            ..Sample::default()
        })
    );
    assert_eq!(
        read(r#"{"name":"\ud83d\ude00"}"#).map(|it| it.name),
        Ok("😀".to_owned())
    );
    assert_eq!(
        read(r#"{"name":"a","count":3.0}"#).map(|it| it.count),
        Ok(Some(3))
    );
}

#[test]
fn what_is_no_document_of_the_shape_is_refused() {
    let deep = format!(r#"{{"name":"a","x":{}}}"#, "[".repeat(10_000));
    for text in [
        "{",
        "[]",
        "nul",
        r#"{"name":1}"#,
        r#"{"name":"a",}"#,
        r#"{"name":"a"} x"#,
        r#"{"name":"a","count":"3"}"#,
        r#"{"name":"a","count":3000000000}"#,
        r#"{"name":"a","count":1.5}"#,
        r#"{"name":"a","count":1e400}"#,
        r#"{"name":"\ud800"}"#,
        r#"{"name":"\q"}"#,
        r#"{"name":"a"#,
        "{\"name\":\"a\u{1}\"}",
        r#"{"name":"a","at":1e300}"#,
        r#"{"name":"a","tags":{"a":1}}"#,
        &deep,
    ] {
        assert!(
            matches!(read(text), Err(DecodeError::Serialization { .. })),
            "{text:.60}"
        );
    }
    assert!(decode::<Sample>(b"{\"name\":\"\xff\"}").is_err());
    assert_eq!(
        decode::<Sample>(b""),
        Err(DecodeError::MissingMember {
            path: vec!["name".into()]
        })
    );
}

#[test]
fn numbers_follow_the_grammar_of_json() {
    let ratio = |number: &str| read(&format!(r#"{{"name":"a","ratio":{number}}}"#)).map(|it| it.ratio);
    let valid = [
        ("0", 0.0),
        ("-0", -0.0),
        ("10", 10.0),
        ("-0.5", -0.5),
        ("1e5", 1e5),
        ("1E+5", 1e5),
        ("1.25e-2", 0.0125),
        ("0e0", 0.0),
    ];
    for (text, value) in valid {
        assert_eq!(ratio(text), Ok(Some(value)), "{text}");
    }
    let invalid = [
        "+5", "007", "-01", ".5", "1.", "-", "-.5", "1e", "1e+", "1.e5", "--1", "1-1", "1e5.5", "1.2.3",
        "0x10", "Infinity", "NaN", "1e400", "-1e400",
    ];
    for text in invalid {
        assert!(ratio(text).is_err(), "ratio {text}");
        assert!(
            read(&format!(r#"{{"name":"a","count":{text}}}"#)).is_err(),
            "count {text}"
        );
        assert!(
            read(&format!(r#"{{"name":"a","at":{text}}}"#)).is_err(),
            "at {text}"
        );
    }
    let skipped = |text: &str| read(&format!(r#"{{"name":"a","x":{text}}}"#));
    assert!(skipped("[1e400, -0.0, 5]").is_ok(), "nobody needs the value");
    assert!(skipped("[007]").is_err());
    assert!(skipped("[+5]").is_err());
    assert_eq!(
        decode::<Vec<i64>>(b"[9223372036854775807, -9223372036854775808, 2.0, -3e0]"),
        Ok(vec![i64::MAX, i64::MIN, 2, -3])
    );
    assert!(decode::<Vec<i64>>(b"[9223372036854775808]").is_err());
}

#[test]
fn a_missing_member_is_named_as_aws_names_it() {
    let missing = |text: &str| read(text).expect_err("missing").to_string();
    assert_eq!(missing("{}"), "name is required");
    assert_eq!(missing(r#"{"name":null}"#), "name is required");
    assert_eq!(
        missing(r#"{"name":"a","list":[{"name":"b"},{"count":1}]}"#),
        "list.2.member.name is required"
    );
    assert_eq!(
        missing(r#"{"name":"a","list":[{"name":"b","list":[{}]}]}"#),
        "list.1.member.list.1.member.name is required"
    );
    let map = decode::<BTreeMap<String, Sample>>(br#"{"a":{"name":""},"b":{}}"#);
    assert_eq!(map.expect_err("missing").to_string(), "b.member.name is required");
}

#[test]
fn strings_end_where_they_end_at_any_length() {
    for length in 0..20 {
        let plain = "ä~\u{7f}xyz!#[]".chars().cycle().take(length).collect::<String>();
        let with = |tail: &str| decode::<String>(format!("\"{plain}{tail}").as_bytes());
        assert_eq!(with("\"  "), Ok(plain.clone()), "{length}");
        assert_eq!(with("\\\\\""), Ok(format!("{plain}\\")), "{length}");
        for control in ['\0', '\n', '\u{1f}'] {
            assert!(with(&format!("{control}\"")).is_err(), "{length} {control:?}");
        }
        assert!(with("").is_err());
        let mut bad = format!("\"{plain}").into_bytes();
        bad.extend(b"\xc3\"");
        assert!(decode::<String>(&bad).is_err(), "{length}");
    }
}

#[test]
fn a_document_goes_out_as_it_came_in() {
    for text in [
        r#"{"a":[1,2.50,-3e7,true,null,{"b":"\u00e9\n"}],"z":{},"a ":"twice"}"#,
        "[]",
        "\"text\"",
        "12345678901234567890.5",
        "false",
    ] {
        let read = decode::<Vec<Document>>(format!(" [ {text} , {text}]").as_bytes()).expect("JSON");
        assert_eq!(read[1].as_json(), text);
        assert_eq!(String::from_utf8(encode(&read)), Ok(format!("[{text},{text}]")));
    }
    let deep = "[".repeat(100) + &"]".repeat(100);
    for text in ["", "{", "nul", "{\"a\"}", "[1,]", &deep] {
        assert!(
            decode::<Document>(text.as_bytes()).is_err() || text.is_empty(),
            "{text}"
        );
    }
}
