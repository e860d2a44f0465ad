//! Names as tasks find them: by the resolver of their VPC.

use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_support::gantry::http_get;
use test_support::wait;

use crate::world::{DEADLINE, World, address, text};

/// A task that serves the answers of its resolver: `resolv.conf`, and what it finds under a name.
const ASKS: &str = r#"mkdir -p /www; cp /etc/resolv.conf /www/resolv.conf; httpd -p 80 -h /www
while true; do
  for name in $NAMES; do
    busybox nslookup "$name" > /www/.next 2>&1; mv /www/.next "/www/$name"
    address=$(busybox awk '/^Address/ { it = $NF } END { print it }' "/www/$name"); \
    busybox timeout 2 wget -q -O /www/.next "http://$address/" && mv /www/.next "/www/page-$name"
  done
  sleep 0.05
done"#;

fn asks(names: &[&str]) -> Value {
    json!({
        "command": ["/bin/sh", "-c", ASKS],
        "environment": [{ "name": "NAMES", "value": names.join(" ") }],
    })
}

/// What the task at an address has found, as soon as it is so.
fn found(task: &str, name: &str, is_it: impl Fn(&str) -> bool) -> Result<String> {
    found_at(&format!("{task}:80"), name, is_it)
}

/// The same of a task that is reached otherwise.
fn found_at(door: &str, name: &str, is_it: impl Fn(&str) -> bool) -> Result<String> {
    let mut last = String::new();
    let found = wait::until(&format!("{name} is as it should be"), DEADLINE, || {
        last = http_get(door, &format!("/{name}")).unwrap_or_default();
        Ok(is_it(&last).then(|| last.clone()))
    });
    found.with_context(|| format!("the last was: {last}"))
}

/// The range of the default VPC without the last number of its base address.
fn range(world: &World) -> Result<String> {
    let query = ["--query", "Vpcs[0].CidrBlock"];
    let cidr = text(
        &world
            .aws
            .json(&[&["ec2", "describe-vpcs"], &query[..]].concat())?,
    );
    let (base, _) = cidr.split_once("0/").context("no range")?;
    Ok(base.to_owned())
}

/// A network load balancer before a task: its ARN, its name and the address of the task.
fn balanced(world: &World, network: &str, subnet: &str, vpc: &str) -> Result<(String, String, String)> {
    let made = world.aws.json(&[
        "elbv2",
        "create-load-balancer",
        "--name",
        "web",
        "--type",
        "network",
        "--subnets",
        subnet,
    ])?;
    let balancer = text(&made["LoadBalancers"][0]["LoadBalancerArn"]);
    let name = text(&made["LoadBalancers"][0]["DNSName"]);
    let made = world.aws.json(&[
        "elbv2",
        "create-target-group",
        "--name",
        "web",
        "--protocol",
        "TCP",
        "--port",
        "80",
        "--vpc-id",
        vpc,
        "--target-type",
        "ip",
    ])?;
    let group = text(&made["TargetGroups"][0]["TargetGroupArn"]);
    world.aws.json(&[
        "elbv2",
        "create-listener",
        "--load-balancer-arn",
        &balancer,
        "--protocol",
        "TCP",
        "--port",
        "80",
        "--default-actions",
        &format!("Type=forward,TargetGroupArn={group}"),
    ])?;
    let server = world.register("server", json!({ "networkMode": "awsvpc" }), json!({}))?;
    let server = world.run(&server, &["--network-configuration", network])?;
    let server = address(&world.wait_for(&server, "RUNNING")?);
    // A network load balancer without security groups is no member of any: its address has to be let in.
    let default_group = world.gantry.variable("GANTRY_SECURITY_GROUP")?;
    let allow = ["ec2", "authorize-security-group-ingress", "--group-id"];
    let rule = [
        &default_group,
        "--protocol",
        "tcp",
        "--port",
        "80",
        "--cidr",
        "0.0.0.0/0",
    ];
    world.aws.json(&[&allow[..], &rule].concat())?;
    world.aws.json(&[
        "elbv2",
        "register-targets",
        "--target-group-arn",
        &group,
        "--targets",
        &format!("Id={server}"),
    ])?;
    Ok((balancer, name, server))
}

#[test]
fn a_task_finds_a_load_balancer_by_its_name() -> Result<()> {
    let mut world = World::new()?;
    let network = world.awsvpc()?;
    let (first, _, vpc) = world.two_subnets()?;
    let (balancer, name, server) = balanced(&world, &network, &first, &vpc)?;
    let denied = format!("nobody-1.ip-{}.ec2.internal", server.replace('.', "-"));
    let own = format!("ip-{}.ec2.internal", server.replace('.', "-"));
    let client = asks(&[&name, &own, &denied]);
    let client = world.register("client", json!({ "networkMode": "awsvpc" }), client)?;
    let client = world.run(&client, &["--network-configuration", &network])?;
    let client = address(&world.wait_for(&client, "RUNNING")?);

    let conf = found(&client, "resolv.conf", |it| it.contains("nameserver"))?;
    assert!(
        conf.contains(&format!("nameserver {}2\n", range(&world)?)),
        "{conf}"
    );
    assert_eq!(conf.matches("nameserver").count(), 1, "{conf}");
    assert!(conf.contains("search ec2.internal"), "{conf}");
    let resolved = world.gantry.command(&["admin", "resolve", &name])?;
    let resolved = resolved.trim();
    found(&client, &name, |it| it.contains(resolved))?;
    found(&client, &own, |it| it.contains(&server))?;
    found(&client, &denied, |it| it.contains("NXDOMAIN"))?;
    found(&client, &format!("page-{name}"), |it| it.contains("hello from"))?;

    // Nobody is asked who may be down.
    world.gantry.kill()?;
    let started = Instant::now();
    http_get(&format!("{client}:80"), "/resolv.conf")?;
    found(&client, &name, |it| it.contains(resolved))?;
    while started.elapsed().as_secs() < 2 {
        let answer = http_get(&format!("{client}:80"), &format!("/{name}"))?;
        assert!(
            answer.contains(resolved) || answer.starts_with("HTTP/1.1 404"),
            "{answer}"
        );
    }

    // The next program takes over, and knows of changes.
    world.gantry.upgrade()?;
    world.gantry.up()?;
    found(&client, &name, |it| it.contains(resolved))?;
    world
        .aws
        .json(&["elbv2", "delete-load-balancer", "--load-balancer-arn", &balancer])?;
    found(&client, &name, |it| {
        !it.is_empty() && !it.contains(resolved) && !it.contains(" 404 ")
    })?;
    found(&client, &own, |it| it.contains(&server))?;
    Ok(())
}

