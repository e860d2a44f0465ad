//! Placement over the wire's own codec, without agents.

use std::sync::Arc;

use domain::access_key::Principal;
use domain::{ClusterArn, ContainerInstanceArn, Scope, Timestamp};
use orchestrator::transitions::{Connection, connect_host};
use serde_json::{Value, json};
use store::memory_store;
use telemetry::logs::Logs;
use wire::route::Protocol;

use crate::call::{Caller, authorize};
use crate::control_plane::{ControlPlane, Settings};
use crate::routes::{Request, Routes};

fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

struct World {
    routes: Routes,
    control_plane: Arc<ControlPlane>,
    _folder: tempfile::TempDir,
}

impl World {
    /// A cluster, and a task definition `web` that any container instance can run.
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, clock) = memory_store(Timestamp::UNIX_EPOCH);
        let logs = Arc::new(Logs::open(folder.path()).expect("opens"));
        let registry = crate::Registry::open(&folder.path().join("registry"), [0; 32]).expect("opens");
        let history = telemetry::history::HistoryOptions::new(jiff::SignedDuration::from_hours(1), 1 << 20);
        let events =
            telemetry::events::EventLog::open(&folder.path().join("events"), history.clone()).expect("opens");
        let history =
            telemetry::history::History::open(&folder.path().join("history"), history).expect("opens");
        let settings = Settings {
            regions: vec!["us-east-1".to_owned()],
            advertised_endpoint: "http://127.0.0.1:1".to_owned(),
            request_limits: crate::RequestLimits::Off,
            execute_command_idle: std::time::Duration::from_secs(1200),
            controllers: orchestrator::Settings::default(),
        };
        let world = Self {
            routes: Routes::new(),
            control_plane: ControlPlane::new(
                store,
                crate::Kept {
                    logs,
                    history: Arc::new(history),
                    events: Arc::new(crate::Events::new(events, store::Retention::default())),
                    registry: Arc::new(registry),
                    file_systems: Arc::new(crate::FileSystems::new(folder.path().join("file-systems"))),
                    object_storage: Arc::new(crate::ObjectStorage::new(folder.path().join("buckets"))),
                },
                clock,
                settings,
                &crate::MasterKey([7; 32]),
            )
            .expect("random bytes"),
            _folder: folder,
        };
        world.call("CreateCluster", json!({})).await;
        world.register(json!({})).await;
        world
    }

    /// The answer, or code and message of the error.
    async fn try_call(&self, operation: &'static str, input: Value) -> Result<Value, (String, String)> {
        let caller = Caller {
            scope: scope(),
            principal: Principal::Root,
            access_key_id: "AKIA".to_owned(),
        };
        let request = Request {
            body: input.to_string().into(),
            head: None,
            protocol: Protocol::Json11,
            request_id: "1".to_owned(),
            access: authorize(&self.control_plane, &caller, "ecs", operation).expect("root may"),
            caller,
            now: Timestamp::UNIX_EPOCH,
            origin: crate::call::Origin::default(),
        };
        let handler = self.routes.get("ecs", operation).expect("is built");
        match handler(request).await {
            Ok(answer) => Ok(serde_json::from_slice(&answer.body).expect("is JSON")),
            Err(error) => {
                let body: Value = serde_json::from_slice(&error.body).expect("is JSON");
                let message = body["message"].as_str().or(body["Message"].as_str());
                Err((error.code, message.unwrap_or_default().to_owned()))
            }
        }
    }

    async fn call(&self, operation: &'static str, input: Value) -> Value {
        let answer = self.try_call(operation, input).await;
        answer.unwrap_or_else(|error| panic!("{operation}: {error:?}"))
    }

    async fn refusal(&self, operation: &'static str, input: Value) -> (String, String) {
        match self.try_call(operation, input).await {
            Ok(answer) => panic!("{operation} accepted: {answer}"),
            Err(error) => error,
        }
    }

    async fn register(&self, more: Value) -> Value {
        let container = json!({ "name": "web", "image": "web", "memory": 64 });
        let definition = merged(
            json!({ "family": "web", "containerDefinitions": [container] }),
            more,
        );
        self.call("RegisterTaskDefinition", definition).await["taskDefinition"].clone()
    }

    /// A container instance with a connected agent; gives its ARN.
    async fn instance(&self, zone: &str, rack: &str) -> String {
        let size = |name| json!({ "name": name, "type": "INTEGER", "integerValue": 1024 });
        let attribute = |name, value| json!({ "name": name, "value": value });
        let input = json!({
            "totalResources": [size("CPU"), size("MEMORY")],
            "attributes": [
                attribute("ecs.availability-zone", zone),
                attribute("rack", rack),
                json!({ "name": "com.amazonaws.ecs.capability.docker-remote-api.1.18" }),
            ],
        });
        let answer = self.call("RegisterContainerInstance", input).await;
        let arn = answer["containerInstance"]["containerInstanceArn"].as_str();
        let arn = arn.expect("has an ARN").to_owned();
        let id = arn.rsplit('/').next().unwrap_or_default();
        let parsed: ContainerInstanceArn = ClusterArn::of(&scope(), "default").member(id);
        let connected = self
            .control_plane
            .store
            .transact(move |tx| connect_host(tx, &parsed, Connection::Connected, "1.2.3", ""));
        connected.await.expect("connects");
        arn
    }

    async fn run(&self, more: Value) -> Value {
        self.call("RunTask", merged(json!({ "taskDefinition": "web" }), more))
            .await
    }
}

