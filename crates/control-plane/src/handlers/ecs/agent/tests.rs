//! What agents call: reports that change tasks, and those that are refused.

use serde_json::{Value, json};

use crate::call::Origin;
use crate::fixture::{ACCOUNT, Fixture, text};

const INVALID: &str = "InvalidParameterException";

async fn task(fixture: &Fixture) -> String {
    fixture.instance().await;
    fixture.definition().await;
    let run = fixture.ask("RunTask", json!({ "taskDefinition": "web" })).await;
    text(&run["tasks"][0]["taskArn"])
}

async fn described(fixture: &Fixture, task: &str) -> Value {
    fixture.ask("DescribeTasks", json!({ "tasks": [task] })).await["tasks"][0].clone()
}

#[tokio::test]
async fn a_task_goes_on_as_its_agent_reports() {
    let fixture = Fixture::new().await;
    let task = task(&fixture).await;
    assert_eq!(described(&fixture, &task).await["lastStatus"], "PENDING");
    let bindings = json!([
        { "bindIP": "0.0.0.0", "containerPort": 80, "hostPort": 32_768, "protocol": "tcp" },
        { "bindIP": "0.0.0.0", "containerPortRange": "90-92", "hostPortRange": "40000-40002", "protocol": "udp" },
        { "containerPort": 65_536, "hostPort": 1 },
        { "containerPort": 81 },
    ]);
    let running = json!({
        "cluster": "default", "task": task, "status": "RUNNING",
        "pullStartedAt": 1_700_000_001, "pullStoppedAt": 1_700_000_002,
        "containers": [{ "containerName": "web", "status": "RUNNING", "runtimeId": "r1", "imageDigest": "sha256:0",
            "networkBindings": bindings }],
    });
    let answer = fixture.ask("SubmitTaskStateChange", running).await;
    assert_eq!(answer, json!({ "acknowledgment": "ACK" }));
    let shown = described(&fixture, &task).await;
    assert_eq!(shown["lastStatus"], "RUNNING");
    assert_eq!(
        (shown["pullStartedAt"].as_f64(), shown["pullStoppedAt"].as_f64()),
        (Some(1_700_000_001.0), Some(1_700_000_002.0))
    );
    let container = &shown["containers"][0];
    for (member, expected) in [
        ("lastStatus", json!("RUNNING")),
        ("runtimeId", json!("r1")),
        ("imageDigest", json!("sha256:0")),
        ("networkBindings", json!([bindings[0], bindings[1]])),
    ] {
        assert_eq!(container[member], expected, "{member}");
    }
    let exited = json!({
        "cluster": "default", "task": task, "containerName": "web", "status": "STOPPED", "exitCode": 3, "reason": "it fell",
    });
    let answer = fixture.ask("SubmitContainerStateChange", exited).await;
    assert_eq!(answer, json!({ "acknowledgment": "ACK" }));
    let container = described(&fixture, &task).await["containers"][0].clone();
    assert_eq!(
        (
            &container["lastStatus"],
            &container["exitCode"],
            &container["reason"]
        ),
        (&json!("STOPPED"), &json!(3), &json!("it fell"))
    );
    let stopped =
        json!({ "task": task, "status": "STOPPED", "reason": "Essential container in task exited" });
    fixture.ask("SubmitTaskStateChange", stopped).await;
    assert_eq!(described(&fixture, &task).await["lastStatus"], "STOPPED");
    let late = json!({ "task": task, "status": "RUNNING" });
    fixture.ask("SubmitTaskStateChange", late).await;
    assert_eq!(
        described(&fixture, &task).await["lastStatus"],
        "STOPPED",
        "never backwards"
    );
}

#[tokio::test]
async fn words_that_say_nothing_change_nothing() {
    let fixture = Fixture::new().await;
    let task = task(&fixture).await;
    // The first report says that the agent is connected.
    fixture
        .ask("SubmitTaskStateChange", json!({ "task": task }))
        .await;
    let before = described(&fixture, &task).await;
    assert_eq!(before["connectivity"], "CONNECTED");
    for report in [
        json!({ "task": task }),
        json!({ "task": task, "status": "CREATED" }),
        json!({ "task": task, "containers": [], "attachments": [] }),
        json!({ "task": task, "containers": [{ "containerName": "other", "status": "STOPPED" }] }),
        json!({ "task": task, "containers": [{ "containerName": "web", "status": "CREATED" }] }),
    ] {
        fixture.ask("SubmitTaskStateChange", report.clone()).await;
        let mut after = described(&fixture, &task).await;
        after["version"] = before["version"].clone();
        assert_eq!(after, before, "{report}");
    }
}

#[tokio::test]
async fn reports_of_what_is_not_there_are_refused() {
    let fixture = Fixture::new().await;
    let task = task(&fixture).await;
    let unknown = format!("{ACCOUNT}:task/default/{}", "0".repeat(32));
    let not_found = (
        INVALID.to_owned(),
        "The referenced task was not found.".to_owned(),
    );
    for operation in ["SubmitTaskStateChange", "SubmitContainerStateChange"] {
        for of in [
            json!(null),
            json!(""),
            json!("web"),
            json!(unknown),
            json!(task.replace("us-east-1", "eu-west-1")),
        ] {
            let report = json!({ "task": of, "status": "RUNNING", "containerName": "web" });
            assert_eq!(
                fixture.refused(operation, report).await,
                not_found,
                "{operation} {of}"
            );
        }
        let elsewhere = json!({ "cluster": "other", "task": task, "status": "RUNNING" });
        let (code, message) = fixture.refused(operation, elsewhere).await;
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("ClusterNotFoundException", "Cluster not found.")
        );
    }
    let attached = json!({ "cluster": "other", "attachments": [] });
    let (code, _) = fixture.refused("SubmitAttachmentStateChanges", attached).await;
    assert_eq!(code, "ClusterNotFoundException");
}

