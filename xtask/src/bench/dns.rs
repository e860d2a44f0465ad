//! What a question costs a name server: our resolver and NSD with one thread each, the same zone, in turns.
//!
//! Processor time is that of the server's processes alone, so that the client may cost what it does.

mod client;
mod servers;

use std::path::Path;

use anyhow::{Context, Result, bail};

use self::client::{Load, Transport};
use self::servers::Server;
use super::report::{Spread, load};
use crate::install::say;

/// Names of the zone.
const NAMES: u32 = 1000;
/// Turns of each case.
const ROUNDS: usize = 7;
/// Questions of a turn.
const QUESTIONS: u32 = 200_000;
/// Questions before anything is counted.
const WARM_UP: u32 = 5_000;
/// Processor time as a share of NSD's.
const AIM: f64 = 1.5;

/// One kind of load.
struct Case {
    name: &'static str,
    what: &'static str,
    transport: Transport,
    /// Questions at one time.
    outstanding: u16,
    /// Whether the names asked for are there.
    is_known: bool,
}

const CASES: [Case; 4] = [
    Case {
        name: "udp",
        what: "UDP, a name that is there, 32 at one time",
        transport: Transport::Udp,
        outstanding: 32,
        is_known: true,
    },
    Case {
        name: "udp-one",
        what: "UDP, a name that is there, one at a time",
        transport: Transport::Udp,
        outstanding: 1,
        is_known: true,
    },
    Case {
        name: "udp-unknown",
        what: "UDP, a name that is not there, 32 at one time",
        transport: Transport::Udp,
        outstanding: 32,
        is_known: false,
    },
    Case {
        name: "tcp",
        what: "TCP, one connection, one question at a time",
        transport: Transport::Tcp,
        outstanding: 1,
        is_known: true,
    },
];

/// What is measured, and how often.
struct Wanted {
    names: Vec<String>,
    rounds: usize,
    questions: u32,
}

impl Wanted {
    fn parse(words: &[&str]) -> Result<Self> {
        let mut wanted = Self {
            names: Vec::new(),
            rounds: ROUNDS,
            questions: QUESTIONS,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a number"));
            match *word {
                "--rounds" => wanted.rounds = value()?.parse::<usize>()?.max(1),
                "--questions" => wanted.questions = value()?.parse::<u32>()?.max(1),
                name if CASES.iter().any(|it| it.name == name) => wanted.names.push(name.to_owned()),
                name => {
                    let names: Vec<_> = CASES.iter().map(|it| it.name).collect();
                    bail!("no case {name}: there are {}", names.join(", "));
                }
            }
        }
        Ok(wanted)
    }
}

/// Microseconds of processor time for each question, which is seconds for a million, of each server and turn.
struct Row<'a> {
    case: &'a Case,
    costs: Vec<Vec<f64>>,
}

/// Prints what each costs, and ours as a share of NSD's.
pub fn measure(root: &Path, words: &[&str]) -> Result<()> {
    let wanted = Wanted::parse(words)?;
    let subject = servers::build(root)?;
    let scratch = tempfile::tempdir()?;
    say("Starting the name servers");
    let servers = servers::start(&subject, scratch.path(), NAMES)?;
    println!("load of the machine before: {}", load()?);
    let mut rows = Vec::new();
    let is_wanted = |it: &&Case| wanted.names.is_empty() || wanted.names.iter().any(|name| name == it.name);
    for case in CASES.iter().filter(is_wanted) {
        rows.push(compare(case, &servers, &wanted)?);
    }
    println!("load of the machine after: {}", load()?);
    print(&rows, &servers);
    Ok(())
}

fn compare<'a>(case: &'a Case, servers: &[Server], wanted: &Wanted) -> Result<Row<'a>> {
    say(&format!("{}, {} turns each", case.what, wanted.rounds));
    let mut costs = vec![Vec::new(); servers.len()];
    for _ in 0..wanted.rounds {
        for (server, costs) in servers.iter().zip(&mut costs) {
            costs.push(turn(case, server, wanted.questions).with_context(|| server.name)?);
        }
    }
    for (server, costs) in servers.iter().zip(&costs) {
        let spread = Spread::of(costs.iter().copied());
        println!("{:<8} {spread} s of processor time for a million", server.name);
    }
    Ok(Row { case, costs })
}

fn turn(case: &Case, server: &Server, questions: u32) -> Result<f64> {
    let names = match case.is_known {
        true => 0..NAMES,
        false => NAMES..NAMES * 2,
    };
    let mut load = Load::begin(server.address, case.transport, case.outstanding, names)?;
    let is_known = case.is_known;
    load.ask(WARM_UP.min(questions), is_known)?;
    let before = server.processor_seconds()?;
    load.ask(questions, is_known)?;
    let used = server.processor_seconds()? - before;
    Ok(used * 1e6 / f64::from(questions))
}

fn print(rows: &[Row<'_>], servers: &[Server]) {
    let names: Vec<_> = servers.iter().map(|it| it.name).collect();
    println!(
        "\nProcessor time for a million questions, the median of all turns; ours by NSD's, turn by turn"
    );
    println!("\n| | ratio (least–most) | aim | {} |", names.join(" | "));
    println!("|---|---|---|{}", "---|".repeat(names.len()));
    for row in rows {
        let costs = row.costs.iter().map(|it| {
            let spread = Spread::of(it.iter().copied());
            format!("{:.2} s", spread.median)
        });
        let costs: Vec<_> = costs.collect();
        let ratio = match row.costs.as_slice() {
            [ours, others] => Spread::of(ours.iter().zip(others).map(|(it, other)| it / other)).to_string(),
            _ => "-".to_owned(),
        };
        println!(
            "| {} | {ratio} | {AIM:.1} | {} |",
            row.case.what,
            costs.join(" | ")
        );
    }
}
