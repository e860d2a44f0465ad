//! Services on hosts that obey at once, durably: how long until they are steady, what they cost then.
//!
//! Everything from the transactions of a call down to the disk is real; the wire and the containers are not there.
//! `cargo bench --package orchestrator --bench services` prints the table; an argument names one line.

#[path = "services/world.rs"]
mod world;

use std::time::{Duration, Instant};

use domain::service::{Rollout, Service};
use world::World;

/// CPU and MiB of the process are read from here.
const STAT: &str = "/proc/self/stat";
const STATM: &str = "/proc/self/statm";
/// Clock ticks of a second, as Linux tells user space.
const TICKS: f64 = 100.0;
const PAGE_KIB: f64 = 4.0;
/// Longer than the store needs to fold what it has not folded while it was busy, at most 64 MiB.
const UPKEEP: Duration = Duration::from_secs(20);

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|it| name.contains(it.as_str()));
    if is_wanted("steady") {
        runtime.block_on(steady_and_rolling());
    }
    if is_wanted("memory") {
        runtime.block_on(memory_and_restart());
    }
    if is_wanted("idle") {
        runtime.block_on(idle());
    }
    if is_wanted("tenth") {
        runtime.block_on(many(20, 500));
    }
    if is_wanted("million") {
        runtime.block_on(many(200, 5000));
    }
}

/// A service of 1,000 tasks on 100 instances, then another revision of it.
async fn steady_and_rolling() {
    let world = World::new(100).await;
    let started = Instant::now();
    let service = world.service("web", 1000).await;
    world
        .until(|state| {
            state
                .get::<Service>(&service)
                .is_some_and(|it| it.steady_since.is_some())
        })
        .await;
    say(
        "1,000 tasks on 100 instances to steady",
        started.elapsed(),
        "aim 500 ms",
    );
    let started = Instant::now();
    world.deploy(&service).await;
    world
        .until(|state| {
            let service = state.get::<Service>(&service);
            service.is_some_and(|it| {
                it.deployments.len() == 1 && it.deployments[0].rollout == Rollout::Completed
            })
        })
        .await;
    say(
        "rolling update of 1,000 tasks, 100 to 200 %",
        started.elapsed(),
        "",
    );
    world.close().await;
}

/// What 10,000 tasks cost in memory, and a start with them.
async fn memory_and_restart() {
    let world = World::new(100).await;
    let before = resident_mib();
    world.services(10, 1000).await;
    let grown = resident_mib() - before;
    println!("memory of 10,000 tasks: {grown:.1} MiB (aim 25 MiB)");
    let (world, loaded) = world.reopen().await;
    say("start with 10,000 tasks: records loaded", loaded, "aim 200 ms");
    world.close().await;
}

/// What nothing costs while 100,000 tasks run.
async fn idle() {
    let world = World::new(500).await;
    world.services(20, 5000).await;
    // What is left of the start: the store folds the end of its log as soon as nobody asks for anything.
    let before = cpu_seconds();
    tokio::time::sleep(UPKEEP).await;
    let upkeep = cpu_seconds() - before;
    println!(
        "  upkeep in the {} s after the last of them: {upkeep:.2} CPU seconds",
        UPKEEP.as_secs()
    );
    let (before, started) = (cpu_seconds(), Instant::now());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let share = (cpu_seconds() - before) / started.elapsed().as_secs_f64() * 100.0;
    println!("an idle second with 100,000 tasks: {share:.2} % of a core (aim 1 %)");
    world.close().await;
}

/// Services of 5,000 tasks each: 200 of them on 5,000 instances, or a tenth of that.
async fn many(services: usize, instances: usize) {
    const EACH: u32 = 5000;
    let tasks = services * EACH as usize;
    let world = World::new(instances).await;
    let before = resident_mib();
    let (started, cpu) = (Instant::now(), cpu_seconds());
    world.services(services, EACH).await;
    let took = started.elapsed();
    let aim = if services == 200 { "aim 20 s" } else { "" };
    say(
        &format!("{tasks} tasks on {instances} instances to steady"),
        took,
        aim,
    );
    // The wall clock says little on a busy machine.
    let cpu = cpu_seconds() - cpu;
    let tasks = tasks as f64;
    println!(
        "  {:.0} tasks a second, {cpu:.1} CPU seconds or {:.1} µs a task, {:.0} MiB",
        tasks / took.as_secs_f64(),
        cpu / tasks * 1e6,
        resident_mib() - before
    );
    world.close().await;
}

fn say(what: &str, took: Duration, aim: &str) {
    let aim = if aim.is_empty() {
        String::new()
    } else {
        format!(" ({aim})")
    };
    println!("{what}: {:.0} ms{aim}", took.as_secs_f64() * 1000.0);
}

fn resident_mib() -> f64 {
    let text = std::fs::read_to_string(STATM).expect("the kernel tells");
    let pages: f64 = text
        .split(' ')
        .nth(1)
        .and_then(|it| it.parse().ok())
        .expect("a number");
    pages * PAGE_KIB / 1024.0
}

/// User and system time of all threads.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string(STAT).expect("the kernel tells");
    let rest = text.rsplit(") ").next().expect("a name in parentheses");
    let ticks: f64 = rest
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|it| it.parse::<f64>().ok())
        .sum();
    ticks / TICKS
}
