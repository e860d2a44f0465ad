use domain::ContainerInstanceArn;
use orchestrator::transitions::{self, Connection};
use serde_json::{Value, json};
use wire::ServiceError;

use super::state::no_update;
use crate::fixture::{Fixture, code, text};

#[tokio::test]
async fn a_draining_instance_takes_no_new_tasks() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    let definition = fixture.definition().await;
    let run = json!({ "taskDefinition": definition });
    let ran = fixture.ask("RunTask", run.clone()).await;
    let task = ran["tasks"][0]["taskArn"].clone();
    let set = |status: &str| json!({ "containerInstances": [instance], "status": status });
    let changed = fixture
        .ask("UpdateContainerInstancesState", set("DRAINING"))
        .await;
    assert_eq!(changed["containerInstances"][0]["status"], "DRAINING");
    assert_eq!(changed["failures"], json!([]));
    let refused = fixture.refused("RunTask", run.clone()).await;
    let nowhere = (
        "InvalidParameterException".to_owned(),
        "No Container Instances were found in your cluster.".to_owned(),
    );
    assert_eq!(refused, nowhere, "as in an empty cluster");
    let start = json!({ "taskDefinition": definition, "containerInstances": [instance] });
    let named = fixture.ask("StartTask", start).await;
    assert_eq!(
        named["failures"],
        json!([{ "arn": instance, "reason": "INACTIVE" }])
    );
    let other = fixture.instance().await;
    let large = json!({
        "taskDefinition": definition, "overrides": { "containerOverrides": [{ "name": "web", "memory": 9999 }] },
    });
    let refused = fixture.ask("RunTask", large).await;
    assert_eq!(
        refused["failures"],
        json!([{ "arn": other, "reason": "RESOURCE:MEMORY" }])
    );
    let gone = json!({ "containerInstance": other });
    fixture.ask("DeregisterContainerInstance", gone).await;
    let tasks = fixture.ask("DescribeTasks", json!({ "tasks": [task] })).await;
    assert_eq!(
        tasks["tasks"][0]["desiredStatus"], "RUNNING",
        "a standalone task runs on"
    );
    for (status, expected) in [("DRAINING", 1), ("ACTIVE", 0)] {
        let listed = fixture
            .ask("ListContainerInstances", json!({ "status": status }))
            .await;
        assert_eq!(
            listed["containerInstanceArns"].as_array().map(Vec::len),
            Some(expected)
        );
    }
    fixture.ask("UpdateContainerInstancesState", set("ACTIVE")).await;
    let ran = fixture.ask("RunTask", run).await;
    assert_eq!(ran["failures"], json!([]));
}

#[tokio::test]
async fn states_that_cannot_be_set_are_refused_and_failures_named() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    for status in ["REGISTERING", "DEREGISTERING", "REGISTRATION_FAILED", "GONE"] {
        let input = json!({ "containerInstances": [instance], "status": status });
        let refused = fixture.refused("UpdateContainerInstancesState", input).await;
        let message = "Container instance status should be one of [ACTIVE, DRAINING]";
        assert_eq!(
            refused,
            ("InvalidParameterException".to_owned(), message.to_owned())
        );
    }
    let many: Vec<Value> = (0..11).map(|it| json!(format!("i{it}"))).collect();
    for instances in [json!([]), json!(many)] {
        let input = json!({ "containerInstances": instances, "status": "ACTIVE" });
        let refused = fixture.refused("UpdateContainerInstancesState", input).await;
        assert_eq!(code(refused), "InvalidParameterException");
    }
    fixture
        .ask(
            "DeregisterContainerInstance",
            json!({ "containerInstance": instance }),
        )
        .await;
    let input = json!({ "containerInstances": [instance, "nobody"], "status": "ACTIVE" });
    let answer = fixture.ask("UpdateContainerInstancesState", input).await;
    assert_eq!(answer["containerInstances"], json!([]));
    let reasons: Vec<&Value> = answer["failures"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| &it["reason"])
        .collect();
    assert_eq!(reasons, ["INACTIVE", "MISSING"]);
    let arn = text(&answer["failures"][1]["arn"]);
    assert!(arn.ends_with(":container-instance/default/nobody"), "{arn}");
}

#[tokio::test]
async fn an_instance_with_tasks_is_deregistered_only_by_force() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    let definition = fixture.definition().await;
    fixture
        .ask("RunTask", json!({ "taskDefinition": definition }))
        .await;
    let mut input = json!({ "containerInstance": instance });
    let (exception, message) = fixture
        .refused("DeregisterContainerInstance", input.clone())
        .await;
    assert_eq!(exception, "InvalidParameterException");
    assert!(
        message.starts_with("Found running tasks on the instance."),
        "{message}"
    );
    input["force"] = json!(true);
    let gone = fixture.ask("DeregisterContainerInstance", input).await;
    assert_eq!(gone["containerInstance"]["status"], "INACTIVE");
}

#[tokio::test]
async fn tags_and_health_are_shown_when_asked_for() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    let tag = json!({ "key": "rack", "value": "1" });
    fixture
        .ask("TagResource", json!({ "resourceArn": instance, "tags": [tag] }))
        .await;
    let mut input = json!({ "containerInstances": [instance] });
    let plain = fixture.ask("DescribeContainerInstances", input.clone()).await;
    let plain = &plain["containerInstances"][0];
    assert_eq!(plain["tags"], json!([]));
    assert!(plain.get("healthStatus").is_none());
    input["include"] = json!(["TAGS", "CONTAINER_INSTANCE_HEALTH"]);
    let full = fixture.ask("DescribeContainerInstances", input).await;
    let full = &full["containerInstances"][0];
    assert_eq!(full["tags"], json!([tag]));
    assert_eq!(full["healthStatus"]["overallStatus"], "INSUFFICIENT_DATA");
}

