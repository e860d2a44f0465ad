//! What several records must agree on, after each transition.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use domain::listener::{Listener, Protocol};
use domain::listener_rule::{Action, FixedResponse, Forward, ListenerRule, WeightedTargetGroup};
use domain::load_balancer::{LoadBalancer, LoadBalancerKind, LoadBalancerState, Scheme};
use domain::target::{Target, TargetHealth, TargetHealthState, TargetKey, TargetState};
use domain::target_group::{HealthCheck, TargetGroup, TargetGroupAttributes, TargetType};
use domain::vpc::Subnet;
use domain::{ListenerArn, Scope, TargetGroupArn, Timestamp};
use store::{Store, Tx, memory_store};

use super::*;

fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn subnet(id: &str, cidr: &str, zone: &str) -> Subnet {
    Subnet {
        id: id.to_owned(),
        scope: scope(),
        vpc_id: "vpc-1".to_owned(),
        cidr: cidr.parse().expect("a range"),
        availability_zone: zone.to_owned(),
        is_default: true,
        maps_public_ip_on_launch: true,
        tags: Vec::new(),
    }
}

fn group(name: &str) -> TargetGroup {
    TargetGroup {
        arn: TargetGroupArn::of(&scope(), name, "0123456789abcdef"),
        name: name.to_owned(),
        target_type: TargetType::Ip,
        protocol: Protocol::Http,
        protocol_version: None,
        port: 80,
        vpc_id: "vpc-1".to_owned(),
        health_check: HealthCheck::new(Protocol::Http, None, TargetType::Ip, None),
        attributes: TargetGroupAttributes::default(),
        created_at: at(0),
        tags: Vec::new(),
    }
}

fn forward(name: &str) -> Action {
    Action::Forward(Forward {
        target_groups: vec![WeightedTargetGroup {
            arn: group(name).arn,
            weight: 1,
        }],
        stickiness_seconds: None,
    })
}

fn fixed() -> Action {
    Action::FixedResponse(FixedResponse {
        status_code: 404,
        content_type: None,
        body: None,
    })
}

fn key(name: &str) -> TargetKey {
    TargetKey {
        group: group(name).arn,
        id: "10.0.0.9".to_owned(),
        port: 80,
    }
}

struct World {
    store: Store,
    listener: ListenerArn,
}

impl World {
    /// A load balancer whose one listener answers by itself, and groups `blue` and `green` with a target each.
    async fn new() -> Self {
        let (store, _) = memory_store(at(0));
        let made = store.transact(|tx| {
            tx.put(subnet("subnet-a", "10.0.0.0/28", "us-east-1a"));
            tx.put(subnet("subnet-b", "10.0.1.0/28", "us-east-1b"));
            let made = create_load_balancer(tx, new_load_balancer()).expect("there is room");
            for name in ["blue", "green"] {
                tx.put(group(name));
                register_targets(tx, &group(name).arn, vec![new_target()]);
            }
            let listener = create_listener(tx, new_listener(&made, 80)).expect("the port is free");
            Ok::<_, Infallible>(listener.arn.clone())
        });
        let listener = made.await.expect("is stored");
        Self { store, listener }
    }

    async fn change<T: Send + 'static>(&self, change: impl FnOnce(&mut Tx<'_>) -> T + Send + 'static) -> T {
        let changed = self.store.transact(|tx| Ok::<_, Infallible>(change(tx)));
        changed.await.expect("is stored")
    }

    fn health(&self, name: &str) -> Option<TargetHealthState> {
        self.store
            .read(|state| state.get::<Target>(&key(name)).map(|it| it.health.state))
    }

    async fn rule(
        &self,
        priority: u16,
        group: &str,
    ) -> Result<std::sync::Arc<ListenerRule>, PriorityRefusal> {
        let (listener, action) = (self.listener.clone(), forward(group));
        self.change(move |tx| {
            create_rule(
                tx,
                NewRule {
                    listener,
                    priority,
                    conditions: Vec::new(),
                    action,
                    action_order: None,
                    tags: Vec::new(),
                },
            )
        })
        .await
    }
}

