use super::*;

fn texts(document: &str, layout: Layout) -> Result<Vec<String>, DecodeError> {
    let mut found = Vec::new();
    XmlReader::parse(document.as_bytes())?.object(&mut |name, reader| {
        assert_eq!(name, "Ids");
        reader.layout(layout);
        reader.list(&mut |reader| {
            found.push(reader.string()?);
            Ok(())
        })?;
        Ok(true)
    })?;
    Ok(found)
}

#[test]
fn lists_have_an_element_of_their_own_or_none() {
    let named = Layout::List("Id");
    for (document, layout) in [
        (
            "<R xmlns='https://x/'><Ids><Id>a&amp;b</Id><Id><![CDATA[<c>]]></Id></Ids></R>",
            named,
        ),
        (
            "<?xml version='1.0'?>\n<p:R xmlns:p='https://x/'><p:Ids><p:Id>a&#38;b</p:Id><Other/><p:Id>&lt;c&gt;</p:Id></p:Ids></p:R>",
            named,
        ),
        (
            "<R><Ids>a&amp;b</Ids><!-- between --><Ids>&lt;c></Ids></R>",
            Layout::FlatList,
        ),
    ] {
        assert_eq!(
            texts(document, layout),
            Ok(vec!["a&b".to_owned(), "<c>".to_owned()]),
            "{document}"
        );
    }
    assert_eq!(texts("<R><Ids/></R>", named), Ok(Vec::new()));
    assert_eq!(texts("<R><Ids><Id/></Ids></R>", named), Ok(vec![String::new()]));
}

#[test]
fn what_is_no_document_is_refused() {
    let deep = format!("{}{}", "<a>".repeat(1000), "</a>".repeat(1000));
    let long = format!("<a>{}</a>", "<b/>".repeat(ELEMENTS_MAX));
    for document in [
        "",
        "text",
        "<a>",
        "</a>",
        "<a></b>",
        "<a/><b/>",
        "<a b=c/>",
        "<a//>",
        "<a$/>",
        "<1/>",
        "<a b/='c'/>",
        "<a>&nothing;</a>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        &deep,
        &long,
    ] {
        let read = XmlReader::parse(document.as_bytes());
        let error = read.err().map(|it| it.to_string()).unwrap_or_default();
        assert!(
            error.starts_with("the body is not well-formed XML"),
            "{document:.60}: {error}"
        );
    }
    assert!(XmlReader::parse(b"<a>\xff</a>").is_err());
}
