//! The API as clients speak it.

mod deployments;
mod groups;
mod revisions;

use serde_json::{Value, json};

use crate::fixture::{Fixture, text};

const DEPLOY: &str = "codedeploy";
const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

struct World {
    fixture: Fixture,
    listener: String,
    test_listener: String,
}

impl World {
    /// A service `web` behind the first of the target groups `blue` and `green`, and the application `shop`.
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        fixture.served_definition().await;
        let made = fixture
            .store()
            .transact(|tx| -> Result<_, std::convert::Infallible> {
                let scope = domain::Scope::new("123456789012", "us-east-1");
                let vpc = tx.put(domain::vpc::Vpc {
                    is_default: true,
                    ..domain::vpc::Vpc::new(
                        tx.ids().ec2("vpc"),
                        scope.clone(),
                        "10.0.0.0/16".parse().expect("a range"),
                        tx.ids().ec2("sg"),
                    )
                });
                orchestrator::transitions::furnish_vpc(tx, &vpc);
                let zones = [("us-east-1a", "10.0.0.0/28"), ("us-east-1b", "10.0.1.0/28")];
                let subnets = zones.map(|(zone, cidr)| {
                    let subnet = tx.put(domain::vpc::Subnet {
                        id: tx.ids().ec2("subnet"),
                        scope: scope.clone(),
                        vpc_id: vpc.id.clone(),
                        cidr: cidr.parse().expect("a range"),
                        availability_zone: zone.to_owned(),
                        is_default: true,
                        maps_public_ip_on_launch: true,
                        tags: Vec::new(),
                    });
                    subnet.id.clone()
                });
                Ok((vpc.id.clone(), subnets))
            });
        let (vpc, subnets) = made.await.expect("is stored");
        let elb = "elasticloadbalancing";
        let mut groups = Vec::new();
        for name in ["blue", "green"] {
            let input = json!({ "Name": name, "Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "instance" });
            let made = fixture.ask_of(elb, "CreateTargetGroup", input).await;
            groups.push(text(&made["TargetGroups"][0]["TargetGroupArn"]));
        }
        let input = json!({ "Name": "web", "Subnets": subnets });
        let made = fixture.ask_of(elb, "CreateLoadBalancer", input).await;
        let balancer = made["LoadBalancers"][0]["LoadBalancerArn"].clone();
        let mut listeners = Vec::new();
        for port in [80, 8080] {
            let input = json!({
                "LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": port,
                "DefaultActions": [{ "Type": "forward", "TargetGroupArn": groups[0] }],
            });
            let made = fixture.ask_of(elb, "CreateListener", input).await;
            listeners.push(text(&made["Listeners"][0]["ListenerArn"]));
        }
        let service = json!({
            "serviceName": "web", "taskDefinition": "web", "desiredCount": 1,
            "deploymentController": { "type": "CODE_DEPLOY" },
            "loadBalancers": [{ "targetGroupArn": groups[0], "containerName": "web", "containerPort": 80 }],
        });
        fixture.ask("CreateService", service).await;
        let world = Self {
            fixture,
            listener: listeners.remove(0),
            test_listener: listeners.remove(0),
        };
        let application = json!({ "applicationName": "shop", "computePlatform": "ECS" });
        world.ask("CreateApplication", application).await;
        world
    }

    async fn ask(&self, operation: &str, input: Value) -> Value {
        self.fixture.ask_of(DEPLOY, operation, input).await
    }

    async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        self.fixture.refused_of(DEPLOY, operation, input).await
    }

    /// What CreateDeploymentGroup wants to know of the service `web`.
    fn wish(&self, name: &str) -> Value {
        json!({
            "applicationName": "shop",
            "deploymentGroupName": name,
            "serviceRoleArn": ROLE,
            "ecsServices": [{ "clusterName": "default", "serviceName": "web" }],
            "deploymentStyle": {
                "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL",
            },
            "loadBalancerInfo": { "targetGroupPairInfoList": [{
                "targetGroups": [{ "name": "blue" }, { "name": "green" }],
                "prodTrafficRoute": { "listenerArns": [self.listener] },
                "testTrafficRoute": { "listenerArns": [self.test_listener] },
            }] },
            "blueGreenDeploymentConfiguration": {
                "deploymentReadyOption": { "actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0 },
                "terminateBlueInstancesOnDeploymentSuccess": {
                    "action": "TERMINATE", "terminationWaitTimeInMinutes": 5,
                },
            },
        })
    }
}

fn group(name: &str) -> Value {
    json!({ "applicationName": "shop", "deploymentGroupName": name })
}

/// The wish with another value of a member, or without it.
fn with(mut wish: Value, member: &str, value: Value) -> Value {
    if let Some(members) = wish.as_object_mut() {
        match value {
            Value::Null => drop(members.remove(member)),
            value => drop(members.insert(member.to_owned(), value)),
        }
    }
    wish
}
