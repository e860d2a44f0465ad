//! Services behind load balancers: clients that ask all the time notice neither a rolling update, nor a deployment that
//! moves traffic from one target group to another, nor its way back.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_support::gantry::http_get;
use test_support::wait;

use crate::clients::{Client, SERVE};
use crate::world::{DEADLINE, World, text};

/// What stands before a service.
struct Balanced {
    world: World,
    address: String,
    blue: String,
    green: String,
    /// Rules of the ports 80 and 8080.
    production: String,
    test: String,
}

impl Balanced {
    /// An application load balancer whose ports 80 and 8080 lead to the group `blue`, beside which there is `green`.
    fn new() -> Result<Self> {
        let world = World::new()?;
        let (first, second, vpc) = world.two_subnets()?;
        let elb = |operation: &str, input: &Value| {
            world
                .aws
                .json(&["elbv2", operation, "--cli-input-json", &input.to_string()])
        };
        let made = elb(
            "create-load-balancer",
            &json!({ "Name": "web", "Subnets": [first, second] }),
        )?;
        let load_balancer = made["LoadBalancers"][0].clone();
        let arn = text(&load_balancer["LoadBalancerArn"]);
        let group = |name: &str| -> Result<String> {
            let input = json!({
                "Name": name, "Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip",
                "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2,
            });
            let made = elb("create-target-group", &input)?;
            Ok(text(&made["TargetGroups"][0]["TargetGroupArn"]))
        };
        let (blue, green) = (group("blue")?, group("green")?);
        let rule = |port: u16| -> Result<String> {
            let fixed = json!([{ "Type": "fixed-response", "FixedResponseConfig": { "StatusCode": "404" } }]);
            let listener = elb(
                "create-listener",
                &json!({ "LoadBalancerArn": arn, "Protocol": "HTTP", "Port": port, "DefaultActions": fixed }),
            )?;
            let input = json!({
                "ListenerArn": listener["Listeners"][0]["ListenerArn"], "Priority": 1,
                "Conditions": [{ "Field": "path-pattern", "Values": ["/*"] }],
                "Actions": [{ "Type": "forward", "TargetGroupArn": blue }],
            });
            Ok(text(&elb("create-rule", &input)?["Rules"][0]["RuleArn"]))
        };
        let (production, test) = (rule(80)?, rule(8080)?);
        world.aws.json(&[
            "elbv2",
            "wait",
            "load-balancer-available",
            "--load-balancer-arns",
            &arn,
        ])?;
        let printed = world
            .gantry
            .command(&["admin", "resolve", &text(&load_balancer["DNSName"])])?;
        let address = printed.lines().next().context("no address")?.to_owned();
        Ok(Self {
            world,
            address,
            blue,
            green,
            production,
            test,
        })
    }

    fn register(&self, revision: &str) -> Result<String> {
        let container = json!({
            "command": ["/bin/sh", "-c", SERVE],
            "environment": [{ "name": "REVISION", "value": revision }],
            "portMappings": [{ "containerPort": 80 }],
        });
        self.world
            .register("web", json!({ "networkMode": "awsvpc" }), container)
    }

