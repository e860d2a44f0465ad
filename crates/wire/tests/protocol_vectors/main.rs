//! botocore's protocol test vectors, seen from the server: requests are read into values, values are written as
//! answers; and from the agent, which reads answers in JSON. The shapes are those of the vectors, with the names and layouts that the code generator finds for them.

mod answers;
mod client;
mod dynamic;
#[path = "../../../../xtask/src/codegen/http.rs"]
#[expect(dead_code, reason = "the generator writes a table, the vectors make one")]
mod http;
#[path = "../../../../xtask/src/codegen/on_wire.rs"]
mod on_wire;
mod requests;
mod rest;
#[path = "../../../../xtask/src/codegen/shapes.rs"]
#[expect(dead_code, reason = "the generator needs more of a model than the vectors do")]
mod shapes;
mod suites;
mod xml;

use std::collections::BTreeMap;

use suites::{Case, Direction, cases};

/// `<file> <case> — <reason>`, a line each.
const SKIPPED: &str = include_str!("../vectors/skipped.txt");

fn skipped() -> BTreeMap<String, String> {
    let lines = SKIPPED.lines().filter(|it| !it.is_empty());
    let named = lines.map(|line| line.split_once(" — ").expect("a skipped case has a reason"));
    named
        .map(|(name, reason)| (name.to_owned(), reason.to_owned()))
        .collect()
}

fn run(case: &Case) -> Result<(), String> {
    match case.direction {
        Direction::Input => requests::check(case),
        Direction::Output => answers::check(case),
        Direction::Client => client::check(case),
    }
}

/// The list of skipped cases may only get shorter: one that passes fails the test too.
fn check(direction: Direction, least: usize) {
    let mut skipped = skipped();
    skipped.retain(|name, _| name.starts_with(direction.word()));
    let mut faults = Vec::new();
    let mut passed = 0;
    for case in cases(direction) {
        match (run(&case), skipped.remove(&case.name)) {
            (Ok(()), None) => passed += 1,
            (Err(_), Some(_)) => {}
            (Ok(()), Some(_)) => faults.push(format!("{} passes: take it off the list", case.name)),
            (Err(error), None) => faults.push(format!("{} — {error}", case.name)),
        }
    }
    faults.extend(
        skipped
            .keys()
            .map(|name| format!("{name} is on the list, but no case")),
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(passed >= least, "only {passed} cases passed");
}

#[test]
fn requests_are_read_as_they_were_meant() {
    check(Direction::Input, 274);
}

#[test]
fn answers_are_written_as_clients_read_them() {
    check(Direction::Output, 267);
}

#[test]
fn json_answers_are_read_as_they_were_meant() {
    check(Direction::Client, 70);
}
