//! Sends one signed request again and again on many connections, and says what that costs the server.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use test_support::gantry::Gantry;

use super::exchange::Exchange;
use super::report::Times;

/// How often requests are sent.
#[derive(Clone, Copy)]
pub enum Pace {
    /// On each connection the next one as soon as an answer is there.
    AsFastAsAnswered,
    /// So many each second in all; the time of each counts from when it was due.
    EachSecond(u32),
}

/// A load.
pub struct Load<'a> {
    /// What is printed.
    pub what: &'a str,
    /// The signed request.
    pub request: &'a [u8],
    /// Each answer begins with it.
    pub answer: &'a [u8],
    /// Kept-alive connections.
    pub connections: u32,
    /// How often.
    pub pace: Pace,
    /// For how long.
    pub duration: Duration,
}

/// Runs a load, then waits until the server has `settled` after so many requests: what it does until then is part of
/// the cost. Gives the requests for each second of processor time that the server used.
pub fn run(gantry: &Gantry, load: &Load<'_>, settled: impl FnOnce(usize) -> Result<()>) -> Result<f64> {
    let host = gantry.endpoint().trim_start_matches("http://").to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (used_before, own_before) = (server_seconds(gantry)?, cpu_seconds(std::process::id())?);
    let (times, took) = runtime.block_on(async {
        let mut connections = Vec::new();
        for _ in 0..load.connections {
            connections.push(Exchange::to(&host).await?);
        }
        let begin = Instant::now();
        let senders = connections
            .into_iter()
            .zip(0..)
            .map(|(connection, number)| send(connection, number, begin, load));
        let times = futures_util::future::try_join_all(senders).await?.concat();
        anyhow::Ok((times, begin.elapsed().as_secs_f64()))
    })?;
    let count = times.len();
    ensure!(count > 0, "{}: nothing was answered", load.what);
    settled(count)?;
    let used = server_seconds(gantry)? - used_before;
    let own = cpu_seconds(std::process::id())? - own_before;
    Times::new(times).print(load.what);
    let (rate, rate_of_core) = (count as f64 / took, count as f64 / used);
    println!(
        "{:<46} {rate:.0} each second, {rate_of_core:.0} for each core used ({:.2} cores; client {:.2})",
        "",
        used / took,
        own / took
    );
    Ok(rate_of_core)
}

async fn send(
    mut connection: Exchange,
    number: u32,
    begin: Instant,
    load: &Load<'_>,
) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    let end = begin + load.duration;
    let mut due = match load.pace {
        Pace::AsFastAsAnswered => begin,
        Pace::EachSecond(rate) => begin + Duration::from_secs(1) * number / rate,
    };
    while due < end {
        // A timer ticks in milliseconds: it would make even a request that is due already wait for the next tick.
        if Instant::now() < due {
            tokio::time::sleep_until(due.into()).await;
        }
        let body = connection.send(load.request).await?;
        ensure!(
            body.starts_with(load.answer),
            "{}: {}",
            load.what,
            String::from_utf8_lossy(body)
        );
        let now = Instant::now();
        times.push(now - due);
        due = match load.pace {
            Pace::AsFastAsAnswered => now,
            Pace::EachSecond(rate) => due + Duration::from_secs(1) * load.connections / rate,
        };
    }
    Ok(times)
}

/// Seconds of processor time that the server has used.
pub fn server_seconds(gantry: &Gantry) -> Result<f64> {
    cpu_seconds(gantry.process_id().context("gantry runs")?)
}

/// Seconds of processor time that a process has used.
fn cpu_seconds(process: u32) -> Result<f64> {
    /// Linux counts in hundredths of a second on every machine that Gantry runs on.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may hold spaces.
    let (_, rest) = stat.rsplit_once(')').context("the stat line names the process")?;
    let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / TICKS_PER_SECOND)
}
