use domain::load_balancer::{LoadBalancerKind, Scheme};
use orchestrator::transitions::{NewLoadBalancer, create_load_balancer, load_balancer_is_served};

use super::*;
use crate::fixture::Fixture;

fn all() -> News {
    News {
        is_all: true,
        ..News::default()
    }
}

#[tokio::test]
async fn the_host_with_the_lowest_id_of_an_account_serves() {
    let balancers = Balancers::default();
    let second = balancers.open("b", "1");
    assert!(balancers.is_serving("b", &second));
    let first = balancers.open("a", "1");
    let other = balancers.open("0", "2");
    assert!(balancers.is_serving("a", &first) && !balancers.is_serving("b", &second));
    assert!(balancers.is_serving("0", &other), "another account");
    assert_eq!(second.next().await, all(), "it is another's now");
    balancers.close("a", &first);
    assert!(balancers.is_serving("b", &second));
    assert_eq!(second.next().await, all());
}

#[test]
fn a_newer_session_of_a_host_takes_the_place_of_the_older() {
    let balancers = Balancers::default();
    let older = balancers.open("a", "1");
    let newer = balancers.open("a", "1");
    assert!(!balancers.is_open("a", &older) && balancers.is_open("a", &newer));
    balancers.close("a", &older);
    assert!(balancers.is_open("a", &newer), "which the older does not close");
}

#[tokio::test]
async fn what_a_balancer_reports_itself_is_no_news_to_it() {
    let fixture = Fixture::new().await;
    let balancers = Balancers::default();
    let follower = balancers.open("a", "1");
    assert_eq!(follower.next().await, all());
    let mut feed = fixture.store().follow();
    let made = fixture.store().transact(|tx| {
        let new = NewLoadBalancer {
            scope: domain::Scope::new("123456789012", "us-east-1"),
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
        told.push(fixture.store().read(|state| changed(state, &commit)));
    }
    assert_eq!(told, [BTreeSet::from([arn]), BTreeSet::new()]);
}
