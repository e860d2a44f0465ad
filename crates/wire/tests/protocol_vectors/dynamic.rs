//! Values whose shape is known only when the test runs. They call readers and writers as generated structures do.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use wire::shape::Layout;
use wire::{DecodeError, Value, ValueReader, ValueWriter};

use crate::on_wire::{self, OnWire, on_wire};
use crate::shapes::{Member, Model};

thread_local! {
    /// The shape that is read next: reading a [`Value`] takes no argument.
    static EXPECTED: RefCell<Option<(Arc<Model>, String)>> = const { RefCell::new(None) };
}

/// A value by the names of its model, as the vectors tell it. Blobs are texts, times are seconds. Where nothing comes
/// in or goes out, the shape has no name and the value no members.
pub struct Dynamic {
    pub model: Arc<Model>,
    pub shape: String,
    pub json: Json,
}

/// Says what the next [`Dynamic`] is read as.
pub fn expect(model: &Arc<Model>, shape: &str) {
    EXPECTED.set(Some((Arc::clone(model), shape.to_owned())));
}

impl Value for Dynamic {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        if self.shape.is_empty() {
            writer.begin_object();
            writer.end_object();
            return;
        }
        write(&self.model, &self.shape, &self.json, writer);
    }

    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        let (model, shape) = EXPECTED.take().expect("said what to read");
        let json = if shape.is_empty() {
            reader.object(&mut |_, _| Ok(false))?;
            json!({})
        } else {
            read(&model, &shape, reader)?
        };
        Ok(Self { model, shape, json })
    }
}

fn layout(it: &on_wire::Layout) -> Layout {
    let leaked = |text: &String| -> &'static str { Box::leak(text.clone().into_boxed_str()) };
    match it {
        on_wire::Layout::List(item) => Layout::List(leaked(item)),
        on_wire::Layout::FlatList => Layout::FlatList,
        on_wire::Layout::Map(key, value) => Layout::Map(leaked(key), leaked(value)),
        on_wire::Layout::FlatMap(key, value) => Layout::FlatMap(leaked(key), leaked(value)),
    }
}

fn part(member: &Option<Member>) -> &str {
    member.as_ref().map(|it| it.shape.as_str()).unwrap_or_default()
}

fn read<R: ValueReader>(model: &Model, name: &str, reader: &mut R) -> Result<Json, DecodeError> {
    let shape = model.shape(name);
    Ok(match shape.kind.as_str() {
        "structure" => {
            let members: Vec<(&String, &Member, OnWire)> = shape
                .members
                .iter()
                .map(|(name, it)| (name, it, on_wire(model, name, it)))
                .collect();
            let mut found = Map::new();
            reader.object(&mut |name, reader| {
                let Some((member, it, wire)) = members.iter().find(|it| it.2.read_name == name) else {
                    return Ok(false);
                };
                if let Some(it) = &wire.read_layout {
                    reader.layout(layout(it));
                }
                if !reader.take_null() {
                    found.insert((*member).clone(), read(model, &it.shape, reader)?);
                }
                Ok(true)
            })?;
            Json::Object(found)
        }
        "list" => {
            let mut items = Vec::new();
            reader.list(&mut |reader| {
                if !reader.take_null() {
                    items.push(read(model, part(&shape.member), reader)?);
                }
                Ok(())
            })?;
            Json::Array(items)
        }
        "map" => {
            let mut entries = Map::new();
            reader.map(&mut |key, reader| {
                if !reader.take_null() {
                    entries.insert(key.to_owned(), read(model, part(&shape.value), reader)?);
                }
                Ok(true)
            })?;
            Json::Object(entries)
        }
        "string" => reader.string()?.into(),
        "boolean" => reader.boolean()?.into(),
        "integer" | "long" => reader.integer()?.into(),
        "double" | "float" => match reader.double()? {
            it if it.is_finite() => it.into(),
            it if it.is_nan() => "NaN".into(),
            it => (if it > 0.0 { "Infinity" } else { "-Infinity" }).into(),
        },
        "timestamp" => {
            let millis = reader.timestamp()?.as_millisecond();
            Json::from(millis as f64 / 1000.0)
        }
        "blob" => String::from_utf8_lossy(&reader.blob()?).into(),
        other => return Err(DecodeError::serialization(format!("a {other} is not built"))),
    })
}

fn write<W: ValueWriter>(model: &Model, name: &str, json: &Json, writer: &mut W) {
    let shape = model.shape(name);
    match shape.kind.as_str() {
        "structure" => {
            writer.begin_object();
            for (name, it) in &shape.members {
                let Some(json) = json.get(name).filter(|it| !it.is_null()) else {
                    continue;
                };
                let wire = on_wire(model, name, it);
                writer.name(&wire.write_name);
                if let Some(it) = &wire.write_layout {
                    writer.layout(layout(it));
                }
                write(model, &it.shape, json, writer);
            }
            writer.end_object();
        }
        "list" => {
            writer.begin_list();
            for item in json.as_array().into_iter().flatten() {
                writer.item();
                write(model, part(&shape.member), item, writer);
            }
            writer.end_list();
        }
        "map" => {
            writer.begin_map();
            for (key, value) in json.as_object().into_iter().flatten() {
                writer.key(key);
                write(model, part(&shape.value), value, writer);
            }
            writer.end_map();
        }
        "boolean" => writer.boolean(json == &Json::Bool(true)),
        "integer" | "long" => writer.integer(json.as_i64().unwrap_or_default()),
        "double" | "float" => writer.double(match json.as_str() {
            Some(word) => word.parse().unwrap_or_default(),
            None => json.as_f64().unwrap_or_default(),
        }),
        "timestamp" => {
            let millis = (json.as_f64().unwrap_or_default() * 1000.0).round() as i64;
            writer.timestamp(jiff::Timestamp::from_millisecond(millis).unwrap_or_default());
        }
        "blob" => writer.blob(json.as_str().unwrap_or_default().as_bytes()),
        _ => writer.string(json.as_str().unwrap_or_default()),
    }
}
