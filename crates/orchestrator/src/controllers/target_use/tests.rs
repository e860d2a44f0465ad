//! Very many targets follow the use of their groups, some at a time.

use std::convert::Infallible;

use domain::listener::Protocol;
use domain::listener_rule::{Action, Forward, ListenerRule, WeightedTargetGroup};
use domain::target::{Target, TargetHealthState};
use domain::target_group::{HealthCheck, TargetGroupAttributes, TargetType};
use domain::{LoadBalancerArn, Scope, Timestamp};
use store::{Store, memory_store};

use super::*;
use crate::transitions::{
    NewRule, NewTarget, create_rule, delete_rule, delete_target_group, register_targets,
};

const GROUPS: [&str; 3] = ["a", "b", "c"];
const TARGETS: u16 = 1000;

fn group(name: &str) -> TargetGroupArn {
    TargetGroupArn::of(&Scope::new("123456789012", "us-east-1"), name, "0123456789abcdef")
}

fn record(name: &str) -> TargetGroup {
    TargetGroup {
        arn: group(name),
        name: name.to_owned(),
        target_type: TargetType::Ip,
        protocol: Protocol::Http,
        protocol_version: None,
        port: 80,
        vpc_id: "vpc-1".to_owned(),
        health_check: HealthCheck::new(Protocol::Http, None, TargetType::Ip, None),
        attributes: TargetGroupAttributes::default(),
        created_at: Timestamp::UNIX_EPOCH,
        tags: Vec::new(),
    }
}

fn unused(store: &Store) -> usize {
    store.read(|state| {
        let all = state.all::<Target>();
        all.filter(|it| it.health.state == TargetHealthState::Unused)
            .count()
    })
}

async fn settle(store: &Store) {
    for name in GROUPS {
        let mut next = Next::Again;
        while next == Next::Again {
            let run = store.transact(move |tx| Ok::<_, Infallible>(TargetUse.reconcile(tx, &group(name))));
            next = run.await.expect("is stored");
        }
    }
}

#[tokio::test]
async fn targets_follow_even_if_there_are_too_many_for_one_commit() {
    let (store, _) = memory_store(Timestamp::from_second(0).expect("in range"));
    for name in GROUPS {
        let targets = (1..=TARGETS).map(|port| NewTarget {
            id: "10.0.0.9".to_owned(),
            port,
            zone: None,
            address: None,
            task: None,
        });
        let targets: Vec<_> = targets.collect();
        let registered = store.transact(move |tx| {
            tx.put(record(name));
            register_targets(tx, &group(name), targets);
            Ok::<_, Infallible>(())
        });
        registered.await.expect("is stored");
    }
    let all = GROUPS.len() * usize::from(TARGETS);
    assert_eq!(unused(&store), all);
    let made = store.transact(|tx| {
        let scope = Scope::new("123456789012", "us-east-1");
        let balancer = LoadBalancerArn::new(&scope, &["app", "web", "0123456789abcdef"]);
        let target_groups = GROUPS.map(|name| WeightedTargetGroup {
            arn: group(name),
            weight: 1,
        });
        let new = NewRule {
            listener: balancer.listener("0123456789abcdef"),
            priority: 1,
            conditions: Vec::new(),
            action: Action::Forward(Forward {
                target_groups: target_groups.into(),
                stickiness_seconds: None,
            }),
            action_order: None,
            tags: Vec::new(),
        };
        Ok::<_, Infallible>(create_rule(tx, new).expect("the priority is free"))
    });
    let rule: Arc<ListenerRule> = made.await.expect("is stored");
    let left = unused(&store);
    assert!(left > 0 && left < all, "a part at once: {left} of {all}");
    settle(&store).await;
    assert_eq!(unused(&store), 0);
    let deleted = store.transact(move |tx| {
        delete_rule(tx, &rule);
        Ok::<_, Infallible>(())
    });
    deleted.await.expect("is stored");
    settle(&store).await;
    assert_eq!(unused(&store), all);
    let deleted =
        store.transact(|tx| Ok::<_, Infallible>(GROUPS.map(|it| delete_target_group(tx, &group(it)))));
    assert_eq!(deleted.await.expect("is stored"), [true; 3]);
    let left = unused(&store);
    assert!(left > 0 && left < all, "a part at once: {left} of {all}");
    let orphans = store.read(|state| TargetUse.all_keys(state));
    assert_eq!(orphans, GROUPS.map(group), "as after a restart");
    settle(&store).await;
    assert_eq!(unused(&store), 0, "they are gone");
}
