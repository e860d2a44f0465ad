//! The state machine by itself: whatever is observed, a deployment ends, and only when it may.

use domain::Timestamp;
use domain::code_deploy::deployment::{Replacement, Revision, RevisionKind, Route};
use domain::code_deploy::deployment_config::TrafficRouting;
use domain::code_deploy::deployment_group::{AutoRollback, BlueGreen, TrafficRoutes};
use domain::task_definition::LaunchType;
use domain::{ClusterArn, LoadBalancerArn, Scope, TargetGroupArn, TaskDefinitionArn};
use proptest::prelude::*;

use super::*;

const READY: Observed = Observed {
    is_service_active: true,
    is_installed: true,
    failed_starts: 0,
    is_terminated: true,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn deployment(creator: Creator, routing: TrafficRouting, blue_green: BlueGreen) -> CodeDeployDeployment {
    let scope = Scope::new("123456789012", "us-east-1");
    let balancer = LoadBalancerArn::new(&scope, &["app", "web", "0123456789abcdef"]);
    let routes = TrafficRoutes {
        target_groups: ["blue".to_owned(), "green".to_owned()],
        production: balancer.listener("1111111111111111"),
        test: None,
    };
    CodeDeployDeployment {
        id: "d-ABCDEFGHI".to_owned(),
        application: "shop".to_owned(),
        group: "web".to_owned(),
        creator,
        description: None,
        revision: Revision {
            kind: RevisionKind::AppSpecContent,
            content: String::new(),
            sha256: String::new(),
        },
        previous_revision: None,
        deployment_config_name: String::new(),
        routing,
        blue_green,
        auto_rollback: AutoRollback::default(),
        service: ClusterArn::of(&scope, "lab").member("web"),
        route: Route {
            original_group: TargetGroupArn::of(&scope, "blue", "0123456789abcdef"),
            replacement_group: TargetGroupArn::of(&scope, "green", "0123456789abcdef"),
            production: routes.production.clone(),
            test: None,
        },
        events: CodeDeployDeployment::events_of(creator, &routes),
        routes,
        replacement: Replacement {
            task_definition: TaskDefinitionArn::of(&scope, "web", 1),
            container_name: "web".to_owned(),
            container_port: 80,
            launch_type: LaunchType::Ec2,
            capacity_provider_strategy: Vec::new(),
            platform_version: None,
            network_configuration: None,
        },
        hooks: std::collections::BTreeMap::new(),
        original_task_set: None,
        replacement_task_set: None,
        status: DeploymentStatus::InProgress,
        stage: CodeDeployDeployment::first_stage(creator),
        stage_since: at(0),
        is_continued: false,
        production_share: 0,
        test_share: 0,
        error: None,
        rollback: None,
        created_at: at(0),
        started_at: None,
        completed_at: None,
        updated_at: at(0),
        scope,
    }
}

fn in_stage(stage: Stage, minutes: u32) -> CodeDeployDeployment {
    let canary = TrafficRouting::TimeBasedCanary {
        percentage: 10,
        interval: minutes,
    };
    let blue_green = BlueGreen {
        ready_minutes: Some(minutes),
        termination_minutes: Some(minutes),
    };
    CodeDeployDeployment {
        stage,
        ..deployment(Creator::User, canary, blue_green)
    }
}

fn word(step: &Step) -> String {
    match step {
        Step::Wait(Next::After(wait)) => format!("wait {}", wait.as_secs()),
        Step::Wait(next) => format!("{next:?}"),
        Step::Enter(stage) => stage.as_str().to_owned(),
        Step::Shift => "shift".to_owned(),
        Step::Fail(error) => format!("fail {}", error.code.as_str()),
        Step::Stop(error) => format!("stop {}", error.code.as_str()),
        Step::Succeed => "succeed".to_owned(),
    }
}

#[test]
fn each_stage_waits_for_what_it_is_about() {
    let busy = Observed {
        is_installed: false,
        is_terminated: false,
        ..READY
    };
    let failing = Observed {
        failed_starts: FAILED_STARTS_MAX,
        ..busy
    };
    let gone = Observed {
        is_service_active: false,
        ..busy
    };
    let cases = [
        (Stage::BeforeInstall, busy, 0, "Install"),
        (Stage::Install, busy, 0, "wait 3600"),
        (Stage::Install, busy, 3599, "wait 1"),
        (Stage::Install, busy, 3600, "fail TIMEOUT"),
        (Stage::Install, failing, 1, "fail ECS_UPDATE_ERROR"),
        (Stage::Install, READY, 3600, "AfterInstall"),
        (Stage::Install, gone, 0, "fail ECS_UPDATE_ERROR"),
        (Stage::AfterInstall, busy, 0, "ReadyWait"),
        (Stage::ReadyWait, busy, 60, "wait 240"),
        (Stage::ReadyWait, busy, 300, "stop TIMEOUT"),
        (Stage::BeforeAllowTraffic, busy, 0, "AllowTraffic"),
        (Stage::AllowTraffic, busy, 299, "wait 1"),
        (Stage::AllowTraffic, busy, 300, "shift"),
        (Stage::AfterAllowTraffic, busy, 0, "TerminationWait"),
        (Stage::TerminationWait, busy, 299, "wait 1"),
        (Stage::TerminationWait, busy, 300, "Terminate"),
        (Stage::Terminate, busy, 0, "wait 3600"),
        (Stage::Terminate, busy, 3600, "succeed"),
        (Stage::Terminate, READY, 0, "succeed"),
    ];
    for (stage, observed, second, expected) in cases {
        let found = step(&in_stage(stage, 5), observed, at(second));
        assert_eq!(word(&found), expected, "{stage:?} at {second}: {observed:?}");
    }
}

#[test]
fn what_is_continued_does_not_wait() {
    for (stage, expected) in [
        (Stage::ReadyWait, Stage::BeforeAllowTraffic),
        (Stage::TerminationWait, Stage::Terminate),
    ] {
        let it = CodeDeployDeployment {
            is_continued: true,
            ..in_stage(stage, 5)
        };
        assert_eq!(step(&it, READY, at(0)), Step::Enter(expected));
    }
}

/// Carries a deployment to its end as the controller does, and gives the stages and the shares.
fn run(mut it: CodeDeployDeployment) -> (Vec<Stage>, Vec<u16>) {
    let (mut stages, mut shares) = (Vec::new(), Vec::new());
    it.status = DeploymentStatus::Created;
    let mut now = at(0);
    for _ in 0..1000 {
        match step(&it, READY, now) {
            Step::Wait(Next::After(wait)) => now += wait,
            Step::Enter(stage) => {
                it.status = DeploymentStatus::InProgress;
                (it.stage, it.stage_since) = (stage, now);
                // Only what waits to be continued waits for somebody.
                it.is_continued = stage == Stage::ReadyWait;
                stages.push(stage);
                if stage == Stage::AllowTraffic && it.creator == Creator::User {
                    it.production_share = it.routing.next_share(it.production_share);
                    shares.push(it.production_share);
                }
            }
            Step::Shift => {
                it.production_share = it.routing.next_share(it.production_share);
                it.stage_since = now;
                shares.push(it.production_share);
            }
            Step::Succeed => return (stages, shares),
            other => panic!("{other:?}"),
        }
    }
    panic!("it does not end");
}

fn routings() -> impl Strategy<Value = TrafficRouting> {
    let steps = || (1..100_u16, 1..60_u32);
    prop_oneof![
        Just(TrafficRouting::AllAtOnce),
        steps().prop_map(|(percentage, interval)| TrafficRouting::TimeBasedLinear { percentage, interval }),
        steps().prop_map(|(percentage, interval)| TrafficRouting::TimeBasedCanary { percentage, interval }),
    ]
}

proptest! {
    #[test]
    fn every_deployment_ends_with_all_traffic_and_each_stage_once(
        routing in routings(),
        ready_minutes in proptest::option::of(1..60_u32),
        termination_minutes in proptest::option::of(0..60_u32),
    ) {
        let blue_green = BlueGreen { ready_minutes, termination_minutes };
        let (stages, shares) = run(deployment(Creator::User, routing, blue_green));
        prop_assert!(stages.is_sorted() && stages.windows(2).all(|it| it[0] != it[1]), "{:?}", stages);
        prop_assert!(shares.is_sorted());
        prop_assert_eq!(shares.last().copied(), Some(100));
        prop_assert_eq!(stages.contains(&Stage::Terminate), termination_minutes.is_some());
        let (back, _) = run(deployment(Creator::Rollback, TrafficRouting::AllAtOnce, blue_green));
        prop_assert_eq!(back, vec![Stage::AllowTraffic, Stage::Terminate]);
    }
}
