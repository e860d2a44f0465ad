//! Network configurations that are refused, and how the others read back.

use serde_json::{Value, json};

use crate::fixture::{Fixture, text};

const INVALID: &str = "InvalidParameterException";
const NEEDED: &str = "Network Configuration must be provided when networkMode 'awsvpc' is specified.";
const USELESS: &str = "Network Configuration is not valid for the given networkMode of this task definition.";

/// A VPC with 17 subnets and 6 security groups, another with one of each, and families named by their network modes.
struct World {
    fixture: Fixture,
    subnets: Vec<String>,
    groups: Vec<String>,
    other_subnet: String,
    other_group: String,
}

impl World {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let (subnets, groups) = vpc(&fixture, "10.1", 17, 6).await;
        let (other_subnets, other_groups) = vpc(&fixture, "10.2", 1, 1).await;
        for mode in ["awsvpc", "bridge", "host", "none"] {
            register(&fixture, mode, json!({ "networkMode": mode })).await;
        }
        let sized = json!({ "networkMode": "awsvpc", "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"] });
        register(&fixture, "fargate", sized).await;
        let controller = json!({ "type": "EXTERNAL" });
        let external = json!({ "serviceName": "external", "deploymentController": controller });
        fixture.ask("CreateService", external).await;
        Self {
            fixture,
            subnets,
            groups,
            other_subnet: other_subnets[0].clone(),
            other_group: other_groups[0].clone(),
        }
    }

    /// What every operation that takes a network configuration says to it.
    async fn refused(&self, family: &str, more: &Value, expected: &str) {
        for (operation, least) in [
            (
                "CreateService",
                json!({ "serviceName": "web", "desiredCount": 0 }),
            ),
            ("RunTask", json!({})),
            ("StartTask", json!({ "containerInstances": ["a".repeat(32)] })),
            (
                "CreateTaskSet",
                json!({ "cluster": "default", "service": "external" }),
            ),
        ] {
            let mut input = with(least, more);
            input["taskDefinition"] = json!(family);
            let found = self.fixture.refused(operation, input).await;
            assert_eq!(
                found,
                (INVALID.to_owned(), expected.to_owned()),
                "{operation} {family} {more}"
            );
        }
    }

    /// The network configuration of a new service, as it reads back.
    async fn accepted(&self, name: &str, family: &str, more: &Value) -> Value {
        let least = json!({ "serviceName": name, "taskDefinition": family, "desiredCount": 0 });
        let created = self.fixture.ask("CreateService", with(least, more)).await;
        assert_eq!(
            created["service"]["deployments"][0]["networkConfiguration"],
            created["service"]["networkConfiguration"]
        );
        created["service"]["networkConfiguration"].clone()
    }
}

fn with(mut base: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().expect("an object") {
        base[name] = value.clone();
    }
    base
}

async fn vpc(fixture: &Fixture, range: &str, subnets: usize, groups: usize) -> (Vec<String>, Vec<String>) {
    let made = fixture
        .ask_of(
            "ec2",
            "CreateVpc",
            json!({ "CidrBlock": format!("{range}.0.0/16") }),
        )
        .await;
    let vpc = text(&made["vpc"]["vpcId"]);
    let (mut subnet_ids, mut group_ids) = (Vec::new(), Vec::new());
    for index in 0..subnets {
        let input = json!({ "VpcId": vpc, "CidrBlock": format!("{range}.{index}.0/24") });
        let made = fixture.ask_of("ec2", "CreateSubnet", input).await;
        subnet_ids.push(text(&made["subnet"]["subnetId"]));
    }
    for index in 0..groups {
        let input = json!({ "VpcId": vpc, "GroupName": format!("g{index}"), "GroupDescription": "a group" });
        let made = fixture.ask_of("ec2", "CreateSecurityGroup", input).await;
        group_ids.push(text(&made["groupId"]));
    }
    (subnet_ids, group_ids)
}

async fn register(fixture: &Fixture, family: &str, more: Value) {
    let container = json!({ "name": "web", "image": "web", "memory": 64 });
    let least = json!({ "family": family, "containerDefinitions": [container] });
    fixture.ask("RegisterTaskDefinition", with(least, &more)).await;
}

fn configured(awsvpc: Value) -> Value {
    json!({ "networkConfiguration": { "awsvpcConfiguration": awsvpc } })
}

#[tokio::test]
async fn only_tasks_in_awsvpc_have_a_network_configuration() {
    let world = World::new().await;
    let one = configured(json!({ "subnets": [world.subnets[0]] }));
    for family in ["bridge", "host", "none"] {
        world.refused(family, &one, USELESS).await;
        let said_nothing = json!({ "networkConfiguration": {} });
        assert_eq!(
            world.accepted(family, family, &said_nothing).await,
            Value::Null,
            "{family}"
        );
    }
    for nothing in [json!({}), json!({ "networkConfiguration": {} })] {
        world.refused("awsvpc", &nothing, NEEDED).await;
    }
}

