//! Load balancers in front of container instances: requests go to ports that containers publish on the host.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_support::gantry::http_get;
use test_support::leaks::Place;
use test_support::wait;

use crate::world::{DEADLINE, World, host_port, text};

impl World {
    /// A task in network mode `bridge` that serves a page on a dynamic port of the host; gives its ARN and that port.
    fn published_page(&self) -> Result<(String, String)> {
        let script = "mkdir /www; echo by its host > /www/index.html; exec httpd -f -p 80 -h /www";
        let container =
            json!({ "command": ["/bin/sh", "-c", script], "portMappings": [{ "containerPort": 80 }] });
        let definition = self.register("published", json!({ "networkMode": "bridge" }), container)?;
        let arn = self.run(&definition, &[])?;
        let task = self.wait_for(&arn, "RUNNING")?;
        Ok((arn, host_port(&task).to_string()))
    }

    /// The EC2 id of the only container instance.
    fn instance(&self) -> Result<String> {
        let listed = self.aws.json(&["ecs", "list-container-instances"])?;
        let arn = text(&listed["containerInstanceArns"][0]);
        let described = self.aws.json(&[
            "ecs",
            "describe-container-instances",
            "--container-instances",
            &arn,
        ])?;
        Ok(text(&described["containerInstances"][0]["ec2InstanceId"]))
    }

