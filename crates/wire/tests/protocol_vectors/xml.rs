//! XML documents as trees, without what says nothing: spaces, namespaces, the order of members, ids of requests.

use quick_xml::Reader;
use quick_xml::events::Event;

#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

/// Elements that vary from request to request.
const IDS: [&str; 4] = ["ResponseMetadata", "RequestId", "RequestID", "requestId"];
/// Names of keys in the entries of maps, which have no order.
const KEYS: [&str; 3] = ["Attribute", "K", "key"];

pub fn tree(document: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(document);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(it) => open.push(Element {
                name: String::from_utf8_lossy(it.local_name().as_ref()).into_owned(),
                ..Element::default()
            }),
            Event::Empty(it) => {
                let name = String::from_utf8_lossy(it.local_name().as_ref()).into_owned();
                close(
                    &mut open,
                    Element {
                        name,
                        ..Element::default()
                    },
                )?;
            }
            Event::End(_) => {
                let it = open.pop().ok_or("an end without a start")?;
                close(&mut open, it)?;
            }
            Event::Text(it) => add(&mut open, &it.decode().map_err(|error| error.to_string())?)?,
            Event::CData(it) => add(&mut open, &it.decode().map_err(|error| error.to_string())?)?,
            Event::GeneralRef(it) => {
                let name = it.decode().map_err(|error| error.to_string())?;
                let text = quick_xml::escape::unescape(&format!("&{name};"))
                    .map_err(|error| error.to_string())?
                    .into_owned();
                add(&mut open, &text)?;
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let mut root = open.pop().ok_or("nothing")?;
    root.children.pop().ok_or_else(|| "no element".to_owned())
}

/// What a document says, whatever its outermost element is called: clients look at its parts only. Nothing, if it is
/// empty.
pub fn below_root(document: &str) -> Result<Element, String> {
    if document.trim().is_empty() {
        return Ok(Element::default());
    }
    Ok(Element {
        name: String::new(),
        ..tree(document)?
    })
}

fn add(open: &mut [Element], text: &str) -> Result<(), String> {
    open.last_mut().ok_or("text outside")?.text.push_str(text);
    Ok(())
}

fn close(open: &mut [Element], mut it: Element) -> Result<(), String> {
    if it.text.trim().is_empty() {
        it.text.clear();
    }
    it.children
        .sort_by(|one, other| (&one.name, one.key()).cmp(&(&other.name, other.key())));
    let parent = open.last_mut().ok_or("an end without a start")?;
    if !IDS.contains(&it.name.as_str()) {
        parent.children.push(it);
    }
    Ok(())
}

impl Element {
    /// The key of an entry of a map.
    fn key(&self) -> Option<&str> {
        let key = self.children.iter().find(|it| KEYS.contains(&it.name.as_str()));
        key.map(|it| it.text.as_str())
    }
}
