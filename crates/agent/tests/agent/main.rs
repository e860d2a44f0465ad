//! The agent as a whole, between a control plane on loopback and a host in memory.

mod commands;
mod endpoint;
mod fake_control_plane;
mod fake_host;
mod faults;
mod log_router;

use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::{AgentConfig, AgentError, CapacityKind, RequestRate, TaskApi};
use domain::Timestamp;
use domain::clock::Clock;
use domain::ids::Ids;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use fake_control_plane::{ACCESS_KEY_ID, CLUSTER, FakeControlPlane, INSTANCE, SECRET_ACCESS_KEY};
use fake_host::{FakeHost, NOW};

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

struct World {
    control_plane: Arc<FakeControlPlane>,
    host: Arc<FakeHost>,
    folder: tempfile::TempDir,
    agent: Option<Agent>,
}

/// A running agent, on a runtime of its own so that it can be killed with all that it spawned.
struct Agent {
    shutdown: CancellationToken,
    run: JoinHandle<Result<(), AgentError>>,
    runtime: Runtime,
}

impl World {
    /// Everything but a running agent.
    async fn new() -> Self {
        let (control_plane, host) = (FakeControlPlane::start().await, Arc::default());
        Self {
            control_plane,
            host,
            folder: tempfile::tempdir().unwrap(),
            agent: None,
        }
    }

    /// Everything, with a running agent.
    async fn started() -> Self {
        let mut world = Self::new().await;
        world.start();
        world
    }

    fn start(&mut self) {
        let config = AgentConfig {
            endpoint: format!("http://{}", self.control_plane.address),
            region: "us-east-1".to_owned(),
            cluster: "default".to_owned(),
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: SECRET_ACCESS_KEY.to_owned(),
            state_dir: self.folder.path().to_owned(),
            attributes: Vec::new(),
            reserved_ports: vec![22],
            images: agent::ImageSettings::default(),
            capacity: CapacityKind::ContainerInstance,
            version: "0.1.0".to_owned(),
            task_api: TaskApi::Closed,
            task_metadata_rate: RequestRate::default(),
            introspection: None,
            publishing: Default::default(),
        };
        let shutdown = CancellationToken::new();
        let ids = Arc::new(Ids::seeded([3; 32]));
        let run = agent::run(
            config,
            self.host.clone(),
            Arc::new(FixedClock),
            ids,
            shutdown.clone(),
        );
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        self.agent = Some(Agent {
            shutdown,
            run: runtime.spawn(run),
            runtime,
        });
    }

    /// Ends the agent in order.
    async fn stop(&mut self) {
        let agent = self.agent.take().unwrap();
        agent.shutdown.cancel();
        agent.run.await.unwrap().unwrap();
        agent.runtime.shutdown_background();
    }

    /// Ends the agent without giving it a chance, as `kill -9` would.
    async fn kill(&mut self) {
        let agent = self.agent.take().unwrap();
        agent.runtime.shutdown_background();
        assert!(agent.run.await.is_err(), "it did not end by itself");
    }

    async fn send_tasks(&self, message_id: &str, tasks: &[Value]) {
        let payload = json!({"messageId": message_id, "seqNum": 1, "tasks": tasks});
        self.control_plane.send("PayloadMessage", payload).await;
    }

    /// Starts a task and waits until it is reported RUNNING.
    async fn run_task(&self, task: Value) -> String {
        let arn = task["arn"].as_str().unwrap().to_owned();
        self.send_tasks(&format!("payload of {arn}"), &[task]).await;
        self.control_plane.state_change(&arn, "RUNNING").await;
        arn
    }

    /// Waits until the record of a task says that it was started.
    async fn recorded_as_started(&self, id: &str) {
        let file = self.folder.path().join("tasks").join(id).join("task.json");
        let wait = async {
            while !std::fs::read_to_string(&file).is_ok_and(|it| it.contains("\"runtime_id\":\"")) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait)
            .await
            .expect("a record in time");
    }

    fn has_records(&self) -> bool {
        std::fs::read_dir(self.folder.path().join("tasks"))
            .unwrap()
            .next()
            .is_some()
    }

    async fn no_records(&self) {
        let wait = async {
            while self.has_records() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait)
            .await
            .expect("records go away in time");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.runtime.shutdown_background();
        }
    }
}

