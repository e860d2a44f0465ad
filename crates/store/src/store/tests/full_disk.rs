//! The disk is full: what was refused is nowhere, what was answered stays, and it goes on when there is room again.

use test_support::disk::Disk;

use super::*;
use crate::Embedded;

/// Enough to fill what SQLite has set aside.
const WRITES: usize = 300;

/// Writes records one after the other; answers the last that was taken, and how many were refused.
async fn put_many(store: &Store, first: usize) -> (Option<String>, usize) {
    let (mut last, mut refused) = (None, 0);
    for number in first..first + WRITES {
        let tag = format!("{number:04000}");
        match put(store, "a", &tag).await {
            Ok(_) => last = Some(tag),
            Err(TransactError::Unavailable(StoreError::Io { .. })) => refused += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    (last, refused)
}

#[tokio::test]
async fn writes_are_refused_while_the_disk_is_full() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::mount(folder.path(), 8).expect("a disk");
    let path = folder.path().join("state.db");
    let store = open(Embedded::open(&path).expect("opens"));
    let (last, refused) = put_many(&store, 0).await;
    assert_eq!(refused, 0);
    disk.fill().expect("it is filled");
    let (meanwhile, refused) = put_many(&store, WRITES).await;
    assert!(refused > 0, "some are refused");
    let last = meanwhile.or(last);
    assert_eq!(tag(&store, "a"), last, "reads go on, and show what was taken");
    disk.free().expect("there is room");
    let recovered = async { while put(&store, "b", "1").await.is_err() {} };
    tokio::time::timeout(DEADLINE, recovered).await.expect("recovers");
    assert_eq!(tag(&store, "a"), last, "nothing that was refused has come back");
    let (after, refused) = put_many(&store, 2 * WRITES).await;
    assert_eq!(refused, 0);
    store.close().await;
    drop(store);
    let store = open(Embedded::open(&path).expect("opens again"));
    assert_eq!(tag(&store, "a"), after);
    assert_eq!(tag(&store, "b").as_deref(), Some("1"));
}
