//! Health checks and what follows from them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use tokio::io::AsyncReadExt as _;

use super::fixture::{
    World, body, closed, forward_to, group, header, http_check, quick_check, raw_target, serve, until,
};
use crate::health::machine::{Failure, Health};
use crate::plan::{CheckKind, Registration};
use crate::report::Report;

/// A target whose answer to health checks can be changed.
async fn moody(name: &'static str) -> (std::net::SocketAddr, Arc<AtomicU16>) {
    let mood = Arc::new(AtomicU16::new(200));
    let its = mood.clone();
    let address = serve(move |request| {
        let status = if request.uri().path() == "/health" {
            its.load(Ordering::Relaxed)
        } else {
            200
        };
        async move {
            let mut response = Response::new(Full::new(Bytes::from(format!("name: {name}\n"))));
            *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
            response
        }
    })
    .await;
    (address, mood)
}

async fn names(world: &World, count: usize) -> Vec<String> {
    let mut names = Vec::new();
    for _ in 0..count {
        names.push(header(body(&world.get("/").await), "name").unwrap_or_default());
    }
    names.sort();
    names.dedup();
    names
}

#[tokio::test]
async fn unhealthy_targets_get_nothing_until_they_are_well() {
    let (one, mood) = moody("one").await;
    let (two, _) = moody("two").await;
    let mut plan = group("g", &[one, two]);
    plan.health_check = Some(http_check());
    let mut world = World::with_group(plan).await;
    world.health_of(one, Health::Healthy).await;
    world.health_of(two, Health::Healthy).await;
    assert_eq!(names(&world, 4).await, ["one", "two"]);
    mood.store(404, Ordering::Relaxed);
    world.health_of(one, Health::Unhealthy(Failure::Code(404))).await;
    assert_eq!(names(&world, 4).await, ["two"]);
    mood.store(200, Ordering::Relaxed);
    world.health_of(one, Health::Healthy).await;
    assert_eq!(names(&world, 4).await, ["one", "two"]);
}

#[tokio::test]
async fn when_all_are_unhealthy_all_get_requests() {
    let (one, first) = moody("one").await;
    let (two, second) = moody("two").await;
    first.store(500, Ordering::Relaxed);
    second.store(500, Ordering::Relaxed);
    let mut plan = group("g", &[one, two]);
    plan.health_check = Some(http_check());
    let mut world = World::with_group(plan).await;
    world.health_of(one, Health::Unhealthy(Failure::Code(500))).await;
    world.health_of(two, Health::Unhealthy(Failure::Code(500))).await;
    assert_eq!(names(&world, 4).await, ["one", "two"]);
}

#[tokio::test]
async fn reasons_tell_what_failed() {
    let silent = raw_target(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let closed = closed().await;
    let mut plan = group("g", &[silent, closed]);
    let mut check = http_check();
    check.timeout = Duration::from_millis(100);
    plan.health_check = Some(check);
    let mut world = World::with_group(plan).await;
    world.health_of(silent, Health::Unhealthy(Failure::Timeout)).await;
    world
        .health_of(closed, Health::Unhealthy(Failure::Connection))
        .await;
}

#[tokio::test]
async fn connections_are_enough_for_checks_of_tcp() {
    let (one, _) = moody("one").await;
    let mut plan = group("g", &[one]);
    plan.health_check = Some(quick_check(CheckKind::Tcp));
    let mut world = World::with_group(plan).await;
    world.health_of(one, Health::Healthy).await;
}

/// A target that counts its connections.
async fn counting() -> (std::net::SocketAddr, Arc<AtomicU16>) {
    let asked = Arc::new(AtomicU16::new(0));
    let counted = asked.clone();
    let address = raw_target(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        async {}
    })
    .await;
    (address, asked)
}

#[tokio::test]
async fn groups_without_a_listener_are_not_checked() {
    let ((one, asked), (two, others)) = (counting().await, counting().await);
    let mut used = group("used", &[two]);
    used.health_check = Some(quick_check(CheckKind::Tcp));
    let mut unused = group("unused", &[one]);
    unused.health_check = Some(quick_check(CheckKind::Tcp));
    let mut world = World::with_group(unused).await;
    until(|| (asked.load(Ordering::Relaxed) > 0).then_some(())).await;
    world.plan.listeners[0].default_action = forward_to(&used);
    world.plan.groups.push(used);
    world.apply().await;
    let before = asked.load(Ordering::Relaxed);
    until(|| (others.load(Ordering::Relaxed) > 5).then_some(())).await;
    assert!(
        asked.load(Ordering::Relaxed) <= before + 1,
        "one may have been under way"
    );
}

#[tokio::test]
async fn what_stands_can_be_asked_for_again() {
    let (one, _) = moody("one").await;
    let mut plan = group("g", &[one]);
    plan.health_check = Some(http_check());
    let mut world = World::with_group(plan).await;
    world.health_of(one, Health::Healthy).await;
    let standing = world.balancer.standing();
    let bound =
        |it: &Report| matches!(it, Report::ListenerBound { address, .. } if *address == world.address);
    let healthy = |it: &Report| matches!(it, Report::TargetHealth { target, health: Health::Healthy } if target.address == one);
    assert!(
        standing.len() == 2 && standing.iter().any(bound) && standing.iter().any(healthy),
        "{standing:?}"
    );
    world.plan.groups[0].targets[0].registration = Registration::Draining;
    world.apply().await;
    let idle = |it: &Report| matches!(it, Report::TargetIdle { target } if target.address == one);
    assert!(world.balancer.standing().iter().any(idle));
}

#[tokio::test]
async fn a_listener_in_place_of_another_is_reported_too() {
    let mut world = World::with_group(group("g", &[])).await;
    world.plan.listeners[0].arn = "arn:next".into();
    world.apply().await;
    world
        .report(|it| matches!(it, Report::ListenerBound { listener, .. } if &**listener == "arn:next"))
        .await;
}
