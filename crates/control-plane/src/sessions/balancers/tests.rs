use domain::listener::Protocol;
use domain::listener_rule::{Action, FixedResponse};
use domain::load_balancer::{LoadBalancerKind, Scheme};
use domain::target::TargetHealth;
use orchestrator::transitions::{
    NewClassicLoadBalancer, NewInstance, NewListener, NewLoadBalancer, create_classic_load_balancer,
    create_listener, create_load_balancer, load_balancer_is_served, register_instances,
};

use super::*;
use crate::fixture::Fixture;

fn all() -> News {
    News {
        is_all: true,
        ..News::default()
    }
}

#[tokio::test]
async fn the_host_that_was_there_first_of_an_account_serves() {
    let balancers = Balancers::default();
    let second = balancers.open("a", "1", 2);
    assert!(balancers.is_serving("a", &second));
    let first = balancers.open("b", "1", 1);
    let other = balancers.open("0", "2", 3);
    assert!(balancers.is_serving("b", &first) && !balancers.is_serving("a", &second));
    assert!(balancers.is_serving("0", &other), "another account");
    assert_eq!(second.next().await, all(), "it is another's now");
    balancers.close("b", &first);
    assert!(balancers.is_serving("a", &second));
    assert_eq!(second.next().await, all());
}

#[test]
fn a_newer_session_of_a_host_takes_the_place_of_the_older() {
    let balancers = Balancers::default();
    let older = balancers.open("a", "1", 1);
    let newer = balancers.open("a", "1", 1);
    assert!(!balancers.is_open("a", &older) && balancers.is_open("a", &newer));
    balancers.close("a", &older);
    assert!(balancers.is_open("a", &newer), "which the older does not close");
}

#[tokio::test]
async fn a_certificate_is_news_to_those_that_show_it() {
    let fixture = Fixture::new().await;
    let mut feed = fixture.store().follow();
    let scope = Scope::new("123456789012", "us-east-1");
    let certificate = |body: &str| Certificate {
        arn: domain::CertificateArn::new(&scope, &["1"]),
        body: body.to_owned(),
        chain: None,
        key: domain::sealed::Sealed(String::new()),
        created_at: domain::Timestamp::UNIX_EPOCH,
        imported_at: domain::Timestamp::UNIX_EPOCH,
        tags: Vec::new(),
    };
    let first = certificate("one");
    let shown = first.arn.to_string();
    let new = NewLoadBalancer {
        scope: scope.clone(),
        name: "web".to_owned(),
        kind: LoadBalancerKind::Application,
        scheme: Scheme::Internal,
        vpc_id: "vpc-1".to_owned(),
        zones: Vec::new(),
        security_groups: Vec::new(),
        tags: Vec::new(),
    };
    let made = fixture.store().transact(move |tx| {
        tx.put(first);
        let made = create_load_balancer(tx, new)?;
        let listener = NewListener {
            load_balancer: made.arn.clone(),
            port: 443,
            protocol: Protocol::Https,
            certificates: vec![shown],
            ssl_policy: None,
            alpn_policy: None,
            default_action: Action::FixedResponse(FixedResponse {
                status_code: 200,
                content_type: None,
                body: None,
            }),
            action_order: None,
            tags: Vec::new(),
        };
        create_listener(tx, listener).expect("there is no other");
        Ok::<_, orchestrator::transitions::ZonesRefusal>(made.arn.clone())
    });
    let arn = made.await.expect("is made");
    let mut told = Vec::new();
    let tagged = Certificate {
        tags: vec![domain::tags::Pair::new("a", "b")],
        ..certificate("two")
    };
    let other = Certificate {
        arn: domain::CertificateArn::new(&scope, &["2"]),
        ..certificate("two")
    };
    for it in [None, Some(certificate("two")), Some(tagged), Some(other)] {
        if let Some(it) = it {
            let put = fixture.store().transact(move |tx| {
                tx.put(it);
                Ok::<_, ()>(())
            });
            put.await.expect("commits");
        }
        let store::Followed::Commit(commit) = feed.next().await else {
            panic!("the feed lags")
        };
        told.push(changed(fixture.store(), &commit).contains(&arn));
    }
    assert_eq!(told, [true, true, false, false], "made, anew, tagged, another");
}

