//! Which tasks are described and listed.

use std::collections::BTreeSet;

use domain::task::TaskStatus;
use orchestrator::transitions::{RunTasks, Where, run_tasks};
use serde_json::{Value, json};

use crate::fixture::{Fixture, text};

const INVALID: &str = "InvalidParameterException";

/// Tasks by the words that the tests have for them.
struct World {
    fixture: Fixture,
    instances: [String; 2],
    known: Vec<(&'static str, String)>,
}

impl World {
    /// Of two families, on two container instances, one started by `me`, one of a service, one that was stopped.
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        fixture.definition().await;
        let container = json!({ "name": "web", "image": "web", "memory": 64 });
        let more = json!({ "family": "more", "containerDefinitions": [container] });
        fixture.ask("RegisterTaskDefinition", more).await;
        let instances = [fixture.instance().await, fixture.instance().await];
        let create = json!({ "serviceName": "web", "taskDefinition": "web", "desiredCount": 1 });
        fixture.ask("CreateService", create).await;
        let mut world = Self {
            fixture,
            instances,
            known: Vec::new(),
        };
        world.start("plain", "web", 0, json!({})).await;
        world.start("mine", "web", 1, json!({ "startedBy": "me" })).await;
        world.start("more", "more", 0, json!({})).await;
        world
            .start("stopped", "more", 1, json!({ "startedBy": "me" }))
            .await;
        let stopped = world.known[3].1.clone();
        world.fixture.ask("StopTask", json!({ "task": stopped })).await;
        world.fixture.report(&stopped, TaskStatus::Stopped).await;
        world.start_of_service().await;
        world
    }

    async fn start(&mut self, word: &'static str, family: &str, instance: usize, more: Value) {
        let mut input = json!({ "taskDefinition": family, "containerInstances": [self.instances[instance]] });
        for (name, value) in more.as_object().expect("an object") {
            input[name] = value.clone();
        }
        let started = self.fixture.ask("StartTask", input).await;
        self.known.push((word, text(&started["tasks"][0]["taskArn"])));
    }

    /// As the controller of the service does it.
    async fn start_of_service(&mut self) {
        let cluster = domain::ClusterArn::of(&domain::Scope::new("123456789012", "us-east-1"), "default");
        let first = domain::ContainerInstanceArn::parse(&self.instances[0]).expect("an ARN");
        let started = self.fixture.store().transact(move |tx| {
            let arn = domain::TaskDefinitionArn::of(&cluster.scope(), "web", 1);
            let run = RunTasks {
                definition: tx.get(&arn).expect("is there"),
                count: 1,
                launch_type: domain::task_definition::LaunchType::Ec2,
                capacity_provider_strategy: Vec::new(),
                placed: Where::On(vec![first.clone()]),
                placement_constraints: Vec::new(),
                placement_strategy: Vec::new(),
                group: "service:web".to_owned(),
                started_by: Some("ecs-svc/1".to_owned()),
                service: Some(cluster.member("web")),
                overrides: domain::task::Overrides::default(),
                network: None,
                public_addresses: None,
                platform_version: None,
                targets: Vec::new(),
                registration: None,
                endpoints: Vec::new(),
                enable_execute_command: false,
                client_request: None,
                tags: Vec::new(),
                cluster: cluster.clone(),
            };
            run_tasks(tx, &run)
        });
        let outcome = started.await.expect("there is room");
        self.known.push(("served", outcome.tasks[0].arn.to_string()));
    }

    async fn listed(&self, input: Value) -> BTreeSet<&'static str> {
        let listed = self.fixture.ask("ListTasks", input).await;
        let word = |it: &Value| {
            let known = self.known.iter().find(|(_, arn)| *it == json!(arn));
            known.expect("no other task").0
        };
        listed["taskArns"]
            .as_array()
            .expect("a list")
            .iter()
            .map(word)
            .collect()
    }
}