fn merged(mut into: Value, from: Value) -> Value {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
    into
}

/// Container instances of the tasks of an answer.
fn places(answer: &Value) -> Vec<String> {
    let tasks = answer["tasks"].as_array().expect("is a list");
    let place = |it: &Value| it["containerInstanceArn"].as_str().unwrap_or_default().to_owned();
    tasks.iter().map(place).collect()
}

fn member_of(expression: &str) -> Value {
    json!([{ "type": "memberOf", "expression": expression }])
}

fn strategy(kind: &str, field: &str) -> Value {
    json!({ "placementStrategy": [{ "type": kind, "field": field }] })
}

fn constraint(it: Value) -> Value {
    json!({ "placementConstraints": [it] })
}

#[tokio::test]
async fn run_task_obeys_constraints_and_says_why_not() {
    let world = World::new().await;
    let (a, b) = (world.instance("x", "1").await, world.instance("y", "2").await);

    let distinct = json!({ "count": 3, "placementConstraints": [{ "type": "distinctInstance" }] });
    let answer = world.run(distinct.clone()).await;
    let mut used = places(&answer);
    used.sort();
    let mut both = vec![a.clone(), b.clone()];
    both.sort();
    assert_eq!(used, both);
    let failures = answer["failures"].as_array().expect("is a list");
    assert_eq!(failures.len(), 2);
    for failure in failures {
        let reason = "DistinctInstance placement constraint unsatisfied.";
        assert_eq!(failure["reason"], reason, "{failure}");
    }
    // Another group is another matter.
    let other = world.run(merged(distinct, json!({ "group": "batch" }))).await;
    assert_eq!(places(&other).len(), 2);

    let constraints = member_of("attribute:rack == 2 and pendingTasksCount < 4");
    let answer = world
        .run(json!({ "count": 3, "placementConstraints": constraints }))
        .await;
    assert_eq!(places(&answer), [b.clone(), b.clone()]);
    assert_eq!(answer["failures"].as_array().map(Vec::len), Some(2));
    let reason = "MemberOf placement constraint unsatisfied.";
    assert_eq!(answer["failures"][0]["reason"], reason);

    let with = json!({ "count": 2, "placementConstraints": member_of("task:group == batch and attribute:rack == 1") });
    assert_eq!(places(&world.run(with).await), [a.clone(), a.clone()]);
}

#[tokio::test]
async fn run_task_obeys_strategies() {
    let world = World::new().await;
    let (a, b) = (world.instance("x", "1").await, world.instance("x", "2").await);
    let c = world.instance("y", "2").await;
    let first = json!({ "placementConstraints": member_of("attribute:rack == 1") });
    assert_eq!(places(&world.run(first).await), std::slice::from_ref(&a));

    let packed = json!({ "count": 4, "placementStrategy": [{ "type": "binpack", "field": "MEMORY" }] });
    assert_eq!(places(&world.run(packed).await), vec![a; 4]);
    let spread = json!([
        { "type": "spread", "field": "attribute:ecs.availability-zone" },
        { "type": "spread", "field": "host" },
    ]);
    let spread = json!({ "count": 6, "group": "fresh", "placementStrategy": spread });
    let used = places(&world.run(spread).await);
    let times = |arn: &str| used.iter().filter(|it| *it == arn).count();
    assert_eq!(times(&c), 3, "half of them in zone y");
    assert!((1..=2).contains(&times(&b)), "the others on both of zone x");
}

