//! Deployments of CodeDeploy, through the CLI: a new task set takes the traffic of a load balancer, and gives it back.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_support::gantry::http_get;
use test_support::wait;

use crate::world::{DEADLINE, World, text};

/// A service `web` of CodeDeploy behind a load balancer, and what a deployment needs.
struct Shop {
    world: World,
    address: String,
}

impl Shop {
    fn new() -> Result<Self> {
        let world = World::new()?;
        let (first, second, vpc) = world.two_subnets()?;
        let elb = |operation: &str, input: &Value| {
            let input = input.to_string();
            world.aws.json(&["elbv2", operation, "--cli-input-json", &input])
        };
        let input = json!({ "Name": "web", "Subnets": [first, second] });
        let balancer = elb("create-load-balancer", &input)?["LoadBalancers"][0].clone();
        let arn = text(&balancer["LoadBalancerArn"]);
        let group = |name: &str| -> Result<String> {
            let input = json!({
                "Name": name, "Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip",
                "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2,
            });
            let made = elb("create-target-group", &input)?;
            Ok(text(&made["TargetGroups"][0]["TargetGroupArn"]))
        };
        let blue = group("blue")?;
        group("green")?;
        let listener = |port: u16| -> Result<String> {
            let input = json!({
                "LoadBalancerArn": arn, "Protocol": "HTTP", "Port": port,
                "DefaultActions": [{ "Type": "forward", "TargetGroupArn": blue }],
            });
            let made = elb("create-listener", &input)?;
            Ok(text(&made["Listeners"][0]["ListenerArn"]))
        };
        let (production, test) = (listener(80)?, listener(8080)?);
        world.aws.json(&[
            "elbv2",
            "wait",
            "load-balancer-available",
            "--load-balancer-arns",
            &arn,
        ])?;
        let name = text(&balancer["DNSName"]);
        let printed = world.gantry.command(&["admin", "resolve", &name])?;
        let address = printed.lines().next().context("no address")?.to_owned();
        let it = Self { world, address };
        it.serve(&blue)?;
        it.prepare(&production, &test)?;
        Ok(it)
    }

    fn deploy(&self, arguments: &[&str]) -> Result<Value> {
        self.world.aws.json(&[&["deploy"], arguments].concat())
    }

    /// A revision of `web` whose page says which.
    fn register(&self, revision: &str) -> Result<String> {
        let script =
            format!("mkdir /www; echo revision {revision} > /www/index.html; exec httpd -f -p 80 -h /www");
        let container = json!({
            "command": ["/bin/sh", "-c", script], "portMappings": [{ "containerPort": 80 }],
        });
        let task = json!({ "networkMode": "awsvpc" });
        self.world.register("web", task, container)
    }

    fn serve(&self, group: &str) -> Result<()> {
        let first = self.register("1")?;
        let awsvpc = json!({
            "subnets": [self.world.gantry.variable("GANTRY_SUBNET")?],
            "securityGroups": [self.world.gantry.variable("GANTRY_SECURITY_GROUP")?],
        });
        let input = json!({
            "serviceName": "web", "taskDefinition": first, "desiredCount": 1,
            "deploymentController": { "type": "CODE_DEPLOY" },
            "networkConfiguration": { "awsvpcConfiguration": awsvpc },
            "loadBalancers": [{ "targetGroupArn": group, "containerName": "web", "containerPort": 80 }],
        });
        let input = input.to_string();
        self.world
            .aws
            .json(&["ecs", "create-service", "--cli-input-json", &input])?;
        self.await_page(80, "revision 1")
    }

    fn prepare(&self, production: &str, test: &str) -> Result<()> {
        let application = ["--application-name", "shop", "--compute-platform", "ECS"];
        self.deploy(&[&["create-application"][..], &application].concat())?;
        let input = json!({
            "applicationName": "shop", "deploymentGroupName": "web",
            "serviceRoleArn": "arn:aws:iam::123456789012:role/deploy",
            "ecsServices": [{ "clusterName": "default", "serviceName": "web" }],
            "deploymentStyle": { "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" },
            "loadBalancerInfo": { "targetGroupPairInfoList": [{
                "targetGroups": [{ "name": "blue" }, { "name": "green" }],
                "prodTrafficRoute": { "listenerArns": [production] },
                "testTrafficRoute": { "listenerArns": [test] },
            }] },
            "blueGreenDeploymentConfiguration": {
                "deploymentReadyOption": { "actionOnTimeout": "CONTINUE_DEPLOYMENT" },
                "terminateBlueInstancesOnDeploymentSuccess": {
                    "action": "TERMINATE", "terminationWaitTimeInMinutes": 0,
                },
            },
        });
        let input = input.to_string();
        self.deploy(&["create-deployment-group", "--cli-input-json", &input])?;
        Ok(())
    }

