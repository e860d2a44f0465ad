//! Services in the states that users ask about, through ExplainService.

use domain::task::{ContainerStatus, TaskStatus};
use domain::{ContainerInstanceArn, Scope, ServiceArn, TaskArn};
use orchestrator::controllers::Controller;
use orchestrator::controllers::service_deployments::ServiceDeployments;
use orchestrator::transitions::{self, Connection, ContainerReport, TaskReport};
use serde_json::{Value, json};
use std::time::Duration;

use crate::fixture::{ACCOUNT, Fixture, code, text};

struct World(Fixture);

impl World {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        fixture.definition().await;
        Self(fixture)
    }

    async fn create(&self, more: Value) {
        let mut input = json!({ "serviceName": "web", "taskDefinition": "web", "desiredCount": 2 });
        let members = more.as_object().expect("members").clone();
        input.as_object_mut().expect("members").extend(members);
        self.0.ask("CreateService", input).await;
        self.look().await;
    }

    /// The scheduler looks at the service, as long as it wants to at once.
    async fn look(&self) {
        for _ in 0..5 {
            let looked = self.0.store().transact(|tx| {
                let arn = ServiceArn::parse(&format!("{ACCOUNT}:service/default/web")).expect("an ARN");
                let scheduler = ServiceDeployments::new(&orchestrator::Settings::default());
                Ok::<_, ()>(scheduler.reconcile(tx, &arn))
            });
            looked.await.expect("commits");
        }
    }

    async fn tasks(&self) -> Vec<String> {
        let listed = self.0.ask("ListTasks", json!({ "serviceName": "web" })).await;
        let mut arns: Vec<_> = listed["taskArns"]
            .as_array()
            .expect("a list")
            .iter()
            .map(text)
            .collect();
        arns.sort();
        arns
    }

    async fn fails(&self, task: &str) {
        let arn = TaskArn::parse(task).expect("an ARN");
        let report = TaskReport {
            status: Some(TaskStatus::Stopped),
            containers: vec![ContainerReport {
                name: "web".to_owned(),
                status: Some(ContainerStatus::Stopped),
                exit_code: Some(3),
                ..ContainerReport::default()
            }],
            ..TaskReport::default()
        };
        let observed = self
            .0
            .store()
            .transact(move |tx| transitions::observe_task(tx, &arn, &report));
        observed.await.expect("is there");
    }

    async fn explained(&self) -> Value {
        let before = self.0.store().last_commit();
        let answer = self
            .0
            .ask_of("gantry", "ExplainService", json!({ "service": "web" }))
            .await;
        assert_eq!(self.0.store().last_commit(), before, "asking changes nothing");
        answer["explanation"].clone()
    }
}

/// What it waits for, in one text.
fn waits(it: &Value) -> String {
    it["waitsFor"]
        .as_array()
        .expect("a list")
        .iter()
        .map(text)
        .collect::<Vec<_>>()
        .join(" | ")
}

#[tokio::test]
async fn a_service_without_any_instance_says_so() {
    let world = World::new().await;
    world.create(json!({})).await;
    let it = world.explained().await;
    assert!(
        waits(&it).contains("placement: no container instance takes 2 tasks"),
        "{it:#}"
    );
    assert_eq!(
        it["placement"]["summary"],
        "No Container Instances were found in your cluster."
    );
    assert_eq!(it["parts"][0]["starts"], 2);
    assert!(text(&it["summary"]).starts_with("0 of 2 tasks run."), "{it:#}");
}

#[tokio::test]
async fn a_service_on_fargate_is_told_of_capacity_and_not_of_instances() {
    let world = World::new().await;
    // an instance of the cluster is none of FARGATE's
    world.0.instance().await;
    let made = world.0.store().transact(|tx| {
        let scope = Scope::new("123456789012", "us-east-1");
        let cidr = "172.31.0.0/16".parse().expect("valid");
        let (_, subnets) = transitions::ensure_default_network(tx, &scope, cidr);
        Ok::<_, ()>(subnets[0].id.clone())
    });
    let subnet = made.await.expect("commits");
    let definition = json!({
        "family": "fargate", "containerDefinitions": [{ "name": "web", "image": "web" }], "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
    });
    world.0.ask("RegisterTaskDefinition", definition).await;
    let network = json!({ "awsvpcConfiguration": { "subnets": [subnet] } });
    world
        .create(json!({
            "taskDefinition": "fargate", "launchType": "FARGATE", "networkConfiguration": network,
        }))
        .await;
    let it = world.explained().await;
    assert_eq!(
        it["placement"]["summary"],
        "Capacity is unavailable at this time. Please try again later or in a different availability zone. \
         No host takes FARGATE tasks there."
    );
}