#[tokio::test]
async fn attachments_of_tasks_are_known_while_the_tasks_live() {
    let fixture = Fixture::new().await;
    fixture.instance_with(&["ecs.capability.task-eni"]).await;
    let made = fixture.ask_of("ec2", "CreateVpc", json!({ "CidrBlock": "10.1.0.0/16" }));
    let vpc = text(&made.await["vpc"]["vpcId"]);
    let subnet = json!({ "VpcId": vpc, "CidrBlock": "10.1.0.0/24" });
    let made = fixture.ask_of("ec2", "CreateSubnet", subnet).await;
    let awsvpc = json!({ "subnets": [made["subnet"]["subnetId"]] });
    let container = json!({ "name": "web", "image": "web", "memory": 64 });
    let definition = json!({ "family": "eni", "networkMode": "awsvpc", "containerDefinitions": [container] });
    fixture.ask("RegisterTaskDefinition", definition).await;
    let run = json!({ "taskDefinition": "eni", "networkConfiguration": { "awsvpcConfiguration": awsvpc } });
    let run = fixture.ask("RunTask", run).await;
    let task = text(&run["tasks"][0]["taskArn"]);
    let id = text(&run["tasks"][0]["attachments"][0]["id"]);
    let attached = |name: String| json!({ "attachments": [{ "attachmentArn": name, "status": "ATTACHED" }] });
    for name in [id.clone(), format!("default/{id}")] {
        let report = attached(format!("{ACCOUNT}:attachment/{name}"));
        let answer = fixture.ask("SubmitAttachmentStateChanges", report).await;
        assert_eq!(answer, json!({ "acknowledgment": "ACK" }));
    }
    let refused = fixture.refused("SubmitAttachmentStateChanges", json!({ "attachments": [] }));
    let expected = (INVALID.to_owned(), "Attachments cannot be empty.".to_owned());
    assert_eq!(refused.await, expected);
    fixture.report(&task, domain::task::TaskStatus::Stopped).await;
    for name in [
        id.clone(),
        format!("other/{id}"),
        "none".to_owned(),
        String::new(),
    ] {
        let arn = format!("{ACCOUNT}:attachment/{name}");
        let refused = fixture
            .refused("SubmitAttachmentStateChanges", attached(arn.clone()))
            .await;
        assert_eq!(
            refused,
            (INVALID.to_owned(), format!("The attachment {arn} was not found."))
        );
    }
}

#[tokio::test]
async fn an_instance_says_what_it_has_and_is_told_where_to_go() {
    let fixture = Fixture::new().await;
    let resource = |name: &str, value: i32| json!({ "name": name, "type": "INTEGER", "integerValue": value });
    for (resources, lacks) in [
        (json!(null), "CPU"),
        (json!([resource("MEMORY", 1)]), "CPU"),
        (json!([resource("CPU", 1)]), "MEMORY"),
        (json!([resource("CPU", -1), resource("MEMORY", 1)]), "CPU"),
    ] {
        let found = fixture
            .refused(
                "RegisterContainerInstance",
                json!({ "totalResources": resources }),
            )
            .await;
        let expected = format!("totalResources must have {lacks}, a number of at least 0.");
        assert_eq!(found, (INVALID.to_owned(), expected), "{resources}");
    }
    let ports =
        |name: &str, ports: Value| json!({ "name": name, "type": "STRINGSET", "stringSetValue": ports });
    let total = json!([
        resource("CPU", 0),
        resource("MEMORY", 0),
        ports("PORTS", json!(["22", "x"])),
        ports("PORTS_UDP", json!(["53"]))
    ]);
    let versions = json!({ "agentVersion": "1.2.3", "agentHash": "h", "dockerVersion": "d" });
    let input = json!({ "totalResources": total, "versionInfo": versions });
    let made = fixture.ask("RegisterContainerInstance", input).await["containerInstance"].clone();
    assert_eq!(made["versionInfo"], versions);
    let set = |name: &str| {
        let resources = made["registeredResources"].as_array().expect("a list");
        resources
            .iter()
            .find(|it| it["name"] == name)
            .map(|it| it["stringSetValue"].clone())
    };
    assert_eq!(
        (set("PORTS"), set("PORTS_UDP")),
        (Some(json!(["22"])), Some(json!(["53"])))
    );
    let unknown = format!("{ACCOUNT}:container-instance/default/{}", "0".repeat(32));
    let again = json!({ "totalResources": total, "containerInstanceArn": unknown });
    let (code, message) = fixture.refused("RegisterContainerInstance", again).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "ClientException",
            "The referenced container instance was not found."
        )
    );
    let endpoint = fixture.ask("DiscoverPollEndpoint", json!({})).await;
    let expected = json!({ "endpoint": "http://127.0.0.1:4510/acs/", "telemetryEndpoint": "http://127.0.0.1:4510/tcs/" });
    assert_eq!(endpoint, expected);
}

#[test]
fn an_agent_is_told_of_sockets_where_it_reaches_the_server() {
    let advertised = "http://127.0.0.1:4566";
    let near_end_of_a_tunnel = Origin {
        authority: Some("127.0.0.1:9000".to_owned()),
        is_encrypted: false,
    };
    let behind_a_proxy = Origin {
        authority: Some("gantry.example".to_owned()),
        is_encrypted: true,
    };
    for (origin, expected) in [
        (Origin::default(), "http://127.0.0.1:4566/acs/"),
        (near_end_of_a_tunnel, "http://127.0.0.1:9000/acs/"),
        (behind_a_proxy, "https://gantry.example/acs/"),
    ] {
        assert_eq!(origin.http_url(advertised, "/acs/"), expected);
    }
}
