use std::collections::BTreeMap;

use super::*;

type Entries = BTreeMap<String, Vec<String>>;

#[test]
fn forms_become_values() {
    let form = b"A.member.2=two&A.member.10=ten+10&A.member.1=%C3%BC&B.member.1=x";
    let value: Entries = decode(form).expect("a form");
    assert_eq!(value["A"], ["ü", "two", "ten 10"]);
    assert_eq!(value["B"], ["x"]);
    assert!(decode::<Entries>(b"A.member.1=%ff").is_err());
    assert!(decode::<BTreeMap<String, i32>>(b"A=x").is_err());
    let deep = format!("{}=1", "a.".repeat(100));
    assert!(decode::<Entries>(deep.as_bytes()).is_err());
}

#[test]
fn answers_are_xml() {
    let service = Service {
        signing_name: "sts",
        target_prefix: "",
        api_version: "2011-06-15",
        json_version: None,
        xml_namespace: "https://x/",
        operations: &[],
    };
    let output: Entries = BTreeMap::from([("Names".into(), vec!["a&b".into(), "<c>".into()])]);
    let text = String::from_utf8(encode(&service, "Get", &output, "r-1")).expect("UTF-8");
    assert_eq!(
        text,
        "<GetResponse xmlns=\"https://x/\"><GetResult><Names><member>a&amp;b</member><member>&lt;c&gt;</member></Names>\
         </GetResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetResponse>"
    );
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