#[tokio::test]
async fn each_instance_says_what_it_lacks() {
    let world = World::new().await;
    let full = world.0.instance().await;
    let draining = world.0.instance().await;
    let container = json!({ "name": "web", "image": "web", "memory": 1000 });
    world
        .0
        .ask(
            "RegisterTaskDefinition",
            json!({ "family": "big", "containerDefinitions": [container] }),
        )
        .await;
    world
        .0
        .ask(
            "UpdateContainerInstancesState",
            json!({ "containerInstances": [draining], "status": "DRAINING" }),
        )
        .await;
    world.create(json!({ "taskDefinition": "big" })).await;
    let it = world.explained().await;
    assert_eq!(it["placement"]["needs"], "0 CPU units, 1000 MiB");
    let hosts = it["placement"]["hosts"].as_array().expect("a list");
    let refusals = |arn: &str| {
        let host = hosts.iter().find(|it| it["containerInstanceArn"] == json!(arn));
        host.expect("is asked")["refusals"].clone()
    };
    assert_eq!(
        refusals(&full),
        json!(["lacks memory (1000 MiB needed, free 24 MiB)"])
    );
    assert_eq!(refusals(&draining), json!(["is DRAINING and takes no new tasks"]));
    let counts = "2 container instances: 1 is DRAINING and takes no new tasks, 1 lacks memory (1000 MiB needed, free 24 \
                  MiB).";
    assert!(waits(&it).contains(counts), "{it:#}");
    assert!(waits(&it).contains("1 task that was placed to run"), "{it:#}");
    assert!(it["nextSteps"].to_string().contains("Give it room"), "{it:#}");

    // The event of the service says why behind Amazon's phrase.
    let described = world
        .0
        .ask("DescribeServices", json!({ "services": ["web"] }))
        .await;
    let events = &described["services"][0]["events"];
    let refused: Vec<String> = events
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| text(&it["message"]))
        .filter(|it| it.contains("unable to place"))
        .collect();
    assert_eq!(refused.len(), 1, "said once: {events:#}");
    let phrase = "(service web) was unable to place a task because no container instance met all of its requirements. \
                  The closest matching (container-instance ";
    assert!(refused[0].starts_with(phrase), "{}", refused[0]);
    // An instance that takes no tasks is no candidate.
    assert!(!refused[0].contains("takes no new tasks"), "{}", refused[0]);
    assert!(
        refused[0].contains("lacks memory (1000 MiB needed, free 24 MiB)"),
        "{}",
        refused[0]
    );
}

#[tokio::test]
async fn instances_that_placement_passes_over_are_none_to_it() {
    let world = World::new().await;
    let draining = world.0.instance().await;
    world
        .0
        .ask(
            "UpdateContainerInstancesState",
            json!({ "containerInstances": [draining], "status": "DRAINING" }),
        )
        .await;
    world.create(json!({})).await;
    let it = world.explained().await;
    assert_eq!(
        it["placement"]["summary"],
        "No Container Instances were found in your cluster."
    );
    let hosts = json!([{
        "containerInstanceArn": draining, "takes": false, "refusals": ["is DRAINING and takes no new tasks"],
    }]);
    assert_eq!(it["placement"]["hosts"], hosts);
    let described = world
        .0
        .ask("DescribeServices", json!({ "services": ["web"] }))
        .await;
    let events = described["services"][0]["events"].to_string();
    assert!(
        events.contains("No Container Instances were found in your cluster."),
        "{events}"
    );
}

#[tokio::test]
async fn a_running_service_waits_until_its_tasks_count_as_healthy() {
    let world = World::new().await;
    world.0.instance().await;
    world.create(json!({})).await;
    for task in world.tasks().await {
        world.0.report(&task, TaskStatus::Running).await;
    }
    let it = world.explained().await;
    assert!(
        waits(&it).contains("2 tasks without health checks to have run for 5 s: "),
        "{it:#}"
    );
    assert_eq!(
        (&it["parts"][0]["runningCount"], &it["parts"][0]["healthyCount"]),
        (&json!(2), &json!(0))
    );
    world.0.clock.advance(Duration::from_secs(6));
    world.look().await;
    let it = world.explained().await;
    assert_eq!(it["waitsFor"], json!([]), "{it:#}");
    assert_eq!(it["summary"], "The service is as it should be: 2 of 2 tasks run.");
}

