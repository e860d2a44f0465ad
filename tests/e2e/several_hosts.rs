//! Two machines, one Gantry: tasks on both, in one VPC.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_support::gantry::http_get;
use test_support::second_host::SecondHost;
use test_support::wait;

use crate::world::{DEADLINE, World, address, text};

/// Asks for a page, and ends with 0 if there is one.
const ASK: &str = "busybox timeout 2 wget -q -O - http://ADDRESS/; exit $?";

/// A Gantry of two hosts, and the container instance of each.
struct Site {
    world: World,
    host: SecondHost,
    first: String,
    second: String,
}

impl Site {
    fn new() -> Result<Self> {
        let world = World::new()?;
        let first = connected(&world)?;
        let image = world.gantry.scratch().join("sample.tar");
        let host = SecondHost::join(&world.gantry, Path::new(env!("CARGO_BIN_EXE_gantry")), &image)?;
        let both = wait::until("two container instances", DEADLINE, || {
            let both = connected(&world)?;
            Ok((both.len() == 2).then_some(both))
        });
        let both = both.with_context(|| host.output())?;
        let second = both.difference(&first).next().cloned();
        Ok(Self {
            first: first.first().cloned().context("no first host")?,
            second: second.context("no second host")?,
            world,
            host,
        })
    }

    /// Starts a task there in those security groups, and waits until it runs.
    fn start(&self, instance: &str, definition: &str, group: &str) -> Result<Value> {
        let task = self.begin(instance, definition, group)?;
        self.world
            .wait_for(&task, "RUNNING")
            .with_context(|| self.host.output())
    }

    fn begin(&self, instance: &str, definition: &str, group: &str) -> Result<String> {
        let subnet = self.world.gantry.variable("GANTRY_SUBNET")?;
        let network = format!("awsvpcConfiguration={{subnets=[{subnet}],securityGroups=[{group}]}}");
        let place = [
            "--container-instances",
            instance,
            "--network-configuration",
            &network,
        ];
        let start = ["ecs", "start-task", "--task-definition", definition];
        let started = self.world.aws.json(&[&start[..], &place].concat())?;
        let arn = started["tasks"][0]["taskArn"].as_str();
        Ok(arn.with_context(|| format!("no task: {started}"))?.to_owned())
    }

    /// Whether a task there gets a page from that address.
    fn is_reached(&self, instance: &str, group: &str, address: &str) -> Result<bool> {
        let container = json!({ "command": ["/bin/sh", "-c", ASK.replace("ADDRESS", address)] });
        let client = json!({ "networkMode": "awsvpc" });
        let definition = self.world.register("client", client, container)?;
        let client = self.begin(instance, &definition, group)?;
        let client = wait::until("the client ends", DEADLINE, || {
            let task = self.world.task(&client)?;
            Ok((task["lastStatus"] == "STOPPED").then_some(task))
        })?;
        let code = client["containers"][0]["exitCode"].as_i64();
        Ok(code.with_context(|| format!("it never ran: {client:#}"))? == 0)
    }

    /// Waits until a task there gets a page.
    fn wait_reached(&self, instance: &str, group: &str, address: &str) -> Result<()> {
        wait::until(&format!("a page from {address}"), DEADLINE, || {
            Ok(self.is_reached(instance, group, address)?.then_some(()))
        })
    }
}

/// The container instances whose agents are there.
fn connected(world: &World) -> Result<BTreeSet<String>> {
    let listed = world.aws.json(&[
        "ecs",
        "list-container-instances",
        "--filter",
        "agentConnected == true",
    ])?;
    let arns = listed["containerInstanceArns"].as_array();
    Ok(arns.into_iter().flatten().map(text).collect())
}

