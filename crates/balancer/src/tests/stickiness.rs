//! Clients that stay where they were.

use std::time::Duration;

use domain::listener::Protocol;

use super::fixture::{World, all_headers, body, echo, group, header, raw, serve};
use crate::plan::rule::Action;
use crate::plan::{Registration, Stickiness};

async fn get_with(world: &World, cookies: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: {cookies}\r\n\r\n");
    raw(world.address, &request).await
}

fn cookie(answer: &str, name: &str) -> Option<String> {
    let set = all_headers(answer, "set-cookie");
    let found = set.iter().find(|it| it.starts_with(&format!("{name}=")))?;
    found.split(';').next().map(str::to_owned)
}

#[tokio::test]
async fn a_cookie_keeps_a_client_with_its_target_until_that_drains() {
    let targets = [echo("one").await, echo("two").await, echo("three").await];
    let mut plan = group("g", &targets);
    plan.stickiness = Stickiness::Duration(Duration::from_secs(60));
    let mut world = World::with_group(plan).await;
    let first = world.get("/").await;
    let name = header(body(&first), "name").expect("a name");
    let kept = cookie(&first, "AWSALB").expect("a cookie");
    assert!(cookie(&first, "AWSALBCORS").is_some(), "{first}");
    for _ in 0..6 {
        let again = get_with(&world, &format!("x=1; {kept}")).await;
        assert_eq!(header(body(&again), "name").as_ref(), Some(&name));
    }
    let index = ["one", "two", "three"]
        .iter()
        .position(|it| *it == name)
        .expect("one of them");
    world.plan.groups[0].targets[index].registration = Registration::Draining;
    world.apply().await;
    let moved = get_with(&world, &kept).await;
    assert_ne!(header(body(&moved), "name").as_ref(), Some(&name));
    assert_ne!(cookie(&moved, "AWSALB"), Some(kept), "it is given a new cookie");
}

#[tokio::test]
async fn the_applications_cookie_begins_stickiness() {
    let target = |name: &'static str| {
        serve(move |request| async move {
            let mut response = http::Response::new(http_body_util::Full::from(format!("name: {name}\n")));
            if request.uri().path() == "/login" {
                let value = http::HeaderValue::from_static("SESSION=1; Path=/");
                response.headers_mut().insert(http::header::SET_COOKIE, value);
            }
            response
        })
    };
    let targets = [target("one").await, target("two").await];
    let mut plan = group("g", &targets);
    plan.stickiness = Stickiness::Application {
        cookie: "SESSION".into(),
        duration: Duration::from_secs(60),
    };
    let world = World::with_group(plan).await;
    assert_eq!(cookie(&world.get("/").await, "AWSALBAPP-0"), None);
    let login = world.get("/login").await;
    let name = header(body(&login), "name").expect("a name");
    let kept = cookie(&login, "AWSALBAPP-0").expect("a cookie");
    for _ in 0..4 {
        let again = get_with(&world, &format!("SESSION=1; {kept}")).await;
        assert_eq!(header(body(&again), "name").as_ref(), Some(&name));
    }
}

#[tokio::test]
async fn a_client_stays_with_its_group_while_that_has_a_weight() {
    let mut world = World::new();
    let (blue, green) = (
        group("blue", &[echo("blue").await]),
        group("green", &[echo("green").await]),
    );
    let action = |weights: [u32; 2]| Action::Forward {
        groups: vec![(blue.arn.clone(), weights[0]), (green.arn.clone(), weights[1])],
        stickiness: Some(Duration::from_secs(60)),
    };
    world.plan.groups = vec![blue.clone(), green.clone()];
    world.plan.listeners = vec![world.listener(Protocol::Http, action([1, 0]))];
    world.apply().await;
    let kept = cookie(&world.get("/").await, "AWSALBTG").expect("a cookie");
    world.plan.listeners[0].default_action = action([1, 999]);
    world.apply().await;
    for _ in 0..6 {
        assert!(get_with(&world, &kept).await.contains("name: blue"));
    }
    world.plan.listeners[0].default_action = action([0, 1]);
    world.apply().await;
    assert!(get_with(&world, &kept).await.contains("name: green"));
}

#[tokio::test]
async fn a_classic_cookie_is_given_once_and_lasts_as_long_as_it_said() {
    let targets = [echo("one").await, echo("two").await];
    for duration in [None, Some(Duration::from_secs(60))] {
        let mut plan = group("g", &targets);
        plan.stickiness = Stickiness::Classic {
            cookie: None,
            duration,
        };
        let world = World::with_group(plan).await;
        let first = world.get("/").await;
        let name = header(body(&first), "name").expect("a name");
        let kept = cookie(&first, "AWSELB").expect("a cookie");
        let has_end = all_headers(&first, "set-cookie")
            .iter()
            .any(|it| it.contains("Expires="));
        assert_eq!(has_end, duration.is_some(), "{first}");
        for _ in 0..4 {
            let again = get_with(&world, &kept).await;
            assert_eq!(header(body(&again), "name").as_ref(), Some(&name));
            assert_eq!(cookie(&again, "AWSELB"), None, "it is not renewed");
        }
    }
}

#[tokio::test]
async fn a_classic_cookie_may_wait_for_the_applications() {
    let mut plan = group("g", &[echo("one").await, echo("two").await]);
    plan.stickiness = Stickiness::Classic {
        cookie: Some("SESSION".into()),
        duration: None,
    };
    let world = World::with_group(plan).await;
    let first = world.get("/").await;
    assert_eq!(cookie(&first, "AWSELB"), None, "the application has set none");
}
