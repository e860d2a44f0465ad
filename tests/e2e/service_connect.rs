//! Service Connect: a client that asks a name all the time notices neither a task that is killed nor a rolling update,
//! whether it is a task of a service or one of its own.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_support::gantry::http_get;
use test_support::wait;

use crate::world::{DEADLINE, World, address, text};

/// Ends at once when it is told to: whoever is still being served then gets no answer.
const SERVE: &str = "\
    mkdir -p /tmp/www; echo \"revision $REVISION\" > /tmp/www/index.html; \
    httpd -f -p 80 -h /tmp/www & server=$!; \
    trap 'kill -9 $server; exit 0' TERM; \
    wait $server";

/// Asks over and over, and serves what it has got: nothing is tried twice.
const ASK: &str = "\
    mkdir -p /tmp/www; : > /tmp/www/answers; : > /tmp/www/failures; httpd -p 80 -h /tmp/www; \
    while true; do \
        if answer=$(busybox timeout 10 wget -q -O - http://$TARGET/ 2>&1); then echo \"$answer\" >> /tmp/www/answers; \
        else echo \"failed: $answer\" >> /tmp/www/failures; fi; \
        busybox usleep 5000; \
    done";

/// Answers that are enough for the silence about failures to mean something.
const ENOUGH: usize = 50;

struct Connected {
    world: World,
    place: String,
}

impl Connected {
    fn new() -> Result<Self> {
        let world = World::new()?;
        let defaults = "namespace=internal";
        let update = ["ecs", "update-cluster", "--cluster", "default"];
        world
            .aws
            .json(&[&update[..], &["--service-connect-defaults", defaults]].concat())?;
        let it = Self {
            world,
            place: String::new(),
        };
        let definition = it.register("1")?;
        it.create("web", &definition)?;
        let printed = it.world.gantry.command(&["admin", "resolve", "web.internal"])?;
        let place = printed.lines().next().context("no address")?;
        Ok(Self {
            place: format!("{}:8000", place.trim()),
            ..it
        })
    }

    fn register(&self, revision: &str) -> Result<String> {
        let container = json!({
            "command": ["/bin/sh", "-c", SERVE],
            "environment": [{ "name": "REVISION", "value": revision }],
            "portMappings": [{ "containerPort": 80, "name": "http", "appProtocol": "http" }],
        });
        self.world
            .register("web", json!({ "networkMode": "awsvpc" }), container)
    }

    fn create(&self, name: &str, definition: &str) -> Result<()> {
        let awsvpc = json!({
            "subnets": [self.world.gantry.variable("GANTRY_SUBNET")?],
            "securityGroups": [self.world.gantry.variable("GANTRY_SECURITY_GROUP")?],
        });
        let offered =
            json!([{ "portName": "http", "discoveryName": name, "clientAliases": [{ "port": 8000 }] }]);
        let input = json!({
            "serviceName": name, "taskDefinition": definition, "desiredCount": 3,
            "networkConfiguration": { "awsvpcConfiguration": awsvpc },
            "serviceConnectConfiguration": { "enabled": true, "services": offered },
        });
        let input = input.to_string();
        self.world
            .aws
            .json(&["ecs", "create-service", "--cli-input-json", &input])?;
        self.world.wait_completed(name, definition)
    }

    /// A task of its own that asks, and the address at which it tells.
    fn start_client(&self) -> Result<String> {
        let container = json!({
            "command": ["/bin/sh", "-c", ASK],
            "environment": [{ "name": "TARGET", "value": self.place }],
        });
        let definition = self
            .world
            .register("client", json!({ "networkMode": "awsvpc" }), container)?;
        let network = self.world.awsvpc()?;
        let task = self
            .world
            .run(&definition, &["--network-configuration", &network])?;
        Ok(format!("{}:80", address(&self.world.wait_for(&task, "RUNNING")?)))
    }

