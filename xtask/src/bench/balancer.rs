//! What a request costs a load balancer: ours, nginx, haproxy and Envoy with one worker each, in turns, to one target.
//!
//! Processor time is that of the balancer's processes alone, so that client and target may cost what they do.

mod cases;
mod generator;
mod idle;
mod proxies;
mod secrets;
mod target;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use self::cases::{CASES, Case};
use self::proxies::Proxy;
use super::process;
use super::report::Spread;
use crate::install::say;

/// Turns of each case.
const ROUNDS: usize = 7;
/// How long each turn is measured.
const SECONDS: f64 = 1.5;
/// The case of idle connections.
const IDLE: &str = "idle";

/// What is measured, and how often.
struct Wanted {
    names: Vec<String>,
    rounds: usize,
    turn: Duration,
}

impl Wanted {
    fn parse(words: &[&str]) -> Result<Self> {
        let mut wanted = Self {
            names: Vec::new(),
            rounds: ROUNDS,
            turn: Duration::from_secs_f64(SECONDS),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a number"));
            match *word {
                "--rounds" => wanted.rounds = value()?.parse::<usize>()?.max(1),
                "--seconds" => wanted.turn = Duration::try_from_secs_f64(value()?.parse()?)?,
                name if name == IDLE || CASES.iter().any(|it| it.name == name) => {
                    wanted.names.push(name.to_owned());
                }
                name => {
                    let names: Vec<_> = CASES.iter().map(|it| it.name).collect();
                    bail!("no case {name}: there are {}, {IDLE}", names.join(", "));
                }
            }
        }
        Ok(wanted)
    }

    fn has(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|it| it == name)
    }
}

/// One turn of one balancer.
#[derive(Clone, Copy)]
struct Turn {
    /// Microseconds of processor time for each request.
    cost: f64,
    /// Milliseconds that one request in a hundred takes longer than.
    p99: f64,
}

/// Prints what each costs, and ours as a share of the best of the others.
pub fn measure(root: &Path, words: &[&str]) -> Result<()> {
    let wanted = Wanted::parse(words)?;
    let subject = proxies::build(root)?;
    process::allow_many_files()?;
    let scratch = tempfile::tempdir()?;
    let secrets = secrets::make(scratch.path())?;
    let target = target::start()?;
    say("Starting the load balancers");
    let proxies = proxies::start(root, &subject, scratch.path(), &secrets, target)?;
    // first of all: what a balancer has once taken, it may keep
    if wanted.has(IDLE) {
        idle::measure(&proxies)?;
    }
    let mut rows = Vec::new();
    for case in CASES.iter().filter(|it| wanted.has(it.name)) {
        rows.push(compare(case, &proxies, &wanted)?);
    }
    if !rows.is_empty() {
        print(&rows);
    }
    Ok(())
}

/// A case: what each balancer did in each turn, in the order of the balancers.
struct Row<'a> {
    case: &'a Case,
    names: Vec<&'static str>,
    turns: Vec<Vec<Turn>>,
}

fn compare<'a>(case: &'a Case, proxies: &[Proxy], wanted: &Wanted) -> Result<Row<'a>> {
    say(&format!("{}, {} turns each", case.what, wanted.rounds));
    let mut turns = vec![Vec::new(); proxies.len()];
    for _ in 0..wanted.rounds {
        for (proxy, turns) in proxies.iter().zip(&mut turns) {
            turns.push(turn(case, proxy, wanted.turn)?);
        }
    }
    for (proxy, turns) in proxies.iter().zip(&turns) {
        println!(
            "{:<12} {} µs of processor time, p99 {} ms",
            proxy.name,
            Spread::of(turns.iter().map(|it| it.cost)),
            Spread::of(turns.iter().map(|it| it.p99))
        );
    }
    Ok(Row {
        case,
        names: proxies.iter().map(|it| it.name).collect(),
        turns,
    })
}

fn turn(case: &Case, proxy: &Proxy, time: Duration) -> Result<Turn> {
    let load = generator::Load::begin(case, proxy.address(case.door)).with_context(|| proxy.name)?;
    let before = proxy.processor_seconds()?;
    let times = load.run(time).with_context(|| proxy.name)?;
    let used = proxy.processor_seconds()? - before;
    Ok(Turn {
        cost: used * 1e6 / times.count() as f64,
        p99: times.percentile(99).as_secs_f64() * 1000.0,
    })
}

fn print(rows: &[Row<'_>]) {
    let Some(names) = rows.first().map(|it| &it.names) else {
        return;
    };
    println!(
        "\nProcessor time for each request, the median of all turns; ours by the best of the others, turn by turn"
    );
    println!(
        "\n| | ratio (least–most) | aim | {} | p99 ratio |",
        names.join(" | ")
    );
    println!("|---|---|---|{}---|", "---|".repeat(names.len()));
    for row in rows {
        let costs = row.turns.iter().map(|turns| {
            let spread = Spread::of(turns.iter().map(|it| it.cost));
            format!("{:.1} µs", spread.median)
        });
        let costs: Vec<_> = costs.collect();
        println!(
            "| {} | {} | {:.2} | {} | {} |",
            row.case.what,
            ratio(&row.turns, |it| it.cost),
            row.case.aim,
            costs.join(" | "),
            ratio(&row.turns, |it| it.p99)
        );
    }
}

/// The first by the best of the others, turn by turn.
fn ratio(turns: &[Vec<Turn>], figure: impl Fn(&Turn) -> f64) -> String {
    let Some((ours, others)) = turns.split_first().filter(|(_, others)| !others.is_empty()) else {
        return "-".to_owned();
    };
    let medians = others
        .iter()
        .map(|turns| Spread::of(turns.iter().map(&figure)).median);
    let best = medians.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
    let Some(best) = best.map(|(index, _)| &others[index]) else {
        return "-".to_owned();
    };
    let ratios = ours
        .iter()
        .zip(best)
        .map(|(ours, best)| figure(ours) / figure(best));
    Spread::of(ratios).to_string()
}