#[test]
fn tasks_reach_each_other_over_hosts_as_their_security_groups_say() -> Result<()> {
    let site = Site::new()?;
    let default = site.world.gantry.variable("GANTRY_SECURITY_GROUP")?;
    let awsvpc = || json!({ "networkMode": "awsvpc" });
    let server = site.world.register("server", awsvpc(), json!({}))?;
    // Members of the default group reach each other, both ways.
    for (here, there) in [(&site.first, &site.second), (&site.second, &site.first)] {
        let task = site.start(there, &server, &default)?;
        site.wait_reached(here, &default, &address(&task))?;
    }

    let servers = ["--group-name", "servers", "--description", "web servers"];
    let made = site
        .world
        .aws
        .json(&[&["ec2", "create-security-group"], &servers[..]].concat())?;
    let group = text(&made["GroupId"]);
    let guarded = address(&site.start(&site.second, &server, &group)?);
    let rule = ["--protocol", "tcp", "--port", "80", "--source-group", &default];
    let change = |operation| {
        let change = ["ec2", operation, "--group-id", &group];
        site.world.aws.json(&[&change[..], &rule].concat()).map(drop)
    };
    change("authorize-security-group-ingress")?;
    site.wait_reached(&site.first, &default, &guarded)?;
    change("revoke-security-group-ingress")?;
    assert!(
        !site.is_reached(&site.first, &default, &guarded)?,
        "the rule is gone"
    );

    assert_ne!(site.host.links()?, SecondHost::without_tasks());
    site.host.command(&["down", "--network"])?;
    assert_eq!(site.host.links()?, SecondHost::without_tasks());
    Ok(())
}

#[test]
fn a_load_balancer_reaches_tasks_on_both_hosts() -> Result<()> {
    let site = Site::new()?;
    let group = site.world.gantry.variable("GANTRY_SECURITY_GROUP")?;
    let server = site
        .world
        .register("server", json!({ "networkMode": "awsvpc" }), json!({}))?;
    let near = site.start(&site.first, &server, &group)?;
    let far = site.start(&site.second, &server, &group)?;
    let (load_balancer, _) = site.world.balance(&[&near, &far])?;
    let balancer = format!("{}:80", site.world.addresses(&load_balancer)?.remove(0));
    let mut seen = BTreeSet::new();
    wait::until("a page of each", DEADLINE, || {
        let page = http_get(&balancer, "/").unwrap_or_default();
        seen.extend(
            page.lines()
                .last()
                .filter(|it| it.starts_with("hello"))
                .map(str::to_owned),
        );
        Ok((seen.len() == 2).then_some(()))
    })?;
    Ok(())
}

#[test]
fn files_and_words_of_a_task_on_another_host_are_reached() -> Result<()> {
    let site = Site::new()?;
    let group = site.world.gantry.variable("GANTRY_SECURITY_GROUP")?;
    site.world
        .aws
        .json(&["logs", "create-log-group", "--log-group-name", "far"])?;
    let options =
        json!({ "awslogs-group": "far", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web" });
    let container = json!({ "logConfiguration": { "logDriver": "awslogs", "options": options } });
    let definition = site
        .world
        .register("server", json!({ "networkMode": "awsvpc" }), container)?;
    let task = text(&site.start(&site.second, &definition, &group)?["taskArn"]);
    let file = site.world.gantry.scratch().join("index.html");
    let (from, to) = (format!("{task}:/tmp/www/index.html"), file.display().to_string());
    wait::until("a copy of its page", DEADLINE, || {
        let copied = site.world.gantry.command(&["task", "cp", &from, &to]);
        Ok(copied.is_ok().then_some(()))
    })
    .with_context(|| site.host.output())?;
    assert!(std::fs::read_to_string(&file)?.starts_with("hello from"));
    wait::until("its words in CloudWatch Logs", DEADLINE, || {
        let filter = ["logs", "filter-log-events", "--log-group-name", "far"];
        let found = site.world.aws.json(&filter)?;
        Ok((text(&found["events"][0]["message"]) == "listening on port 80").then_some(()))
    })?;
    Ok(())
}
