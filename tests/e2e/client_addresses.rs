//! Targets of network load balancers see who their clients are.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_support::gantry::http_get;
use test_support::leaks::Place;
use test_support::wait;

use crate::world::{DEADLINE, World, address, text};

/// Tells each client its address.
const WHO: &str = "mkdir -p /www/cgi-bin; \
    printf '#!/bin/sh\\necho Content-Type: text/plain\\necho\\necho you are ${REMOTE_ADDR##*:},\\n' > /www/cgi-bin/who; \
    busybox chmod +x /www/cgi-bin/who; exec httpd -f -p 80 -h /www";

impl World {
    /// A network load balancer in the default group with one target of a type; its address, ARN and group.
    fn network_load_balancer(&self, target: &str, target_type: &str) -> Result<(String, String, String)> {
        let (first, second, vpc) = self.two_subnets()?;
        let security_group = self.gantry.variable("GANTRY_SECURITY_GROUP")?;
        let create = ["create-load-balancer", "--type", "network", "--name", "web"];
        let place = ["--subnets", &first, &second, "--security-groups", &security_group];
        let made = self.elb(&[&create[..], &place].concat())?;
        let load_balancer = made["LoadBalancers"][0].clone();
        let arn = text(&load_balancer["LoadBalancerArn"]);
        let create = [
            "create-target-group",
            "--name",
            "web",
            "--protocol",
            "TCP",
            "--port",
            "80",
        ];
        let kind = [
            "--vpc-id",
            &vpc,
            "--target-type",
            target_type,
            "--health-check-timeout-seconds",
            "2",
            "--health-check-interval-seconds",
            "5",
        ];
        let made = self.elb(&[&create[..], &kind].concat())?;
        let group = text(&made["TargetGroups"][0]["TargetGroupArn"]);
        let action = format!("Type=forward,TargetGroupArn={group}");
        let listener = [
            "create-listener",
            "--load-balancer-arn",
            &arn,
            "--protocol",
            "TCP",
            "--port",
            "80",
        ];
        self.elb(&[&listener[..], &["--default-actions", &action]].concat())?;
        let target = format!("Id={target}");
        self.elb(&[
            "register-targets",
            "--target-group-arn",
            &group,
            "--targets",
            &target,
        ])?;
        self.elb(&["wait", "load-balancer-available", "--load-balancer-arns", &arn])?;
        self.elb(&["wait", "target-in-service", "--target-group-arn", &group])?;
        let addresses = self.addresses(&load_balancer)?;
        let address = addresses.first().context("no address")?.clone();
        Ok((address, arn, group))
    }

    fn runs_to_its_end(&self, task: &Value, script: &str, network: &str) -> Result<Value> {
        let container = json!({ "command": ["/bin/sh", "-c", script] });
        let definition = self.register("client", task.clone(), container)?;
        let client = self.run(&definition, &["--network-configuration", network])?;
        let stopped = self.wait_for(&client, "STOPPED")?;
        Ok(stopped["containers"][0]["exitCode"].clone())
    }
}

#[test]
fn targets_of_a_network_load_balancer_see_the_addresses_of_clients() -> Result<()> {
    let mut world = World::new()?;
    let place = Place::of(&world.gantry)?;
    let network = world.awsvpc()?;
    let in_vpc = json!({ "networkMode": "awsvpc" });
    let definition = world.register(
        "who",
        in_vpc.clone(),
        json!({ "command": ["/bin/sh", "-c", WHO] }),
    )?;
    let server = world.run(&definition, &["--network-configuration", &network])?;
    let server = world.wait_for(&server, "RUNNING")?;
    let before = place.held()?;
    let (balancer, arn, group) = world.network_load_balancer(&address(&server), "ip")?;
    let who = || http_get(&format!("{balancer}:80"), "/cgi-bin/who");
    let answer = who()?;
    assert!(
        answer.contains(&format!("you are {balancer}")),
        "not yet: {answer}"
    );

    let preserve = "Key=preserve_client_ip.enabled,Value=true";
    let modify = ["modify-target-group-attributes", "--target-group-arn", &group];
    world.elb(&[&modify[..], &["--attributes", preserve]].concat())?;
    let sees_the_host = || {
        wait::until("the target to see the host", DEADLINE, || {
            let answer = who().unwrap_or_default();
            Ok(answer.contains("you are 169.254.").then_some(()))
        })
    };
    sees_the_host()?;
    let ask = format!(
        "own=$(busybox ip -4 addr show eth0 | busybox grep -o 'inet [0-9.]*' | busybox cut -d ' ' -f 2); \
         busybox timeout 20 wget -q -O - http://{balancer}/cgi-bin/who | busybox grep -q \"you are $own\"; exit $?"
    );
    assert_eq!(
        world.runs_to_its_end(&in_vpc, &ask, &network)?,
        0,
        "the address of a task"
    );

    world.gantry.kill()?;
    let answer = who()?;
    assert!(
        answer.contains("you are 169.254."),
        "while nobody tells it anything: {answer}"
    );
    world.gantry.up()?;
    sees_the_host()?;
    world.elb(&["delete-load-balancer", "--load-balancer-arn", &arn])?;
    wait::until("nobody to answer", DEADLINE, || Ok(who().is_err().then_some(())))?;
    place.settle(&before)
}

#[test]
fn an_application_load_balancer_behind_a_network_one_sees_clients_too() -> Result<()> {
    let world = World::new()?;
    let (first, second, _) = world.two_subnets()?;
    let security_group = world.gantry.variable("GANTRY_SECURITY_GROUP")?;
    let create = ["create-load-balancer", "--name", "inner", "--subnets"];
    let place = [&first, &second, "--security-groups", &security_group];
    let made = world.elb(&[&create[..], &place].concat())?;
    let inner = text(&made["LoadBalancers"][0]["LoadBalancerArn"]);
    let says = |words: &str| {
        let answer = json!({ "StatusCode": "200", "ContentType": "text/plain", "MessageBody": words });
        json!([{ "Type": "fixed-response", "FixedResponseConfig": answer }]).to_string()
    };
    let create = [
        "create-listener",
        "--load-balancer-arn",
        &inner,
        "--protocol",
        "HTTP",
        "--port",
        "80",
    ];
    let made = world.elb(&[&create[..], &["--default-actions", &says("somebody")]].concat())?;
    let listener = text(&made["Listeners"][0]["ListenerArn"]);
    let condition = "Field=source-ip,SourceIpConfig={Values=[169.254.172.0/22]}";
    let create = [
        "create-rule",
        "--listener-arn",
        &listener,
        "--priority",
        "1",
        "--conditions",
        condition,
    ];
    world.elb(&[&create[..], &["--actions", &says("the host")]].concat())?;
    world.elb(&["wait", "load-balancer-available", "--load-balancer-arns", &inner])?;

    let (outer, ..) = world.network_load_balancer(&inner, "alb")?;
    wait::until("the host to be known", DEADLINE, || {
        let answer = http_get(&format!("{outer}:80"), "/").unwrap_or_default();
        Ok(answer.contains("the host").then_some(()))
    })
}
