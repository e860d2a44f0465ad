//! Names follow the health of zones.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::target::{TargetHealth, TargetHealthReason, TargetHealthState, TargetKey};
use domain::{LoadBalancerArn, TargetGroupArn};
use orchestrator::transitions::{HealthChange, target_health};
use serde_json::{Value, json};
use store::{Feed, Followed};

use crate::fixture::text;
use crate::handlers::elbv2::tests::World;
use crate::sessions::followers::News;
use crate::sessions::names::news::{NameNews, Source};
use crate::sessions::names::served::Served;
use crate::sessions::names::{difference, look};

/// Targets in the first zone and in the second.
const TARGETS: [[&str; 2]; 2] = [["10.0.0.8", "10.0.0.9"], ["10.0.1.8", "10.0.1.9"]];
/// How long a commit may take to be told.
const DEADLINE: Duration = Duration::from_secs(10);

/// A load balancer with a listener that leads to a group, and what a host was told of its name.
struct Zones {
    world: World,
    arn: LoadBalancerArn,
    group: String,
    feed: Feed,
    told: BTreeMap<Source, Served>,
}

impl Zones {
    async fn new(kind: &str, protocol: &str) -> Self {
        let world = World::new().await;
        let feed = world.fixture.store().follow();
        let made = world.load_balancer("web", kind).await;
        let group = world.target_group("web", protocol).await;
        let targets = TARGETS.as_flattened().iter();
        let targets: Vec<Value> = targets.map(|it| json!({ "Id": it, "Port": 80 })).collect();
        let input = json!({ "TargetGroupArn": group, "Targets": targets });
        world.ask("RegisterTargets", input).await;
        let actions = json!([{ "Type": "forward", "TargetGroupArn": group }]);
        let listener = json!({
            "LoadBalancerArn": made["LoadBalancerArn"], "Protocol": protocol, "Port": 80, "DefaultActions": actions,
        });
        world.ask("CreateListener", listener).await;
        Self {
            arn: LoadBalancerArn::parse(&text(&made["LoadBalancerArn"])).expect("an ARN"),
            world,
            group,
            feed,
            told: BTreeMap::new(),
        }
    }

    async fn set(&self, attributes: &[(&str, &str)]) {
        let attributes = attributes.iter();
        let attributes: Vec<Value> = attributes
            .map(|(key, value)| json!({ "Key": key, "Value": value }))
            .collect();
        let input = json!({ "TargetGroupArn": self.group, "Attributes": attributes });
        self.world.ask("ModifyTargetGroupAttributes", input).await;
    }

    async fn report(&self, targets: &[&str], health: TargetHealth) {
        let group = TargetGroupArn::parse(&self.group).expect("an ARN");
        let changes = targets.iter().map(|it| HealthChange {
            key: TargetKey {
                group: group.clone(),
                id: (*it).to_owned(),
                port: 80,
            },
            health: health.clone(),
        });
        let changes: Vec<HealthChange> = changes.collect();
        let reported = self.world.fixture.store().transact(move |tx| {
            target_health(tx, &changes);
            Ok::<_, std::convert::Infallible>(())
        });
        reported.await.expect("is stored");
    }

    /// Whether the name leads to each zone: what a host knows that is told what commits say, and no more.
    async fn leads_to(&mut self) -> [bool; 2] {
        let last = self.world.fixture.store().last_commit();
        let mut news = NameNews::default();
        loop {
            let next = tokio::time::timeout(DEADLINE, self.feed.next());
            let Followed::Commit(commit) = next.await.expect("the commits are told") else {
                panic!("no commit is missed");
            };
            news.add(&NameNews::of(&commit));
            if commit.id == last {
                break;
            }
        }
        let store = self.world.fixture.store();
        let found = store.read(|state| look(state, &self.arn.scope(), news, &self.told));
        difference(&mut self.told, found);
        let known = &self.told[&Source::LoadBalancer(self.arn.clone())].names;
        let (_, sets) = known
            .iter()
            .find(|(key, _)| key.name.starts_with("web-"))
            .expect("the name is known");
        let records = format!("{sets:?}");
        ["10.0.0.", "10.0.1."].map(|zone| records.contains(zone))
    }
}

fn unhealthy() -> TargetHealth {
    TargetHealth::because(TargetHealthState::Unhealthy, TargetHealthReason::Timeout)
}