#[tokio::test]
async fn a_definitions_constraints_hold_for_its_tasks_and_read_back() {
    let world = World::new().await;
    world.instance("x", "1").await;
    let constraints = member_of("attribute:rack in [2, 3]");
    let definition = world
        .register(json!({ "placementConstraints": constraints }))
        .await;
    assert_eq!(definition["placementConstraints"], constraints);
    assert_eq!(definition["compatibilities"], json!(["EXTERNAL", "EC2"]));
    let plain = world.register(json!({ "family": "plain" })).await;
    assert_eq!(plain["placementConstraints"], json!([]));

    let answer = world.run(json!({})).await;
    assert_eq!(
        answer["failures"][0]["reason"],
        "MemberOf placement constraint unsatisfied."
    );
    let b = world.instance("x", "2").await;
    assert_eq!(places(&world.run(json!({})).await), [b]);
    // StartTask is placed by its caller.
    let started = world
        .call(
            "ListContainerInstances",
            json!({ "filter": "attribute:rack == 1" }),
        )
        .await;
    let start = json!({ "taskDefinition": "web", "containerInstances": started["containerInstanceArns"] });
    assert_eq!(places(&world.call("StartTask", start).await).len(), 1);

    let of_kind = |kind| json!([{ "type": kind, "expression": "attribute:a" }]);
    for (more, message) in [
        (
            json!({ "placementConstraints": of_kind("distinctInstance") }),
            "constraint.type 'distinctInstance' is not supported.",
        ),
        (
            json!({ "placementConstraints": [{ "type": "memberOf" }] }),
            "constraint.expression should not be null or empty.",
        ),
        (
            json!({ "placementConstraints": member_of("rack == 1") }),
            "Invalid expression. At character 1: unknown subject",
        ),
        (
            json!({ "placementConstraints": vec![json!({ "type": "memberOf", "expression": "attribute:a" }); 11] }),
            "placementConstraints can have at most 10 items.",
        ),
        (
            json!({
                "placementConstraints": of_kind("memberOf"), "requiresCompatibilities": ["FARGATE"],
                "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            }),
            "Placement constraints are not supported with FARGATE launch type.",
        ),
    ] {
        let container = json!({ "name": "web", "image": "web", "memory": 64 });
        let definition = json!({ "family": "web", "containerDefinitions": [container] });
        let (code, text) = world
            .refusal("RegisterTaskDefinition", merged(definition, more))
            .await;
        assert_eq!(code, "ClientException");
        assert!(text.starts_with(message), "{text}");
    }
}

#[tokio::test]
async fn services_keep_their_rules_until_they_are_cleared() {
    let world = World::new().await;
    let constraints =
        json!([{ "type": "distinctInstance" }, { "type": "memberOf", "expression": "attribute:rack" }]);
    let strategy = json!([
        { "type": "spread", "field": "host" },
        { "type": "binpack", "field": "CPU" },
        { "type": "random" },
        { "type": "spread" },
    ]);
    let new = json!({
        "serviceName": "web", "taskDefinition": "web", "desiredCount": 0,
        "placementConstraints": constraints, "placementStrategy": strategy,
    });
    let normal = json!([
        { "type": "spread", "field": "instanceId" },
        { "type": "binpack", "field": "cpu" },
        { "type": "random" },
        { "type": "spread", "field": "instanceId" },
    ]);
    let created = world.call("CreateService", new.clone()).await["service"].clone();
    assert_eq!(created["placementConstraints"], constraints);
    assert_eq!(created["placementStrategy"], normal);
    world.call("CreateService", new.clone()).await;
    let differs = merged(new.clone(), json!({ "placementStrategy": [] }));
    let (_, text) = world.refusal("CreateService", differs).await;
    assert_eq!(text, "Creation of service was not idempotent.");

    let update = |more| merged(json!({ "service": "web" }), more);
    let kept = world
        .call("UpdateService", update(json!({ "desiredCount": 0 })))
        .await["service"]
        .clone();
    assert_eq!(kept["placementConstraints"], constraints);
    assert_eq!(kept["placementStrategy"], normal);
    let cleared = update(json!({ "placementConstraints": [], "placementStrategy": [] }));
    let cleared = world.call("UpdateService", cleared).await["service"].clone();
    assert_eq!(cleared["placementConstraints"], json!([]));
    assert_eq!(cleared["placementStrategy"], json!([]));
    assert_eq!(
        cleared["deployments"].as_array().map(Vec::len),
        Some(1),
        "no new deployment"
    );

    let daemon = merged(new.clone(), json!({ "schedulingStrategy": "DAEMON" }));
    let (code, text) = world.refusal("CreateService", daemon).await;
    assert_eq!(code, "InvalidParameterException");
    assert!(
        text.starts_with("The daemon scheduling strategy does not support placement strategies."),
        "{text}"
    );
}

#[tokio::test]
async fn what_cannot_be_obeyed_is_refused() {
    let world = World::new().await;
    world.instance("x", "1").await;
    for (more, message) in [
        (
            strategy("spread", "zone"),
            "Invalid placement strategy field 'zone'",
        ),
        (
            strategy("spread", "attribute:"),
            "Invalid placement strategy field 'attribute:'",
        ),
        (
            strategy("binpack", "gpu"),
            "Invalid placement strategy field 'gpu'",
        ),
        (
            strategy("random", "cpu"),
            "Invalid placement strategy field 'cpu'",
        ),
        (
            strategy("best", "cpu"),
            "Placement strategy type 'best' is not supported.",
        ),
        (
            json!({ "placementStrategy": vec![json!({ "type": "random" }); 6] }),
            "placementStrategy can have at most 5 items.",
        ),
        (
            constraint(json!({ "type": "near" })),
            "constraint.type 'near' is not supported.",
        ),
        (
            constraint(json!({ "expression": "attribute:a" })),
            "constraint.type should not be null",
        ),
        (
            constraint(json!({ "type": "distinctInstance", "expression": "attribute:a" })),
            "constraint.expression is not supported",
        ),
        (
            constraint(json!({ "type": "memberOf", "expression": "attribute:a =~ [" })),
            "Invalid expression. At character 16: the regular expression is invalid",
        ),
    ] {
        let input = merged(json!({ "taskDefinition": "web" }), more);
        let (code, text) = world.refusal("RunTask", input.clone()).await;
        assert_eq!(code, "InvalidParameterException", "{input}");
        assert!(text.starts_with(message), "{text}");
        let service = merged(json!({ "serviceName": "s", "desiredCount": 1 }), input);
        assert_eq!(world.refusal("CreateService", service).await, (code, text));
    }
}

#[tokio::test]
async fn fargate_refuses_rules() {
    let world = World::new().await;
    let fargate = json!({
        "family": "light", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256",
        "memory": "512",
    });
    world.register(fargate).await;
    for (more, message) in [
        (
            strategy("random", ""),
            "Placement strategies are not supported with FARGATE launch type.",
        ),
        (
            constraint(json!({ "type": "distinctInstance" })),
            "Placement constraints are not supported with FARGATE launch type.",
        ),
    ] {
        let input = merged(
            json!({ "taskDefinition": "light", "launchType": "FARGATE" }),
            more,
        );
        let expected = ("InvalidParameterException".to_owned(), message.to_owned());
        assert_eq!(world.refusal("RunTask", input.clone()).await, expected);
        let service = merged(json!({ "serviceName": "s", "desiredCount": 1 }), input);
        assert_eq!(world.refusal("CreateService", service).await, expected);
    }
}

#[tokio::test]
async fn container_instances_are_filtered_by_expressions() {
    let world = World::new().await;
    let (a, b) = (world.instance("x", "1").await, world.instance("y", "2").await);
    world
        .run(json!({ "group": "batch", "placementConstraints": member_of("attribute:rack == 2") }))
        .await;
    for (filter, expected) in [
        ("", vec![&a, &b]),
        ("attribute:rack == 1", vec![&a]),
        ("task:group == batch", vec![&b]),
        ("not(task:group == batch) and agentConnected == true", vec![&a]),
        ("pendingTasksCount == 1", vec![&b]),
        (
            "agentVersion >= 1.2.3 and registeredAt == 1970-01-01",
            vec![&a, &b],
        ),
        ("runningTasksCount > 0", vec![]),
    ] {
        let mut expected: Vec<&str> = expected.into_iter().map(String::as_str).collect();
        expected.sort_unstable();
        let answer = world
            .call("ListContainerInstances", json!({ "filter": filter }))
            .await;
        assert_eq!(answer["containerInstanceArns"], json!(expected), "{filter}");
    }
    let invalid = json!({ "filter": "attribute:rack = 1" });
    assert_eq!(
        world.refusal("ListContainerInstances", invalid).await,
        (
            "InvalidParameterException".to_owned(),
            "Invalid expression. At character 16: expected an operator, such as ==, in or exists.".to_owned()
        )
    );
    // A token is good for its filter only.
    let page = world
        .call("ListContainerInstances", json!({ "maxResults": 1 }))
        .await;
    let other = json!({ "nextToken": page["nextToken"], "filter": "attribute:rack" });
    assert_eq!(
        world.refusal("ListContainerInstances", other).await.1,
        "Invalid token."
    );
}