fn new_target() -> NewTarget {
    NewTarget {
        id: "10.0.0.9".to_owned(),
        port: 80,
        zone: None,
        address: None,
        task: None,
    }
}

fn new_load_balancer() -> NewLoadBalancer {
    let wish = |subnet: Subnet| ZoneWish {
        subnet,
        address: None,
    };
    NewLoadBalancer {
        scope: scope(),
        name: "web".to_owned(),
        kind: LoadBalancerKind::Application,
        scheme: Scheme::Internal,
        vpc_id: "vpc-1".to_owned(),
        zones: vec![
            wish(subnet("subnet-b", "10.0.1.0/28", "us-east-1b")),
            wish(subnet("subnet-a", "10.0.0.0/28", "us-east-1a")),
        ],
        security_groups: Vec::new(),
        tags: Vec::new(),
    }
}

fn new_listener(of: &LoadBalancer, port: u16) -> NewListener {
    NewListener {
        load_balancer: of.arn.clone(),
        port,
        protocol: Protocol::Http,
        certificates: Vec::new(),
        ssl_policy: None,
        alpn_policy: None,
        default_action: fixed(),
        action_order: None,
        tags: Vec::new(),
    }
}

#[tokio::test]
async fn addresses_are_taken_and_given_back() {
    let world = World::new().await;
    let in_use = |id: &str| world.store.read(|state| state.addresses_in_use(id).len());
    assert_eq!((in_use("subnet-a"), in_use("subnet-b")), (1, 1));
    let of_first = world.store.read(|state| {
        let it = state.load_balancer_of_name(&scope(), "web").expect("is there");
        (
            it.zones[0].name.clone(),
            it.zones[0].addresses.clone(),
            LoadBalancer::clone(it),
        )
    });
    assert_eq!(of_first.0, "us-east-1a");
    let it = of_first.2.clone();
    let kept = world
        .change(move |tx| {
            let wish = ZoneWish {
                subnet: subnet("subnet-a", "10.0.0.0/28", "us-east-1a"),
                address: None,
            };
            set_zones(tx, &it, &[wish]).expect("it has its address").zones[0]
                .addresses
                .clone()
        })
        .await;
    assert_eq!(kept, of_first.1);
    assert_eq!((in_use("subnet-a"), in_use("subnet-b")), (1, 0));
    let refused = world
        .change(|tx| {
            let it = tx
                .state()
                .load_balancer_of_name(&scope(), "web")
                .cloned()
                .expect("is there");
            let wish = |address| ZoneWish {
                subnet: subnet("subnet-b", "10.0.1.0/28", "us-east-1b"),
                address: Some(address),
            };
            set_zones(tx, &it, &[wish(Ipv4Addr::new(10, 0, 9, 9))]).err()
        })
        .await;
    assert_eq!(
        refused,
        Some(ZonesRefusal::AddressOutside(Ipv4Addr::new(10, 0, 9, 9)))
    );
    world
        .change(|tx| {
            let it = tx
                .state()
                .load_balancer_of_name(&scope(), "web")
                .cloned()
                .expect("is there");
            delete_load_balancer(tx, &it).expect("nothing protects it");
        })
        .await;
    assert_eq!((in_use("subnet-a"), in_use("subnet-b")), (0, 0));
    let left = world.store.read(|state| {
        (
            state.all::<LoadBalancer>().len(),
            state.all::<Listener>().len(),
            state.all::<ListenerRule>().len(),
        )
    });
    assert_eq!(left, (0, 0, 0));
}

