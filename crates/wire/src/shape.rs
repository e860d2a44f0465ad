//! What generated shapes and codecs have in common: a shape walks a reader or writer of any protocol.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// A modelled AWS service.
#[derive(Debug)]
pub struct Service {
    /// Name in credential scopes and IAM actions: `ecs`.
    pub signing_name: &'static str,
    /// Head of `X-Amz-Target`, for the JSON protocols.
    pub target_prefix: &'static str,
    /// `2014-11-13`
    pub api_version: &'static str,
    /// How it is spoken.
    pub protocol: ServiceProtocol,
    /// Namespace of answers in XML.
    pub xml_namespace: &'static str,
    /// All operations of the model, also those that are not built.
    pub operations: &'static [&'static str],
}

/// The protocol that a service is modelled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceProtocol {
    /// awsJson of this version.
    Json(&'static str),
    /// Forms in, XML out.
    Query,
    /// Amazon EC2's own kind of query.
    Ec2,
    /// rest-json, with the places of its operations in HTTP.
    RestJson(&'static [crate::rest::HttpOperation]),
    /// rest-xml, with the same.
    RestXml(&'static [crate::rest::HttpOperation]),
}

/// An operation of a service.
pub trait Operation: Send + Sync + 'static {
    /// `RunTask`
    const NAME: &'static str;
    /// Its service.
    const SERVICE: &'static Service;
    /// What comes in.
    type Input: Value + Send + 'static;
    /// What goes out.
    type Output: Value + Send + 'static;
    /// What goes wrong.
    type Error: crate::ServiceError + Send + 'static;
}

/// Why bytes are no value of a shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not of the protocol, or a member of another type: AWS answers SerializationException.
    #[error("{message}")]
    Serialization {
        /// What was found instead.
        message: String,
    },
    /// A required member is not there.
    #[error("{} is required", path.join("."))]
    MissingMember {
        /// Names from the outside in; items of lists as AWS names them, `list.1.member.name`.
        path: Vec<String>,
    },
}

impl DecodeError {
    /// Bytes or types that do not fit.
    pub fn serialization(message: impl Into<String>) -> Self {
        Self::Serialization {
            message: message.into(),
        }
    }

    /// The same error one level further out.
    #[must_use]
    pub fn within(self, name: &str) -> Self {
        match self {
            Self::MissingMember { mut path } => {
                path.insert(0, name.to_owned());
                Self::MissingMember { path }
            }
            other => other,
        }
    }
}

/// How forms and XML lay out a list or a map. JSON has one way for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Items in an element of their own, each under this name: `<vpcSet><item>`.
    List(&'static str),
    /// Items where the list would be, each under the list's name.
    FlatList,
    /// Entries in an element of their own, with these names for key and value.
    Map(&'static str, &'static str),
    /// Entries where the map would be.
    FlatMap(&'static str, &'static str),
}

