//! Changes under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use domain::listener::Protocol;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::fixture::{
    DEADLINE, PORT, World, body, echo, forward_to, group, raw, read_answer, serve, status, target, until,
};
use crate::plan::pattern::Pattern;
use crate::plan::rule::{Action, Condition, Rule};
use crate::plan::{GroupPlan, Registration, TargetPlan};
use crate::report::Report;

/// A target that answers when it is told to, and tells how many requests it has.
pub(super) async fn held() -> (std::net::SocketAddr, Arc<Notify>, Arc<AtomicUsize>) {
    let (go, count) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (its_go, its_count) = (go.clone(), count.clone());
    let address = serve(move |_| {
        let go = its_go.clone();
        its_count.fetch_add(1, Ordering::SeqCst);
        async move {
            go.notified().await;
            Response::new(Full::from("done"))
        }
    })
    .await;
    (address, go, count)
}

#[tokio::test]
async fn a_draining_target_ends_what_it_has_and_gets_nothing_new() {
    let (slow, go, count) = held().await;
    let mut world = World::with_group(group("g", &[slow])).await;
    let address = world.address;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let pending = tokio::spawn(async move { raw(address, request).await });
    until(|| (count.load(Ordering::SeqCst) == 1).then_some(())).await;
    world.plan.groups[0].targets[0].registration = Registration::Draining;
    world.plan.groups[0].targets.push(target(echo("new").await));
    world.apply().await;
    for _ in 0..5 {
        assert!(world.get("/").await.contains("name: new"));
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert!(
        !world
            .seen
            .iter()
            .any(|it| matches!(it, Report::TargetIdle { .. }))
    );
    go.notify_one();
    assert_eq!(body(&pending.await.expect("it ends")), "done");
    world
        .report(|it| matches!(it, Report::TargetIdle { target } if target.address == slow))
        .await;
}

#[tokio::test]
async fn a_target_without_requests_is_idle_as_soon_as_it_drains() {
    let one = echo("one").await;
    let mut world = World::with_group(group("g", &[one])).await;
    assert_eq!(world.status("/").await, 200);
    world.plan.groups[0].targets[0].registration = Registration::Draining;
    world.apply().await;
    world.report(|it| matches!(it, Report::TargetIdle { .. })).await;
    assert_eq!(world.status("/").await, 503);
}

#[tokio::test]
async fn listeners_come_and_go_and_say_so() {
    let one = echo("one").await;
    let mut world = World::with_group(group("g", &[one])).await;
    let address = world.address;
    world
        .report(|it| matches!(it, Report::ListenerBound { address: its, .. } if *its == address))
        .await;
    let mut kept = TcpStream::connect(address).await.expect("a connection");
    kept.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .expect("sent");
    assert_eq!(status(&read_answer(&mut kept).await), 200);
    let listeners = std::mem::take(&mut world.plan.listeners);
    world.apply().await;
    let end = tokio::time::timeout(DEADLINE, kept.read(&mut [0; 1]))
        .await
        .expect("it is closed");
    assert_eq!(end.expect("in order"), 0);
    assert!(TcpStream::connect(address).await.is_err());
    let squatter = std::net::TcpListener::bind(address).expect("the address is free");
    world.plan.listeners = listeners;
    world.apply().await;
    let failed = world
        .report(|it| matches!(it, Report::ListenerFailed { .. }))
        .await;
    assert!(format!("{failed:?}").contains("in use"), "{failed:?}");
    drop(squatter);
    world.apply().await;
    world
        .report(|it| matches!(it, Report::ListenerBound { .. }))
        .await;
    assert_eq!(world.status("/").await, 200);
}

/// Sends requests over kept connections until told to stop; the number of those that went well.
pub(super) async fn load(address: std::net::SocketAddr, stop: Arc<AtomicBool>) -> Result<usize, String> {
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|it| format!("connect: {it}"))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|it| format!("handshake: {it}"))?;
        let driver = tokio::spawn(connection);
        for _ in 0..50 {
            if sender.ready().await.is_err() || stop.load(Ordering::Relaxed) {
                break;
            }
            let request = Request::get("/")
                .header("host", "a")
                .body(Empty::<Bytes>::new())
                .expect("a request");
            let response = sender
                .send_request(request)
                .await
                .map_err(|it| format!("request: {it:?}"))?;
            if response.status() != StatusCode::OK {
                return Err(format!("status {}", response.status()));
            }
            response
                .into_body()
                .collect()
                .await
                .map_err(|it| format!("body: {it:?}"))?;
            done += 1;
        }
        driver.abort();
    }
    Ok(done)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_everything_changes() {
    let targets = [echo("a").await, echo("b").await, echo("c").await, echo("d").await];
    let mut world = World::with_group(group("g", &targets[..2])).await;
    let stop = Arc::new(AtomicBool::new(false));
    let loads: Vec<_> = (0..8)
        .map(|_| tokio::spawn(load(world.address, stop.clone())))
        .collect();
    for round in 0..60 {
        let [old, new] = [&targets[round % 4], &targets[(round + 2) % 4]];
        let targets = &mut world.plan.groups[0].targets;
        targets.push(target(*new));
        for it in targets.iter_mut().filter(|it| it.address == *old) {
            it.registration = Registration::Draining;
        }
        let other = group(&format!("g{}", round % 3), &[*new]);
        let condition = Condition::HostHeader(vec![Pattern::AnyCase("other.example".into())]);
        world.plan.listeners[0].rules = vec![Rule {
            priority: 1,
            conditions: vec![condition],
            action: forward_to(&other),
        }];
        world.plan.groups.truncate(1);
        world.plan.groups.push(other);
        world.apply().await;
        world
            .report(|it| {
                matches!(it, Report::TargetIdle { target } if target.address == *old && &*target.group == "g")
            })
            .await;
        world.plan.groups[0]
            .targets
            .retain(|it| it.registration == Registration::Registered);
        world.apply().await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut done = 0;
    for load in loads {
        let result = tokio::time::timeout(DEADLINE, load)
            .await
            .expect("it ends")
            .expect("no panic");
        done += result.expect("no request fails");
    }
    assert!(done > 500, "{done} requests");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_traffic_moves_from_group_to_group() {
    let targets = [echo("a").await, echo("b").await];
    let mut world = World::with_group(group("blue", &targets[..1])).await;
    let stop = Arc::new(AtomicBool::new(false));
    let loads: Vec<_> = (0..8)
        .map(|_| tokio::spawn(load(world.address, stop.clone())))
        .collect();
    // each group is there for one round: what is left drains at the moment at which the rule leads elsewhere
    let mut old = world.plan.groups[0].clone();
    for round in 0..300 {
        let new = group(&format!("g{round}"), &[targets[round % 2]]);
        old.targets[0].registration = Registration::Draining;
        world.plan.groups = vec![old, new.clone()];
        world.plan.listeners[0].default_action = Action::Forward {
            groups: world
                .plan
                .groups
                .iter()
                .map(|it| (it.arn.clone(), u32::from(it.arn == new.arn)))
                .collect(),
            stickiness: None,
        };
        world.apply().await;
        old = new;
    }
    stop.store(true, Ordering::Relaxed);
    for load in loads {
        let ended = tokio::time::timeout(DEADLINE, load).await.expect("it ends");
        ended.expect("no panic").expect("no request fails");
    }
}

#[tokio::test]
async fn what_a_group_does_goes_on_when_no_rule_leads_to_it_any_more() {
    let (slow, go, count) = held().await;
    let mut world = World::with_group(group("g", &[slow])).await;
    let address = world.address;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let pending = tokio::spawn(async move { raw(address, request).await });
    until(|| (count.load(Ordering::SeqCst) == 1).then_some(())).await;
    let other = group("other", &[echo("other").await]);
    world.plan.listeners[0].default_action = forward_to(&other);
    world.plan.groups = vec![other];
    world.apply().await;
    assert!(world.get("/").await.contains("name: other"));
    go.notify_one();
    assert_eq!(body(&pending.await.expect("it ends")), "done");
}

#[test]
fn what_only_goes_has_not_gone_beside_what_comes() {
    let [a, b, c] = [1, 2, 3].map(|it| target(std::net::SocketAddr::from(([127, 0, 0, it], 80))));
    let draining = |it: &TargetPlan| TargetPlan {
        registration: Registration::Draining,
        ..it.clone()
    };
    let plan = |targets: &[TargetPlan]| GroupPlan {
        targets: targets.to_vec(),
        ..group("g", &[])
    };
    let before = plan(&[a.clone(), b.clone(), draining(&c)]);
    let after = plan(&[draining(&a), c.clone()]);
    assert_eq!(after.beside(&before).targets, [a.clone(), c.clone(), b]);
    let other = GroupPlan {
        protocol: Protocol::Https,
        ..after.clone()
    };
    assert_eq!(other.beside(&before), other, "its targets are others now");
}

#[tokio::test]
async fn several_load_balancers_use_one_port() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    let mut other = World::new();
    other.load_balancer.arn = "arn:other".into();
    let plan = group("other", &[echo("two").await]);
    let mut listener = other.listener(Protocol::Http, forward_to(&plan));
    listener.arn = "arn:other-listener".into();
    world.plan.listeners.push(listener);
    world.plan.groups.push(plan);
    world.apply().await;
    assert_eq!((world.address.port(), other.address.port()), (PORT, PORT));
    assert!(world.get("/").await.contains("name: one"));
    assert!(other.get("/").await.contains("name: two"));
}

#[tokio::test]
async fn stopping_lets_requests_end() {
    let (slow, go, count) = held().await;
    let mut world = World::with_group(group("g", &[slow])).await;
    let address = world.address;
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let pending = tokio::spawn(async move { raw(address, request).await });
    until(|| (count.load(Ordering::SeqCst) == 1).then_some(())).await;
    world.balancer.stop();
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    tokio::time::timeout(DEADLINE, refused)
        .await
        .expect("it accepts nothing more");
    go.notify_one();
    assert_eq!(body(&pending.await.expect("it ends")), "done");
}