#[tokio::test]
async fn a_load_balancer_is_active_once_it_is_served() {
    let world = World::new().await;
    let state = || {
        world.store.read(|state| {
            let it = state.load_balancer_of_name(&scope(), "web").expect("is there");
            (it.arn.clone(), it.state.clone())
        })
    };
    let (arn, first) = state();
    assert_eq!(first, LoadBalancerState::Provisioning);
    world.change(move |tx| load_balancer_is_served(tx, &arn)).await;
    assert_eq!(state().1, LoadBalancerState::Active);
}

#[tokio::test]
async fn targets_are_in_use_as_long_as_something_forwards_to_their_group() {
    let world = World::new().await;
    assert_eq!(world.health("blue"), Some(TargetHealthState::Unused));
    let rule = world.rule(10, "blue").await.expect("is free");
    assert_eq!(world.health("blue"), Some(TargetHealthState::Initial));
    assert_eq!(world.health("green"), Some(TargetHealthState::Unused));
    assert!(
        !world
            .change(|tx| delete_target_group(tx, &group("blue").arn))
            .await
    );

    let changes = ["blue", "green"].map(|name| HealthChange {
        key: key(name),
        health: TargetHealth::healthy(),
    });
    world.change(move |tx| target_health(tx, &changes)).await;
    assert_eq!(world.health("blue"), Some(TargetHealthState::Healthy));
    assert_eq!(
        world.health("green"),
        Some(TargetHealthState::Unused),
        "nobody can have checked it"
    );

    world
        .change(move |tx| {
            let after = ListenerRule {
                action: forward("green"),
                ..ListenerRule::clone(&rule)
            };
            modify_rule(tx, &rule, after);
        })
        .await;
    assert_eq!(world.health("blue"), Some(TargetHealthState::Unused));
    assert_eq!(world.health("green"), Some(TargetHealthState::Initial));
    assert!(
        world
            .change(|tx| delete_target_group(tx, &group("blue").arn))
            .await
    );
    assert_eq!(world.health("blue"), None);
    let listener = world.listener.clone();
    world.change(move |tx| delete_listener(tx, &listener)).await;
    assert_eq!(world.health("green"), Some(TargetHealthState::Unused));
}

#[tokio::test]
async fn a_default_action_uses_groups_too() {
    let world = World::new().await;
    let listener = world.listener.clone();
    let forwards = world
        .change(move |tx| {
            let it = tx.get::<Listener>(&listener).expect("is there");
            let changed = Listener {
                default_action: forward("blue"),
                ..Listener::clone(&it)
            };
            modify_listener(tx, changed).expect("it is its own port");
            tx.state().default_rule_of(&listener).map(|it| it.action.clone())
        })
        .await;
    assert_eq!(forwards, Some(forward("blue")));
    assert_eq!(world.health("blue"), Some(TargetHealthState::Initial));
}

#[tokio::test]
async fn a_target_in_use_drains_and_can_be_taken_back() {
    let world = World::new().await;
    world.rule(10, "blue").await.expect("is free");
    let state = || {
        world
            .store
            .read(|state| state.get::<Target>(&key("blue")).map(|it| it.state))
    };
    world
        .change(|tx| deregister_targets(tx, &[key("blue"), key("green")]))
        .await;
    assert_eq!(state(), Some(TargetState::Draining { since: at(0) }));
    assert_eq!(world.health("blue"), Some(TargetHealthState::Draining));
    assert_eq!(world.health("green"), None, "nothing can be in flight to it");
    // A report that was on its way does not bring it back.
    let late = HealthChange {
        key: key("blue"),
        health: TargetHealth::healthy(),
    };
    world.change(move |tx| target_health(tx, &[late])).await;
    assert_eq!(world.health("blue"), Some(TargetHealthState::Draining));
    world
        .change(|tx| register_targets(tx, &group("blue").arn, vec![new_target()]))
        .await;
    assert_eq!(state(), Some(TargetState::Registered));
    assert_eq!(world.health("blue"), Some(TargetHealthState::Initial));
}

