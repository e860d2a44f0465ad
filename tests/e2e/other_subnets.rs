//! A load balancer that gets other subnets while it is used.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use test_support::wait;

use crate::world::{DEADLINE, World, page, text};

/// A connection over which several requests go.
struct KeptAlive(BufReader<TcpStream>);

impl KeptAlive {
    fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(Self(BufReader::new(stream)))
    }

    fn page(&mut self) -> Result<String> {
        let request = "GET / HTTP/1.1\r\nHost: web\r\n\r\n";
        self.0.get_mut().write_all(request.as_bytes())?;
        let mut length = None;
        loop {
            let mut line = String::new();
            ensure!(self.0.read_line(&mut line)? > 0, "the connection has ended");
            match line.trim_end().to_ascii_lowercase() {
                end if end.is_empty() => break,
                it => length = it.strip_prefix("content-length: ").map(str::parse).or(length),
            }
        }
        let mut body = vec![0; length.context("no length")??];
        self.0.read_exact(&mut body)?;
        Ok(String::from_utf8(body)?)
    }
}

#[test]
fn connections_to_zones_that_stay_outlive_other_subnets() -> Result<()> {
    let world = World::new()?;
    let sorted = "sort_by(Subnets, &AvailabilityZone)[].SubnetId";
    let subnets = world.aws.json(&["ec2", "describe-subnets", "--query", sorted])?;
    let [_, second, third] = [0, 1, 2].map(|it| text(&subnets[it]));
    let network = json!({ "awsvpcConfiguration": { "subnets": [second] } }).to_string();
    let task = world.page_task(&network)?;
    let (load_balancer, _) = world.balance(&[&task])?;
    let arn = text(&load_balancer["LoadBalancerArn"]);
    let before = world.addresses(&load_balancer)?;
    ensure!(before.len() == 2, "{before:?}");
    let [first, stays] = [0, 1].map(|it| format!("{}:80", before[it]));
    page(&stays)?;
    let mut kept = KeptAlive::open(&stays)?;
    assert_eq!(kept.page()?.trim(), "here I am");

    let set = [
        "set-subnets",
        "--load-balancer-arn",
        &arn,
        "--subnets",
        &second,
        &third,
    ];
    world.elb(&set)?;
    let added = wait::until("an address in the third zone", DEADLINE, || {
        let now = world.addresses(&load_balancer)?;
        Ok(now.iter().find(|it| !before.contains(it)).cloned())
    })?;
    assert!(page(&format!("{added}:80"))?.contains("here I am"));
    assert_eq!(kept.page()?.trim(), "here I am", "the same connection");
    wait::until("the first address to be gone", DEADLINE, || {
        let reached = TcpStream::connect_timeout(&first.parse()?, std::time::Duration::from_millis(200));
        Ok(reached.is_err().then_some(()))
    })?;
    assert_eq!(kept.page()?.trim(), "here I am", "and still");
    Ok(())
}
