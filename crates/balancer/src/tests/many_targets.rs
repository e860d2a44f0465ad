//! Health checks of many targets at one time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::fixture::{World, group, http_check, raw_target, target, until};
use crate::health::machine::Health;
use crate::plan::GroupPlan;

const TARGETS: usize = 2000;
/// Checks of targets that do not answer, at one time: they leave room for others below the bound of all checks, 512.
const SILENT_MAX: usize = 384;

/// What a target has seen of its checks.
#[derive(Default)]
struct Seen {
    asked: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

/// One that answers, or takes every connection and says nothing.
async fn watched(does_answer: bool) -> (SocketAddr, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let its = Arc::clone(&seen);
    let address = raw_target(move |mut stream| {
        let seen = Arc::clone(&its);
        async move {
            seen.asked.fetch_add(1, Ordering::Relaxed);
            let open = seen.open.fetch_add(1, Ordering::Relaxed) + 1;
            seen.most_open.fetch_max(open, Ordering::Relaxed);
            if does_answer {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                // Who asks may have gone by now.
                let _ = stream.write_all(answer).await;
            }
            let _ = stream.read_to_end(&mut Vec::new()).await;
            seen.open.fetch_sub(1, Ordering::Relaxed);
        }
    })
    .await;
    (address, seen)
}

/// A group in which one address is many targets.
fn many(address: SocketAddr, interval: Duration, timeout: Duration) -> GroupPlan {
    let mut plan = group("g", &[]);
    plan.targets = (0..TARGETS)
        .map(|number| {
            let mut target = target(address);
            target.id = format!("i-{number}").into();
            target
        })
        .collect();
    let mut check = http_check();
    (check.interval, check.timeout) = (interval, timeout);
    plan.health_check = Some(check);
    plan
}

#[tokio::test]
async fn thousands_of_targets_are_checked_by_few_connections() {
    let (one, seen) = watched(true).await;
    let plan = many(one, Duration::from_secs(2), Duration::from_secs(1));
    let mut world = World::with_group(plan).await;
    for _ in 0..TARGETS {
        world.health_of(one, Health::Healthy).await;
    }
    let most = seen.most_open.load(Ordering::Relaxed);
    assert!(most < TARGETS / 2, "{most} connections at one time");
}

#[tokio::test]
async fn who_answers_does_not_wait_for_those_that_do_not() {
    let (silent, silents) = watched(false).await;
    let (one, ones) = watched(true).await;
    let mut plan = many(silent, Duration::from_millis(500), Duration::from_millis(500));
    plan.targets.push(target(one));
    let world = World::with_group(plan).await;
    // From the second time on it is known who is silent.
    until(|| (silents.asked.load(Ordering::Relaxed) > 2 * TARGETS).then_some(())).await;
    silents.most_open.store(0, Ordering::Relaxed);
    let before = [&silents, &ones].map(|it| it.asked.load(Ordering::Relaxed));
    until(|| (ones.asked.load(Ordering::Relaxed) >= before[1] + 10).then_some(())).await;
    let each = (silents.asked.load(Ordering::Relaxed) - before[0]) / TARGETS;
    assert!(
        each <= 5,
        "silent ones were asked {each} times each, the other one 10 times"
    );
    let most = silents.most_open.load(Ordering::Relaxed);
    assert!(
        most <= SILENT_MAX + 64,
        "{most} connections at one time, some of them just ended"
    );
    drop(world);
}
