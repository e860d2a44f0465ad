//! A secret goes when its window ends, not before, and not if it was restored.

use std::collections::BTreeMap;
use std::convert::Infallible;

use domain::Timestamp;
use domain::sealed::Sealed;
use domain::secret::{SecretDeletion, SecretKind, SecretVersion};
use store::{Store, memory_store};

use super::*;

const DAY: i64 = 86_400;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn secret_key() -> (Scope, String) {
    (Scope::new("123456789012", "us-east-1"), "db".to_owned())
}

async fn put(store: &Store, deletion: Option<SecretDeletion>) {
    let (scope, name) = secret_key();
    let put = store.transact(move |tx| {
        tx.put(SecretVersion {
            scope: scope.clone(),
            name: name.clone(),
            id: "v".to_owned(),
            value: Sealed(String::new()),
            kind: SecretKind::String,
            created_at: at(0),
        });
        tx.put(Secret {
            scope,
            name,
            suffix: "AbCdEf".to_owned(),
            description: None,
            tags: Vec::new(),
            stages: BTreeMap::new(),
            created_at: at(0),
            changed_at: at(0),
            accessed_at: None,
            deletion,
        });
        Ok::<_, Infallible>(())
    });
    put.await.expect("is stored");
}

async fn reconcile(store: &Store) -> Next {
    let done = store.transact(|tx| Ok::<_, Infallible>(DeletedSecrets.reconcile(tx, &secret_key())));
    done.await.expect("is stored")
}

#[tokio::test]
async fn a_secret_goes_when_its_window_ends() {
    let (store, clock) = memory_store(at(0));
    let deletion = SecretDeletion {
        asked_at: at(0),
        due_at: at(7 * DAY),
    };
    put(&store, Some(deletion)).await;
    assert_eq!(store.read(|state| DeletedSecrets.all_keys(state)), [secret_key()]);
    let week = Duration::from_secs(u64::try_from(7 * DAY).expect("positive"));
    assert_eq!(reconcile(&store).await, Next::After(week));
    clock.set(at(7 * DAY));
    assert_eq!(reconcile(&store).await, Next::AwaitChange);
    let left = store.read(|state| (state.all::<Secret>().len(), state.all::<SecretVersion>().len()));
    assert_eq!(left, (0, 0));
}

#[tokio::test]
async fn a_restored_secret_stays() {
    let (store, clock) = memory_store(at(0));
    put(&store, None).await;
    clock.set(at(60 * DAY));
    assert!(store.read(|state| DeletedSecrets.all_keys(state)).is_empty());
    assert_eq!(reconcile(&store).await, Next::AwaitChange);
    assert_eq!(store.read(|state| state.all::<Secret>().len()), 1);
}
