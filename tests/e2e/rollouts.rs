//! Rolling updates that no client notices: one that looks up the live tasks of a service and asks them all the time.

use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::world::{World, text};

/// Goes on serving after SIGTERM for longer than any client's list of tasks is old, and only then ends; its page says
/// which revision it is, and one page takes a while.
const SERVE: &str = "\
    mkdir -p /tmp/www/cgi-bin; echo \"revision $REVISION\" > /tmp/www/index.html; \
    printf '#!/bin/sh\\nsleep 0.3\\nprintf \"Content-Type: text/plain\\\\r\\\\n\\\\r\\\\nrevision %s\\\\n\"' $REVISION \
        > /tmp/www/cgi-bin/slow; \
    busybox chmod +x /tmp/www/cgi-bin/slow; \
    httpd -f -p 80 -h /tmp/www & server=$!; \
    trap 'sleep 3; kill $server; exit 0' TERM; \
    wait $server";

/// Lists the tasks that are wanted, run and are healthy, over and over; meanwhile four threads each open connection
/// after connection to one of a list that was asked for within the last second. Nothing is tried twice. Ends with the
/// standard input; says how many answers each revision gave, and what failed.
const CLIENT: &str = r#"
import boto3, collections, http.client, json, random, sys, threading, time
ecs = boto3.client("ecs")
known = (0.0, [])
ended = threading.Event()
answers, failures, lock = collections.Counter(), [], threading.Lock()

def look_up():
    asked = time.monotonic()
    arns = ecs.list_tasks(serviceName="web", desiredStatus="RUNNING")["taskArns"]
    tasks = ecs.describe_tasks(tasks=arns)["tasks"] if arns else []
    live = [it for it in tasks if it["lastStatus"] == it["desiredStatus"] == "RUNNING" and it["healthStatus"] == "HEALTHY"]
    return asked, [it["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] for it in live]

def follow():
    global known
    while not ended.wait(0.2):
        known = look_up()

def ask():
    while not ended.wait(0.02):
        asked, addresses = known
        if time.monotonic() - asked > 1 or not addresses:
            continue
        address, path = random.choice(addresses), random.choice(["/", "/", "/", "/cgi-bin/slow"])
        begin = time.monotonic()
        try:
            connection = http.client.HTTPConnection(address, timeout=10)
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode().strip()
            assert answer.status == 200 and body.startswith("revision "), f"{answer.status} {body!r}"
            with lock:
                answers[body] += 1
        except Exception as error:
            with lock:
                failures.append(f"{address}{path}, listed {begin - asked:.3f} s before: {error!r}")
        finally:
            connection.close()

known = look_up()
threads = [threading.Thread(target=it) for it in [follow] + [ask] * 4]
for thread in threads:
    thread.start()
sys.stdin.read()
ended.set()
for thread in threads:
    thread.join()
print(json.dumps({"answers": answers, "failures": failures}))
"#;

/// Answers that each revision must at least have given, for the silence about failures to mean something.
const ENOUGH: u64 = 100;

#[test]
fn no_request_fails_while_a_service_is_replaced() -> Result<()> {
    let world = World::new()?;
    let first = register(&world, "1")?;
    world.aws.json(&[
        "ecs",
        "create-service",
        "--service-name",
        "web",
        "--task-definition",
        &first,
        "--desired-count",
        "4",
        "--network-configuration",
        &world.awsvpc()?,
    ])?;
    world.wait_completed("web", &first)?;
    let before = world.wait_running("web", 4)?;
    let client = start_client(&world)?;
    update(&world, &["--force-new-deployment"])?;
    world.wait_completed("web", &first)?;
    wait_stopped(&world, &before)?;
    let before = world.wait_running("web", 4)?;
    let second = register(&world, "2")?;
    update(&world, &["--task-definition", &second])?;
    world.wait_completed("web", &second)?;
    wait_stopped(&world, &before)?;
    let report = end_client(client)?;
    ensure!(report["failures"] == json!([]), "{report:#}");
    for revision in ["revision 1", "revision 2"] {
        let answers = report["answers"][revision].as_u64().unwrap_or_default();
        ensure!(answers >= ENOUGH, "{report:#}");
    }
    Ok(())
}

fn register(world: &World, revision: &str) -> Result<String> {
    let container = json!({
        "command": ["/bin/sh", "-c", SERVE],
        "environment": [{ "name": "REVISION", "value": revision }],
        "portMappings": [{ "containerPort": 80 }],
        "stopTimeout": 20,
        "healthCheck": {
            "command": ["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1/"], "interval": 5, "timeout": 5,
        },
    });
    world.register("web", json!({ "networkMode": "awsvpc" }), container)
}

fn update(world: &World, change: &[&str]) -> Result<()> {
    let mut arguments = vec!["ecs", "update-service", "--service", "web"];
    arguments.extend_from_slice(change);
    world.aws.json(&arguments)?;
    Ok(())
}

/// Until tasks that were replaced have come to their end.
fn wait_stopped(world: &World, tasks: &[Value]) -> Result<()> {
    for task in tasks {
        world.wait_for(&text(&task["taskArn"]), "STOPPED")?;
    }
    Ok(())
}

fn start_client(world: &World) -> Result<Child> {
    let mut command = world.aws.program("python3");
    command.args(["-c", CLIENT]).stdin(Stdio::piped());
    Ok(command.stdout(Stdio::piped()).spawn()?)
}

fn end_client(mut client: Child) -> Result<Value> {
    drop(client.stdin.take());
    let output = client.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(&said).context(said)
}
