//! Load balancers, as the AWS CLI makes, describes and deletes them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

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
    let (first, second, vpc) = world.two_subnets()?;

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
    // once its balancer has heard of it
    wait::until("the target to be checked", DEADLINE, || {
        let health = elb(&["describe-target-health", "--target-group-arn", &group])?;
        let health = &health["TargetHealthDescriptions"][0]["TargetHealth"];
        assert_eq!(health["State"], "initial", "{health:#}");
        Ok((health["Reason"] == "Elb.InitialHealthChecking").then_some(()))
    })?;
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
    /// The answer of an operation of Elastic Load Balancing.
    pub fn elb(&self, arguments: &[&str]) -> Result<Value> {
        self.aws.json(&[&["elbv2"], arguments].concat())
    }

    /// Addresses of a load balancer.
    pub fn addresses(&self, load_balancer: &Value) -> Result<Vec<String>> {
        let printed = self
            .gantry
            .command(&["admin", "resolve", &text(&load_balancer["DNSName"])])?;
        Ok(printed.lines().map(str::to_owned).collect())
    }

    /// The application load balancer `web` in two zones, and its ARN.
    pub fn load_balancer(&self) -> Result<(Value, String)> {
        let (first, second, _) = self.two_subnets()?;
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
        Ok((load_balancer, arn))
    }

    /// A task in that network with an address of its own, at whose port 80 there is a page that says `here I am`.
    pub fn page_task(&self, network: &str) -> Result<Value> {
        let script = "mkdir /www; echo here I am > /www/index.html; exec httpd -f -p 80 -h /www";
        let page = json!({ "command": ["/bin/sh", "-c", script] });
        let definition = self.register("page", json!({ "networkMode": "awsvpc" }), page)?;
        let task = self.run(&definition, &["--network-configuration", network])?;
        self.wait_for(&task, "RUNNING")
    }

    /// An application load balancer in two zones whose port 80 leads to the tasks, healthy ones.
    pub fn balance(&self, tasks: &[&Value]) -> Result<(Value, String)> {
        let (load_balancer, arn) = self.load_balancer()?;
        let made = self.elb(&[
            "create-target-group",
            "--name",
            "web",
            "--protocol",
            "HTTP",
            "--port",
            "80",
            "--vpc-id",
            &text(&load_balancer["VpcId"]),
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

/// Clients that ask a load balancer again and again, on connections of their own and on kept ones, until it is dropped.
struct Load {
    ends: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    clients: Vec<std::thread::JoinHandle<Result<()>>>,
}

impl Load {
    fn begin(address: &str) -> Self {
        let (ends, done) = (Arc::default(), Arc::default());
        let client = |requests: usize| {
            let (ends, done) = (Arc::clone(&ends), Arc::clone(&done));
            let address = format!("{address}:80");
            std::thread::spawn(move || {
                let asked = ask_again(&address, requests, &ends, &done);
                asked
                    .inspect_err(|error| eprintln!("a client of {requests} requests a connection: {error:#}"))
            })
        };
        let clients = [1, 1, usize::MAX, usize::MAX].map(client).into();
        Self { ends, done, clients }
    }

    /// Waits for so many more requests.
    fn go_on(&self, requests: usize) -> Result<()> {
        let wanted = self.done.load(Ordering::Relaxed) + requests;
        wait::until("more requests", DEADLINE, || {
            anyhow::ensure!(
                self.clients.iter().all(|it| !it.is_finished()),
                "a client has failed"
            );
            Ok((self.done.load(Ordering::Relaxed) >= wanted).then_some(()))
        })
    }

    fn end(mut self) -> Result<()> {
        self.ends.store(true, Ordering::Relaxed);
        let mut clients = self.clients.drain(..);
        clients.try_for_each(|it| it.join().map_err(|_| anyhow::anyhow!("a client panicked"))?)
    }
}

/// So many requests on each connection, as long as the other side keeps it.
fn ask_again(address: &str, requests: usize, ends: &AtomicBool, done: &AtomicUsize) -> Result<()> {
    while !ends.load(Ordering::Relaxed) {
        let stream = TcpStream::connect(address).context("no connection")?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        for _ in 0..requests {
            (&stream).write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
            let is_last = read_page(&mut reader)?;
            done.fetch_add(1, Ordering::Relaxed);
            if is_last || ends.load(Ordering::Relaxed) {
                break;
            }
        }
    }
    Ok(())
}

/// Whether the connection ends with it.
fn read_page(reader: &mut BufReader<TcpStream>) -> Result<bool> {
    let (mut length, mut is_last, mut line) = (0, false, String::new());
    reader.read_line(&mut line)?;
    anyhow::ensure!(line.starts_with("HTTP/1.1 200"), "answered {line:?}");
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line)?;
        match line.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", it)) => length = it.parse()?,
            Some(("connection", "close")) => is_last = true,
            _ => anyhow::ensure!(line.ends_with("\r\n"), "a head that breaks off"),
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    Ok(is_last)
}

#[test]
fn an_upgrade_renews_the_balancer_and_refuses_no_connection() -> Result<()> {
    let mut world = World::new()?;
    let task = world.page_task(&world.awsvpc()?)?;
    let (load_balancer, _) = world.balance(&[&task])?;
    let arn = text(&load_balancer["LoadBalancerArn"]);
    let (_, id) = arn.rsplit_once('/').context("an ARN")?;
    let directory = world.gantry.data_dir().join("balancers").join(id);
    let process = || Ok::<_, anyhow::Error>(std::fs::read_to_string(directory.join("lock"))?);
    let before = process()?;
    let url = format!("http://{}/", world.addresses(&load_balancer)?[0]);
    let listed = world.gantry.command(&["admin", "load-balancers"])?;
    assert!(
        listed.starts_with("web  application, internet-facing, active\n"),
        "{listed}"
    );
    assert!(listed.contains(&format!("  {url}\n")), "{listed}");
    let load = Load::begin(&world.addresses(&load_balancer)?[0]);
    load.go_on(50)?;

    world.gantry.kill()?;
    world.gantry.up()?;
    load.go_on(50)?;
    assert_eq!(process()?, before, "the same program: nothing is renewed");
    assert!(world.gantry.output().contains(&url), "{}", world.gantry.output());

    world.gantry.kill()?;
    world.gantry.upgrade()?;
    world.gantry.up()?;
    wait::until("another process", DEADLINE, || {
        let is_other = process().is_ok_and(|it| !it.trim().is_empty() && it != before);
        Ok(is_other.then_some(()))
    })?;
    load.go_on(50).with_context(|| world.gantry.output())?;
    let left = format!("/proc/{}", before.trim());
    wait::until("the old process to leave", DEADLINE, || {
        Ok((!std::path::Path::new(&left).exists()).then_some(()))
    })?;
    load.go_on(50)?;
    load.end()
}

/// A port of this machine that nobody has just now.
fn free_port() -> Result<String> {
    let listener = std::net::TcpListener::bind("0.0.0.0:0")?;
    Ok(listener.local_addr()?.port().to_string())
}

#[test]
fn up_publish_leads_ports_of_this_machine_to_internet_facing_load_balancers() -> Result<()> {
    let world = World::with(&["--publish"])?;
    let (first, second, _) = world.two_subnets()?;
    let port = free_port()?;
    let mut arns = Vec::new();
    for name in ["web", "late"] {
        let made = world.elb(&[
            "create-load-balancer",
            "--name",
            name,
            "--subnets",
            &first,
            &second,
        ])?;
        let arn = text(&made["LoadBalancers"][0]["LoadBalancerArn"]);
        let answer = format!("Type=fixed-response,FixedResponseConfig={{StatusCode=200,MessageBody={name}}}");
        let of = [
            "create-listener",
            "--load-balancer-arn",
            &arn,
            "--protocol",
            "HTTP",
        ];
        world.elb(&[&of[..], &["--port", &port, "--default-actions", &answer]].concat())?;
        world.elb(&["wait", "load-balancer-available", "--load-balancer-arns", &arn])?;
        // The first one has the port when the second one comes.
        wait::until("it to be told", DEADLINE, || {
            let listed = world.gantry.command(&["admin", "load-balancers"])?;
            let (_, its) = listed
                .split_once(&format!("{name}  application"))
                .context("not listed")?;
            let its = its.split("application").next().unwrap_or_default();
            let said = match name {
                "web" => format!("  http://localhost:{port}/  and at all IPv4 addresses"),
                _ => format!("  port {port}/tcp is not published: a program, a task or another"),
            };
            Ok(its.contains(&said).then_some(()))
        })?;
        arns.push(arn);
    }
    let page = http_get(&format!("127.0.0.1:{port}"), "/")?;
    assert!(page.contains("200 OK") && page.ends_with("web"), "{page}");
    assert!(
        world.gantry.output().contains("is not published"),
        "{}",
        world.gantry.output()
    );
    world.elb(&["delete-load-balancer", "--load-balancer-arn", &arns[0]])?;
    wait::until("the port to be free", DEADLINE, || {
        Ok(http_get(&format!("127.0.0.1:{port}"), "/").is_err().then_some(()))
    })
}