    /// Begins a deployment of a task definition: its id.
    fn create(&self, definition: &str, config: &str) -> Result<String> {
        let spec = format!(
            "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        \
             TaskDefinition: {definition:?}\n        LoadBalancerInfo:\n          ContainerName: web\n          \
             ContainerPort: 80\n"
        );
        let input = json!({
            "applicationName": "shop", "deploymentGroupName": "web", "deploymentConfigName": config,
            "revision": { "revisionType": "AppSpecContent", "appSpecContent": { "content": spec } },
        });
        let made = self.deploy(&["create-deployment", "--cli-input-json", &input.to_string()])?;
        Ok(text(&made["deploymentId"]))
    }

    fn info(&self, id: &str) -> Result<Value> {
        let shown = self.deploy(&["get-deployment", "--deployment-id", id])?;
        Ok(shown["deploymentInfo"].clone())
    }

    fn await_page(&self, port: u16, page: &str) -> Result<()> {
        let place = format!("{}:{port}", self.address);
        wait::until(&format!("{page} at port {port}"), DEADLINE, || {
            let pages = (0..4).map(|_| http_get(&place, "/").unwrap_or_default());
            Ok(pages.into_iter().all(|it| it.contains(page)).then_some(()))
        })
    }
}

#[test]
fn a_deployment_takes_the_traffic_and_one_that_is_stopped_gives_it_back() -> Result<()> {
    let it = Shop::new()?;
    let second = it.register("2")?;
    let id = it.create(&second, "CodeDeployDefault.ECSAllAtOnce")?;
    it.deploy(&["wait", "deployment-successful", "--deployment-id", &id])?;
    it.await_page(80, "revision 2")?;
    it.await_page(8080, "revision 2")?;
    let described = it
        .world
        .aws
        .json(&["ecs", "describe-services", "--services", "web"])?;
    let sets = &described["services"][0]["taskSets"];
    assert_eq!(sets.as_array().map(Vec::len), Some(1), "{sets:#}");
    assert_eq!(
        (&sets[0]["status"], &sets[0]["externalId"], &sets[0]["startedBy"]),
        (&json!("PRIMARY"), &json!(id), &json!("CODE_DEPLOY"))
    );

    let third = it.register("3")?;
    let id = it.create(&third, "CodeDeployDefault.ECSCanary10Percent5Minutes")?;
    let shown = wait::until("a part of the traffic to be shifted", DEADLINE, || {
        // It may not have begun yet.
        let target = [
            "get-deployment-target",
            "--deployment-id",
            &id,
            "--target-id",
            "default:web",
        ];
        let Ok(shown) = it.deploy(&target) else {
            return Ok(None);
        };
        let target = shown["deploymentTarget"]["ecsTarget"].clone();
        let is_shifted = target["taskSetsInfo"][1]["trafficWeight"] == 10.0;
        Ok(is_shifted.then_some(target))
    })?;
    assert_eq!(shown["taskSetsInfo"][1]["taskSetLabel"], "Green", "{shown:#}");
    it.await_page(8080, "revision 3")?;
    it.deploy(&[
        "stop-deployment",
        "--deployment-id",
        &id,
        "--auto-rollback-enabled",
    ])?;
    let stopped = it.info(&id)?;
    ensure!(stopped["status"] == "Stopped", "{stopped:#}");
    let rollback = text(&stopped["rollbackInfo"]["rollbackDeploymentId"]);
    it.deploy(&["wait", "deployment-successful", "--deployment-id", &rollback])?;
    it.await_page(80, "revision 2")?;
    it.await_page(8080, "revision 2")?;
    Ok(())
}
