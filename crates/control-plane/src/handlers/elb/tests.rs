//! Classic load balancing as clients speak it.

mod certificates;
mod instances;
mod listeners;
mod load_balancers;

use serde_json::{Value, json};

use crate::fixture::Fixture;
use crate::routes::CLASSIC_LOAD_BALANCING;

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

    async fn ask(&self, operation: &str, input: Value) -> Value {
        self.fixture
            .ask_of(CLASSIC_LOAD_BALANCING, operation, input)
            .await
    }

    async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        self.fixture
            .refused_of(CLASSIC_LOAD_BALANCING, operation, input)
            .await
    }

    /// What CreateLoadBalancer wants to know: in two subnets, port 80 leads to port 8080.
    fn wish(&self) -> Value {
        json!({ "LoadBalancerName": "web", "Subnets": self.subnets[..2], "Listeners": [http(80, 8080)] })
    }

    /// Makes the load balancer `web`.
    async fn web(&self) {
        self.ask("CreateLoadBalancer", self.wish()).await;
    }

    /// `web` as it is described.
    async fn described(&self) -> Value {
        let found = self.ask("DescribeLoadBalancers", of_web(json!({}))).await;
        found["LoadBalancerDescriptions"][0].clone()
    }
}

fn http(port: u16, instance_port: u16) -> Value {
    json!({ "Protocol": "http", "LoadBalancerPort": port, "InstancePort": instance_port })
}

/// What a call says, of the load balancer `web`.
fn of_web(mut input: Value) -> Value {
    input["LoadBalancerName"] = json!("web");
    input
}

/// An exception and its message.
fn error(code: &str, message: &str) -> (String, String) {
    (code.to_owned(), message.to_owned())
}