#[tokio::test]
async fn tasks_are_listed_by_each_filter_and_by_those_that_go_together() {
    let world = World::new().await;
    let [first, second] = &world.instances;
    let id = first.rsplit('/').next().expect("an id");
    let arn = format!("{}:service/default/web", crate::fixture::ACCOUNT);
    let cases: Vec<(Value, &[&str])> = vec![
        (json!({}), &["plain", "mine", "more", "served"]),
        (
            json!({ "desiredStatus": "RUNNING" }),
            &["plain", "mine", "more", "served"],
        ),
        (json!({ "desiredStatus": "STOPPED" }), &["stopped"]),
        (json!({ "desiredStatus": "PENDING" }), &[]),
        (
            json!({ "containerInstance": first }),
            &["plain", "more", "served"],
        ),
        (json!({ "containerInstance": id }), &["plain", "more", "served"]),
        (
            json!({ "containerInstance": second, "desiredStatus": "STOPPED" }),
            &["stopped"],
        ),
        (json!({ "containerInstance": "f".repeat(32) }), &[]),
        (json!({ "family": "web" }), &["plain", "mine", "served"]),
        (
            json!({ "family": "more", "desiredStatus": "STOPPED" }),
            &["stopped"],
        ),
        (json!({ "family": "we" }), &[]),
        (json!({ "family": "web", "containerInstance": second }), &["mine"]),
        (
            json!({ "family": "web", "launchType": "EC2" }),
            &["plain", "mine", "served"],
        ),
        (json!({ "launchType": "FARGATE" }), &[]),
        (
            json!({ "launchType": "EC2", "containerInstance": second }),
            &["mine"],
        ),
        (json!({ "startedBy": "me" }), &["mine"]),
        (
            json!({ "startedBy": "me", "desiredStatus": "STOPPED" }),
            &["stopped"],
        ),
        (json!({ "startedBy": "ecs-svc/1" }), &["served"]),
        (json!({ "startedBy": "m" }), &[]),
        (json!({ "serviceName": "web" }), &["served"]),
        (
            json!({ "serviceName": arn, "desiredStatus": "RUNNING" }),
            &["served"],
        ),
        (json!({ "serviceName": "web", "desiredStatus": "STOPPED" }), &[]),
        (json!({ "serviceName": "web", "launchType": "EC2" }), &["served"]),
        (json!({ "serviceName": "web", "launchType": "EXTERNAL" }), &[]),
    ];
    for (input, expected) in cases {
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        assert_eq!(world.listed(input.clone()).await, expected, "{input}");
    }
}

#[tokio::test]
async fn filters_that_do_not_go_together_are_refused() {
    let world = World::new().await;
    let others = [
        ("family", json!("web")),
        ("containerInstance", json!(world.instances[0])),
        ("serviceName", json!("web")),
        ("launchType", json!("EC2")),
    ];
    for (filter, value, lone) in [
        ("startedBy", "me", &others[..]),
        ("serviceName", "web", &others[..2]),
    ] {
        for (other, of) in lone {
            let input = json!({ filter: value, *other: of });
            let found = world.fixture.refused("ListTasks", input).await;
            let expected = format!("cannot specify {filter} with other arguments");
            assert_eq!(found, (INVALID.to_owned(), expected), "{filter} {other}");
        }
    }
    for (input, code) in [
        (json!({ "serviceName": "other" }), "ServiceNotFoundException"),
        (json!({ "cluster": "other" }), "ClusterNotFoundException"),
        (json!({ "daemonName": "d" }), INVALID),
    ] {
        assert_eq!(
            world.fixture.refused("ListTasks", input.clone()).await.0,
            code,
            "{input}"
        );
    }
}

#[tokio::test]
async fn a_hundred_tasks_are_described_in_the_order_asked_for() {
    let world = World::new().await;
    let (plain, mine) = (&world.known[0].1, &world.known[1].1);
    let unknown = |index: usize| format!("{index:032x}");
    let mut tasks = vec![json!(mine), json!(plain)];
    tasks.extend((0..98).map(|it| json!(unknown(it))));
    let described = world
        .fixture
        .ask("DescribeTasks", json!({ "tasks": tasks }))
        .await;
    let found = described["tasks"].as_array().expect("a list");
    assert_eq!(found.len(), 2);
    assert_eq!(
        (&found[0]["taskArn"], &found[1]["taskArn"]),
        (&json!(mine), &json!(plain))
    );
    let failures = described["failures"].as_array().expect("a list");
    assert_eq!(failures.len(), 98);
    let arn = format!("{}:task/default/{}", crate::fixture::ACCOUNT, unknown(97));
    assert_eq!(failures[97], json!({ "arn": arn, "reason": "MISSING" }));
    tasks.push(json!(plain));
    for (tasks, expected) in [
        (json!(tasks), "tasks can have at most 100 items."),
        (json!([]), "Tasks cannot be empty."),
    ] {
        let found = world
            .fixture
            .refused("DescribeTasks", json!({ "tasks": tasks }))
            .await;
        assert_eq!(found, (INVALID.to_owned(), expected.to_owned()));
    }
}