#[tokio::test]
async fn ports_and_priorities_are_there_once() {
    let world = World::new().await;
    let again = world
        .change(|tx| {
            let it = tx
                .state()
                .load_balancer_of_name(&scope(), "web")
                .cloned()
                .expect("is there");
            create_listener(tx, new_listener(&it, 80)).err()
        })
        .await;
    assert_eq!(again, Some(ListenerRefusal::Duplicate));
    let first = world.rule(10, "blue").await.expect("is free");
    let second = world.rule(20, "green").await.expect("is free");
    assert_eq!(
        world.rule(10, "green").await.err(),
        Some(PriorityRefusal { priority: 10 })
    );
    world.rule(30, "green").await.expect("is free");

    let (one, two) = (first.clone(), second.clone());
    world
        .change(move |tx| set_rule_priorities(tx, &[(one, 20), (two, 10)]).map(|_| ()))
        .await
        .expect("they change places");
    let order: Vec<_> = world.store.read(|state| {
        state
            .rules_of(&world.listener)
            .map(|it| (it.priority, it.arn.clone()))
            .collect()
    });
    assert_eq!(order[0], (Some(10), second.arn.clone()));
    assert_eq!(order[1], (Some(20), first.arn.clone()));
    assert_eq!((order[2].0, order[3].0), (Some(30), None));
    let refused = world
        .change(move |tx| {
            let first = tx.get::<ListenerRule>(&first.arn).expect("is there");
            set_rule_priorities(tx, &[(first, 30)]).err()
        })
        .await;
    assert_eq!(refused, Some(PriorityRefusal { priority: 30 }));
}

#[tokio::test]
async fn targets_in_zones_that_the_load_balancer_has_not_are_unused() {
    let world = World::new().await;
    let group = group("blue").arn;
    world.rule(10, "blue").await.expect("it is free");
    let in_zone = |port, zone: Option<&str>| NewTarget {
        port,
        zone: zone.map(str::to_owned),
        ..new_target()
    };
    let targets = vec![
        in_zone(1, Some("us-east-1b")),
        in_zone(2, Some("us-east-1c")),
        in_zone(3, None),
    ];
    let register = group.clone();
    world
        .change(move |tx| register_targets(tx, &register, targets))
        .await;
    let states = || {
        world.store.read(|state| {
            let targets = state.targets_of(&group);
            targets.map(|it| it.health.state).collect::<Vec<_>>()
        })
    };
    let balancer = |tx: &Tx<'_>| {
        let found = tx.state().load_balancer_of_name(&scope(), "web");
        found.cloned().expect("is there")
    };
    use TargetHealthState::{Initial, Unused};
    // The last one was there before.
    assert_eq!(states(), [Initial, Unused, Initial, Initial]);
    let move_to = async |id: &'static str, range: &'static str, zone: &'static str| {
        world
            .change(move |tx| {
                let it = balancer(tx);
                let wish = ZoneWish {
                    subnet: subnet(id, range, zone),
                    address: None,
                };
                set_zones(tx, &it, &[wish]).expect("it has an address");
            })
            .await;
    };
    move_to("subnet-a", "10.0.0.0/28", "us-east-1a").await;
    assert_eq!(states(), [Unused, Unused, Initial, Initial]);
    let of_first = world.store.read(|state| {
        let mut targets = state.targets_of(&group);
        targets.next().map(|it| it.health.clone())
    });
    assert_eq!(of_first, Some(TargetHealth::outside_zones()));
    move_to("subnet-b", "10.0.1.0/28", "us-east-1b").await;
    assert_eq!(states(), [Initial, Unused, Initial, Initial]);
    // A network load balancer may send across zones.
    world
        .change(move |tx| {
            let it = balancer(tx);
            tx.put(LoadBalancer {
                kind: LoadBalancerKind::Network,
                ..LoadBalancer::clone(&it)
            });
        })
        .await;
    move_to("subnet-a", "10.0.0.0/28", "us-east-1a").await;
    assert_eq!(states(), [Initial; 4]);
}