    /// The service `web` of three tasks, once it is steady.
    fn serve(&self, definition: &str, more: Value) -> Result<()> {
        let awsvpc = json!({
            "subnets": [self.world.gantry.variable("GANTRY_SUBNET")?],
            "securityGroups": [self.world.gantry.variable("GANTRY_SECURITY_GROUP")?],
        });
        let mut input = json!({
            "serviceName": "web", "taskDefinition": definition, "desiredCount": 3,
            "networkConfiguration": { "awsvpcConfiguration": awsvpc },
            "loadBalancers": [{ "targetGroupArn": self.blue, "containerName": "web", "containerPort": 80 }],
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            input[name] = value.clone();
        }
        self.world
            .aws
            .json(&["ecs", "create-service", "--cli-input-json", &input.to_string()])?;
        self.world.wait_completed("web", definition)
    }

    fn update(&self, change: &[&str]) -> Result<()> {
        let arguments = [&["ecs", "update-service", "--service", "web"], change].concat();
        self.world.aws.json(&arguments)?;
        Ok(())
    }

    fn service(&self) -> Result<Value> {
        let described = self
            .world
            .aws
            .json(&["ecs", "describe-services", "--services", "web"])?;
        Ok(described["services"][0].clone())
    }

    /// Until tasks that were replaced have come to their end.
    fn await_stopped(&self, tasks: &[String]) -> Result<()> {
        for task in tasks {
            self.world.wait_for(task, "STOPPED")?;
        }
        Ok(())
    }

    /// Until the deployment under way waits at a hook that pauses it: the hook's id.
    fn await_pause(&self, stage: &str) -> Result<(String, String)> {
        wait::until(&format!("the pause at {stage}"), DEADLINE, || {
            let arn = text(&self.service()?["currentServiceDeployment"]);
            let described = self.world.aws.json(&[
                "ecs",
                "describe-service-deployments",
                "--service-deployment-arns",
                &arn,
            ])?;
            let deployment = &described["serviceDeployments"][0];
            let hook = &deployment["lifecycleHookDetails"][0];
            let is_paused = deployment["lifecycleStage"] == stage && hook["status"] == "AWAITING_ACTION";
            Ok(is_paused.then(|| (arn.clone(), text(&hook["hookId"]))))
        })
    }

    fn go_on(&self, (deployment, hook): &(String, String)) -> Result<()> {
        self.world.aws.json(&[
            "ecs",
            "continue-service-deployment",
            "--service-deployment-arn",
            deployment,
            "--hook-id",
            hook,
        ])?;
        Ok(())
    }

    fn start_client(&self) -> Result<Client> {
        Client::start(&self.world, &self.address)
    }

    /// Until all answers of a port are of a revision.
    fn await_revision(&self, port: u16, revision: &str) -> Result<()> {
        let place = format!("{}:{port}", self.address);
        wait::until(&format!("{revision} at port {port}"), DEADLINE, || {
            let pages = (0..4).map(|_| http_get(&place, "/").unwrap_or_default());
            Ok(pages.into_iter().all(|it| it.contains(revision)).then_some(()))
        })
    }
}

#[test]
fn a_rolling_update_behind_a_load_balancer_fails_no_request() -> Result<()> {
    let it = Balanced::new()?;
    let first = it.register("1")?;
    it.serve(&first, json!({ "healthCheckGracePeriodSeconds": 30 }))?;
    let before = it.world.tasks_of("web")?;
    let client = it.start_client()?;
    client.await_enough("revision 1")?;
    let second = it.register("2")?;
    it.update(&["--task-definition", &second])?;
    it.world.wait_completed("web", &second)?;
    it.await_stopped(&before)?;
    it.await_revision(80, "revision 2")?;
    // A task that a user stops is deregistered first as well.
    let stopped = it.world.tasks_of("web")?.remove(0);
    it.world.aws.json(&["ecs", "stop-task", "--task", &stopped])?;
    it.await_stopped(&[stopped])?;
    it.world.wait_running("web", 3)?;
    client.await_enough("revision 2")?;
    client.end()?;
    let service = it.service()?;
    assert_eq!(service["healthCheckGracePeriodSeconds"], 30);
    assert_eq!(service["loadBalancers"][0]["targetGroupArn"], it.blue);
    let events = service["events"].to_string();
    for text in ["registered", "deregistered", "has begun draining connections on"] {
        ensure!(events.contains(text), "{text}: {events}");
    }
    Ok(())
}

#[test]
fn traffic_moves_to_the_other_group_and_back_without_a_failed_request() -> Result<()> {
    let it = Balanced::new()?;
    let first = it.register("1")?;
    let configuration = json!({
        "strategy": "BLUE_GREEN",
        "lifecycleHooks": [{
            "targetType": "PAUSE",
            "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"],
        }],
    });
    let load_balancer = json!([{
        "targetGroupArn": it.blue, "containerName": "web", "containerPort": 80,
        "advancedConfiguration": {
            "alternateTargetGroupArn": it.green, "productionListenerRule": it.production, "testListenerRule": it.test,
        },
    }]);
    it.serve(&first, json!({ "loadBalancers": load_balancer }))?;
    let client = it.start_client()?;
    client.await_enough("revision 1")?;
    let second = it.register("2")?;
    let staged = configuration.to_string();
    it.update(&[
        "--task-definition",
        &second,
        "--deployment-configuration",
        &staged,
    ])?;
    let pause = it.await_pause("POST_TEST_TRAFFIC_SHIFT")?;
    it.await_revision(8080, "revision 2")?;
    it.await_revision(80, "revision 1")?;
    it.go_on(&pause)?;
    let pause = it.await_pause("POST_PRODUCTION_TRAFFIC_SHIFT")?;
    client.await_enough("revision 2")?;
    it.go_on(&pause)?;
    it.world.wait_completed("web", &second)?;

    let third = it.register("3")?;
    it.update(&["--task-definition", &third])?;
    let pause = it.await_pause("POST_TEST_TRAFFIC_SHIFT")?;
    it.go_on(&pause)?;
    let (deployment, _) = it.await_pause("POST_PRODUCTION_TRAFFIC_SHIFT")?;
    client.await_enough("revision 3")?;
    it.world.aws.json(&[
        "ecs",
        "stop-service-deployment",
        "--service-deployment-arn",
        &deployment,
    ])?;
    it.await_revision(80, "revision 2")?;
    it.world.wait_completed("web", &second)?;
    client.end()
}
