//! What rules do.

use domain::listener::Protocol;
use http::StatusCode;

use super::fixture::{World, body, echo, forward_to, group, header, raw, status};
use crate::plan::pattern::Pattern;
use crate::plan::rule::{Action, Condition, Redirect, Rule};

fn path(text: &str) -> Condition {
    Condition::PathPattern(vec![Pattern::Exact(text.into())])
}

#[tokio::test]
async fn rules_decide_what_becomes_of_requests() {
    let mut world = World::new();
    let group = group("g", &[echo("one").await]);
    let default = Action::FixedResponse {
        status: StatusCode::NOT_FOUND,
        content_type: Some("application/json".into()),
        body: "{}".into(),
    };
    let mut listener = world.listener(Protocol::Http, default);
    let redirect = Redirect {
        status: StatusCode::FOUND,
        protocol: "HTTPS".into(),
        host: "#{host}".into(),
        port: "443".into(),
        path: "/new/#{path}".into(),
        query: "#{query}".into(),
    };
    listener.rules = vec![
        Rule {
            priority: 1,
            conditions: vec![path("/old/*")],
            action: Action::Redirect(redirect),
        },
        Rule {
            priority: 2,
            conditions: vec![path("/app")],
            action: forward_to(&group),
        },
    ];
    world.plan.listeners.push(listener);
    world.plan.groups.push(group);
    world.apply().await;

    let moved = world.get("/old/x?y=1").await;
    assert_eq!(status(&moved), 302);
    assert_eq!(
        header(&moved, "location").as_deref(),
        Some("https://a.example:443/new/old/x?y=1")
    );
    assert_eq!(header(&moved, "server").as_deref(), Some("awselb/2.0"));
    assert!(moved.contains("\r\nLocation: "), "{moved}");
    // As long as Amazon's.
    assert_eq!(body(&moved).len(), 110, "{moved}");
    assert_eq!(
        header(body(&world.get("/app").await), "name").as_deref(),
        Some("one")
    );
    let fixed = world.get("/other").await;
    assert_eq!((status(&fixed), body(&fixed)), (404, "{}"));
    assert_eq!(
        header(&fixed, "content-type").as_deref(),
        Some("application/json")
    );
}

#[tokio::test]
async fn weights_share_requests_out() {
    let mut world = World::new();
    let (blue, green) = (
        group("blue", &[echo("blue").await]),
        group("green", &[echo("green").await]),
    );
    let action = |blue_weight, green_weight| Action::Forward {
        groups: vec![(blue.arn.clone(), blue_weight), (green.arn.clone(), green_weight)],
        stickiness: None,
    };
    world.plan.groups = vec![blue.clone(), green.clone()];
    world.plan.listeners = vec![world.listener(Protocol::Http, action(100, 0))];
    world.apply().await;
    for _ in 0..20 {
        assert!(world.get("/").await.contains("name: blue"));
    }
    world.plan.listeners[0].default_action = action(50, 50);
    world.apply().await;
    let mut greens = 0;
    for _ in 0..200 {
        greens += usize::from(world.get("/").await.contains("name: green"));
    }
    assert!((60..140).contains(&greens), "{greens} of 200");
    world.plan.listeners[0].default_action = action(0, 0);
    world.apply().await;
    assert_eq!(world.status("/").await, 503);
}

#[tokio::test]
async fn what_is_not_served_is_refused() {
    let world = World::with_group(group("g", &[echo("one").await])).await;
    let trace = raw(
        world.address,
        "TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(status(&trace), 405);
    let forwarders = vec!["10.0.0.1"; 31].join(",");
    let many =
        format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: {forwarders}\r\n\r\n");
    assert_eq!(status(&raw(world.address, &many).await), 463);
}

#[tokio::test]
async fn listeners_set_headers_in_answers() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    let headers = &mut world.plan.listeners[0].headers;
    headers.server = false;
    headers.response = vec![(
        http::header::X_FRAME_OPTIONS,
        http::HeaderValue::from_static("DENY"),
    )];
    world.apply().await;
    assert_eq!(
        header(&world.get("/").await, "x-frame-options").as_deref(),
        Some("DENY")
    );
    world.plan.groups[0].targets.clear();
    world.apply().await;
    let fault = world.get("/").await;
    assert_eq!((status(&fault), header(&fault, "server")), (503, None));
}
