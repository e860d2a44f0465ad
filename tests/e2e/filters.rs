//! Security groups decide who reaches a task.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_support::wait;

use crate::world::{DEADLINE, World, address, page, text};

/// Seconds after which a client gives up on what nobody answers.
const PATIENCE: u32 = 2;

/// A world with a server in a security group of its own, and clients in the default one.
struct Site {
    world: World,
    default_group: String,
    group: String,
    subnet: String,
    server: String,
}

impl Site {
    fn new() -> Result<Self> {
        let world = World::new()?;
        let default_group = world.gantry.variable("GANTRY_SECURITY_GROUP")?;
        let subnet = world.gantry.variable("GANTRY_SUBNET")?;
        let arguments = ["--group-name", "servers", "--description", "web servers"];
        let made = world
            .aws
            .json(&[&["ec2", "create-security-group"], &arguments[..]].concat())?;
        let group = text(&made["GroupId"]);
        let network = format!("awsvpcConfiguration={{subnets=[{subnet}],securityGroups=[{group}]}}");
        let definition = world.register("server", json!({ "networkMode": "awsvpc" }), json!({}))?;
        let server = world.run(&definition, &["--network-configuration", &network])?;
        let server = address(&world.wait_for(&server, "RUNNING")?);
        // The host is always let in, so it tells when the server is there.
        assert!(page(&format!("{server}:80"))?.contains("hello from"));
        Ok(Self {
            world,
            default_group,
            group,
            subnet,
            server,
        })
    }

    /// Whether a task of the default group reaches the server.
    fn is_reached(&self) -> Result<bool> {
        self.is_page_reached(&self.server)
    }

    /// Whether a task of the default group gets a page from that address.
    fn is_page_reached(&self, address: &str) -> Result<bool> {
        let ask = format!("busybox timeout {PATIENCE} wget -q -O - http://{address}/; exit $?");
        let container = json!({ "command": ["/bin/sh", "-c", ask] });
        let definition = self
            .world
            .register("client", json!({ "networkMode": "awsvpc" }), container)?;
        let (subnet, group) = (&self.subnet, &self.default_group);
        let network = format!("awsvpcConfiguration={{subnets=[{subnet}],securityGroups=[{group}]}}");
        let client = self
            .world
            .run(&definition, &["--network-configuration", &network])?;
        let client = self.stopped(&client)?;
        let code = client["containers"][0]["exitCode"].as_i64();
        Ok(code.with_context(|| format!("it never ran: {client:#}"))? == 0)
    }

    fn stopped(&self, task: &str) -> Result<Value> {
        wait::until("the client ends", DEADLINE, || {
            let task = self.world.task(task)?;
            Ok((task["lastStatus"] == "STOPPED").then_some(task))
        })
    }

    /// A rule about port 80 that names the group of clients.
    fn of_clients(&self) -> [&str; 6] {
        [
            "--protocol",
            "tcp",
            "--port",
            "80",
            "--source-group",
            &self.default_group,
        ]
    }

    fn change(&self, operation: &str, rule: &[&str]) -> Result<()> {
        let group = ["ec2", operation, "--group-id", &self.group];
        self.world.aws.json(&[&group[..], rule].concat()).map(drop)
    }
}

#[test]
fn a_task_is_reached_as_its_security_group_says() -> Result<()> {
    let site = Site::new()?;
    assert!(!site.is_reached()?, "a new group lets nothing in");
    let of_group = site.of_clients();
    site.change("authorize-security-group-ingress", &of_group)?;
    assert!(site.is_reached()?, "its rule names the clients' group");
    site.change("revoke-security-group-ingress", &of_group)?;
    assert!(!site.is_reached()?, "the rule is gone");
    let of_range = ["--protocol", "tcp", "--port", "80", "--cidr", "0.0.0.0/0"];
    site.change("authorize-security-group-ingress", &of_range)?;
    assert!(site.is_reached()?, "its rule names everybody");
    Ok(())
}

#[test]
fn a_load_balancer_is_reached_as_its_security_group_says() -> Result<()> {
    let site = Site::new()?;
    let (first, second, _) = site.world.two_subnets()?;
    let place = ["--subnets", &first, &second, "--security-groups", &site.group];
    let made = site
        .world
        .elb(&[&["create-load-balancer", "--name", "web"], &place[..]].concat())?;
    let load_balancer = &made["LoadBalancers"][0];
    let arn = text(&load_balancer["LoadBalancerArn"]);
    let fixed = "Type=fixed-response,FixedResponseConfig={StatusCode=200,MessageBody=hello}";
    let listener = [
        "create-listener",
        "--load-balancer-arn",
        &arn,
        "--protocol",
        "HTTP",
    ];
    site.world
        .elb(&[&listener[..], &["--port", "80", "--default-actions", fixed]].concat())?;
    let address = site.world.addresses(load_balancer)?.remove(0);
    // The host is always let in, so it tells when the load balancer is there.
    assert!(page(&format!("{address}:80"))?.contains("hello"));

    assert!(!site.is_page_reached(&address)?, "a new group lets nothing in");
    let of_group = site.of_clients();
    site.change("authorize-security-group-ingress", &of_group)?;
    assert!(
        site.is_page_reached(&address)?,
        "its rule names the clients' group"
    );
    site.change("revoke-security-group-ingress", &of_group)?;
    assert!(!site.is_page_reached(&address)?, "the rule is gone");
    let other = ["--security-groups", &site.default_group];
    site.world
        .elb(&[&["set-security-groups", "--load-balancer-arn", &arn], &other[..]].concat())?;
    assert!(
        site.is_page_reached(&address)?,
        "its new group lets its own members in"
    );
    Ok(())
}
