//! What members are called on the wire, and how forms and XML lay out lists and maps.

use super::shapes::{Member, Model, Protocol};

/// A member on the wire.
#[derive(Debug, PartialEq, Eq)]
pub struct OnWire {
    /// Its name in requests.
    pub read_name: String,
    /// Its name in answers.
    pub write_name: String,
    /// Its layout in requests, where that is not the protocol's usual one.
    pub read_layout: Option<Layout>,
    /// Its layout in answers, where that is not the protocol's usual one.
    pub write_layout: Option<Layout>,
}

/// As `wire::shape::Layout`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    List(String),
    FlatList,
    Map(String, String),
    FlatMap(String, String),
}

/// Finds the names and layouts of a member, as the AWS protocols define them:
/// <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>,
/// <https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html>,
/// <https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html>
pub fn on_wire(model: &Model, name: &str, member: &Member) -> OnWire {
    let own_name = member.location_name.as_deref().unwrap_or(name);
    let layout = layout(model, member);
    match model.metadata.protocol {
        // What is outside the body is told apart by its member, for its name may be that of another in the body.
        it if it.is_rest() && member.location.is_some() => OnWire {
            read_name: name.to_owned(),
            write_name: name.to_owned(),
            read_layout: None,
            write_layout: None,
        },
        Protocol::Json | Protocol::RestJson => OnWire {
            read_name: own_name.to_owned(),
            write_name: own_name.to_owned(),
            read_layout: None,
            write_layout: None,
        },
        Protocol::Query | Protocol::RestXml => OnWire {
            read_name: own_name.to_owned(),
            write_name: own_name.to_owned(),
            read_layout: layout.clone(),
            write_layout: layout,
        },
        Protocol::Ec2 => OnWire {
            read_name: member.query_name.clone().unwrap_or_else(|| capitalised(own_name)),
            write_name: own_name.to_owned(),
            // Lists in forms have the numbers of their items and no names for them.
            read_layout: layout.is_some().then_some(Layout::FlatList),
            write_layout: layout,
        },
    }
}

/// The layout of a list or map. `member`, `key` and `value` are the usual names.
fn layout(model: &Model, member: &Member) -> Option<Layout> {
    let shape = model.shape(&member.shape);
    let is_flat = member.flattened || shape.flattened;
    let name = |part: &Option<Member>, usual: &str| {
        let name = part.as_ref().and_then(|it| it.location_name.clone());
        name.unwrap_or_else(|| usual.to_owned())
    };
    let layout = match (shape.kind.as_str(), is_flat) {
        ("list", true) => Layout::FlatList,
        ("list", false) => Layout::List(name(&shape.member, "member")),
        ("map", true) => Layout::FlatMap(name(&shape.key, "key"), name(&shape.value, "value")),
        ("map", false) => Layout::Map(name(&shape.key, "key"), name(&shape.value, "value")),
        _ => return None,
    };
    Some(layout)
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|it| it.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(protocol: &str) -> Model {
        let text = r#"{ "metadata": { "apiVersion": "1", "protocol": "PROTOCOL" }, "operations": {}, "shapes": {
            "Text": { "type": "string" },
            "Texts": { "type": "list", "member": { "shape": "Text", "locationName": "item" } },
            "Map": { "type": "map", "key": { "shape": "Text", "locationName": "K" }, "value": { "shape": "Text" } },
            "Struct": { "type": "structure", "members": {
                "A": { "shape": "Text" },
                "B": { "shape": "Text", "locationName": "bee" },
                "C": { "shape": "Text", "locationName": "cee", "queryName": "see" },
                "D": { "shape": "Texts", "locationName": "deeSet" },
                "E": { "shape": "Texts", "flattened": true },
                "F": { "shape": "Map" }
            } }
        } }"#;
        Model::parse(&text.replace("PROTOCOL", protocol)).expect("a model")
    }

    fn members(protocol: &str) -> Vec<(String, String, Option<Layout>, Option<Layout>)> {
        let model = model(protocol);
        let members = model.shape("Struct").members.iter();
        members
            .map(|(name, it)| on_wire(&model, name, it))
            .map(|it| (it.read_name, it.write_name, it.read_layout, it.write_layout))
            .collect()
    }

    #[test]
    fn each_protocol_has_its_names_and_layouts() {
        let item = || Some(Layout::List("item".into()));
        let map = || Some(Layout::Map("K".into(), "value".into()));
        let flat = || Some(Layout::FlatList);
        let named = |read: &str, write: &str| (read.to_owned(), write.to_owned());
        for (protocol, names, layouts) in [
            (
                "json",
                [
                    ("A", "A"),
                    ("bee", "bee"),
                    ("cee", "cee"),
                    ("deeSet", "deeSet"),
                    ("E", "E"),
                    ("F", "F"),
                ],
                [(None, None), (None, None), (None, None)],
            ),
            (
                "query",
                [
                    ("A", "A"),
                    ("bee", "bee"),
                    ("cee", "cee"),
                    ("deeSet", "deeSet"),
                    ("E", "E"),
                    ("F", "F"),
                ],
                [(item(), item()), (flat(), flat()), (map(), map())],
            ),
            (
                "ec2",
                [
                    ("A", "A"),
                    ("Bee", "bee"),
                    ("see", "cee"),
                    ("DeeSet", "deeSet"),
                    ("E", "E"),
                    ("F", "F"),
                ],
                [(flat(), item()), (flat(), flat()), (flat(), map())],
            ),
        ] {
            let found = members(protocol);
            let found_names: Vec<_> = found.iter().map(|it| (it.0.clone(), it.1.clone())).collect();
            assert_eq!(
                found_names,
                names.map(|(read, write)| named(read, write)),
                "{protocol}"
            );
            let found_layouts: Vec<_> = found[3..].iter().map(|it| (it.2.clone(), it.3.clone())).collect();
            assert_eq!(found_layouts, layouts, "{protocol}");
        }
    }
}