#[tokio::test]
async fn a_zone_without_healthy_targets_leaves_the_name_and_comes_back() {
    let mut zones = Zones::new("network", "TCP").await;
    assert_eq!(
        zones.leads_to().await,
        [true, true],
        "none is better than the other"
    );
    zones.report(&TARGETS[0], TargetHealth::healthy()).await;
    assert_eq!(zones.leads_to().await, [true, false]);
    zones.report(&TARGETS[1][..1], TargetHealth::healthy()).await;
    assert_eq!(zones.leads_to().await, [true, true], "one is enough");
    zones.report(&TARGETS[0], unhealthy()).await;
    assert_eq!(zones.leads_to().await, [false, true]);
    let target = json!([{ "Id": TARGETS[1][0], "Port": 80 }]);
    let input = json!({ "TargetGroupArn": zones.group, "Targets": target });
    zones.world.ask("DeregisterTargets", input).await;
    assert_eq!(zones.leads_to().await, [true, true], "no zone has any");
}

#[tokio::test]
async fn thresholds_say_how_many_targets_are_enough() {
    let mut zones = Zones::new("network", "TCP").await;
    zones.report(&TARGETS[0], TargetHealth::healthy()).await;
    zones.report(&TARGETS[1][..1], TargetHealth::healthy()).await;
    let (count, percentage) = (
        "target_group_health.dns_failover.minimum_healthy_targets.count",
        "target_group_health.dns_failover.minimum_healthy_targets.percentage",
    );
    for (attributes, expected) in [
        ([(count, "1"), (percentage, "off")], [true, true]),
        ([(count, "2"), (percentage, "off")], [true, false]),
        ([(count, "1"), (percentage, "50")], [true, true]),
        ([(count, "1"), (percentage, "51")], [true, false]),
        ([(count, "3"), (percentage, "off")], [true, true]),
        ([(count, "off"), (percentage, "51")], [true, false]),
    ] {
        zones.set(&attributes).await;
        assert_eq!(zones.leads_to().await, expected, "{attributes:?}");
    }
}

#[tokio::test]
async fn zones_that_use_all_targets_stay_in_the_name() {
    let mut zones = Zones::new("application", "HTTP").await;
    zones.report(&TARGETS[0], TargetHealth::healthy()).await;
    zones.report(&TARGETS[1], unhealthy()).await;
    assert_eq!(zones.leads_to().await, [true, true]);
    zones.set(&[("load_balancing.cross_zone.enabled", "false")]).await;
    assert_eq!(zones.leads_to().await, [true, false]);
    zones.set(&[("load_balancing.cross_zone.enabled", "true")]).await;
    assert_eq!(zones.leads_to().await, [true, true]);
}

#[tokio::test]
async fn a_group_counts_from_when_a_rule_leads_to_it() {
    let mut zones = Zones::new("network", "TCP").await;
    zones
        .report(TARGETS.as_flattened(), TargetHealth::healthy())
        .await;
    assert_eq!(zones.leads_to().await, [true, true]);
    let other = zones.world.target_group("other", "TCP").await;
    let targets = json!([{ "Id": TARGETS[0][0], "Port": 81 }]);
    let input = json!({ "TargetGroupArn": other, "Targets": targets });
    zones.world.ask("RegisterTargets", input).await;
    assert_eq!(zones.leads_to().await, [true, true]);
    let listener = json!({
        "LoadBalancerArn": zones.arn, "Protocol": "TCP", "Port": 81,
        "DefaultActions": [{ "Type": "forward", "TargetGroupArn": other }],
    });
    zones.world.ask("CreateListener", listener).await;
    assert_eq!(
        zones.leads_to().await,
        [true, true],
        "its one target is not healthy yet"
    );
    let group = TargetGroupArn::parse(&other).expect("an ARN");
    let key = TargetKey {
        group,
        id: TARGETS[0][0].to_owned(),
        port: 81,
    };
    let change = HealthChange {
        key,
        health: TargetHealth::healthy(),
    };
    let reported = zones.world.fixture.store().transact(move |tx| {
        target_health(tx, &[change]);
        Ok::<_, std::convert::Infallible>(())
    });
    reported.await.expect("is stored");
    assert_eq!(zones.leads_to().await, [true, false]);
}
