//! The store's promises, seen from outside.

use std::sync::Arc;
use std::time::Duration;

use domain::cluster::{Cluster, ClusterCapacity, ClusterConfiguration, ClusterStatus};
use domain::ids::Ids;
use domain::tags::Pair;
use domain::{ClusterArn, Scope, Timestamp};

use self::faulty::Faulty;
use crate::{
    Change, CommitId, Embedded, Engine, FEED_CAPACITY, Followed, ManualClock, Memory, Store, StoreError,
    TransactError, memory_store,
};

mod faulty;
mod full_disk;
mod past;

/// Longest that a test waits for something to happen.
const DEADLINE: Duration = Duration::from_secs(20);

fn cluster(name: &str, tag: &str) -> Cluster {
    Cluster {
        arn: ClusterArn::of(&Scope::new("123456789012", "us-east-1"), name),
        status: ClusterStatus::Active,
        settings: Vec::new(),
        configuration: ClusterConfiguration::default(),
        capacity: ClusterCapacity::default(),
        service_connect_namespace: None,
        tags: vec![Pair::new("tag", tag)],
    }
}

fn open(engine: impl Engine) -> Store {
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    Store::open(Box::new(engine), clock, Arc::new(Ids::seeded([0; 32]))).expect("opens")
}

async fn put(store: &Store, name: &str, tag: &str) -> Result<CommitId, TransactError<()>> {
    let record = cluster(name, tag);
    store
        .transact(move |tx| {
            tx.put(record);
            Ok(tx.commit_id())
        })
        .await
}

fn tag(store: &Store, name: &str) -> Option<String> {
    let arn = cluster(name, "").arn;
    store.read(|state| state.get::<Cluster>(&arn)?.tags.first()?.value.clone())
}

#[tokio::test]
async fn what_is_answered_is_seen_and_survives() {
    let engine = Memory::default();
    let store = open(engine.clone());
    put(&store, "a", "1").await.expect("commits");
    assert_eq!(tag(&store, "a").as_deref(), Some("1"));
    store.close().await;
    assert_eq!(
        put(&store, "a", "2").await,
        Err(TransactError::Unavailable(StoreError::Closed))
    );
    let again = open(engine);
    assert_eq!(
        (again.last_commit(), tag(&again, "a").as_deref()),
        (CommitId(1), Some("1"))
    );
}

#[tokio::test]
async fn a_file_is_let_go_when_the_store_is_closed() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let path = folder.path().join("state.db");
    for number in 1..4_u64 {
        let store = open(Embedded::open(&path).expect("is free"));
        assert_eq!(store.last_commit(), CommitId(number - 1));
        put(&store, "a", &number.to_string()).await.expect("commits");
        store.close().await;
    }
}

#[tokio::test]
async fn refusals_and_panics_leave_nothing_behind() {
    let (store, _) = memory_store(Timestamp::UNIX_EPOCH);
    put(&store, "a", "1").await.expect("commits");
    let before = store.read(Clone::clone);
    let refused = store.transact(|tx| {
        tx.put(cluster("a", "2"));
        tx.put(cluster("b", "2"));
        tx.delete::<Cluster>(&cluster("a", "").arn);
        assert_eq!(tx.state().all::<Cluster>().count(), 1);
        Err::<(), _>("no")
    });
    assert_eq!(refused.await, Err(TransactError::Refused("no")));
    let panicked = store.transact(|tx| -> Result<(), ()> {
        tx.delete::<Cluster>(&cluster("a", "").arn);
        panic!("as the test wants");
    });
    let message = "as the test wants".to_owned();
    assert_eq!(
        panicked.await,
        Err(TransactError::Unavailable(StoreError::Panicked { message }))
    );
    assert_eq!(store.read(Clone::clone), before);
    // The tip is as the view: the next transaction sees neither.
    let seen = store
        .transact(|tx| Ok::<_, ()>(tx.state().clone()))
        .await
        .expect("reads");
    assert_eq!(seen, before);
}

