//! The API as clients speak it.

mod listeners;
mod load_balancers;
mod rules;
mod target_groups;
mod targets;

use serde_json::{Value, json};

use crate::fixture::{Fixture, text};

const ELB: &str = "elasticloadbalancing";
const ARN: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012";

struct World {
    fixture: Fixture,
    vpc: String,
    /// In the zones a, b, and a again.
    subnets: [String; 3],
    group: String,
}

impl World {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let made = fixture
            .store()
            .transact(|tx| -> Result<_, std::convert::Infallible> {
                let scope = domain::Scope::new("123456789012", "us-east-1");
                let vpc = tx.put(domain::vpc::Vpc {
                    id: tx.ids().ec2("vpc"),
                    scope: scope.clone(),
                    cidr: "10.0.0.0/16".parse().expect("a range"),
                    default_security_group: tx.ids().ec2("sg"),
                });
                let subnets = [
                    ("us-east-1a", "10.0.0.0/28"),
                    ("us-east-1b", "10.0.1.0/28"),
                    ("us-east-1a", "10.0.2.0/28"),
                ];
                let subnets = subnets.map(|(zone, cidr)| {
                    let subnet = tx.put(domain::vpc::Subnet {
                        id: tx.ids().ec2("subnet"),
                        scope: scope.clone(),
                        vpc_id: vpc.id.clone(),
                        cidr: cidr.parse().expect("a range"),
                        availability_zone: zone.to_owned(),
                    });
                    subnet.id.clone()
                });
                Ok((vpc.id.clone(), subnets, vpc.default_security_group.clone()))
            });
        let (vpc, subnets, group) = made.await.expect("is stored");
        Self {
            fixture,
            vpc,
            subnets,
            group,
        }
    }

    async fn ask(&self, operation: &str, input: Value) -> Value {
        self.fixture.ask_of(ELB, operation, input).await
    }

    async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        self.fixture.refused_of(ELB, operation, input).await
    }

    /// What CreateLoadBalancer wants to know of one of that kind.
    fn wish(&self, name: &str, kind: &str) -> Value {
        json!({ "Name": name, "Type": kind, "Subnets": self.subnets[..2] })
    }

    async fn load_balancer(&self, name: &str, kind: &str) -> Value {
        let made = self.ask("CreateLoadBalancer", self.wish(name, kind)).await;
        made["LoadBalancers"][0].clone()
    }

    /// A group of addresses: its ARN.
    async fn target_group(&self, name: &str, protocol: &str) -> String {
        let input = json!({
            "Name": name, "Protocol": protocol, "Port": 80, "VpcId": self.vpc, "TargetType": "ip",
        });
        let made = self.ask("CreateTargetGroup", input).await;
        text(&made["TargetGroups"][0]["TargetGroupArn"])
    }

    /// A listener that does this with what no rule takes: its ARN.
    async fn listener(&self, load_balancer: &Value, (protocol, port): (&str, u16), action: Value) -> String {
        let input = json!({
            "LoadBalancerArn": load_balancer["LoadBalancerArn"], "Protocol": protocol, "Port": port,
            "DefaultActions": [action],
        });
        let made = self.ask("CreateListener", input).await;
        text(&made["Listeners"][0]["ListenerArn"])
    }
}

fn fixed() -> Value {
    json!({ "Type": "fixed-response", "FixedResponseConfig": { "StatusCode": "404" } })
}

fn forward(group: &str) -> Value {
    json!({ "Type": "forward", "TargetGroupArn": group })
}

/// The attributes as a map.
fn value_of(attributes: &Value, key: &str) -> Value {
    let all = attributes["Attributes"].as_array().expect("a list");
    let found = all.iter().find(|it| it["Key"] == key);
    found.map_or(Value::Null, |it| it["Value"].clone())
}