    /// Addresses that a name of a load balancer stands for.
    fn resolved(&self, name: &Value) -> Result<Vec<String>> {
        let printed = self.gantry.command(&["admin", "resolve", &text(name)])?;
        Ok(printed.lines().map(str::to_owned).collect())
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
fn an_application_load_balancer_reaches_a_published_port_of_its_host() -> Result<()> {
    let world = World::new()?;
    let elb = |arguments: &[&str]| world.aws.json(&[&["elbv2"], arguments].concat());
    let place = Place::of(&world.gantry)?;
    let (_, port) = world.published_page()?;
    let before = place.held()?;
    let instance = world.instance()?;
    let (load_balancer, arn) = world.load_balancer()?;
    let vpc = text(&load_balancer["VpcId"]);
    let check = [
        "--health-check-interval-seconds",
        "5",
        "--health-check-timeout-seconds",
        "2",
    ];
    let group = [
        "create-target-group",
        "--name",
        "web",
        "--protocol",
        "HTTP",
        "--port",
        "80",
    ];
    let made = elb(&[
        &group[..],
        &check,
        &["--target-type", "instance", "--vpc-id", &vpc],
    ]
    .concat())?;
    let group = text(&made["TargetGroups"][0]["TargetGroupArn"]);
    let action = format!("Type=forward,TargetGroupArn={group}");
    let listener = [
        "create-listener",
        "--load-balancer-arn",
        &arn,
        "--protocol",
        "HTTP",
        "--port",
        "80",
    ];
    elb(&[&listener[..], &["--default-actions", &action]].concat())?;

    let register = |target: &str| {
        world.aws.error(&[
            "elbv2",
            "register-targets",
            "--target-group-arn",
            &group,
            "--targets",
            target,
        ])
    };
    let refused = register("Id=i-0123456789abcdef0")?;
    assert!(
        refused.contains("(InvalidTarget)")
            && refused.contains(
                "The following targets are not in a running state and cannot be registered: 'i-0123456789abcdef0'"
            ),
        "{refused}"
    );
    let target = format!("Id={instance},Port={port}");
    elb(&[
        "register-targets",
        "--target-group-arn",
        &group,
        "--targets",
        &target,
    ])?;
    elb(&["wait", "load-balancer-available", "--load-balancer-arns", &arn])?;
    elb(&["wait", "target-in-service", "--target-group-arn", &group])?;
    let addresses = world.resolved(&load_balancer["DNSName"])?;
    assert_eq!(addresses.len(), 2, "{addresses:?}");
    for address in &addresses {
        let page = http_get(&format!("{address}:80"), "/").context(address.clone())?;
        assert!(page.contains("by its host"), "{page}");
    }
    elb(&["delete-load-balancer", "--load-balancer-arn", &arn])?;
    wait::until("nobody to answer", DEADLINE, || {
        Ok(http_get(&format!("{}:80", addresses[0]), "/")
            .is_err()
            .then_some(()))
    })?;
    place.settle(&before)
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
fn a_classic_load_balancer_carries_traffic_to_instances() -> Result<()> {
    let world = World::new()?;
    let elb = |arguments: &[&str]| world.aws.json(&[&["elb"], arguments].concat());
    let refused = |arguments: &[&str]| world.aws.error(&[&["elb"], arguments].concat());
    let place = Place::of(&world.gantry)?;
    let (_, port) = world.published_page()?;
    let before = place.held()?;
    let instance = world.instance()?;
    let (first, second, _) = world.two_subnets()?;
    let name = ["--load-balancer-name", "old"];
    let listeners = [
        format!("Protocol=HTTP,LoadBalancerPort=80,InstanceProtocol=HTTP,InstancePort={port}"),
        format!("Protocol=TCP,LoadBalancerPort=8080,InstanceProtocol=TCP,InstancePort={port}"),
    ];
    let create = [
        "create-load-balancer",
        "--subnets",
        &first,
        &second,
        "--listeners",
    ];
    let listeners: Vec<&str> = listeners.iter().map(String::as_str).collect();
    let made = elb(&[&create[..], &listeners, &name].concat())?;
    let target = format!("Target=HTTP:{port}/,Interval=5,Timeout=2,UnhealthyThreshold=2,HealthyThreshold=2");
    elb(&[&["configure-health-check", "--health-check", &target], &name[..]].concat())?;
    let cross_zone = r#"{"CrossZoneLoadBalancing":{"Enabled":true}}"#;
    let modify = [
        "modify-load-balancer-attributes",
        "--load-balancer-attributes",
        cross_zone,
    ];
    elb(&[&modify[..], &name].concat())?;
    let stranger = [
        "register-instances-with-load-balancer",
        "--instances",
        "i-0123456789abcdef0",
    ];
    let error = refused(&[&stranger[..], &name].concat())?;
    assert!(
        error.contains("(InvalidInstance)")
            && error.contains("Could not find EC2 instance i-0123456789abcdef0."),
        "{error}"
    );
    let register = ["register-instances-with-load-balancer", "--instances", &instance];
    elb(&[&register[..], &name].concat())?;
    elb(&[&["wait", "instance-in-service"], &name[..]].concat())?;

    let addresses = world.resolved(&made["DNSName"])?;
    assert_eq!(addresses.len(), 2, "{addresses:?}");
    for address in &addresses {
        for port in [80, 8080] {
            let page = http_get(&format!("{address}:{port}"), "/").context(address.clone())?;
            assert!(page.contains("by its host"), "{page}");
        }
    }
    let policy = ["create-lb-cookie-stickiness-policy", "--policy-name", "stay"];
    elb(&[&policy[..], &name].concat())?;
    let set = [
        "set-load-balancer-policies-of-listener",
        "--load-balancer-port",
        "80",
        "--policy-names",
        "stay",
    ];
    elb(&[&set[..], &name].concat())?;
    wait::until("the cookie of the load balancer", DEADLINE, || {
        let page = http_get(&format!("{}:80", addresses[0]), "/")?;
        Ok(page.contains("AWSELB=").then_some(()))
    })?;
    assert_eq!(
        world.aws.json(&["elbv2", "describe-load-balancers"])?["LoadBalancers"],
        json!([])
    );

    let deregister = [
        "deregister-instances-from-load-balancer",
        "--instances",
        &instance,
    ];
    elb(&[&deregister[..], &name].concat())?;
    wait::until("a load balancer without instances", DEADLINE, || {
        let page = http_get(&format!("{}:80", addresses[0]), "/").unwrap_or_default();
        Ok(page.starts_with("HTTP/1.1 503").then_some(()))
    })?;
    elb(&[&["delete-load-balancer"], &name[..]].concat())?;
    let error = refused(&["describe-load-balancers", "--load-balancer-names", "old"])?;
    assert!(
        error.contains("(LoadBalancerNotFound)")
            && error.contains("There is no ACTIVE Load Balancer named 'old'"),
        "{error}"
    );
    wait::until("nobody to answer", DEADLINE, || {
        Ok(http_get(&format!("{}:80", addresses[0]), "/")
            .is_err()
            .then_some(()))
    })?;
    place.settle(&before)
}
