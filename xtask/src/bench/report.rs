//! What is printed: where and when, and tables.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::install::say;

/// Says on what machine and day the numbers are from.
pub fn machine() -> Result<()> {
    let words = |program: &str, arguments: &[&str]| -> Result<String> {
        let output = Command::new(program).args(arguments).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    let memory = std::fs::read_to_string("/proc/meminfo")?;
    let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|it| it.starts_with(name)).unwrap_or_default();
        line.split(':').nth(1).unwrap_or_default().trim().to_owned()
    };
    say("Machine");
    println!(
        "{}, {} x {}, {}, Linux {}",
        words("date", &["-u", "+%Y-%m-%d"])?,
        words("nproc", &[])?,
        value(&cpu, "model name"),
        value(&memory, "MemTotal"),
        words("uname", &["-r"])?
    );
    Ok(())
}

/// How busy the machine is.
pub fn load() -> Result<String> {
    Ok(std::fs::read_to_string("/proc/loadavg")?.trim().to_owned())
}

/// Times of something that was done again and again.
pub struct Times(Vec<Duration>);

impl Times {
    /// In any order; there must be one.
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that a share of all do not pass.
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let index = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(index.min(last)).copied().unwrap_or_default()
    }

    /// The time that half of them do not pass, in milliseconds.
    pub fn median_milliseconds(&self) -> f64 {
        self.percentile(50).as_secs_f64() * 1000.0
    }

    /// Prints a line of them.
    pub fn print(&self, what: &str) {
        let millis = |it: Duration| it.as_secs_f64() * 1000.0;
        println!(
            "{what:<46} min {:8.2} ms  p50 {:8.2} ms  p99 {:8.2} ms  ({} times)",
            millis(self.0.first().copied().unwrap_or_default()),
            millis(self.percentile(50)),
            millis(self.percentile(99)),
            self.0.len()
        );
    }
}

/// Rows of a measurement beside that of a peer.
#[derive(Default)]
pub struct Table(Vec<[String; 4]>);

impl Table {
    /// Adds a row: what was measured, by Gantry, and by a peer, if that is installed. The ratio is the first by the
    /// second.
    pub fn add(&mut self, what: &str, unit: &str, ours: f64, peer: Option<(&str, f64)>) {
        let number = |it: f64| {
            if it < 10.0 {
                format!("{it:.2} {unit}")
            } else {
                format!("{it:.0} {unit}")
            }
        };
        let (theirs, ratio) = match peer {
            Some((name, value)) => (
                format!("{} ({name})", number(value)),
                format!("{:.2}", ours / value),
            ),
            None => ("-".to_owned(), "-".to_owned()),
        };
        println!("{what:<46} {}  beside {theirs}", number(ours));
        self.0.push([what.to_owned(), number(ours), theirs, ratio]);
    }

    /// Prints it as it stands in the documentation.
    pub fn print(&self) {
        println!("\n| | Gantry | peer | ratio |\n|---|---|---|---|");
        for row in &self.0 {
            println!("| {} |", row.join(" | "));
        }
    }
}

/// Figures of several turns: the median, the least and the most.
pub struct Spread {
    /// Half of them are no more.
    pub median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// In any order; of none it is all zero.
    pub fn of(figures: impl Iterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.collect();
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or_default();
        let (upper, lower) = (figures.len() / 2, figures.len().saturating_sub(1) / 2);
        Self {
            median: f64::midpoint(at(lower), at(upper)),
            least: at(0),
            most: at(figures.len().saturating_sub(1)),
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { median, least, most } = self;
        write!(f, "{median:.2} ({least:.2}–{most:.2})")
    }
}
