//! What every engine has to do; run on all of them, with a map as the model.

use std::collections::BTreeMap;

use domain::Timestamp;
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::{Batch, Engine, Entry, Loaded, Operation};
use crate::{CommitId, Memory};

/// An engine as a test sees it.
pub(super) trait Subject {
    fn engine(&mut self) -> &mut dyn Engine;
    /// Lets it do all of its upkeep.
    fn tend(&mut self) {}
    /// Ends it in good order and opens it again.
    fn reopen(&mut self);
    /// Ends it as a loss of power would, and opens it again.
    fn crash(&mut self);
    /// The same in the middle of an append, of which so much is there, in 255ths.
    fn tear(&mut self, batch: &Batch, part: u8);
}

struct InMemory(Memory);

impl Subject for InMemory {
    fn engine(&mut self) -> &mut dyn Engine {
        &mut self.0
    }

    fn reopen(&mut self) {
        self.0 = self.0.clone();
    }

    fn crash(&mut self) {
        self.reopen();
    }

    fn tear(&mut self, _: &Batch, _: u8) {
        self.reopen();
    }
}

/// A commit on its way: keys and, unless they are deleted, numbers that stand for values.
type Writes = BTreeMap<u8, Option<u32>>;

#[derive(Clone, Debug)]
pub(super) enum Step {
    Append(Vec<Writes>),
    Tend,
    Reopen,
    Crash,
    Tear(Vec<Writes>, u8),
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let writes = prop::collection::btree_map(0_u8..12, prop::option::weighted(0.7, any::<u32>()), 1..5);
    let step = prop_oneof![
        6 => prop::collection::vec(writes.clone(), 1..4).prop_map(Step::Append),
        3 => Just(Step::Tend),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
        1 => (prop::collection::vec(writes, 1..4), 0..255_u8).prop_map(|(it, part)| Step::Tear(it, part)),
    ];
    prop::collection::vec(step, 1..40)
}

fn batch(first: u64, commits: &[Writes]) -> Batch {
    let operation = |(key, value): (&u8, &Option<u32>)| Operation {
        table: "cluster".into(),
        key: format!("key-{key}"),
        format: 1,
        value: value.map(|it| RawValue::from_string(it.to_string()).expect("a number is JSON")),
    };
    let entry = |(index, writes): (u64, &Writes)| Entry {
        commit: CommitId(first + index),
        operations: writes.iter().map(operation).collect(),
    };
    Batch {
        entries: (0..).zip(commits).map(entry).collect(),
        at: time(first),
    }
}

fn time(number: u64) -> Timestamp {
    Timestamp::from_second(i64::try_from(number).expect("small")).expect("in range")
}

fn loaded(engine: &mut dyn Engine) -> (BTreeMap<String, u32>, Loaded) {
    let mut found = BTreeMap::new();
    let loaded = engine.load(&mut |operation| {
        let value = operation.value.expect("only what is there is loaded");
        let earlier = found.insert(operation.key, value.get().parse().expect("a number"));
        assert_eq!(
            (operation.table.as_ref(), operation.format, earlier),
            ("cluster", 1, None)
        );
        Ok(())
    });
    (found, loaded.expect("loads"))
}

/// Does the steps and compares with a map after each end.
pub(super) fn check(subject: &mut dyn Subject, steps: &[Step]) {
    let mut model = BTreeMap::new();
    let mut expected = Loaded::default();
    assert_eq!(loaded(subject.engine()), (model.clone(), expected));
    for step in steps {
        match step {
            Step::Append(commits) => {
                let first = expected.last_commit.0 + 1;
                subject.engine().append(&batch(first, commits)).expect("appends");
                for (key, value) in commits.iter().flatten() {
                    match value {
                        Some(value) => model.insert(format!("key-{key}"), *value),
                        None => model.remove(&format!("key-{key}")),
                    };
                }
                expected.last_commit.0 += commits.len() as u64;
                expected.at = Some(time(first));
            }
            Step::Tend => subject.tend(),
            Step::Reopen => {
                subject.reopen();
                assert_eq!(loaded(subject.engine()), (model.clone(), expected));
            }
            Step::Tear(commits, part) => {
                subject.tear(&batch(expected.last_commit.0 + 1, commits), *part);
                assert_eq!(loaded(subject.engine()), (model.clone(), expected));
            }
            Step::Crash => {
                subject.crash();
                assert_eq!(loaded(subject.engine()), (model.clone(), expected));
            }
        }
    }
    assert_eq!(loaded(subject.engine()), (model, expected));
}

proptest! {
    #[test]
    fn memory_is_a_map(steps in steps()) {
        check(&mut InMemory(Memory::default()), &steps);
    }
}
