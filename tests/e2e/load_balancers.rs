//! Load balancers, as the AWS CLI makes, describes and deletes them.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_support::gantry::http_get;
use test_support::leaks::Place;
use test_support::wait;

use crate::world::{DEADLINE, World, address, text};

#[test]
fn the_cli_makes_describes_and_deletes_a_load_balancer() -> Result<()> {
    let world = World::new()?;
    let elb = |arguments: &[&str]| world.aws.json(&[&["elbv2"], arguments].concat());
    let refused = |arguments: &[&str]| world.aws.error(&[&["elbv2"], arguments].concat());
    let vpcs = world
        .aws
        .json(&["ec2", "describe-vpcs", "--query", "Vpcs[0].VpcId"])?;
    let query = ["ec2", "describe-subnets", "--query", "Subnets[].SubnetId"];
    let subnets = world.aws.json(&query)?;
    let (vpc, first, second) = (text(&vpcs), text(&subnets[0]), text(&subnets[1]));

    let made = elb(&[
        "create-load-balancer",
        "--name",
        "web",
        "--subnets",
        &first,
        &second,
    ])?;
    let balancer = text(&made["LoadBalancers"][0]["LoadBalancerArn"]);
    assert_eq!(
        made["LoadBalancers"][0]["State"]["Code"], "provisioning",
        "{made:#}"
    );
    let made = elb(&[
        "create-target-group",
        "--name",
        "web",
        "--protocol",
        "HTTP",
        "--port",
        "80",
        "--vpc-id",
        &vpc,
        "--target-type",
        "ip",
        "--health-check-path",
        "/ok",
        "--matcher",
        "HttpCode=200-299",
        "--tags",
        "Key=team,Value=web",
    ])?;
    let group = text(&made["TargetGroups"][0]["TargetGroupArn"]);
    assert_eq!(
        made["TargetGroups"][0]["Matcher"],
        json!({ "HttpCode": "200-299" })
    );
    elb(&["wait", "load-balancer-exists", "--load-balancer-arns", &balancer])?;

    let action = format!("Type=forward,TargetGroupArn={group}");
    let made = elb(&[
        "create-listener",
        "--load-balancer-arn",
        &balancer,
        "--protocol",
        "HTTP",
        "--port",
        "80",
        "--default-actions",
        &action,
    ])?;
    let listener = text(&made["Listeners"][0]["ListenerArn"]);
    let made = elb(&[
        "create-rule",
        "--listener-arn",
        &listener,
        "--priority",
        "10",
        "--conditions",
        "Field=path-pattern,Values=/old/*",
        "Field=http-request-method,HttpRequestMethodConfig={Values=[GET,HEAD]}",
        "--actions",
        "Type=redirect,RedirectConfig={Path=/new,StatusCode=HTTP_301}",
    ])?;
    let rule = text(&made["Rules"][0]["RuleArn"]);
    let rules = elb(&["describe-rules", "--listener-arn", &listener])?;
    assert_eq!(rules["Rules"][0]["RuleArn"], rule);
    assert_eq!(
        rules["Rules"][0]["Actions"][0]["RedirectConfig"]["Host"],
        "#{host}"
    );
    assert_eq!(rules["Rules"][1]["IsDefault"], true);

    let address = world.aws.json(&[
        "ec2",
        "describe-subnets",
        "--subnet-ids",
        &first,
        "--query",
        "Subnets[0].CidrBlock",
    ])?;
    let address = text(&address);
    let (network, _) = address.rsplit_once('.').context("no range")?;
    let address = format!("{network}.200");
    let target = format!("Id={address},Port=8080");
    elb(&[
        "register-targets",
        "--target-group-arn",
        &group,
        "--targets",
        &target,
    ])?;
    let health = elb(&["describe-target-health", "--target-group-arn", &group])?;
    let health = &health["TargetHealthDescriptions"][0];
    assert_eq!(health["TargetHealth"]["State"], "initial", "{health:#}");
    assert_eq!(health["TargetHealth"]["Reason"], "Elb.RegistrationInProgress");
    let delay = "Key=deregistration_delay.timeout_seconds,Value=0";
    elb(&[
        "modify-target-group-attributes",
        "--target-group-arn",
        &group,
        "--attributes",
        delay,
    ])?;
    elb(&[
        "deregister-targets",
        "--target-group-arn",
        &group,
        "--targets",
        &target,
    ])?;
    // With no delay it is gone as soon as somebody looks after it.
    elb(&[
        "wait",
        "target-deregistered",
        "--target-group-arn",
        &group,
        "--targets",
        &target,
    ])?;

    let error = refused(&["delete-target-group", "--target-group-arn", &group])?;
    assert!(
        error.contains("(ResourceInUse)") && error.contains("is currently in use by a listener or a rule"),
        "{error}"
    );
    let error = refused(&[
        "create-rule",
        "--listener-arn",
        &listener,
        "--priority",
        "10",
        "--conditions",
        "Field=path-pattern,Values=/a",
        "--actions",
        &action,
    ])?;
    assert!(error.contains("(PriorityInUse)"), "{error}");
    elb(&["delete-rule", "--rule-arn", &rule])?;
    elb(&["delete-listener", "--listener-arn", &listener])?;
    elb(&["delete-target-group", "--target-group-arn", &group])?;
    elb(&["delete-load-balancer", "--load-balancer-arn", &balancer])?;
    elb(&[
        "wait",
        "load-balancers-deleted",
        "--load-balancer-arns",
        &balancer,
    ])?;
    let error = refused(&["describe-load-balancers", "--names", "web"])?;
    assert!(
        error.contains("(LoadBalancerNotFound)") && error.contains("Load balancers '[web]' not found"),
        "{error}"
    );
    Ok(())
}