#[tokio::test]
async fn what_a_balancer_reports_itself_is_no_news_to_it() {
    let fixture = Fixture::new().await;
    let balancers = Balancers::default();
    let follower = balancers.open("a", "1", 1);
    assert_eq!(follower.next().await, all());
    let mut feed = fixture.store().follow();
    let made = fixture.store().transact(|tx| {
        let new = NewLoadBalancer {
            scope: Scope::new("123456789012", "us-east-1"),
            name: "web".to_owned(),
            kind: LoadBalancerKind::Application,
            scheme: Scheme::Internal,
            vpc_id: "vpc-1".to_owned(),
            zones: Vec::new(),
            security_groups: Vec::new(),
            tags: Vec::new(),
        };
        create_load_balancer(tx, new)
    });
    let arn = made.await.expect("is made").arn.clone();
    let served = arn.clone();
    let noted = fixture.store().transact(move |tx| {
        load_balancer_is_served(tx, &served);
        Ok::<_, ()>(())
    });
    noted.await.expect("commits");
    let mut told = Vec::new();
    for _ in 0..2 {
        let store::Followed::Commit(commit) = feed.next().await else {
            panic!("the feed lags")
        };
        told.push(changed(fixture.store(), &commit));
    }
    assert_eq!(told, [BTreeSet::from([arn]), BTreeSet::new()]);
}

/// Which balancers look again after a classic load balancer has changed.
async fn news_of_classic(change: impl FnOnce(&mut ClassicLoadBalancer) + Send + 'static) -> bool {
    let fixture = Fixture::new().await;
    let made = fixture.store().transact(|tx| {
        let new = NewClassicLoadBalancer {
            scope: Scope::new("123456789012", "us-east-1"),
            name: "old".to_owned(),
            scheme: Scheme::Internal,
            vpc_id: "vpc-1".to_owned(),
            zones: Vec::new(),
            security_groups: Vec::new(),
            listeners: Vec::new(),
            tags: Vec::new(),
        };
        let made = create_classic_load_balancer(tx, new)?;
        let instance = NewInstance {
            id: "i-1".to_owned(),
            zone: None,
            task: None,
        };
        Ok::<_, orchestrator::transitions::ZonesRefusal>(register_instances(tx, &made, vec![instance]))
    });
    let made = made.await.expect("is made");
    let mut feed = fixture.store().follow();
    let mut changed_to = ClassicLoadBalancer::clone(&made);
    change(&mut changed_to);
    let put = fixture.store().transact(move |tx| {
        tx.put(changed_to);
        Ok::<_, ()>(())
    });
    put.await.expect("commits");
    let store::Followed::Commit(commit) = feed.next().await else {
        panic!("the feed lags")
    };
    changed(fixture.store(), &commit).contains(&made.arn)
}

#[tokio::test]
async fn for_whom_instances_are_registered_is_no_news_to_balancers() {
    let task = "arn:aws:ecs:us-east-1:123456789012:task/default/0123456789abcdef0123456789abcdef";
    let task = domain::TaskArn::parse(task).expect("an ARN");
    assert!(!news_of_classic(move |it| it.instances[0].tasks.extend([task])).await);
    assert!(!news_of_classic(|it| it.instances[0].idle.extend([80])).await);
    assert!(!news_of_classic(|it| drop(it.instances[0].health.insert(80, TargetHealth::healthy()))).await);
    assert!(news_of_classic(|it| it.instances[0].zone = Some("us-east-1b".to_owned())).await);
}

/// What proxies are told after one record has become another.
fn news<R: store::Record + Clone>(before: Option<&R>, after: Option<&R>) -> bool {
    let change = R::into_change(Changed {
        before: before.map(|it| Arc::new(it.clone())),
        after: after.map(|it| Arc::new(it.clone())),
    });
    concerns_proxies(&change).is_some()
}