#[tokio::test]
async fn subnets_and_security_groups_are_refused_in_amazons_words() {
    let world = World::new().await;
    let (subnets, groups) = (&world.subnets, &world.groups);
    let elsewhere = world.fixture.store().transact(|tx| {
        let scope = domain::Scope::new("123456789012", "eu-west-1");
        let cidr = "172.31.0.0/16".parse().expect("valid");
        let (_, subnets) = orchestrator::transitions::ensure_default_network(tx, &scope, cidr);
        Ok::<_, std::convert::Infallible>(subnets[0].id.clone())
    });
    let elsewhere = elsewhere.await.expect("is made");
    for unknown in ["subnet-0123456789abcdef0", &elsewhere] {
        let expected = format!(
            "Error retrieving subnet information for [{unknown}]: The subnet ID '{unknown}' does not exist. The subnets here are "
        );
        let input = configured(json!({ "subnets": [subnets[0], unknown] }));
        let input = with(json!({ "taskDefinition": "awsvpc" }), &input);
        let (code, message) = world.fixture.refused("RunTask", input).await;
        assert!(code == INVALID && message.starts_with(&expected), "{message}");
        assert!(
            message.contains(&subnets[16]) && message[expected.len()..].find(&*elsewhere).is_none(),
            "{message}"
        );
    }
    let unknown = "sg-0123456789abcdef0";
    for (awsvpc, expected) in [
        (json!({ "subnets": [] }), "subnets can not be empty.".to_owned()),
        (
            json!({ "subnets": subnets }),
            "subnets can have at most 16 items.".to_owned(),
        ),
        (
            json!({ "subnets": [subnets[0], world.other_subnet] }),
            "Subnets must all be within the same VPC.".to_owned(),
        ),
        (
            json!({ "subnets": [subnets[0]], "securityGroups": groups }),
            "securityGroups can have at most 5 items.".to_owned(),
        ),
        (
            json!({ "subnets": [subnets[0]], "securityGroups": [groups[0], unknown] }),
            format!(
                "Error retrieving security group information for [{unknown}]: The security group '{unknown}' does not \
                 exist (ErrorCode: InvalidGroup.NotFound)"
            ),
        ),
        (
            json!({ "subnets": [subnets[0]], "assignPublicIp": "YES" }),
            "Invalid assignPublicIp: \"YES\"; it must be one of ENABLED, DISABLED.".to_owned(),
        ),
    ] {
        world.refused("awsvpc", &configured(awsvpc), &expected).await;
    }
    let foreign = configured(json!({ "subnets": [subnets[0]], "securityGroups": [world.other_group] }));
    let foreign = with(json!({ "taskDefinition": "awsvpc" }), &foreign);
    let (code, message) = world.fixture.refused("RunTask", foreign).await;
    let expected = format!(
        "Security groups and subnets must belong to the same VPC: {} is",
        world.other_group
    );
    assert!(code == INVALID && message.starts_with(&expected), "{message}");
}

#[tokio::test]
async fn what_is_accepted_reads_back_with_its_defaults() {
    let world = World::new().await;
    let (subnets, groups) = (&world.subnets, &world.groups);
    let read = |subnets: &[String], groups: &[String], public: &str| {
        json!({ "awsvpcConfiguration": {
        "subnets": subnets, "securityGroups": groups, "assignPublicIp": public,
    } })
    };
    let most = configured(json!({ "subnets": subnets[..16], "securityGroups": groups[..5] }));
    assert_eq!(
        world.accepted("most", "awsvpc", &most).await,
        read(&subnets[..16], &groups[..5], "DISABLED")
    );
    let least = configured(json!({ "subnets": subnets[..1] }));
    assert_eq!(
        world.accepted("least", "awsvpc", &least).await,
        read(&subnets[..1], &[], "DISABLED")
    );
    let mut twice = groups[..5].to_vec();
    twice.push(groups[2].clone());
    let twice =
        configured(json!({ "subnets": subnets[..1], "securityGroups": twice, "assignPublicIp": "DISABLED" }));
    assert_eq!(
        world.accepted("twice", "awsvpc", &twice).await,
        read(&subnets[..1], &groups[..5], "DISABLED")
    );
    let update = with(
        json!({ "service": "least" }),
        &configured(json!({ "subnets": subnets[1..3], "securityGroups": groups[5..] })),
    );
    let updated = world.fixture.ask("UpdateService", update).await;
    assert_eq!(
        updated["service"]["networkConfiguration"],
        read(&subnets[1..3], &groups[5..], "DISABLED")
    );
}

#[tokio::test]
async fn only_tasks_on_fargate_get_a_public_address() {
    let world = World::new().await;
    let public = |more: Value| {
        let network = json!({ "subnets": world.subnets[..1], "assignPublicIp": "ENABLED" });
        with(configured(network), &more)
    };
    let refusal = "Assign public IP is not supported for this launch type.";
    world.refused("awsvpc", &public(json!({})), refusal).await;
    let on = |launch_type: &str| {
        let input = json!({ "taskDefinition": "fargate", "launchType": launch_type });
        with(input, &public(json!({})))
    };
    let (code, message) = world.fixture.refused("RunTask", on("EXTERNAL")).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        (INVALID, "Task definition does not support launch_type EXTERNAL.")
    );
    let launch_type = public(json!({ "launchType": "FARGATE" }));
    let providers = json!({ "cluster": "default", "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": [] });
    world.fixture.ask("PutClusterCapacityProviders", providers).await;
    let strategy =
        public(json!({ "capacityProviderStrategy": [{ "capacityProvider": "FARGATE", "weight": 1 }] }));
    for (name, more) in [("typed", launch_type), ("provided", strategy)] {
        let shown = world.accepted(name, "fargate", &more).await;
        assert_eq!(
            shown["awsvpcConfiguration"]["assignPublicIp"], "ENABLED",
            "{name}"
        );
    }
    let on_ec2 = configured(json!({ "subnets": world.subnets[..1] }));
    world.accepted("hosts", "awsvpc", &on_ec2).await;
    let update = with(json!({ "service": "hosts" }), &public(json!({})));
    let (code, message) = world.fixture.refused("UpdateService", update).await;
    assert_eq!((code.as_str(), message.as_str()), (INVALID, refusal));
}