impl World {
    fn elb(&self, arguments: &[&str]) -> Result<Value> {
        self.aws.json(&[&["elbv2"], arguments].concat())
    }

    /// Addresses of a load balancer.
    fn addresses(&self, load_balancer: &Value) -> Result<Vec<String>> {
        let printed = self
            .gantry
            .command(&["admin", "resolve", &text(&load_balancer["DNSName"])])?;
        Ok(printed.lines().map(str::to_owned).collect())
    }

    /// An application load balancer in two zones whose port 80 leads to the tasks, healthy ones.
    fn balance(&self, tasks: &[&Value]) -> Result<(Value, String)> {
        let query = ["ec2", "describe-subnets", "--query", "Subnets[].[SubnetId,VpcId]"];
        let subnets = self.aws.json(&query)?;
        let (first, second, vpc) = (text(&subnets[0][0]), text(&subnets[1][0]), text(&subnets[0][1]));
        let made = self.elb(&[
            "create-load-balancer",
            "--name",
            "web",
            "--subnets",
            &first,
            &second,
        ])?;
        let load_balancer = made["LoadBalancers"][0].clone();
        let arn = text(&load_balancer["LoadBalancerArn"]);
        let made = self.elb(&[
            "create-target-group",
            "--name",
            "web",
            "--protocol",
            "HTTP",
            "--port",
            "80",
            "--vpc-id",
            &vpc,
            "--target-type",
            "ip",
            "--health-check-interval-seconds",
            "5",
            "--health-check-timeout-seconds",
            "2",
        ])?;
        let group = text(&made["TargetGroups"][0]["TargetGroupArn"]);
        let action = format!("Type=forward,TargetGroupArn={group}");
        self.elb(&[
            "create-listener",
            "--load-balancer-arn",
            &arn,
            "--protocol",
            "HTTP",
            "--port",
            "80",
            "--default-actions",
            &action,
        ])?;
        let targets: Vec<String> = tasks.iter().map(|it| format!("Id={}", address(it))).collect();
        let mut register = vec!["register-targets", "--target-group-arn", &group, "--targets"];
        register.extend(targets.iter().map(String::as_str));
        self.elb(&register)?;
        self.elb(&["wait", "load-balancer-available", "--load-balancer-arns", &arn])?;
        self.elb(&["wait", "target-in-service", "--target-group-arn", &group])?;
        Ok((load_balancer, group))
    }
}

/// The pages that come of some requests.
fn pages(address: &str) -> Result<BTreeSet<String>> {
    let page = |_| http_get(&format!("{address}:80"), "/").context(address.to_owned());
    (0..6).map(page).collect()
}

#[test]
fn a_load_balancer_carries_traffic_to_tasks_also_without_the_control_plane() -> Result<()> {
    let mut world = World::new()?;
    let place = Place::of(&world.gantry)?;
    let network = world.awsvpc()?;
    let page = |name: &str| {
        let script = format!("mkdir /www; echo I am {name} > /www/index.html; exec httpd -f -p 80 -h /www");
        json!({ "command": ["/bin/sh", "-c", script] })
    };
    let mut tasks = Vec::new();
    for name in ["one", "two"] {
        let definition = world.register(name, json!({ "networkMode": "awsvpc" }), page(name))?;
        let task = world.run(&definition, &["--network-configuration", &network])?;
        tasks.push(world.wait_for(&task, "RUNNING")?);
    }
    let before = place.held()?;
    let (load_balancer, group) = world.balance(&[&tasks[0], &tasks[1]])?;
    let addresses = world.addresses(&load_balancer)?;
    assert_eq!(addresses.len(), 2, "one in each zone: {addresses:?}");
    let are_both = |pages: &BTreeSet<String>| {
        ["one", "two"]
            .iter()
            .all(|name| pages.iter().any(|it| it.contains(name)))
    };
    for address in &addresses {
        assert!(are_both(&pages(address)?), "{:?}", pages(address)?);
    }

    world.gantry.kill()?;
    assert!(are_both(&pages(&addresses[0])?), "while nobody tells it anything");
    world.gantry.up()?;
    let target = format!("Id={}", address(&tasks[0]));
    world.elb(&[
        "deregister-targets",
        "--target-group-arn",
        &group,
        "--targets",
        &target,
    ])?;
    wait::until("the other task to get all requests", DEADLINE, || {
        let pages = pages(&addresses[1])?;
        Ok(pages.iter().all(|it| it.contains("two")).then_some(()))
    })?;
    let arn = text(&load_balancer["LoadBalancerArn"]);
    world.elb(&["delete-load-balancer", "--load-balancer-arn", &arn])?;
    wait::until("nobody to answer", DEADLINE, || {
        Ok(pages(&addresses[0]).is_err().then_some(()))
    })?;
    place.settle(&before)
}