#[tokio::test]
async fn writing_the_same_again_is_no_commit() {
    let (store, _) = memory_store(Timestamp::UNIX_EPOCH);
    put(&store, "a", "1").await.expect("commits");
    put(&store, "a", "1").await.expect("answers");
    let nothing = store.transact(|tx| {
        tx.put(cluster("b", "1"));
        tx.delete::<Cluster>(&cluster("b", "").arn);
        tx.put(cluster("a", "2"));
        tx.put(cluster("a", "1"));
        Ok::<_, ()>(())
    });
    nothing.await.expect("answers");
    assert_eq!(store.last_commit(), CommitId(1));
}

#[tokio::test]
async fn a_commit_has_a_limit() {
    let (store, _) = memory_store(Timestamp::UNIX_EPOCH);
    let text = "x".repeat(crate::MAX_COMMIT_BYTES);
    let refusal = put(&store, "a", &text).await;
    assert!(
        matches!(
            refusal,
            Err(TransactError::Unavailable(StoreError::TooLarge { .. }))
        ),
        "{refusal:?}"
    );
    assert_eq!(put(&store, "b", "1").await, Ok(CommitId(1)));
    assert_eq!(tag(&store, "a"), None);
}

#[tokio::test]
async fn nothing_is_seen_or_answered_before_it_is_durable() {
    let (engine, faults) = Faulty::new();
    let store = open(engine);
    let mut feed = store.follow();
    faults.block();
    let writing = tokio::spawn({
        let store = store.clone();
        async move { put(&store, "a", "1").await }
    });
    faults.wait_until_blocked(DEADLINE).await;
    // These see the commit that is not durable yet; so their answers have to wait for it.
    let (reader, refused) = (store.clone(), store.clone());
    let reading = tokio::spawn(async move {
        reader
            .transact(|tx| Ok::<_, ()>(tx.state().all::<Cluster>().count()))
            .await
    });
    let refusing = tokio::spawn(async move { refused.transact(|_| Err::<(), _>("exists")).await });
    tokio::task::yield_now().await;
    assert_eq!((tag(&store, "a"), store.last_commit()), (None, CommitId(0)));
    assert!(!writing.is_finished() && !reading.is_finished() && !refusing.is_finished());
    faults.heal();
    assert_eq!(writing.await.expect("ends"), Ok(CommitId(1)));
    assert_eq!(reading.await.expect("ends"), Ok(1));
    assert_eq!(
        refusing.await.expect("ends"),
        Err(TransactError::Refused("exists"))
    );
    assert_eq!(tag(&store, "a").as_deref(), Some("1"));
    assert!(matches!(feed.next().await, Followed::Commit(commit) if commit.id == CommitId(1)));
}

#[tokio::test]
async fn a_failed_batch_is_forgotten_and_the_store_recovers() {
    let (engine, faults) = Faulty::new();
    let store = open(engine);
    put(&store, "a", "1").await.expect("commits");
    let mut feed = store.follow();
    faults.fail();
    let failed = put(&store, "a", "2").await;
    assert!(
        matches!(failed, Err(TransactError::Unavailable(StoreError::Io { .. }))),
        "{failed:?}"
    );
    assert_eq!(tag(&store, "a").as_deref(), Some("1"));
    faults.heal();
    // The next transaction starts from what the engine holds.
    let seen = store
        .transact(|tx| Ok::<_, ()>(tx.get::<Cluster>(&cluster("a", "").arn)))
        .await;
    assert_eq!(seen.expect("answers").as_deref(), Some(&cluster("a", "1")));
    assert!(matches!(feed.next().await, Followed::Lagged));
    assert_eq!(put(&store, "a", "3").await, Ok(CommitId(2)));
    assert!(matches!(feed.next().await, Followed::Commit(commit) if commit.id == CommitId(2)));
}

