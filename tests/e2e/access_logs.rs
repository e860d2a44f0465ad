//! Access logs of load balancers, in a bucket as Amazon lays them out.

use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use test_support::gantry::http_get;
use test_support::wait;

use crate::world::{DEADLINE, World, text};

impl World {
    /// The text of the first compressed object of a bucket, once there is one.
    fn first_log(&self, bucket: &str) -> Result<(String, String)> {
        let list = ["s3api", "list-objects-v2", "--bucket", bucket];
        let key = wait::until("an access log", DEADLINE, || {
            let listed = self.aws.json(&list)?;
            let keys = listed["Contents"].as_array().cloned().unwrap_or_default();
            let mut keys = keys.iter().map(|it| text(&it["Key"]));
            Ok(keys.find(|it| it.ends_with(".log.gz")))
        })?;
        let file = self.gantry.scratch().join("log.gz").display().to_string();
        let get = ["s3api", "get-object", "--bucket", bucket, "--key"];
        self.aws.json(&[&get[..], &[&key, &file]].concat())?;
        let unpacked = Command::new("zcat").arg(&file).output()?;
        ensure!(unpacked.status.success(), "{unpacked:?}");
        Ok((key, String::from_utf8(unpacked.stdout)?))
    }
}

#[test]
fn requests_are_logged_in_a_bucket() -> Result<()> {
    let world = World::new()?;
    let (first, second, _) = world.two_subnets()?;
    let elb = |operation: &str, input: &Value| {
        let input = input.to_string();
        world.aws.json(&["elbv2", operation, "--cli-input-json", &input])
    };
    let made = elb(
        "create-load-balancer",
        &json!({ "Name": "web", "Subnets": [first, second] }),
    )?;
    let arn = text(&made["LoadBalancers"][0]["LoadBalancerArn"]);
    let answer = json!({ "StatusCode": "418", "MessageBody": "a teapot", "ContentType": "text/plain" });
    let listener = json!({
        "LoadBalancerArn": arn, "Protocol": "HTTP", "Port": 80,
        "DefaultActions": [{ "Type": "fixed-response", "FixedResponseConfig": answer }],
    });
    elb("create-listener", &listener)?;
    world.aws.json(&["s3api", "create-bucket", "--bucket", "logs"])?;
    let logs = json!({ "LoadBalancerArn": arn, "Attributes": [
        { "Key": "access_logs.s3.enabled", "Value": "true" },
        { "Key": "access_logs.s3.bucket", "Value": "logs" },
    ] });
    elb("modify-load-balancer-attributes", &logs)?;
    let available = ["elbv2", "wait", "load-balancer-available", "--load-balancer-arns"];
    world.aws.json(&[&available[..], &[&arn]].concat())?;
    let address = world.addresses(&made["LoadBalancers"][0])?[0].clone();
    // The first ones may come before the balancer has heard of its log.
    wait::until("a logged request", DEADLINE, || {
        let page = http_get(&format!("{address}:80"), "/tea?milk=no")?;
        ensure!(page.starts_with("HTTP/1.1 418"), "{page}");
        let listed = world
            .aws
            .json(&["s3api", "list-objects-v2", "--bucket", "logs"])?;
        let count = listed["Contents"].as_array().map_or(0, Vec::len);
        Ok((count > 1).then_some(()))
    })?;
    let (key, lines) = world.first_log("logs")?;
    let id = arn.rsplit('/').next().unwrap_or_default();
    ensure!(
        key.starts_with("AWSLogs/123456789012/elasticloadbalancing/us-east-1/"),
        "{key}"
    );
    ensure!(key.contains(&format!("_app.web.{id}_")), "{key}");
    let line = lines.lines().next().unwrap_or_default();
    ensure!(
        line.starts_with("http ") && line.contains(&format!(" app/web/{id} ")),
        "{line}"
    );
    let request = format!("\"GET http://{address}:80/tea?milk=no HTTP/1.1\"");
    ensure!(line.contains(&request) && line.contains(" 418 - "), "{line}");
    ensure!(line.contains("\"fixed-response\""), "{line}");
    Ok(())
}