/// A private namespace of a VPC in which a name has an address.
fn named(world: &World, vpc: &str, address: &str) -> Result<()> {
    let discovery = |words: &[&str]| world.aws.json(&[&["servicediscovery"], words].concat());
    discovery(&[
        "create-private-dns-namespace",
        "--name",
        "shop.internal",
        "--vpc",
        vpc,
    ])?;
    let mut id = String::new();
    wait::until("the namespace is there", DEADLINE, || {
        id = text(&discovery(&["list-namespaces"])?["Namespaces"][0]["Id"]);
        Ok((!id.is_empty()).then_some(()))
    })?;
    let records = format!("NamespaceId={id},DnsRecords=[{{Type=A,TTL=5}}]");
    let made = discovery(&["create-service", "--name", "web", "--dns-config", &records])?;
    let service = text(&made["Service"]["Id"]);
    let register = [
        "register-instance",
        "--service-id",
        &service,
        "--instance-id",
        "one",
    ];
    let attributes = format!("AWS_INSTANCE_IPV4={address}");
    discovery(&[&register[..], &["--attributes", &attributes]].concat())?;
    Ok(())
}

#[test]
fn tasks_beside_vpcs_know_their_names_too() -> Result<()> {
    const NAME: &str = "web.shop.internal";
    let mut world = World::new()?;
    let network = world.awsvpc()?;
    let (.., vpc) = world.two_subnets()?;
    let server = world.register("server", json!({ "networkMode": "awsvpc" }), json!({}))?;
    let server = world.run(&server, &["--network-configuration", &network])?;
    let server = address(&world.wait_for(&server, "RUNNING")?);
    named(&world, &vpc, &server)?;

    let own = format!("ip-{}.ec2.internal", server.replace('.', "-"));
    let mut client = asks(&[NAME, &own, "nobody.shop.internal"]);
    let in_host = world.register("in-host", json!({ "networkMode": "host" }), client.clone())?;
    // what is published at the port of names does not come in between
    client["portMappings"] = json!([{ "containerPort": 80, "hostPort": 8080 }, { "containerPort": 53, "hostPort": 53, "protocol": "udp" }]);
    let on_bridge = world.register("on-bridge", json!({ "networkMode": "bridge" }), client)?;
    for definition in [&in_host, &on_bridge] {
        let task = world.run(definition, &[])?;
        world.wait_for(&task, "RUNNING")?;
    }
    let pages = [("127.0.0.1:80", "host"), ("127.0.0.1:8080", "bridge")];
    let all_find_it = || -> Result<()> {
        for (door, mode) in pages {
            let conf = http_get(door, "/resolv.conf")?;
            assert_eq!(conf.matches("nameserver").count(), 1, "{mode}: {conf}");
            found_at(door, NAME, |it| it.contains(&server))?;
            found_at(door, &own, |it| it.contains(&server))?;
            found_at(door, "nobody.shop.internal", |it| it.contains("NXDOMAIN"))?;
            found_at(door, &format!("page-{NAME}"), |it| it.contains("hello from"))?;
        }
        Ok(())
    };
    all_find_it()?;
    world.gantry.interrupt()?;
    world.gantry.upgrade()?;
    world.gantry.up()?;
    all_find_it()
}

#[test]
fn who_floods_the_resolver_disturbs_nobody() -> Result<()> {
    let world = World::new()?;
    let network = world.awsvpc()?;
    let range = range(&world)?;
    let [flooded, asked] = [9, 7].map(|it| format!("ip-{}{it}.ec2.internal", range.replace('.', "-")));
    // Names that are known here, as fast as a task can ask.
    let flood = format!(
        "i=0; while [ $i -lt 8 ]; do i=$((i+1)); (while true; do busybox nslookup {flooded} > /dev/null 2>&1; \
         done) & done; wait"
    );
    let flood = json!({ "command": ["/bin/sh", "-c", flood] });
    let flood = world.register("flood", json!({ "networkMode": "awsvpc" }), flood)?;
    let flood = world.run(&flood, &["--network-configuration", &network])?;
    world.wait_for(&flood, "RUNNING")?;
    let client = asks(&[&asked]);
    let client = world.register("client", json!({ "networkMode": "awsvpc" }), client)?;
    let client = world.run(&client, &["--network-configuration", &network])?;
    let client = address(&world.wait_for(&client, "RUNNING")?);
    found(&client, &asked, |it| it.contains(&format!("{range}7")))?;
    Ok(())
}