fn task(id: &str) -> Value {
    json!({
        "arn": format!("arn:aws:ecs:us-east-1:123456789012:task/default/{id}"), "family": "web", "version": "1",
        "desiredStatus": "RUNNING", "overrides": "{}", "launchType": "EC2", "networkMode": "bridge",
        "cpu": 0.25, "memory": 128,
        "containers": [{
            "name": "main", "image": "app:1", "essential": true, "memory": 64, "overrides": "{}",
            "portMappings": [{"containerPort": 8080, "hostPort": 0, "protocol": "tcp"}],
            "dockerConfig": {"config": "{}", "hostConfig": "{\"NetworkMode\":\"bridge\"}", "version": "1.18"},
        }],
    })
}

fn logged(id: &str, options: Value) -> Value {
    let mut task = task(id);
    let host_config = json!({"LogConfig": {"Type": "awslogs", "Config": options}});
    task["containers"][0]["dockerConfig"]["hostConfig"] = json!(host_config.to_string());
    task
}

#[tokio::test]
async fn a_task_goes_from_its_payload_to_running_to_stopped() {
    let world = World::started().await;
    let arn = world.run_task(task("1")).await;
    let ack = world
        .control_plane
        .frame("AckRequest", &format!("payload of {arn}"))
        .await;
    assert_eq!(
        (&ack["cluster"], &ack["containerInstance"]),
        (&json!(CLUSTER), &json!(INSTANCE))
    );

    let running = world.control_plane.state_change(&arn, "RUNNING").await;
    let binding = json!({"bindIP": "0.0.0.0", "containerPort": 8080, "hostPort": 32768, "protocol": "tcp"});
    assert_eq!(running["cluster"], "default");
    assert_eq!(running["containers"][0]["networkBindings"], json!([binding]));
    assert_eq!(running["containers"][0]["runtimeId"], format!("{:0>64}", "1"));
    assert_eq!(running["containers"][0]["imageDigest"], "sha256:m");
    assert!(running["pullStartedAt"].is_number() && running["pullStoppedAt"].is_number());

    world.host.exit("1", "main", 3).await;
    let stopped = world.control_plane.state_change(&arn, "STOPPED").await;
    assert_eq!(stopped["containers"][0]["exitCode"], 3);
    assert!(stopped["executionStoppedAt"].is_number());
    world.no_records().await;
    world
        .host
        .until("the sandbox is gone", |it| it.sandboxes.is_empty())
        .await;
}

