//! Lists that nobody gave anything for: as members of requests, and as members of answers.

use std::collections::BTreeSet;

use expect_test::expect;
use serde_json::{Value, json};

use crate::fixture::{Fixture, text};

const MODEL: &str = include_str!("../../../../../../models/ecs.json");

/// One of each resource, made with as little as possible.
struct World {
    fixture: Fixture,
    model: Value,
    instance: String,
    task: String,
    task_set: String,
    deployment: String,
    revision: String,
}

impl World {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let instance = fixture.instance().await;
        fixture.definition().await;
        let create = json!({ "serviceName": "web", "taskDefinition": "web", "desiredCount": 0 });
        let service = fixture.ask("CreateService", create).await["service"].clone();
        let external = json!({ "serviceName": "external", "deploymentController": { "type": "EXTERNAL" } });
        fixture.ask("CreateService", external).await;
        let task_set = json!({ "cluster": "default", "service": "external", "taskDefinition": "web" });
        let task_set = fixture.ask("CreateTaskSet", task_set).await["taskSet"]["id"].clone();
        let group = json!({ "autoScalingGroupArn": "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:autoScalingGroupName/g" });
        fixture
            .ask(
                "CreateCapacityProvider",
                json!({ "name": "p", "autoScalingGroupProvider": group }),
            )
            .await;
        let task =
            fixture.ask("RunTask", json!({ "taskDefinition": "web" })).await["tasks"][0]["taskArn"].clone();
        Self {
            instance,
            task: text(&task),
            task_set: text(&task_set),
            deployment: text(&service["currentServiceDeployment"]),
            revision: text(&service["currentServiceRevisions"][0]["arn"]),
            model: serde_json::from_str(MODEL).expect("JSON"),
            fixture,
        }
    }

    /// Operations that change nothing, or nothing more, with the least that they need.
    fn calls(&self) -> Vec<(&'static str, Value)> {
        let task_sets = json!({ "cluster": "default", "service": "external" });
        let mut named = task_sets.clone();
        named["taskSets"] = json!([self.task_set]);
        vec![
            ("CreateCluster", json!({})),
            (
                "CreateService",
                json!({ "serviceName": "web", "taskDefinition": "web", "desiredCount": 0 }),
            ),
            ("DescribeCapacityProviders", json!({})),
            ("DescribeClusters", json!({})),
            (
                "DescribeContainerInstances",
                json!({ "containerInstances": [self.instance] }),
            ),
            (
                "DescribeServiceDeployments",
                json!({ "serviceDeploymentArns": [self.deployment] }),
            ),
            (
                "DescribeServiceRevisions",
                json!({ "serviceRevisionArns": [self.revision] }),
            ),
            ("DescribeServices", json!({ "services": ["web", "external"] })),
            ("DescribeTaskDefinition", json!({ "taskDefinition": "web" })),
            ("DescribeTaskSets", named),
            ("DescribeTaskSets", task_sets),
            ("DescribeTasks", json!({ "tasks": [self.task] })),
            ("GetTaskProtection", json!({ "cluster": "default" })),
            ("ListAccountSettings", json!({})),
            ("ListAttributes", json!({ "targetType": "container-instance" })),
            ("ListClusters", json!({})),
            ("ListContainerInstances", json!({})),
            ("ListServiceDeployments", json!({ "service": "web" })),
            ("ListServices", json!({})),
            ("ListTagsForResource", json!({ "resourceArn": self.task })),
            ("ListTaskDefinitionFamilies", json!({ "familyPrefix": "other" })),
            ("ListTaskDefinitions", json!({ "familyPrefix": "other" })),
            ("ListTasks", json!({ "family": "other" })),
            ("UpdateCluster", json!({ "cluster": "default" })),
            ("UpdateService", json!({ "service": "web" })),
        ]
    }

    fn shape_of(&self, operation: &str, side: &str) -> String {
        text(&self.model["operations"][operation][side])
    }

    /// Names of the list members of a shape.
    fn lists<'a>(&'a self, shape: &str) -> impl Iterator<Item = &'a str> {
        let members = self.model["shapes"][shape]["members"].as_object();
        let is_list = |of: &Value| self.model["shapes"][text(&of["shape"])]["type"] == "list";
        members
            .into_iter()
            .flatten()
            .filter(move |(_, of)| is_list(of))
            .map(|(name, _)| name.as_str())
    }

    /// Notes the list members that a value of a shape has not.
    fn absent(&self, shape: &str, value: &Value, found: &mut BTreeSet<String>) {
        let definition = &self.model["shapes"][shape];
        match value {
            Value::Object(members) if definition["type"] == "structure" => {
                let absent = self.lists(shape).filter(|it| !members.contains_key(*it));
                found.extend(absent.map(|it| format!("{shape}.{it}")));
                for (name, value) in members {
                    self.absent(&text(&definition["members"][name]["shape"]), value, found);
                }
            }
            Value::Array(items) => {
                for it in items {
                    self.absent(&text(&definition["member"]["shape"]), it, found);
                }
            }
            _ => {}
        }
    }
}