#[tokio::test]
async fn failing_starts_are_throttled_and_their_last_reasons_named() {
    let world = World::new().await;
    world.0.instance().await;
    world.create(json!({ "desiredCount": 1 })).await;
    for pause in [10, 10, 10, 0] {
        for task in world.tasks().await {
            world.fails(&task).await;
        }
        world.0.clock.advance(Duration::from_secs(pause));
        world.look().await;
    }
    let it = world.explained().await;
    assert!(waits(&it).contains("the throttle of starts, until "), "{it:#}");
    assert!(waits(&it).contains("starts failed one after the other"), "{it:#}");
    let reason = text(&it["failedTasks"][0]["reason"]);
    assert!(reason.contains("web exited with 3"), "{reason}");
    assert!(
        it["nextSteps"].to_string().contains("gantry task explain"),
        "{it:#}"
    );
    let input = json!({ "services": ["web"] });
    let described = world.0.ask("DescribeServices", input).await;
    let events = described["services"][0]["events"].to_string();
    let impaired = "(service web) is unable to consistently start tasks successfully. For more information, see the \
                    Troubleshooting section of the Amazon ECS Developer Guide. 3 starts failed one after the other";
    assert_eq!(events.matches(impaired).count(), 1, "{events}");
}

#[tokio::test]
async fn bounds_that_leave_no_room_are_named() {
    let world = World::new().await;
    world.0.instance().await;
    let bounds = json!({ "minimumHealthyPercent": 100, "maximumPercent": 150 });
    world
        .create(json!({ "desiredCount": 1, "deploymentConfiguration": bounds }))
        .await;
    for task in world.tasks().await {
        world.0.report(&task, TaskStatus::Running).await;
    }
    world.0.clock.advance(Duration::from_secs(6));
    world.look().await;
    let input = json!({ "service": "web", "forceNewDeployment": true });
    world.0.ask("UpdateService", input).await;
    world.look().await;
    let it = world.explained().await;
    let waits = waits(&it);
    assert!(
        waits.contains("1 more would be above the maximum of 1 task"),
        "{it:#}"
    );
    assert!(
        waits.contains("1 older task is kept for the minimum of 1 healthy task"),
        "{it:#}"
    );
    assert!(
        it["nextSteps"].to_string().contains("raise maximumPercent"),
        "{it:#}"
    );
    let statuses: Vec<_> = it["parts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| text(&it["status"]))
        .collect();
    assert_eq!(statuses, ["PRIMARY", "ACTIVE"]);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_not_found() {
    let world = World::new().await;
    let refused = async |input: Value| code(world.0.refused_of("gantry", "ExplainService", input).await);
    assert_eq!(
        refused(json!({ "service": "web" })).await,
        "ServiceNotFoundException"
    );
    assert_eq!(
        refused(json!({ "service": "a b" })).await,
        "InvalidParameterException"
    );
}

#[tokio::test]
async fn a_deployment_in_stages_says_where_it_is_and_who_is_asked() {
    let world = World::new().await;
    let hook = json!({ "targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"] });
    let configuration = json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": [hook] });
    world
        .create(json!({ "deploymentConfiguration": configuration }))
        .await;
    let it = world.explained().await;
    let waits = waits(&it);
    assert!(
        waits.contains("the stage PRE_SCALE_UP of its deployment")
            && waits.contains("with 0 % of the traffic on the new revision; the hook ecs-pause-")
            && waits.contains("(a pause) until"),
        "{it:#}"
    );
    assert!(
        it["nextSteps"]
            .to_string()
            .contains("continue-service-deployment"),
        "{it:#}"
    );
}

/// A service whose blue revision stands, and whose green one is asked for.
async fn in_stages(world: &World) {
    world.0.instance().await;
    let configuration = json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5 });
    world
        .create(json!({ "deploymentConfiguration": configuration }))
        .await;
    for task in world.tasks().await {
        world.0.report(&task, TaskStatus::Running).await;
    }
    for _ in 0..3 {
        world.0.clock.advance(Duration::from_secs(600));
        world.look().await;
    }
    let again = json!({ "service": "web", "forceNewDeployment": true });
    world.0.ask("UpdateService", again).await;
    world.look().await;
}