/// Reads values of one protocol.
pub trait ValueReader {
    /// Before a list or map that is not laid out as the protocol does by default.
    fn layout(&mut self, _layout: Layout) {}
    /// Whether the value is null; then it is behind us.
    fn take_null(&mut self) -> bool;
    /// A text.
    ///
    /// # Errors
    /// Something else is there. So with all others.
    fn string(&mut self) -> Result<String, DecodeError>;
    /// true or false.
    fn boolean(&mut self) -> Result<bool, DecodeError>;
    /// A whole number.
    fn integer(&mut self) -> Result<i64, DecodeError>;
    /// A number.
    fn double(&mut self) -> Result<f64, DecodeError>;
    /// A moment.
    fn timestamp(&mut self) -> Result<Timestamp, DecodeError>;
    /// Bytes.
    fn blob(&mut self) -> Result<Vec<u8>, DecodeError>;
    /// Any JSON, as it was written.
    ///
    /// # Errors
    /// Something else is there, or the protocol is not JSON: only that has documents.
    fn document(&mut self) -> Result<String, DecodeError> {
        Err(DecodeError::serialization("documents are JSON"))
    }
    /// Calls `item` for each item.
    fn list(&mut self, item: &mut dyn FnMut(&mut Self) -> Result<(), DecodeError>)
    -> Result<(), DecodeError>;
    /// Calls `entry` for each key of a map; it says whether it has read the value.
    fn map(
        &mut self,
        entry: &mut dyn FnMut(&str, &mut Self) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        self.object(entry)
    }
    /// Calls `entry` for each name of a structure; it says whether it knows the name and has read the value, else it is skipped.
    fn object(
        &mut self,
        entry: &mut dyn FnMut(&str, &mut Self) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError>;
}

/// Writes values of one protocol.
pub trait ValueWriter {
    /// Before a list or map that is not laid out as the protocol does by default.
    fn layout(&mut self, _layout: Layout) {}
    /// A text.
    fn string(&mut self, value: &str);
    /// true or false.
    fn boolean(&mut self, value: bool);
    /// A whole number.
    fn integer(&mut self, value: i64);
    /// A number.
    fn double(&mut self, value: f64);
    /// A moment.
    fn timestamp(&mut self, value: Timestamp);
    /// Bytes.
    fn blob(&mut self, value: &[u8]);
    /// A text that is JSON.
    fn document(&mut self, json: &str) {
        self.string(json);
    }
    /// Begins a list.
    fn begin_list(&mut self);
    /// Before each item of a list.
    fn item(&mut self);
    /// Ends a list.
    fn end_list(&mut self);
    /// Begins a structure.
    fn begin_object(&mut self);
    /// Before each value of a structure.
    fn name(&mut self, name: &str);
    /// Ends a structure.
    fn end_object(&mut self);
    /// Begins a map.
    fn begin_map(&mut self) {
        self.begin_object();
    }
    /// Before each value of a map.
    fn key(&mut self, key: &str) {
        self.name(key);
    }
    /// Ends a map.
    fn end_map(&mut self) {
        self.end_object();
    }
}

/// A value of a shape.
pub trait Value: Sized {
    /// Writes it.
    fn write<W: ValueWriter>(&self, writer: &mut W);
    /// Reads it.
    ///
    /// # Errors
    /// What is there is no value of the shape.
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError>;
    /// Whether a structure leaves the member out.
    fn is_absent(&self) -> bool {
        false
    }
}

/// Writes a member of a structure, unless it is absent.
pub fn write_member<W: ValueWriter, V: Value>(writer: &mut W, name: &str, value: &V) {
    if !value.is_absent() {
        writer.name(name);
        value.write(writer);
    }
}

/// Writes a list or map that is a member of a structure, unless it is absent.
pub fn write_laid_out<W: ValueWriter, V: Value>(writer: &mut W, name: &str, layout: Layout, value: &V) {
    if !value.is_absent() {
        writer.name(name);
        writer.layout(layout);
        value.write(writer);
    }
}

/// Reads a list or map that is a member of a structure into its place.
///
/// # Errors
/// See [`Value::read`].
pub fn read_laid_out<R: ValueReader, V: Value>(
    reader: &mut R,
    name: &str,
    layout: Layout,
    place: &mut V,
) -> Result<bool, DecodeError> {
    reader.layout(layout);
    read_member(reader, name, place)
}

/// Reads a member of a structure into its place. A null leaves it as it is.
///
/// # Errors
/// See [`Value::read`].
pub fn read_member<R: ValueReader, V: Value>(
    reader: &mut R,
    name: &str,
    place: &mut V,
) -> Result<bool, DecodeError> {
    if !reader.take_null() {
        *place = V::read(reader).map_err(|error| error.within(name))?;
        return Ok(true);
    }
    Ok(false)
}

/// Checks that a required member was read.
///
/// # Errors
/// [`DecodeError::MissingMember`].
pub fn require(is_read: bool, name: &str) -> Result<(), DecodeError> {
    if is_read {
        Ok(())
    } else {
        Err(DecodeError::MissingMember {
            path: vec![name.to_owned()],
        })
    }
}

impl Value for String {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.string(self);
    }
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        reader.string()
    }
}

impl Value for bool {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.boolean(*self);
    }
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        reader.boolean()
    }
}

impl Value for i32 {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.integer(i64::from(*self));
    }
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        let value = reader.integer()?;
        Self::try_from(value)
            .map_err(|_| DecodeError::serialization(format!("{value} is out of the range of an Integer")))
    }
}

impl Value for i64 {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.integer(*self);
    }
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        reader.integer()
    }
}

impl Value for f64 {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.double(*self);
    }
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        reader.double()
    }
}

impl Value for Timestamp {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.timestamp(*self);
    }
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        reader.timestamp()
    }
}

/// Bytes, base64 on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl Value for Blob {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.blob(&self.0);
    }
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        reader.blob().map(Self)
    }
}

/// Any JSON: what the model calls a document. It goes out as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(String);

impl Document {
    /// As it was written.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Document {
    type Err = serde_json::Error;

    /// Any JSON text.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str::<serde::de::IgnoredAny>(text).map(|_| Self(text.to_owned()))
    }
}

impl Default for Document {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

impl Value for Document {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.document(&self.0);
    }
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        reader.document().map(Self)
    }
}

impl<T: Value> Value for Option<T> {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        if let Some(value) = self {
            value.write(writer);
        }
    }
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        if reader.take_null() {
            Ok(None)
        } else {
            T::read(reader).map(Some)
        }
    }
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Value> Value for Box<T> {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        self.as_ref().write(writer);
    }
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        T::read(reader).map(Box::new)
    }
}

impl<T: Value> Value for Vec<T> {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.begin_list();
        for item in self {
            writer.item();
            item.write(writer);
        }
        writer.end_list();
    }
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        let mut items = Self::new();
        let mut number = 0_usize;
        reader.list(&mut |reader| {
            number += 1;
            // AWS drops nulls in lists.
            if !reader.take_null() {
                let item = T::read(reader);
                items.push(item.map_err(|error| error.within("member").within(&number.to_string()))?);
            }
            Ok(())
        })?;
        Ok(items)
    }
}

impl<T: Value> Value for BTreeMap<String, T> {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.begin_map();
        for (name, value) in self {
            writer.key(name);
            value.write(writer);
        }
        writer.end_map();
    }
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        let mut entries = Self::new();
        reader.map(&mut |name, reader| {
            if !reader.take_null() {
                let value = T::read(reader).map_err(|error| error.within("member").within(name))?;
                entries.insert(name.to_owned(), value);
            }
            Ok(true)
        })?;
        Ok(entries)
    }
}
