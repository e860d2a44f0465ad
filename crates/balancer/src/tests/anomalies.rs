//! Targets that pass their checks and fail nonetheless, more often than their peers.

use bytes::Bytes;
use domain::target_group::Algorithm;
use http::Response;
use http_body_util::Full;

use super::fixture::{World, echo, group, http_check, raw, serve, status};
use crate::health::machine::Health;
use crate::plan::Anomalies;
use crate::report::Report;

/// Asks so many times; gives how often the answer was 500. `more` are headers, by which a request goes the long way.
async fn failures(world: &World, more: &str, times: usize) -> usize {
    let mut failures = 0;
    for _ in 0..times {
        let request = format!("GET / HTTP/1.1\r\nHost: a.example\r\n{more}Connection: close\r\n\r\n");
        failures += usize::from(status(&raw(world.address, &request).await) == 500);
    }
    failures
}

#[tokio::test]
async fn a_target_that_answers_500_is_told_and_gets_less_on_either_way() {
    for more in ["", "X-Forwarded-For: 192.0.2.1\r\n"] {
        let failing = serve(|request| async move {
            let code = if request.uri().path() == "/health" {
                200
            } else {
                500
            };
            let answer = Response::builder().status(code);
            answer.body(Full::new(Bytes::new())).expect("an answer")
        })
        .await;
        let mut group = group("g", &[failing, echo("b").await, echo("c").await]);
        group.algorithm = Algorithm::WeightedRandom;
        group.anomalies = Anomalies::Mitigated;
        group.health_check = Some(http_check());
        let all: Vec<_> = group.targets.iter().map(|it| it.address).collect();
        let mut world = World::with_group(group).await;
        for target in all {
            world.health_of(target, Health::Healthy).await;
        }
        assert!(failures(&world, more, 150).await > 25);
        let told = world
            .report(|it| matches!(it, Report::TargetAnomaly { .. }))
            .await;
        let Report::TargetAnomaly { target, anomaly } = told else {
            unreachable!("as it was asked for")
        };
        assert_eq!(target.address, failing);
        assert!(anomaly.is_anomalous && anomaly.is_mitigated);
        let standing = world.balancer.standing();
        assert!(standing.contains(&Report::TargetAnomaly { target, anomaly }));
        let left = failures(&world, more, 200).await;
        assert!(left < 50, "{left} of 200");
    }
}
