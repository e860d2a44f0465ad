//! Forms as trees: `Tags.member.1.Key=a` is a path.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use percent_encoding::percent_decode;

use super::{ENTRY, ITEM, KEY, VALUE};
use crate::shape::{DecodeError, Layout, ValueReader};

/// Deepest path.
const DEPTH_MAX: usize = 32;
/// Most parameters of a form.
const PARAMETERS_MAX: usize = 10_000;

/// A place in a form.
#[derive(Clone, Debug, Default)]
pub struct FormReader {
    value: Option<String>,
    parts: BTreeMap<String, FormReader>,
    layout: Option<Layout>,
}

fn pairs(body: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    body.split(|it| *it == b'&')
        .filter(|it| !it.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|it| *it == b'=').unwrap_or(pair.len());
            (&pair[..at], pair.get(at + 1..).unwrap_or_default())
        })
}

fn text(encoded: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = encoded
        .iter()
        .map(|it| if *it == b'+' { b' ' } else { *it })
        .collect();
    String::from_utf8(percent_decode(&spaced).collect()).ok()
}

/// One parameter of a form, however its name is spelled.
pub fn parameter(body: &[u8], name: &str) -> Option<String> {
    pairs(body)
        .find(|(key, _)| text(key).as_deref() == Some(name))
        .and_then(|(_, value)| text(value))
}

/// Reads a form.
///
/// # Errors
/// Not UTF-8, too many parameters, too deep.
pub fn parse(body: &[u8]) -> Result<FormReader, DecodeError> {
    let mut root = FormReader::default();
    for (count, (key, value)) in pairs(body).enumerate() {
        if count >= PARAMETERS_MAX {
            return Err(DecodeError::serialization(format!(
                "more than {PARAMETERS_MAX} parameters"
            )));
        }
        let (key, value) = text(key)
            .zip(text(value))
            .ok_or_else(|| DecodeError::serialization("not UTF-8"))?;
        if key.split('.').count() > DEPTH_MAX {
            return Err(DecodeError::serialization(format!("{key} is nested too deeply")));
        }
        let place = key.split('.').fold(&mut root, |place, part| {
            place.parts.entry(part.to_owned()).or_default()
        });
        place.value = Some(value);
    }
    Ok(root)
}

impl FormReader {
    fn own(&self) -> Result<&str, DecodeError> {
        self.value
            .as_deref()
            .ok_or_else(|| DecodeError::serialization("a value is missing"))
    }

    fn parsed<T: std::str::FromStr>(&self, what: &str) -> Result<T, DecodeError> {
        let text = self.own()?;
        text.parse()
            .map_err(|_| DecodeError::serialization(format!("{text:?} is not {what}")))
    }

    /// What stands under the numbers, in their order: one level down under `name`, or here where the list is flat.
    fn numbered(&mut self, name: Option<&str>) -> Vec<FormReader> {
        let below = name.and_then(|it| self.parts.remove(it));
        let parts = match below {
            Some(below) => below.parts,
            None => std::mem::take(&mut self.parts),
        };
        let mut items: Vec<(u32, FormReader)> = parts
            .into_iter()
            .filter_map(|(number, item)| Some((number.parse().ok()?, item)))
            .collect();
        items.sort_by_key(|(number, _)| *number);
        items.into_iter().map(|(_, item)| item).collect()
    }
}

impl ValueReader for FormReader {
    fn layout(&mut self, layout: Layout) {
        self.layout = Some(layout);
    }

    fn take_null(&mut self) -> bool {
        false
    }

    fn string(&mut self) -> Result<String, DecodeError> {
        self.own().map(str::to_owned)
    }

    fn boolean(&mut self) -> Result<bool, DecodeError> {
        self.parsed("true or false")
    }

    fn integer(&mut self) -> Result<i64, DecodeError> {
        self.parsed("a whole number")
    }

    fn double(&mut self) -> Result<f64, DecodeError> {
        self.parsed("a number")
    }

    fn timestamp(&mut self) -> Result<Timestamp, DecodeError> {
        self.parsed("a time like 2026-01-01T00:00:00Z")
    }

    fn blob(&mut self) -> Result<Vec<u8>, DecodeError> {
        STANDARD
            .decode(self.own()?)
            .map_err(|_| DecodeError::serialization("a blob is not base64"))
    }

    fn list(
        &mut self,
        item: &mut dyn FnMut(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let name = match self.layout {
            Some(Layout::FlatList) => None,
            Some(Layout::List(name)) => Some(name),
            _ => Some(ITEM),
        };
        self.numbered(name).iter_mut().try_for_each(item)
    }

    fn map(
        &mut self,
        entry: &mut dyn FnMut(&str, &mut Self) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        let (name, key, value) = match self.layout {
            Some(Layout::FlatMap(key, value)) => (None, key, value),
            Some(Layout::Map(key, value)) => (Some(ENTRY), key, value),
            _ => (Some(ENTRY), KEY, VALUE),
        };
        for mut it in self.numbered(name) {
            let key = it.parts.remove(key).unwrap_or_default();
            let mut value = it.parts.remove(value).unwrap_or_default();
            entry(key.own()?, &mut value)?;
        }
        Ok(())
    }

    fn object(
        &mut self,
        entry: &mut dyn FnMut(&str, &mut Self) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        std::mem::take(&mut self.parts)
            .iter_mut()
            .try_for_each(|(name, value)| entry(name, value).map(|_| ()))
    }
}
