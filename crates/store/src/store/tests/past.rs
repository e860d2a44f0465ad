//! Followers that were away learn each commit, as long as it is held for them.

use super::*;
use crate::Retention;

fn told(commits: &[Arc<crate::Commit>]) -> Vec<(u64, Option<String>, Option<String>)> {
    let tag = |side: &Option<Arc<Cluster>>| side.as_ref()?.tags.first()?.value.clone();
    let one = |commit: &Arc<crate::Commit>| match &commit.changes[..] {
        [Change::Cluster(it)] => (commit.id.0, tag(&it.before), tag(&it.after)),
        other => panic!("{other:?}"),
    };
    commits.iter().map(one).collect()
}

fn retaining(path: &std::path::Path, after: u64) -> (Store, Retention) {
    let mut engine = Embedded::open(path).expect("opens");
    let retention = engine.retain_after(CommitId(after));
    (open(engine), retention)
}

fn text(it: &str) -> Option<String> {
    Some(it.to_owned())
}

#[tokio::test]
async fn commits_are_read_again_with_what_was_before_them() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let path = folder.path().join("state.db");
    let (store, _) = retaining(&path, 0);
    for (name, tag) in [("a", "1"), ("b", "1"), ("a", "2"), ("a", "3")] {
        put(&store, name, tag).await.expect("commits");
    }
    let gone = store.transact(|tx| {
        tx.delete::<Cluster>(&cluster("a", "").arn);
        Ok::<_, ()>(())
    });
    gone.await.expect("commits");
    put(&store, "a", "4").await.expect("commits");
    // Also over a restart.
    store.close().await;
    let (store, retention) = retaining(&path, 2);
    put(&store, "b", "2").await.expect("commits");
    let expected = [
        (3, text("1"), text("2")),
        (4, text("2"), text("3")),
        (5, text("3"), None),
        (6, None, text("4")),
        (7, text("1"), text("2")),
    ];
    let past = store.commits_after(CommitId(2)).await.expect("reads");
    assert_eq!(told(&past), expected);
    retention.release(CommitId(7));
    assert!(store.commits_after(CommitId(7)).await.expect("reads").is_empty());
}

#[tokio::test]
async fn in_memory_nothing_is_held() {
    let (store, _) = memory_store(Timestamp::UNIX_EPOCH);
    put(&store, "a", "1").await.expect("commits");
    assert!(store.commits_after(CommitId(0)).await.expect("reads").is_empty());
}
