//! Durable commits of 1 KiB: the store on its embedded engine, beside a bare log that is appended to and synced.
//!
//! The bare log with 64 writers is what no store can beat: 64 commits in one write and one `fdatasync`.

#![expect(missing_docs, reason = "criterion's macros make undocumented functions")]

use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use domain::cluster::{Cluster, ClusterCapacity, ClusterConfiguration, ClusterStatus};
use domain::ids::Ids;
use domain::tags::Pair;
use domain::{ClusterArn, Scope, Timestamp};
use store::{Embedded, ManualClock, Store};
use tokio::runtime::Runtime;

/// Keys that commits are spread over, at random: tasks that are on the move, and a state that changes everywhere,
/// which is the worst that upkeep can meet.
const KEYS: [u64; 2] = [1_000, 100_000];
const WRITERS: u64 = 64;
const COMMIT_BYTES: usize = 1024;

type Group<'a> = BenchmarkGroup<'a, criterion::measurement::WallTime>;

fn record(number: u64, keys: u64) -> Cluster {
    // Far apart one after the other, as random keys are.
    let key = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % keys;
    Cluster {
        arn: ClusterArn::of(
            &Scope::new("123456789012", "us-east-1"),
            &format!("cluster-{key}"),
        ),
        status: ClusterStatus::Active,
        settings: Vec::new(),
        configuration: ClusterConfiguration::default(),
        capacity: ClusterCapacity::default(),
        service_connect_namespace: None,
        tags: vec![
            Pair::new("number", number.to_string()),
            Pair::new("text", "x".repeat(COMMIT_BYTES - 180)),
        ],
    }
}

async fn commits(store: &Store, writer: u64, count: u64, keys: u64) {
    for index in 0..count {
        let record = record(writer * 1_000_003 + index + store.last_commit().0, keys);
        let committed = store.transact(move |tx| {
            tx.put(record);
            Ok::<_, ()>(())
        });
        committed.await.expect("commits");
    }
}

fn bench_store(group: &mut Group<'_>, runtime: &Runtime, writers: u64, keys: u64) {
    let folder = tempfile::tempdir().expect("makes a folder");
    let engine = Embedded::open(&folder.path().join("state.db")).expect("opens");
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let store = Store::open(Box::new(engine), clock, Arc::new(Ids::seeded([0; 32]))).expect("opens");
    group.bench_function(format!("store, {writers} writers, {keys} keys"), |bencher| {
        bencher.iter_custom(|count| {
            let started = Instant::now();
            let each = count.div_ceil(writers);
            let all = (0..writers).map(|writer| {
                let store = store.clone();
                runtime.spawn(async move { commits(&store, writer, each, keys).await })
            });
            for writer in all.collect::<Vec<_>>() {
                runtime.block_on(writer).expect("ends");
            }
            per_count(started.elapsed(), each * writers, count)
        });
    });
    runtime.block_on(store.close());
}

fn bench_log(group: &mut Group<'_>, writers: u64) {
    let folder = tempfile::tempdir().expect("makes a folder");
    let mut log = File::create(folder.path().join("log")).expect("creates");
    let batch = vec![b'x'; COMMIT_BYTES * usize::try_from(writers).expect("small")];
    group.bench_function(format!("bare log, {writers} writers"), |bencher| {
        bencher.iter_custom(|count| {
            let started = Instant::now();
            let batches = count.div_ceil(writers);
            for _ in 0..batches {
                log.write_all(black_box(&batch)).expect("writes");
                log.sync_data().expect("syncs");
            }
            per_count(started.elapsed(), batches * writers, count)
        });
    });
}

/// What `count` commits took if `done` took `elapsed`.
fn per_count(elapsed: Duration, done: u64, count: u64) -> Duration {
    Duration::from_secs_f64(elapsed.as_secs_f64() * count as f64 / done as f64)
}

fn bench(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("starts");
    let mut group = criterion.benchmark_group("commits");
    group
        .throughput(Throughput::Elements(1))
        .sample_size(20)
        .measurement_time(Duration::from_secs(8));
    for writers in [1, WRITERS] {
        bench_log(&mut group, writers);
        for keys in KEYS {
            bench_store(&mut group, &runtime, writers, keys);
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
