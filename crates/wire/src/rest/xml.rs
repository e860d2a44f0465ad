//! Bodies in XML as trees.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use super::items::time;
use crate::shape::{DecodeError, Layout, ValueReader};

#[cfg(test)]
mod tests;

/// Deepest element.
const DEPTH_MAX: usize = 32;
/// Most elements of a document, attributes counted as such.
const ELEMENTS_MAX: usize = 100_000;
/// Name of the items of a list that has no other.
const ITEM: &str = "member";
/// Name of the entries of a map.
const ENTRY: &str = "entry";

/// An element; attributes are children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

/// Elements of one name, side by side: one, unless they are a list without an element of its own.
#[derive(Debug, Default)]
pub struct XmlReader {
    elements: Vec<Element>,
    layout: Option<Layout>,
}

impl XmlReader {
    /// At the element that a document is.
    ///
    /// # Errors
    /// It is no XML, too deep or too long, or has a document type: that may name anything.
    pub fn parse(document: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self::of(vec![parse(document)?]))
    }

    fn of(elements: Vec<Element>) -> Self {
        Self {
            elements,
            layout: None,
        }
    }

    fn first(&self) -> Result<&Element, DecodeError> {
        let missing = || DecodeError::serialization("a value is missing");
        self.elements.first().ok_or_else(missing)
    }

    fn parsed<T: std::str::FromStr>(&self, what: &str) -> Result<T, DecodeError> {
        let text = &self.first()?.text;
        text.trim()
            .parse()
            .map_err(|_| DecodeError::serialization(format!("{text:?} is not {what}")))
    }

    /// The children that are called so.
    fn children(&mut self, name: &str) -> Vec<Element> {
        let children = std::mem::take(&mut self.elements).into_iter().take(1);
        let children = children.flat_map(|it| it.children);
        children.filter(|it| it.name == name).collect()
    }
}

fn malformed(error: impl std::fmt::Display) -> DecodeError {
    DecodeError::serialization(format!("the body is not well-formed XML: {error}"))
}

