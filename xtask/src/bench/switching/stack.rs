//! A service behind an application load balancer with two target groups.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_support::aws::Aws;
use test_support::gantry::Gantry;
use test_support::sample_image::SAMPLE_IMAGE;
use test_support::wait;

/// Tasks of the service.
const TASKS: u32 = 4;
/// Most that a deployment may take.
const DEADLINE: Duration = Duration::from_secs(300);
/// Ends at once when it is told to: whoever is still being served then gets no answer.
const SERVE: &str = "mkdir -p /tmp/www; echo \"revision $REVISION\" > /tmp/www/index.html; \
                     httpd -f -p 80 -h /tmp/www & trap 'kill -9 $!; exit 0' TERM; wait $!";

/// How tasks of a new revision come.
#[derive(Clone, Copy)]
pub enum Strategy {
    /// Beside the old ones, a few at a time.
    Rolling,
    /// All of them, in the other target group; then traffic moves.
    BlueGreen,
}

/// All of it, and who made it.
pub struct Stack {
    gantry: Gantry,
    aws: Aws,
    load_balancers: Value,
    /// Where the load balancer listens, with its port.
    pub address: String,
}

impl Stack {
    /// Makes it, and waits until its first revision serves.
    pub fn new(gantry: Gantry, clients: PathBuf) -> Result<Self> {
        let aws = Aws::installed(clients, &gantry);
        let call = |service: &str, operation: &str, input: &Value| {
            aws.json(&[service, operation, "--cli-input-json", &input.to_string()])
        };
        let sorted = "sort_by(Subnets, &AvailabilityZone)[].[SubnetId,VpcId]";
        let subnets = aws.json(&["ec2", "describe-subnets", "--query", sorted])?;
        let made = call(
            "elbv2",
            "create-load-balancer",
            &json!({ "Name": "web", "Subnets": [subnets[0][0], subnets[1][0]] }),
        )?;
        let load_balancer = &made["LoadBalancers"][0];
        let arn = &load_balancer["LoadBalancerArn"];
        let group = |name: &str| -> Result<Value> {
            let input = json!({
                "Name": name, "Protocol": "HTTP", "Port": 80, "VpcId": subnets[0][1], "TargetType": "ip",
                "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2,
            });
            let made = call("elbv2", "create-target-group", &input)?;
            Ok(made["TargetGroups"][0]["TargetGroupArn"].clone())
        };
        let (blue, green) = (group("blue")?, group("green")?);
        let missing = json!([{ "Type": "fixed-response", "FixedResponseConfig": { "StatusCode": "404" } }]);
        let listener =
            json!({ "LoadBalancerArn": arn, "Protocol": "HTTP", "Port": 80, "DefaultActions": missing });
        let listener = call("elbv2", "create-listener", &listener)?;
        let rule = json!({
            "ListenerArn": listener["Listeners"][0]["ListenerArn"], "Priority": 1,
            "Conditions": [{ "Field": "path-pattern", "Values": ["/*"] }],
            "Actions": [{ "Type": "forward", "TargetGroupArn": blue }],
        });
        let rule = call("elbv2", "create-rule", &rule)?;
        let name = load_balancer["DNSName"].as_str().context("a name")?;
        let printed = gantry.command(&["admin", "resolve", name])?;
        let address = format!("{}:80", printed.lines().next().context("an address")?);
        let load_balancers = json!([{
            "targetGroupArn": blue, "containerName": "web", "containerPort": 80,
            "advancedConfiguration": {
                "alternateTargetGroupArn": green, "productionListenerRule": rule["Rules"][0]["RuleArn"],
            },
        }]);
        let stack = Self {
            gantry,
            aws,
            load_balancers,
            address,
        };
        stack.create_service()?;
        Ok(stack)
    }

    fn call(&self, operation: &str, input: &Value) -> Result<Value> {
        self.aws
            .json(&["ecs", operation, "--cli-input-json", &input.to_string()])
    }

    fn create_service(&self) -> Result<()> {
        let definition = self.register(1)?;
        let awsvpc = json!({
            "subnets": [self.gantry.variable("GANTRY_SUBNET")?],
            "securityGroups": [self.gantry.variable("GANTRY_SECURITY_GROUP")?],
        });
        let service = json!({
            "serviceName": "web", "taskDefinition": definition, "desiredCount": TASKS,
            "networkConfiguration": { "awsvpcConfiguration": awsvpc },
            "loadBalancers": self.load_balancers,
            "deploymentConfiguration": { "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0 },
        });
        self.call("create-service", &service)?;
        self.await_completed(&definition)
    }

    fn register(&self, revision: u32) -> Result<String> {
        let container = json!({
            "name": "web", "image": SAMPLE_IMAGE, "memory": 64, "command": ["/bin/sh", "-c", SERVE],
            "environment": [{ "name": "REVISION", "value": revision.to_string() }],
            "portMappings": [{ "containerPort": 80 }],
        });
        let input = json!({ "family": "web", "networkMode": "awsvpc", "containerDefinitions": [container] });
        let made = self.call("register-task-definition", &input)?;
        let arn = made["taskDefinition"]["taskDefinitionArn"].as_str();
        Ok(arn.context("an ARN")?.to_owned())
    }

    /// Replaces all tasks, and waits until that is complete.
    pub fn deploy(&self, revision: u32, strategy: Strategy) -> Result<()> {
        let definition = self.register(revision)?;
        let configuration = match strategy {
            Strategy::Rolling => json!({ "strategy": "ROLLING" }),
            Strategy::BlueGreen => json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0 }),
        };
        self.call(
            "update-service",
            &json!({
                "service": "web", "taskDefinition": definition, "deploymentConfiguration": configuration,
            }),
        )?;
        self.await_completed(&definition)
    }

    fn await_completed(&self, definition: &str) -> Result<()> {
        wait::until("the deployment", DEADLINE, || {
            let described = self
                .aws
                .json(&["ecs", "describe-services", "--services", "web"])?;
            let deployments = described["services"][0]["deployments"].as_array();
            let is_done = matches!(deployments.map(Vec::as_slice), Some([only])
                if only["rolloutState"] == "COMPLETED" && only["taskDefinition"] == definition);
            Ok(is_done.then_some(()))
        })
    }
}
