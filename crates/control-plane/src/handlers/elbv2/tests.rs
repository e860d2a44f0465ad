//! The API as clients speak it.

mod access_logs;
mod certificates;
mod listeners;
mod load_balancers;
mod rules;
mod target_groups;
mod targets;

use serde_json::{Value, json};

use crate::fixture::{Fixture, text};

const ELB: &str = "elasticloadbalancing";
const ARN: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012";

pub struct World {
    pub fixture: Fixture,
    pub vpc: String,
    /// In the zones a, b, and a again.
    pub subnets: [String; 3],
    group: String,
}

impl World {
    pub async fn new() -> Self {
        let fixture = Fixture::new().await;
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
                        is_default: true,
                        maps_public_ip_on_launch: true,
                        tags: Vec::new(),
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

    pub async fn ask(&self, operation: &str, input: Value) -> Value {
        self.fixture.ask_of(ELB, operation, input).await
    }

    async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        self.fixture.refused_of(ELB, operation, input).await
    }

    /// What CreateLoadBalancer wants to know of one of that kind.
    fn wish(&self, name: &str, kind: &str) -> Value {
        json!({ "Name": name, "Type": kind, "Subnets": self.subnets[..2] })
    }

    pub async fn load_balancer(&self, name: &str, kind: &str) -> Value {
        let made = self.ask("CreateLoadBalancer", self.wish(name, kind)).await;
        made["LoadBalancers"][0].clone()
    }

    /// A group of addresses: its ARN.
    pub async fn target_group(&self, name: &str, protocol: &str) -> String {
        let input = json!({
            "Name": name, "Protocol": protocol, "Port": 80, "VpcId": self.vpc, "TargetType": "ip",
        });
        let made = self.ask("CreateTargetGroup", input).await;
        text(&made["TargetGroups"][0]["TargetGroupArn"])
    }

    /// A listener that does this with what no rule takes: its ARN.
    pub async fn listener(
        &self,
        load_balancer: &Value,
        (protocol, port): (&str, u16),
        action: Value,
    ) -> String {
        let input = json!({
            "LoadBalancerArn": load_balancer["LoadBalancerArn"], "Protocol": protocol, "Port": port,
            "DefaultActions": [action],
        });
        let made = self.ask("CreateListener", input).await;
        text(&made["Listeners"][0]["ListenerArn"])
    }
}

pub fn fixed() -> Value {
    json!({ "Type": "fixed-response", "FixedResponseConfig": { "StatusCode": "404" } })
}

pub fn forward(group: &str) -> Value {
    json!({ "Type": "forward", "TargetGroupArn": group })
}

/// The attributes as a map.
fn value_of(attributes: &Value, key: &str) -> Value {
    let all = attributes["Attributes"].as_array().expect("a list");
    let found = all.iter().find(|it| it["Key"] == key);
    found.map_or(Value::Null, |it| it["Value"].clone())
}
