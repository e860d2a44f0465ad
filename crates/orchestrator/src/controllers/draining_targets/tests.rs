//! A target goes when the delay of its group is over, not before.

use std::convert::Infallible;
use std::time::Duration;

use domain::listener::Protocol;
use domain::target::TargetHealth;
use domain::target_group::{HealthCheck, TargetGroupAttributes, TargetType};
use domain::{Scope, TargetGroupArn, Timestamp};
use store::{Store, memory_store};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn target_key() -> TargetKey {
    TargetKey {
        group: TargetGroupArn::of(
            &Scope::new("123456789012", "us-east-1"),
            "web",
            "0123456789abcdef",
        ),
        id: "10.0.0.9".to_owned(),
        port: 80,
    }
}

fn group(delay: u32) -> TargetGroup {
    TargetGroup {
        arn: target_key().group,
        name: "web".to_owned(),
        target_type: TargetType::Ip,
        protocol: Protocol::Tcp,
        protocol_version: None,
        port: 80,
        vpc_id: "vpc-1".to_owned(),
        health_check: HealthCheck::new(Protocol::Tcp, None, TargetType::Ip, None),
        attributes: TargetGroupAttributes {
            deregistration_delay_seconds: delay,
            ..TargetGroupAttributes::new(Protocol::Tcp, TargetType::Ip)
        },
        created_at: at(0),
        tags: Vec::new(),
    }
}

async fn put(store: &Store, state: TargetState) {
    let put = store.transact(move |tx| {
        tx.put(group(300));
        tx.put(Target {
            key: target_key(),
            zone: None,
            address: None,
            task: None,
            is_idle: false,
            anomaly: domain::target::AnomalyDetection::default(),
            registered_at: at(0),
            state,
            health: TargetHealth::healthy(),
        });
        Ok::<_, Infallible>(())
    });
    put.await.expect("is stored");
}

async fn reconcile(store: &Store) -> Next {
    let done = store.transact(|tx| Ok::<_, Infallible>(DrainingTargets.reconcile(tx, &target_key())));
    done.await.expect("is stored")
}

fn targets(store: &Store) -> usize {
    store.read(|state| state.all::<Target>().len())
}

#[tokio::test]
async fn a_target_goes_when_its_delay_is_over() {
    let (store, clock) = memory_store(at(0));
    put(&store, TargetState::Draining { since: at(0) }).await;
    assert_eq!(
        store.read(|state| DrainingTargets.all_keys(state)),
        [target_key()]
    );
    clock.set(at(299));
    assert_eq!(reconcile(&store).await, Next::After(Duration::from_secs(1)));
    assert_eq!(targets(&store), 1);
    clock.set(at(300));
    assert_eq!(reconcile(&store).await, Next::AwaitChange);
    assert_eq!(targets(&store), 0);
}

#[tokio::test]
async fn a_shorter_delay_is_followed() {
    let (store, clock) = memory_store(at(0));
    put(&store, TargetState::Draining { since: at(0) }).await;
    clock.set(at(10));
    let shorter = store.transact(|tx| {
        tx.put(group(5));
        Ok::<_, Infallible>(())
    });
    shorter.await.expect("is stored");
    assert_eq!(reconcile(&store).await, Next::AwaitChange);
    assert_eq!(targets(&store), 0);
}

#[tokio::test]
async fn a_registered_target_stays() {
    let (store, clock) = memory_store(at(0));
    put(&store, TargetState::Registered).await;
    clock.set(at(86_400));
    assert!(store.read(|state| DrainingTargets.all_keys(state)).is_empty());
    assert_eq!(reconcile(&store).await, Next::AwaitChange);
    assert_eq!(targets(&store), 1);
}