#[tokio::test]
async fn while_it_cannot_be_loaded_writes_are_refused_and_reads_go_on() {
    let (engine, faults) = Faulty::new();
    let store = open(engine);
    put(&store, "a", "1").await.expect("commits");
    faults.fail();
    for _ in 0..3 {
        assert!(matches!(
            put(&store, "a", "2").await,
            Err(TransactError::Unavailable(_))
        ));
        assert_eq!(tag(&store, "a").as_deref(), Some("1"));
    }
    faults.heal();
    let recovered = async { while put(&store, "a", "3").await.is_err() {} };
    tokio::time::timeout(DEADLINE, recovered).await.expect("recovers");
    assert_eq!(tag(&store, "a").as_deref(), Some("3"));
}

#[tokio::test]
async fn the_feed_has_every_commit_in_order_with_both_sides() {
    let (store, _) = memory_store(Timestamp::UNIX_EPOCH);
    put(&store, "a", "1").await.expect("commits");
    let (last, mut feed) = store.follow_with(|state| state.last_commit());
    for number in 2..6_u64 {
        put(&store, "a", &number.to_string()).await.expect("commits");
    }
    for number in last.0 + 1..6 {
        let Followed::Commit(commit) = feed.next().await else {
            panic!("lagged");
        };
        let [Change::Cluster(changed)] = commit.changes.as_slice() else {
            panic!("{commit:?}");
        };
        assert_eq!(commit.id, CommitId(number));
        assert_eq!(
            changed.before.as_deref(),
            Some(&cluster("a", &(number - 1).to_string()))
        );
        assert_eq!(**changed.current(), cluster("a", &number.to_string()));
    }
}

#[tokio::test]
async fn a_slow_follower_is_told_once_and_goes_on_from_there() {
    let (store, _) = memory_store(Timestamp::UNIX_EPOCH);
    let mut feed = store.follow();
    for number in 0..=FEED_CAPACITY {
        put(&store, "a", &number.to_string()).await.expect("commits");
    }
    assert!(matches!(feed.next().await, Followed::Lagged));
    let next = put(&store, "a", "next").await.expect("commits");
    assert!(matches!(feed.next().await, Followed::Commit(commit) if commit.id == next));
}

#[tokio::test]
async fn time_never_goes_back_even_across_restarts() {
    let engine = Memory::default();
    let time = |second| Timestamp::from_second(second).expect("in range");
    let clock = Arc::new(ManualClock::at(time(100)));
    let open = || {
        let ids = Arc::new(Ids::seeded([0; 32]));
        Store::open_direct(Box::new(engine.clone()), clock.clone(), ids).expect("opens")
    };
    let now = async |store: &Store, name: &'static str| {
        let stamp = store.transact(move |tx| {
            tx.put(cluster(name, ""));
            Ok::<_, ()>(tx.now())
        });
        stamp.await.expect("commits")
    };
    let store = open();
    assert_eq!(now(&store, "a").await, time(100));
    clock.set(time(50));
    assert_eq!(now(&store, "b").await, time(100));
    assert_eq!(now(&open(), "c").await, time(100));
    clock.advance(Duration::from_secs(51));
    assert_eq!(now(&open(), "d").await, time(101));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_lose_no_update() {
    const WRITERS: u64 = 8;
    const EACH: u64 = 50;
    let folder = tempfile::tempdir().expect("makes a folder");
    let path = folder.path().join("state.db");
    let store = open(Embedded::open(&path).expect("opens"));
    let count = |store: Store| async move {
        for _ in 0..EACH {
            let counted = store.transact(|tx| {
                let old = tx.get::<Cluster>(&cluster("a", "").arn);
                let old = old.and_then(|it| it.tags.first()?.value.clone()?.parse::<u64>().ok());
                tx.put(cluster("a", &(old.unwrap_or(0) + 1).to_string()));
                Ok::<_, ()>(())
            });
            counted.await.expect("commits");
        }
    };
    let writers: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(count(store.clone()))).collect();
    for writer in writers {
        writer.await.expect("ends");
    }
    store.close().await;
    let again = open(Embedded::open(&path).expect("opens"));
    assert_eq!(tag(&again, "a"), Some((WRITERS * EACH).to_string()));
    assert_eq!(again.last_commit(), CommitId(WRITERS * EACH));
}