/// Lists that stay absent while they are empty; all others are `[]`.
#[tokio::test]
async fn answers_have_their_lists_even_if_they_are_empty() {
    let world = World::new().await;
    let mut absent = BTreeSet::new();
    for (operation, input) in world.calls() {
        if let Ok(answer) = world.fixture.attempt("ecs", operation, input).await {
            world.absent(&world.shape_of(operation, "output"), &answer, &mut absent);
        }
    }
    let absent: Vec<String> = absent.into_iter().collect();
    expect![[r#"
        Container.gpuIds
        Container.managedAgents
        Container.neuronDeviceIds
        ContainerDefinition.command
        ContainerDefinition.credentialSpecs
        ContainerDefinition.dependsOn
        ContainerDefinition.dnsSearchDomains
        ContainerDefinition.dnsServers
        ContainerDefinition.dockerSecurityOptions
        ContainerDefinition.entryPoint
        ContainerDefinition.environmentFiles
        ContainerDefinition.extraHosts
        ContainerDefinition.links
        ContainerDefinition.resourceRequirements
        ContainerDefinition.secrets
        ContainerDefinition.ulimits
        ContainerOverride.command
        ContainerOverride.environment
        ContainerOverride.environmentFiles
        ContainerOverride.resourceRequirements
        Deployment.capacityProviderStrategy
        Deployment.serviceConnectResources
        Deployment.volumeConfigurations
        Deployment.vpcLatticeConfigurations
        DeploymentConfiguration.lifecycleHooks
        DescribeTaskDefinitionResponse.tags
        Resource.stringSetValue
        Service.capacityProviderStrategy
        Service.tags
        Service.taskSets
        ServiceDeployment.lifecycleHookDetails
        ServiceRevision.capacityProviderStrategy
        ServiceRevision.volumeConfigurations
        ServiceRevision.vpcLatticeConfigurations
        Task.inferenceAccelerators
        TaskDefinition.inferenceAccelerators
        TaskDefinition.requiresCompatibilities
        TaskSet.capacityProviderStrategy
        TaskSet.tags"#]]
    .assert_eq(&absent.join("\n"));
}

/// A list that is absent, `null` or empty says the same, but where an empty one takes away what was there.
#[tokio::test]
async fn requests_need_no_lists() {
    let world = World::new().await;
    let mut tried = 0;
    for (operation, input) in world.calls() {
        let without = world.fixture.attempt("ecs", operation, input.clone()).await;
        let shape = world.shape_of(operation, "input");
        let given = |name: &&str| input.get(*name).is_some();
        for list in world.lists(&shape).filter(|it| !given(it)) {
            for nothing in [Value::Null, json!([])] {
                let mut input = input.clone();
                input[list] = nothing.clone();
                let with = world.fixture.attempt("ecs", operation, input).await;
                assert_eq!(with, without, "{operation}: {list} of {nothing}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 50, "{tried}");
}

/// The same of operations that make something new each time.
#[tokio::test]
async fn what_is_made_needs_no_lists() {
    let world = World::new().await;
    let container = json!({ "name": "web", "image": "web", "memory": 64 });
    let calls = [
        (
            "CreateTaskSet",
            json!({ "cluster": "default", "service": "external", "taskDefinition": "web" }),
        ),
        (
            "RegisterTaskDefinition",
            json!({ "family": "web", "containerDefinitions": [container] }),
        ),
        ("RunTask", json!({ "taskDefinition": "web" })),
        (
            "StartTask",
            json!({ "taskDefinition": "web", "containerInstances": [world.instance] }),
        ),
    ];
    for (operation, mut input) in calls {
        let shape = world.shape_of(operation, "input");
        let lists: Vec<&str> = world
            .lists(&shape)
            .filter(|it| input.get(*it).is_none())
            .collect();
        for nothing in [Value::Null, json!([])] {
            for list in &lists {
                input[*list] = nothing.clone();
            }
            let answer = world.fixture.ask(operation, input.clone()).await;
            assert!(
                answer.get("failures").is_none_or(|it| *it == json!([])),
                "{operation}: {answer}"
            );
        }
    }
}
