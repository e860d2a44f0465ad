//! Register, describe, register what was described: the same definition.

mod generated;

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{draft, read_back, record};
use crate::handlers::ecs::{render, tags};
use generated::{PLACES, definition};

/// What DescribeTaskDefinition answers of the definition, with its tags.
fn described(definition: &Value) -> Value {
    let mut shown = read_back(definition);
    let tags = tags::render(&record(draft(definition).expect("as before")).tags);
    let tags = tags
        .into_iter()
        .map(|it| json!({ "key": it.key, "value": it.value }));
    shown["tags"] = tags.collect();
    shown
}

proptest! {
    #[test]
    fn what_is_described_can_be_registered(
        place in prop::sample::select(PLACES.to_vec()),
        task in any::<u32>(),
        containers in prop::collection::vec(any::<u32>(), 1..5),
    ) {
        let given = definition(place, task, &containers);
        let first = described(&given);
        prop_assert_eq!(&described(&first), &first);
        let record = record(draft(&given).expect("as before"));
        let stored = serde_json::to_vec(&record).expect("is stored");
        let loaded = serde_json::from_slice(&stored).expect("is loaded");
        prop_assert_eq!(&record, &loaded);
        prop_assert_eq!(render::task_definition(&record), render::task_definition(&loaded));
    }
}

/// Members of shapes that nobody can register: Elastic Inference is no more.
const REFUSED: [&str; 3] = [
    "RegisterTaskDefinitionRequest.inferenceAccelerators",
    "InferenceAccelerator.deviceName",
    "InferenceAccelerator.deviceType",
];

/// Notes each member that a value has, and each that its shape could have.
fn walk(
    model: &Value,
    name: &str,
    value: Option<&Value>,
    seen: &mut BTreeSet<String>,
    all: &mut BTreeSet<String>,
) {
    let shape = &model["shapes"][name];
    match shape["type"].as_str() {
        Some("structure") => {
            for (member, of) in shape["members"].as_object().into_iter().flatten() {
                let id = format!("{name}.{member}");
                let inner = value.and_then(|it| it.get(member));
                if inner.is_some() {
                    seen.insert(id.clone());
                }
                // Each shape is walked once for its members alone.
                if all.insert(id) || inner.is_some() {
                    walk(model, of["shape"].as_str().expect("a shape"), inner, seen, all);
                }
            }
        }
        Some("list") => {
            let item = shape["member"]["shape"].as_str().expect("a shape");
            walk(model, item, None, seen, all);
            for it in value.and_then(Value::as_array).into_iter().flatten() {
                walk(model, item, Some(it), seen, all);
            }
        }
        _ => {}
    }
}

#[test]
fn every_member_of_the_model_is_tried() {
    let model: Value =
        serde_json::from_str(include_str!("../../../../../../../models/ecs.json")).expect("JSON");
    let (mut seen, mut all) = (BTreeSet::new(), BTreeSet::new());
    for place in PLACES {
        let masks = (0..u32::BITS).map(|bit| 1 << bit).chain([0, u32::MAX]);
        for mask in masks {
            let given = definition(place, mask, &[mask, mask]);
            walk(
                &model,
                "RegisterTaskDefinitionRequest",
                Some(&given),
                &mut seen,
                &mut all,
            );
            assert_eq!(described(&described(&given)), described(&given));
        }
    }
    let left: Vec<&String> = all
        .difference(&seen)
        .filter(|it| !REFUSED.contains(&it.as_str()))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
