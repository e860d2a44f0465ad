use std::collections::BTreeMap;

use super::*;
use crate::shape::{
    Layout, ServiceProtocol, ValueReader, ValueWriter, read_laid_out, read_member, write_laid_out,
    write_member,
};

/// A list and a map of every layout.
#[derive(Debug, Default, PartialEq)]
struct Shelf {
    plain: Vec<String>,
    named: Vec<String>,
    flat: Vec<String>,
    map: BTreeMap<String, Vec<String>>,
    flat_map: BTreeMap<String, String>,
    size: Option<i32>,
}

const NAMED: Layout = Layout::List("item");
const FLAT_MAP: Layout = Layout::FlatMap("K", "V");

impl Value for Shelf {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.begin_object();
        write_member(writer, "Plain", &self.plain);
        write_laid_out(writer, "Named", NAMED, &self.named);
        write_laid_out(writer, "Flat", Layout::FlatList, &self.flat);
        write_member(writer, "Map", &self.map);
        write_laid_out(writer, "FlatMap", FLAT_MAP, &self.flat_map);
        write_member(writer, "Size", &self.size);
        writer.end_object();
    }

    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        reader.object(&mut |name, reader| match name {
            "Plain" => read_member(reader, name, &mut it.plain),
            "Named" => read_laid_out(reader, name, NAMED, &mut it.named),
            "Flat" => read_laid_out(reader, name, Layout::FlatList, &mut it.flat),
            "Map" => read_member(reader, name, &mut it.map),
            "FlatMap" => read_laid_out(reader, name, FLAT_MAP, &mut it.flat_map),
            "Size" => read_member(reader, name, &mut it.size),
            _ => Ok(false),
        })?;
        Ok(it)
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|it| (*it).to_owned()).collect()
}

#[test]
fn forms_become_values() {
    let form = b"Plain.member.2=two&Plain.member.10=ten+10&Plain.member.1=%C3%BC&Named.item.1=x&Flat.1=a&Flat.2=b\
        &Map.entry.1.key=k&Map.entry.1.value.member.1=v&FlatMap.2.K=b&FlatMap.2.V=2&FlatMap.1.K=a&FlatMap.1.V=1&Size=7";
    let expected = Shelf {
        plain: texts(&["ü", "two", "ten 10"]),
        named: texts(&["x"]),
        flat: texts(&["a", "b"]),
        map: BTreeMap::from([("k".into(), texts(&["v"]))]),
        flat_map: BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]),
        size: Some(7),
    };
    assert_eq!(decode(form), Ok(expected));
    assert_eq!(decode::<Shelf>(b"Plain=&Other=1"), Ok(Shelf::default()));
}

#[test]
fn names_may_be_escaped() {
    for form in ["Action=A&Version=1", "x=1&Act%69on=A", "%ff=1&Action=%41"] {
        assert_eq!(
            parameter(form.as_bytes(), "Action").as_deref(),
            Some("A"),
            "{form}"
        );
    }
}

#[test]
fn what_is_no_form_of_the_shape_is_refused() {
    let deep = format!("{}=1", "a.".repeat(100));
    for form in [
        "Plain.member.1=%ff",
        "Size=x",
        "Map.entry.1.value.member.1=no-key",
        "FlatMap.1.K=no-value",
        &deep,
    ] {
        assert!(decode::<Shelf>(form.as_bytes()).is_err(), "{form}");
    }
}

#[test]
fn answers_are_xml() {
    let service = Service {
        signing_name: "sts",
        target_prefix: "",
        api_version: "2011-06-15",
        protocol: ServiceProtocol::Query,
        xml_namespace: "https://x/",
        operations: &[],
    };
    let output = Shelf {
        plain: texts(&["a&b", "<c>"]),
        named: texts(&["n"]),
        flat: texts(&["1", "2"]),
        map: BTreeMap::from([("k".into(), texts(&["v"])), ("l".into(), texts(&[]))]),
        flat_map: BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]),
        size: None,
    };
    let text = String::from_utf8(encode(&service, "Get", &output, "r-1")).expect("UTF-8");
    assert_eq!(
        text,
        "<GetResponse xmlns=\"https://x/\"><GetResult><Plain><member>a&amp;b</member><member>&lt;c&gt;</member></Plain>\
         <Named><item>n</item></Named><Flat>1</Flat><Flat>2</Flat>\
         <Map><entry><key>k</key><value><member>v</member></value></entry><entry><key>l</key><value></value></entry></Map>\
         <FlatMap><K>a</K><V>1</V></FlatMap><FlatMap><K>b</K><V>2</V></FlatMap>\
         </GetResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetResponse>"
    );
}

#[test]
fn errors_are_xml() {
    let error = String::from_utf8(error_document(
        "https://x/",
        403,
        "Code",
        "no <way>\r\u{1}",
        "r-2",
    ))
    .expect("UTF-8");
    assert_eq!(
        error,
        "<ErrorResponse xmlns=\"https://x/\"><Error><Type>Sender</Type><Code>Code</Code>\
         <Message>no &lt;way&gt;&#13;\u{fffd}</Message></Error><RequestId>r-2</RequestId></ErrorResponse>"
    );
}