#[tokio::test]
async fn a_registration_says_what_the_host_has_and_is_repeated_with_its_arn() {
    let mut world = World::started().await;
    world
        .control_plane
        .until("a session", |it| (it.upgrades.len() == 1).then_some(()))
        .await;
    world.stop().await;
    world.start();
    world
        .control_plane
        .until("another session", |it| (it.upgrades.len() == 2).then_some(()))
        .await;
    let [first, second] = &world.control_plane.calls("RegisterContainerInstance")[..] else {
        panic!("two")
    };
    let resources = json!([
        {"name": "CPU", "type": "INTEGER", "integerValue": 2048},
        {"name": "MEMORY", "type": "INTEGER", "integerValue": 3840},
        {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22"]},
        {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
    ]);
    assert_eq!(first["totalResources"], resources);
    assert_eq!(first["containerInstanceArn"], Value::Null);
    assert_eq!(second["containerInstanceArn"], INSTANCE);
    let upgrade = world.control_plane.world.lock().upgrades[0].clone();
    for (name, value) in [
        ("clusterArn", "default"),
        ("containerInstanceArn", INSTANCE),
        ("protocolVersion", "2"),
        ("sendCredentials", "true"),
        ("seqNum", "1"),
        ("agentVersion", "0.1.0"),
    ] {
        assert_eq!(upgrade[name], value, "{name}");
    }
}

#[tokio::test]
async fn the_default_cluster_is_created_if_it_is_missing() {
    let mut world = World::new().await;
    world.control_plane.world.lock().clusters.clear();
    world.start();
    world
        .control_plane
        .until("a session", |it| (!it.upgrades.is_empty()).then_some(()))
        .await;
    assert_eq!(
        world.control_plane.calls("CreateCluster"),
        [json!({"clusterName": "default"})]
    );
}

#[tokio::test]
async fn a_registration_that_is_refused_is_tried_again() {
    let mut world = World::new().await;
    let refusal = json!({"__type": "AccessDeniedException", "message": "no"});
    world
        .control_plane
        .world
        .lock()
        .refusals
        .insert("RegisterContainerInstance".to_owned(), [(400, refusal)].into());
    world.start();
    world
        .control_plane
        .until("a session", |it| (!it.upgrades.is_empty()).then_some(()))
        .await;
    assert!(world.control_plane.world.lock().refusals["RegisterContainerInstance"].is_empty());
}

#[tokio::test]
async fn a_host_that_was_deregistered_registers_as_another_instance() {
    let mut world = World::started().await;
    world
        .control_plane
        .until("a session", |it| (it.upgrades.len() == 1).then_some(()))
        .await;
    world.stop().await;
    let refusal = json!({
        "__type": "ClientException",
        "message": "The referenced container instance was not found.",
    });
    world
        .control_plane
        .world
        .lock()
        .refusals
        .insert("RegisterContainerInstance".to_owned(), [(400, refusal)].into());
    world.start();
    world
        .control_plane
        .until("another session", |it| (it.upgrades.len() == 2).then_some(()))
        .await;
    let calls = world.control_plane.calls("RegisterContainerInstance");
    let arns: Vec<&Value> = calls.iter().map(|it| &it["containerInstanceArn"]).collect();
    assert_eq!(
        arns,
        [&Value::Null, &Value::Null],
        "the call with the ARN was refused"
    );
    assert!(world.control_plane.world.lock().refusals["RegisterContainerInstance"].is_empty());
}

#[tokio::test]
async fn a_closed_session_is_followed_by_another_and_shutdown_says_goodbye() {
    let mut world = World::started().await;
    world
        .control_plane
        .send("HeartbeatMessage", json!({"messageId": "h1", "healthy": true}))
        .await;
    world.control_plane.frame("HeartbeatAckRequest", "h1").await;
    world.control_plane.close(1000).await;
    world
        .control_plane
        .send("HeartbeatMessage", json!({"messageId": "h2", "healthy": true}))
        .await;
    world.control_plane.frame("HeartbeatAckRequest", "h2").await;
    let upgrades = world.control_plane.world.lock().upgrades.clone();
    assert_eq!(upgrades[1]["sendCredentials"], "false");
    world.stop().await;
    world
        .control_plane
        .until("1001", |it| it.closes.contains(&1001).then_some(()))
        .await;
}

#[tokio::test]
async fn a_payload_that_comes_again_is_acknowledged_and_changes_nothing() {
    let world = World::started().await;
    let arn = world.run_task(task("1")).await;
    world.send_tasks("again", &[task("1")]).await;
    world.control_plane.frame("AckRequest", "again").await;
    assert_eq!(world.control_plane.calls("SubmitTaskStateChange").len(), 1);
    let mut stop = task("1");
    stop["desiredStatus"] = json!("STOPPED");
    world.send_tasks("stop", &[stop]).await;
    let stopped = world.control_plane.state_change(&arn, "STOPPED").await;
    assert_eq!(stopped["containers"][0]["exitCode"], 143);
    let starts = world
        .host
        .world
        .lock()
        .calls
        .iter()
        .filter(|it| it.starts_with("start"))
        .count();
    assert_eq!(starts, 1);
}

#[tokio::test]
async fn a_manifest_without_a_task_stops_it_once_confirmed() {
    let world = World::started().await;
    let arn = world.run_task(task("1")).await;
    let manifest = json!({"messageId": "m", "timeline": 2, "tasks": []});
    world.control_plane.send("TaskManifestMessage", manifest).await;
    let verification = world
        .control_plane
        .frame("TaskStopVerificationMessage", "m")
        .await;
    assert_eq!(verification["stopCandidates"][0]["taskArn"], arn.as_str());
    let answer = json!({"messageId": "m", "stopTasks": verification["stopCandidates"]});
    world.control_plane.send("TaskStopVerificationAck", answer).await;
    world.control_plane.state_change(&arn, "STOPPED").await;
}

#[tokio::test]
async fn a_state_change_is_submitted_until_it_is_acknowledged() {
    let world = World::started().await;
    let failure = (500, json!({"__type": "ServerException", "message": "not now"}));
    let refusals = [failure.clone(), failure.clone(), failure];
    world
        .control_plane
        .world
        .lock()
        .refusals
        .insert("SubmitTaskStateChange".to_owned(), refusals.into());
    world.run_task(task("1")).await;
    assert!(world.control_plane.world.lock().refusals["SubmitTaskStateChange"].is_empty());
}

#[tokio::test]
async fn a_killed_agent_loses_nothing() {
    let mut world = World::started().await;
    let ended = world.run_task(task("1")).await;
    let running = world.run_task(task("2")).await;
    world.kill().await;
    world.host.exit("1", "main", 9).await;
    world.start();
    let stopped = world.control_plane.state_change(&ended, "STOPPED").await;
    assert_eq!(stopped["containers"][0]["exitCode"], 9);
    world.host.exit("2", "main", 0).await;
    world.control_plane.state_change(&running, "STOPPED").await;
    world.no_records().await;
}

#[tokio::test]
async fn a_reboot_ends_the_tasks() {
    let mut world = World::started().await;
    let arn = world.run_task(task("1")).await;
    world.recorded_as_started("1").await;
    world.kill().await;
    world.host.reboot();
    world.start();
    let stopped = world.control_plane.state_change(&arn, "STOPPED").await;
    assert_eq!(
        stopped["containers"][0]["reason"],
        "ContainerVanishedError: No container matching saved ID found"
    );
    assert_eq!(stopped["containers"][0]["exitCode"], Value::Null);
}

#[tokio::test]
async fn output_is_shipped_and_not_repeated_after_a_restart() {
    let mut world = World::started().await;
    let options = json!({"awslogs-group": "g", "awslogs-stream-prefix": "p", "awslogs-create-group": "true"});
    let arn = world.run_task(logged("1", options)).await;
    world.host.say("1", "main", &["one"]);
    let messages = |it: &fake_control_plane::World| -> Vec<String> {
        let puts = it.calls.iter().filter(|it| it.0 == "PutLogEvents");
        let events = puts.flat_map(|it| it.1["logEvents"].as_array().unwrap().clone());
        events
            .map(|it| it["message"].as_str().unwrap().to_owned())
            .collect()
    };
    world
        .control_plane
        .until("one", |it| (messages(it) == ["one"]).then_some(()))
        .await;
    assert_eq!(
        world.control_plane.calls("PutLogEvents")[0]["logStreamName"],
        "p/main/1"
    );
    world.stop().await;
    world.host.say("1", "main", &["two"]);
    world.start();
    world
        .control_plane
        .until("two", |it| (messages(it) == ["one", "two"]).then_some(()))
        .await;
    world.host.say("1", "main", &["last words"]);
    world.host.exit("1", "main", 0).await;
    world.control_plane.state_change(&arn, "STOPPED").await;
    assert_eq!(
        messages(&world.control_plane.world.lock()),
        ["one", "two", "last words"]
    );
}

#[tokio::test]
async fn a_missing_log_group_fails_the_task_before_it_starts() {
    let world = World::started().await;
    let options = json!({"awslogs-group": "g", "awslogs-stream-prefix": "p"});
    let task = logged("1", options);
    world.send_tasks("m", std::slice::from_ref(&task)).await;
    let stopped = world
        .control_plane
        .state_change(task["arn"].as_str().unwrap(), "STOPPED")
        .await;
    let expected = "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 \
                    times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log \
                    group does not exist.";
    assert_eq!(stopped["reason"], expected);
    assert!(
        !world
            .host
            .world
            .lock()
            .calls
            .iter()
            .any(|it| it.starts_with("start"))
    );
}

#[tokio::test]
async fn an_interface_is_attached_with_its_task() {
    let world = World::started().await;
    let mut task = task("1");
    task["networkMode"] = json!("awsvpc");
    task["elasticNetworkInterfaces"] = json!([{
        "attachmentArn": "arn:att", "ec2Id": "eni-1", "macAddress": "02:42:ac:1f:00:05",
        "ipv4Addresses": [{"primary": true, "privateAddress": "172.31.0.5"}],
        "subnetGatewayIpv4Address": "172.31.0.1/20", "vpcId": "vpc-1", "vpcCidr": "172.31.0.0/16",
    }]);
    let arn = world.run_task(task).await;
    let running = world.control_plane.state_change(&arn, "RUNNING").await;
    assert_eq!(
        running["attachments"],
        json!([{"attachmentArn": "arn:att", "status": "ATTACHED"}])
    );
}

#[tokio::test]
async fn many_tasks_start_at_once_without_delay() {
    let world = World::started().await;
    world.run_task(task("warm")).await;
    let tasks: Vec<Value> = (0..50).map(|it| task(&format!("t{it}"))).collect();
    let begun = Instant::now();
    world.send_tasks("many", &tasks).await;
    for task in &tasks {
        world
            .control_plane
            .state_change(task["arn"].as_str().unwrap(), "RUNNING")
            .await;
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    println!("50 tasks in {took:?}");
}