/// The element that a document is.
fn parse(document: &[u8]) -> Result<Element, DecodeError> {
    let text = std::str::from_utf8(document).map_err(|_| malformed("it is not UTF-8"))?;
    let mut reader = Reader::from_str(text);
    // The outermost stands for the document.
    let mut open = vec![Element::default()];
    let mut count = 0;
    loop {
        match reader.read_event().map_err(malformed)? {
            Event::Start(it) => {
                open.push(started(&it, &mut count)?);
                if open.len() > DEPTH_MAX {
                    return Err(malformed("it is nested too deeply"));
                }
            }
            Event::Empty(it) => {
                let element = started(&it, &mut count)?;
                close(&mut open, element)?;
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(|| malformed("an end without a start"))?;
                close(&mut open, element)?;
            }
            Event::Text(it) => add(&mut open, &it.decode().map_err(malformed)?),
            Event::CData(it) => add(&mut open, &it.decode().map_err(malformed)?),
            Event::GeneralRef(it) => {
                let whole = format!("&{};", it.decode().map_err(malformed)?);
                add(&mut open, &unescape(&whole).map_err(malformed)?);
            }
            Event::DocType(_) => return Err(malformed("it has a document type")),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    let mut whole = match (open.pop(), open.is_empty()) {
        (Some(whole), true) => whole.children,
        _ => return Err(malformed("an element has no end")),
    };
    match (whole.pop(), whole.is_empty()) {
        (Some(root), true) => Ok(root),
        _ => Err(malformed("it is not one element")),
    }
}

fn started(start: &BytesStart<'_>, count: &mut usize) -> Result<Element, DecodeError> {
    let mut children = Vec::new();
    // Who looks for duplicates compares each with all before it.
    for attribute in start.attributes().with_checks(false) {
        *count += 1;
        if *count > ELEMENTS_MAX {
            break;
        }
        let attribute = attribute.map_err(malformed)?;
        let name = name(attribute.key.as_ref())?;
        if name != "xmlns" && !name.starts_with("xmlns:") {
            children.push(Element {
                name,
                text: attribute.unescape_value().map_err(malformed)?.into_owned(),
                children: Vec::new(),
            });
        }
    }
    *count += 1;
    if *count > ELEMENTS_MAX {
        return Err(malformed(format!("it has more than {ELEMENTS_MAX} elements")));
    }
    name(start.name().as_ref())?;
    Ok(Element {
        name: name(start.local_name().as_ref())?,
        text: String::new(),
        children,
    })
}

/// What an element or attribute is called. The parser takes all that is no space for a name, also `a/`.
fn name(bytes: &[u8]) -> Result<String, DecodeError> {
    let text = std::str::from_utf8(bytes).map_err(malformed)?;
    let begins = |it: char| it.is_alphabetic() || matches!(it, '_' | ':');
    let goes_on = |it: char| begins(it) || it.is_numeric() || matches!(it, '-' | '.' | '\u{b7}');
    match text.starts_with(begins) && text.chars().all(goes_on) {
        true => Ok(text.to_owned()),
        false => Err(malformed(format!("{text:?} is no name"))),
    }
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn close(open: &mut [Element], element: Element) -> Result<(), DecodeError> {
    let parent = open.last_mut();
    let parent = parent.ok_or_else(|| malformed("an end without a start"))?;
    parent.children.push(element);
    Ok(())
}

impl ValueReader for XmlReader {
    fn layout(&mut self, layout: Layout) {
        self.layout = Some(layout);
    }

    fn take_null(&mut self) -> bool {
        false
    }

    fn string(&mut self) -> Result<String, DecodeError> {
        self.first().map(|it| it.text.clone())
    }

    fn boolean(&mut self) -> Result<bool, DecodeError> {
        self.parsed("true or false")
    }

    fn integer(&mut self) -> Result<i64, DecodeError> {
        self.parsed("a whole number")
    }

    fn double(&mut self) -> Result<f64, DecodeError> {
        let value: f64 = self.parsed("a number")?;
        let finite = value.is_finite().then_some(value);
        finite.ok_or_else(|| DecodeError::serialization(format!("{value} is out of the range of a Double")))
    }

    fn timestamp(&mut self) -> Result<Timestamp, DecodeError> {
        let text = &self.first()?.text;
        time(text).ok_or_else(|| DecodeError::serialization(format!("{text:?} is not a time")))
    }

    fn blob(&mut self) -> Result<Vec<u8>, DecodeError> {
        STANDARD
            .decode(self.first()?.text.trim())
            .map_err(|_| DecodeError::serialization("a blob is not base64"))
    }

    fn list(
        &mut self,
        item: &mut dyn FnMut(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let items = match self.layout {
            Some(Layout::FlatList) => std::mem::take(&mut self.elements),
            Some(Layout::List(name)) => self.children(name),
            _ => self.children(ITEM),
        };
        let mut items = items.into_iter();
        items.try_for_each(|it| item(&mut Self::of(vec![it])))
    }

    fn map(
        &mut self,
        entry: &mut dyn FnMut(&str, &mut Self) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        let (entries, key, value) = match self.layout {
            Some(Layout::FlatMap(key, value)) => (std::mem::take(&mut self.elements), key, value),
            Some(Layout::Map(key, value)) => (self.children(ENTRY), key, value),
            _ => (self.children(ENTRY), "key", "value"),
        };
        for it in entries {
            let (mut keys, mut values) = (Vec::new(), Vec::new());
            for part in it.children {
                match part.name == key {
                    true => keys.push(part),
                    false if part.name == value => values.push(part),
                    false => {}
                }
            }
            let key = Self::of(keys).string()?;
            entry(&key, &mut Self::of(values))?;
        }
        Ok(())
    }

    fn object(
        &mut self,
        entry: &mut dyn FnMut(&str, &mut Self) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        let element = std::mem::take(&mut self.elements).into_iter().next();
        // Those of one name belong together, wherever they stand.
        let mut members: Vec<(String, Vec<Element>)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for child in element.map(|it| it.children).unwrap_or_default() {
            let place = *places.entry(child.name.clone()).or_insert_with(|| {
                members.push((child.name.clone(), Vec::new()));
                members.len() - 1
            });
            members[place].1.push(child);
        }
        let mut members = members.into_iter();
        members.try_for_each(|(name, elements)| entry(&name, &mut Self::of(elements)).map(|_| ()))
    }
}
