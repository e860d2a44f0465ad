//! The store's promises, seen from outside.

use std::sync::Arc;

use domain::cluster::{Cluster, ClusterStatus};
use domain::ids::Ids;
use domain::{ClusterArn, Scope, Timestamp};

use crate::{ManualClock, Memory, Store};

fn cluster(name: &str) -> Cluster {
    Cluster {
        arn: ClusterArn::of(&Scope::new("123456789012", "us-east-1"), name),
        status: ClusterStatus::Active,
        settings: Vec::new(),
        tags: Vec::new(),
    }
}

#[tokio::test]
async fn what_is_answered_is_seen_and_survives() {
    let engine = Memory::default();
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let ids = Arc::new(Ids::seeded([0; 32]));
    let open = || Store::open(Box::new(engine.clone()), clock.clone(), ids.clone()).expect("opens");
    let store = open();
    store
        .transact(|tx| {
            tx.put(cluster("a"));
            Ok::<_, ()>(())
        })
        .await
        .expect("commits");
    assert_eq!(store.read(|state| state.all::<Cluster>().count()), 1);
    store.close().await;
    let again = open();
    assert_eq!(again.last_commit(), crate::CommitId(1));
    assert!(again.read(|state| state.get::<Cluster>(&cluster("a").arn).is_some()));
}