#[tokio::test]
async fn agents_are_never_updated() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    let refused = fixture
        .refused("UpdateContainerAgent", json!({ "containerInstance": instance }))
        .await;
    assert_eq!(code(refused), "NoUpdateAvailableException");
    let refused = fixture
        .refused("UpdateContainerAgent", json!({ "containerInstance": "nobody" }))
        .await;
    assert_eq!(code(refused), "ClientException");
    assert_eq!(no_update("").code(), "MissingVersionException");
}

#[tokio::test]
async fn versions_are_those_of_the_registration_until_a_session_says_others() {
    let fixture = Fixture::new().await;
    let versions =
        json!({ "agentVersion": "1.99.0", "agentHash": "abc", "dockerVersion": "DockerVersion: 25" });
    let integer = |name: &str| json!({ "name": name, "type": "INTEGER", "integerValue": 1024 });
    let register = json!({ "totalResources": [integer("CPU"), integer("MEMORY")], "versionInfo": versions });
    let registered = fixture.ask("RegisterContainerInstance", register).await;
    let instance = &registered["containerInstance"];
    assert_eq!(instance["versionInfo"], versions);
    let arn = instance["containerInstanceArn"].clone();
    let again = json!({
        "totalResources": [integer("CPU"), integer("MEMORY")],
        "versionInfo": { "agentVersion": "2.0.0" },
        "containerInstanceArn": arn,
    });
    fixture.ask("RegisterContainerInstance", again).await;
    let described = fixture
        .ask(
            "DescribeContainerInstances",
            json!({ "containerInstances": [arn] }),
        )
        .await;
    let shown = &described["containerInstances"][0]["versionInfo"];
    let expected =
        json!({ "agentVersion": "2.0.0", "agentHash": "abc", "dockerVersion": "DockerVersion: 25" });
    assert_eq!(*shown, expected);
}

/// SSH, Docker and the agent listen on reserved ports: placement knows them, a task definition may name them.
#[tokio::test]
async fn reserved_ports_are_refused_by_the_instance_that_reserves_them() {
    let fixture = Fixture::new().await;
    let resource = |name: &str, value: Value| {
        let mut resource = json!({ "name": name, "type": "INTEGER" });
        let member = if value.is_number() {
            "integerValue"
        } else {
            "stringSetValue"
        };
        resource[member] = value;
        resource
    };
    let mapping = json!({ "containerPort": 22, "hostPort": 22 });
    let container = json!({ "name": "sftp", "image": "sftp", "memory": 64, "portMappings": [mapping] });
    let definition =
        json!({ "family": "sftp", "networkMode": "bridge", "containerDefinitions": [container] });
    fixture.ask("RegisterTaskDefinition", definition).await;
    let mut arns = Vec::new();
    for ports in [json!(["22", "51678"]), json!(["51678"])] {
        let input = json!({
            "totalResources": [
                resource("CPU", json!(1024)), resource("MEMORY", json!(1024)), resource("PORTS", ports),
            ],
            "attributes": [{ "name": "com.amazonaws.ecs.capability.docker-remote-api.1.18" }],
        });
        let joined = fixture.ask("RegisterContainerInstance", input).await;
        let arn = text(&joined["containerInstance"]["containerInstanceArn"]);
        let parsed = ContainerInstanceArn::parse(&arn).expect("an ARN");
        let connected = fixture.store().transact(move |tx| {
            transitions::connect_host(tx, &parsed, Connection::Connected, "1.0.0", "none")
        });
        connected.await.expect("is there");
        arns.push(arn);
    }
    let start = json!({ "taskDefinition": "sftp", "containerInstances": arns });
    let started = fixture.ask("StartTask", start).await;
    assert_eq!(
        started["failures"],
        json!([{ "arn": arns[0], "reason": "RESOURCE:PORTS" }])
    );
    assert_eq!(started["tasks"][0]["containerInstanceArn"], arns[1]);
}

#[tokio::test]
async fn devices_of_an_instance_are_not_counted() {
    let fixture = Fixture::new().await;
    let total = ["CPU", "MEMORY"].map(|it| json!({ "name": it, "type": "INTEGER", "integerValue": 1024 }));
    let devices = json!([{ "id": "GPU-1", "type": "GPU" }]);
    let input = json!({ "totalResources": total, "platformDevices": devices });
    let made = fixture.ask("RegisterContainerInstance", input).await["containerInstance"].clone();
    let names = |list: &Value| -> Vec<String> {
        list.as_array()
            .into_iter()
            .flatten()
            .map(|it| text(&it["name"]))
            .collect()
    };
    assert_eq!(
        names(&made["registeredResources"]),
        names(&made["remainingResources"])
    );
    assert!(
        !names(&made["registeredResources"]).contains(&"GPU".to_owned()),
        "{made}"
    );
    let instance = fixture.instance().await;
    let resource = json!([{ "type": "GPU", "value": "1" }]);
    let container = json!({ "name": "web", "image": "web", "memory": 64, "resourceRequirements": resource });
    let definition = json!({ "family": "gpu", "containerDefinitions": [container] });
    fixture.ask("RegisterTaskDefinition", definition).await;
    let start = json!({ "taskDefinition": "gpu", "containerInstances": [instance] });
    let started = fixture.ask("StartTask", start).await;
    assert_eq!(
        started["failures"],
        json!([{ "arn": instance, "reason": "RESOURCE:GPU" }])
    );
}