/// A task that will offer an endpoint, and waits to run.
async fn waiting_to_offer() -> Task {
    use domain::service_connect::{TaskEndpoint, TaskServiceConnect};
    let fixture = Fixture::new().await;
    fixture.instance().await;
    fixture.definition().await;
    let ran = serde_json::json!({ "taskDefinition": "web" });
    fixture.ask("RunTask", ran).await;
    let stored = fixture.store().read(|state| {
        let mut all = state.all::<Task>();
        all.next().map(|it| Task::clone(it))
    });
    let endpoint = TaskEndpoint {
        discovery_name: "web".to_owned(),
        client_alias: None,
        container: "web".to_owned(),
        container_port: 80,
    };
    Task {
        service_connect: Some(Box::new(TaskServiceConnect {
            endpoints: vec![endpoint],
            idle_on: Vec::new(),
        })),
        ..stored.expect("it is placed")
    }
}

#[tokio::test]
async fn only_what_changes_the_endpoints_of_a_proxy_is_news_to_it() {
    use domain::task::{DesiredStatus, Stop, StopCode};
    let waiting = waiting_to_offer().await;
    let with = |change: &dyn Fn(&mut Task)| {
        let mut task = waiting.clone();
        task.last_status = TaskStatus::Running;
        change(&mut task);
        task
    };
    let running = with(&|_| {});
    assert!(!news(None, Some(&waiting)), "it does not run yet");
    assert!(news(Some(&waiting), Some(&running)));
    let stop = |task: &mut Task| {
        task.stop = Some(Box::new(Stop {
            code: StopCode::UserInitiated,
            reason: "enough".to_owned(),
        }));
    };
    assert!(!news(Some(&running), Some(&with(&stop))), "nothing of it is told");
    let idle = with(&|it| {
        it.service_connect
            .as_mut()
            .expect("is set")
            .idle_on
            .push("h".to_owned())
    });
    assert!(
        !news(Some(&running), Some(&idle)),
        "what proxies report themselves"
    );
    let leaving = with(&|it| it.desired_status = DesiredStatus::Stopped);
    assert!(news(Some(&running), Some(&leaving)));
    let deactivating = with(&|it| it.last_status = TaskStatus::Deactivating);
    assert!(news(Some(&running), Some(&deactivating)));
    let stopped = with(&|it| it.last_status = TaskStatus::Stopped);
    assert!(news(Some(&deactivating), Some(&stopped)));
    assert!(!news(Some(&stopped), None), "it is forgotten long after");
    let at = |team: &'static str, address: [u8; 4]| {
        with(&|it| {
            it.eni = Some(Box::new(domain::task::TaskEni {
                attachment_id: "attachment".to_owned(),
                network_interface_id: "eni-1".to_owned(),
                subnet_id: "subnet-1".to_owned(),
                address: address.into(),
                mac_address: "02:00:00:00:00:05".to_owned(),
                security_groups: Vec::new(),
                is_public: false,
                public_address: None,
                tags: [domain::tags::Pair::new("team", team)].into(),
            }))
        })
    };
    let (here, tagged) = (at("a", [10, 0, 0, 5]), at("b", [10, 0, 0, 5]));
    assert!(!news(Some(&here), Some(&tagged)), "tags of its interface");
    assert!(news(Some(&here), Some(&at("a", [10, 0, 0, 6]))));
    let mut other = running.clone();
    other.service_connect = None;
    assert!(!news(None, Some(&other)), "most tasks offer nothing");
}

#[test]
fn a_subnet_that_goes_is_news_to_proxies() {
    let subnet = domain::vpc::Subnet {
        id: "subnet-1".to_owned(),
        scope: Scope::new("123456789012", "us-east-1"),
        vpc_id: "vpc-1".to_owned(),
        cidr: "10.0.0.0/24".parse().expect("a range"),
        availability_zone: "us-east-1a".to_owned(),
        is_default: false,
        maps_public_ip_on_launch: false,
        tags: Vec::new(),
    };
    assert!(news(Some(&subnet), None), "names may have been known by it");
    assert!(!news(None, Some(&subnet)));
}