#[tokio::test]
async fn each_revision_of_a_deployment_in_stages_is_told_once() {
    let world = World::new().await;
    in_stages(&world).await;
    let described = json!({ "services": ["web"] });
    let described = world.0.ask("DescribeServices", described).await["services"][0].clone();
    let it = world.explained().await;
    let brief = |parts: &Value| {
        let parts = parts.as_array().expect("a list").iter();
        let brief = parts.map(|it| {
            let counts = (it["desiredCount"].clone(), it["runningCount"].clone());
            (text(&it["id"]), text(&it["status"]), counts)
        });
        brief.collect::<Vec<_>>()
    };
    let parts = brief(&it["parts"]);
    assert_eq!(parts, brief(&described["deployments"]));
    let statuses: Vec<&str> = parts.iter().map(|it| it.1.as_str()).collect();
    assert_eq!(statuses, ["PRIMARY", "ACTIVE"]);
    assert_eq!(parts[1].2, (json!(2), json!(2)), "the old one keeps its tasks");
}

#[tokio::test]
async fn of_several_revisions_before_a_deployment_one_has_the_traffic() {
    let world = World::new().await;
    in_stages(&world).await;
    let again = json!({ "service": "web", "forceNewDeployment": true });
    world.0.ask("UpdateService", again).await;
    world.look().await;
    let listed = world
        .0
        .ask("ListServiceDeployments", json!({ "service": "web" }))
        .await;
    let newest = json!([listed["serviceDeployments"][0]["serviceDeploymentArn"]]);
    let described = json!({ "serviceDeploymentArns": newest });
    let described =
        world.0.ask("DescribeServiceDeployments", described).await["serviceDeployments"][0].clone();
    let weight = |it: &Value| it["requestedProductionTrafficWeight"].as_f64().expect("a weight");
    let sources = described["sourceServiceRevisions"].as_array().expect("a list");
    let mut weights: Vec<f64> = sources.iter().map(weight).collect();
    weights.sort_by(f64::total_cmp);
    assert_eq!(weights, [0.0, 100.0], "{described:#}");
    assert_eq!(weight(&described["targetServiceRevision"]), 0.0);
}

#[tokio::test]
async fn daemons_are_told_instance_by_instance() {
    let world = World::new().await;
    let taken = world.0.instance().await;
    world.0.instance().await;
    let away = world.0.instance().await;
    let container = json!({ "name": "web", "image": "web", "memory": 1000 });
    let big = json!({ "family": "big", "containerDefinitions": [container] });
    world.0.ask("RegisterTaskDefinition", big).await;
    let arn = ContainerInstanceArn::parse(&away).expect("an ARN");
    let left = world
        .0
        .store()
        .transact(move |tx| transitions::connect_host(tx, &arn, Connection::Lost, "1.0.0", "none"));
    left.await.expect("is there");
    let hog = json!({ "taskDefinition": "big", "containerInstances": [taken] });
    world.0.ask("StartTask", hog).await;
    let daemon = json!({
        "serviceName": "web", "taskDefinition": "big", "schedulingStrategy": "DAEMON",
    });
    world.0.ask("CreateService", daemon).await;
    world.look().await;
    let it = world.explained().await;
    let part = &it["parts"][0];
    assert_eq!(
        (&part["desiredCount"], &part["pendingCount"]),
        (&json!(2), &json!(1)),
        "{it:#}"
    );
    let waits = waits(&it);
    assert!(
        waits.contains("placement: no container instance takes 1 task"),
        "{it:#}"
    );
    assert!(waits.contains("1 task that was placed to run"), "{it:#}");
    let name = away.rsplit('/').next().unwrap_or_default();
    let agents = format!("the agents of 1 container instance, which are not connected: {name}");
    assert!(waits.contains(&agents), "{it:#}");
    let hosts = it["placement"]["hosts"].as_array().expect("a list");
    assert_eq!(
        hosts.len(),
        1,
        "only those that are to get a task are asked: {it:#}"
    );
    assert_eq!(hosts[0]["containerInstanceArn"], json!(taken));
}
