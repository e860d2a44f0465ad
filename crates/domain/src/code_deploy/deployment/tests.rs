//! The ways of deployments through their stages.

use super::*;
use crate::{ClusterArn, LoadBalancerArn};

fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

fn listener(id: &str) -> ListenerArn {
    LoadBalancerArn::new(&scope(), &["app", "web", "0123456789abcdef"]).listener(id)
}

fn deployment(creator: Creator, with_test: bool, blue_green: BlueGreen) -> CodeDeployDeployment {
    let test = with_test.then(|| listener("2222222222222222"));
    let routes = TrafficRoutes {
        target_groups: ["blue".to_owned(), "green".to_owned()],
        production: listener("1111111111111111"),
        test: test.clone(),
    };
    let group = |name: &str| TargetGroupArn::of(&scope(), name, "0123456789abcdef");
    let now = Timestamp::UNIX_EPOCH;
    CodeDeployDeployment {
        scope: scope(),
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
        routing: TrafficRouting::AllAtOnce,
        blue_green,
        auto_rollback: AutoRollback::default(),
        service: ClusterArn::of(&scope(), "lab").member("web"),
        route: Route {
            original_group: group("blue"),
            replacement_group: group("green"),
            production: routes.production.clone(),
            test,
        },
        events: CodeDeployDeployment::events_of(creator, &routes),
        routes,
        replacement: Replacement {
            task_definition: TaskDefinitionArn::of(&scope(), "web", 1),
            container_name: "web".to_owned(),
            container_port: 80,
            launch_type: LaunchType::Ec2,
            capacity_provider_strategy: Vec::new(),
            platform_version: None,
            network_configuration: None,
        },
        hooks: BTreeMap::new(),
        original_task_set: None,
        replacement_task_set: None,
        status: DeploymentStatus::Created,
        stage: CodeDeployDeployment::first_stage(creator),
        stage_since: now,
        is_continued: false,
        production_share: 0,
        test_share: 0,
        error: None,
        rollback: None,
        created_at: now,
        started_at: None,
        completed_at: None,
        updated_at: now,
    }
}

/// All stages, and whether each event is one that the deployment lists.
fn way(mut it: CodeDeployDeployment) -> Vec<&'static str> {
    let mut way = vec![it.stage.as_str()];
    while let Some(next) = it.next_stage() {
        assert!(next > it.stage, "{next:?} after {:?}", it.stage);
        it.stage = next;
        let is_event = Stage::EVENTS.contains(&next);
        assert_eq!(it.event().is_some(), is_event, "{next:?}");
        way.push(next.as_str());
    }
    way
}

const KEEPS: BlueGreen = BlueGreen {
    ready_minutes: None,
    termination_minutes: None,
};

#[test]
fn a_deployment_goes_through_the_stages_that_it_has() {
    let short = [
        "BeforeInstall",
        "Install",
        "AfterInstall",
        "BeforeAllowTraffic",
        "AllowTraffic",
        "AfterAllowTraffic",
    ];
    assert_eq!(way(deployment(Creator::User, false, KEEPS)), short);
    let all = BlueGreen {
        ready_minutes: Some(5),
        termination_minutes: Some(60),
    };
    let every = [
        "BeforeInstall",
        "Install",
        "AfterInstall",
        "AllowTestTraffic",
        "AfterAllowTestTraffic",
        "ReadyWait",
        "BeforeAllowTraffic",
        "AllowTraffic",
        "AfterAllowTraffic",
        "TerminationWait",
        "Terminate",
    ];
    assert_eq!(way(deployment(Creator::User, true, all)), every);
    let at_once = BlueGreen {
        termination_minutes: Some(0),
        ..KEEPS
    };
    let terminating = [&short[..], &["Terminate"]].concat();
    assert_eq!(way(deployment(Creator::User, false, at_once)), terminating);
}

#[test]
fn a_rollback_only_shifts_traffic_and_deletes_the_replacement() {
    for blue_green in [
        KEEPS,
        BlueGreen {
            ready_minutes: Some(5),
            termination_minutes: Some(60),
        },
    ] {
        let rollback = deployment(Creator::Rollback, true, blue_green);
        assert_eq!(rollback.events.len(), 1);
        assert_eq!(way(rollback), ["AllowTraffic", "Terminate"]);
    }
}

#[test]
fn hooks_are_found_by_the_names_of_their_events() {
    for stage in Stage::EVENTS {
        let found = Stage::of_hook(stage.as_str());
        assert_eq!(found, stage.has_hook().then_some(stage), "{stage:?}");
    }
    assert_eq!(Stage::of_hook("ReadyWait"), None);
}

#[test]
fn a_target_is_named_by_cluster_and_service() {
    assert_eq!(deployment(Creator::User, false, KEEPS).target_id(), "lab:web");
}