    /// Until the client has got as many more answers of a revision as are enough.
    fn await_enough(&self, client: &str, revision: &str) -> Result<()> {
        let wanted = format!("revision {revision}");
        let count = || -> usize {
            let answers = http_get(client, "/answers").unwrap_or_default();
            answers.lines().filter(|it| *it == wanted).count()
        };
        let before = count();
        wait::until(&format!("answers of {wanted}"), DEADLINE, || {
            Ok((count() >= before + ENOUGH).then_some(()))
        })
    }
}

fn failures(client: &str) -> Result<String> {
    let answer = http_get(client, "/failures")?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok(body.trim().to_owned())
}

/// Kills the server of a task, as a crash does.
fn crash(task: &Value) -> Result<()> {
    let arn = text(&task["taskArn"]);
    let id = arn.rsplit('/').next().context("an id")?;
    // A task is RUNNING before its shell has come to the server.
    let pids = wait::until("the server of the task", DEADLINE, || {
        let own = fs::read_dir("/proc")?.filter_map(|it| it.ok()?.file_name().into_string().ok());
        let own = own.filter(|pid| {
            let cgroup = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
            let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            cgroup.contains(id) && command.starts_with("httpd")
        });
        let pids: Vec<String> = own.collect();
        Ok((!pids.is_empty()).then_some(pids))
    })?;
    ensure!(
        Command::new("kill").arg("-9").args(&pids).status()?.success(),
        "it lives"
    );
    Ok(())
}

#[test]
fn a_name_answers_while_tasks_crash_and_are_replaced() -> Result<()> {
    let it = Connected::new()?;
    let client = it.start_client()?;
    it.await_enough(&client, "1")?;

    let second = it.register("2")?;
    let update = ["ecs", "update-service", "--service", "web", "--task-definition"];
    it.world.aws.json(&[&update[..], &[&second]].concat())?;
    it.world.wait_completed("web", &second)?;
    it.await_enough(&client, "2")?;
    assert_eq!(failures(&client)?, "", "a rolling update");

    let stopped = it.world.tasks_of("web")?.remove(0);
    it.world.aws.json(&["ecs", "stop-task", "--task", &stopped])?;
    it.world.wait_for(&stopped, "STOPPED")?;
    it.await_enough(&client, "2")?;
    assert_eq!(failures(&client)?, "", "a task that is stopped");

    let tasks = it.world.wait_running("web", 3)?;
    crash(&tasks[0])?;
    it.await_enough(&client, "2")?;
    it.world.wait_running("web", 3)?;
    assert_eq!(failures(&client)?, "", "a task that crashes between two requests");

    let counted = wait::until("what was counted", DEADLINE, || {
        let asked = ["admin", "service-connect", "--service", "web", "--json"];
        let shown: Value = serde_json::from_str(&it.world.gantry.command(&asked)?)?;
        let metrics = shown[0]["metrics"].clone();
        let answered = metrics["httpCodeTarget2XXCount"].as_u64().unwrap_or_default();
        Ok((answered >= 2 * ENOUGH as u64).then_some(metrics))
    })?;
    ensure!(
        counted["requestCount"].as_u64() >= counted["httpCodeTarget2XXCount"].as_u64(),
        "{counted}"
    );

    let listed = ["ecs", "list-services-by-namespace", "--namespace", "internal"];
    let listed = it.world.aws.json(&listed)?;
    ensure!(text(&listed["serviceArns"][0]).ends_with("/web"), "{listed}");
    Ok(())
}

#[test]
fn nothing_is_left_when_the_last_name_is_gone() -> Result<()> {
    let it = Connected::new()?;
    let balancers = it.world.gantry.data_dir().join("balancers");
    let count = || fs::read_dir(&balancers).map_or(0, Iterator::count);
    wait::until("the proxy", DEADLINE, || Ok((count() == 1).then_some(())))?;
    it.world
        .aws
        .json(&["ecs", "delete-service", "--service", "web", "--force"])?;
    wait::until("the end of the proxy", DEADLINE, || {
        Ok((count() == 0).then_some(()))
    })?;
    ensure!(
        it.world
            .gantry
            .command(&["admin", "resolve", "web.internal"])
            .is_err(),
        "it has no name"
    );
    Ok(())
}
