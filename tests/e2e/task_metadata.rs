//! What containers read of themselves: metadata, what they use, and the agent's own API.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_support::sample_image::SAMPLE_IMAGE;
use test_support::wait;

use crate::task_roles::with_role;
use crate::world::{DEADLINE, World, text};

/// Reads each page to a file, takes 8 MiB and some processor time, and reads what that comes to.
const READ_ALL: &str = r#"
u=$ECS_CONTAINER_METADATA_URI_V4
get() { wget -q -O /out/$1 $2 2> /out/$1.error; }
echo -n $u > /out/uri
get container $u
get task $u/task
get tags $u/taskWithTags
get stats $u/stats
get all $u/task/stats
get v3 $ECS_CONTAINER_METADATA_URI
get v3task $ECS_CONTAINER_METADATA_URI/task
get v3stats $ECS_CONTAINER_METADATA_URI/stats
get v2 http://169.254.170.2/v2/metadata
get v2stats http://169.254.170.2/v2/stats
get protection $ECS_AGENT_URI/task-protection/v1/state
x=0123456789abcdef; i=0
while [ $i -lt 19 ]; do x=$x$x; i=$((i+1)); done
while [ $i -lt 100000 ]; do i=$((i+1)); done
until [ -s /out/later ] && [ "$(cat /out/later)" != "$(cat /out/stats)" ]; do sleep 0.2; get later $u/stats; done
"#;

/// A folder of the host that tasks write to.
fn folder(world: &World) -> Result<PathBuf> {
    let folder = world.gantry.scratch().join("out");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Runs a task whose container `web` runs a script with a folder of the host at `/out`, and then waits; gives the
/// task's ARN once the script is through.
fn run(world: &World, family: &str, mode: &str, folder: &Path, script: &str) -> Result<String> {
    let script = format!("{script}\necho > /out/{family}.done; sleep 1000");
    // In the host's network a port is one task's only.
    let ports = match family {
        "reads" => json!([{ "containerPort": 80 }]),
        _ => json!([]),
    };
    let mounts = json!([{ "sourceVolume": "out", "containerPath": "/out" }]);
    let definition = world.register_all(&json!({
        "family": family, "networkMode": mode,
        "volumes": [{ "name": "out", "host": { "sourcePath": folder.display().to_string() } }],
        "containerDefinitions": [
            {
                "name": "web", "image": SAMPLE_IMAGE, "memory": 32, "cpu": 64, "stopTimeout": 2, "mountPoints": mounts,
                "command": ["/bin/sh", "-c", script], "portMappings": ports,
                "dockerLabels": { "tier": "front" },
            },
            { "name": "side", "image": SAMPLE_IMAGE, "memory": 32, "stopTimeout": 2, "command": ["sleep", "1000"] },
        ],
    }))?;
    let network = world.awsvpc()?;
    let mut more = vec!["--tags", "key=team,value=shop"];
    if mode == "awsvpc" {
        more.extend(["--network-configuration", network.as_str()]);
    }
    let task = world.run(&definition, &more)?;
    wait::until(&format!("{family} is through"), DEADLINE, || {
        let shown = world.task(&task)?;
        anyhow::ensure!(shown["lastStatus"] != "STOPPED", "the task stopped: {shown:#}");
        Ok(folder.join(format!("{family}.done")).exists().then_some(()))
    })?;
    Ok(task)
}

fn file(folder: &Path, name: &str) -> Result<String> {
    let read = |name: &str| std::fs::read_to_string(folder.join(name));
    let content = read(name).with_context(|| name.to_owned())?;
    match content.is_empty() {
        true => anyhow::bail!("{name}: {}", read(&format!("{name}.error")).unwrap_or_default()),
        false => Ok(content),
    }
}

fn document(folder: &Path, name: &str) -> Result<Value> {
    let content = file(folder, name)?;
    serde_json::from_str(&content).with_context(|| format!("{name}: {content}"))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

/// What `describe-tasks` says is what the containers read.
fn check_metadata(world: &World, arn: &str, mode: &str, folder: &Path) -> Result<()> {
    let shown = world.task(arn)?;
    check_container(&shown, arn, mode, folder)?;
    check_task(&shown, arn, mode, folder)?;
    let tags = document(folder, "tags")?;
    assert_eq!(
        (&tags["TaskTags"], tags.get("Errors")),
        (&json!({ "team": "shop" }), None)
    );
    let (web, old) = (document(folder, "container")?, document(folder, "v3")?);
    assert_eq!(
        (&old["DockerId"], old.get("ContainerARN")),
        (&web["DockerId"], None)
    );
    assert_eq!(document(folder, "v3task")?["TaskARN"], arn);
    Ok(())
}

fn check_container(shown: &Value, arn: &str, mode: &str, folder: &Path) -> Result<()> {
    let web = document(folder, "container")?;
    let containers = shown["containers"].as_array().context("containers")?;
    let described = containers.iter().find(|it| it["name"] == "web").context("web")?;
    assert_eq!(
        (&web["Name"], &web["DockerId"]),
        (&json!("web"), &described["runtimeId"])
    );
    assert_eq!(
        (&web["ContainerARN"], &web["Image"]),
        (&described["containerArn"], &json!(SAMPLE_IMAGE))
    );
    assert_eq!(
        (&web["KnownStatus"], &web["Type"]),
        (&json!("RUNNING"), &json!("NORMAL"))
    );
    assert_eq!(web["Limits"], json!({ "CPU": 64, "Memory": 32 }));
    assert_eq!(
        (
            &web["Labels"]["tier"],
            &web["Labels"]["com.amazonaws.ecs.task-arn"]
        ),
        (&json!("front"), &json!(arn))
    );
    assert_eq!(web["Volumes"][0]["Destination"], "/out");
    assert!(
        web["CreatedAt"].as_str() <= web["StartedAt"].as_str() && web["CreatedAt"].is_string(),
        "{web}"
    );
    check_network(shown, described, &web, mode)
}

fn check_network(shown: &Value, described: &Value, web: &Value, mode: &str) -> Result<()> {
    let network = &web["Networks"][0];
    assert_eq!(network["NetworkMode"], mode);
    if mode == "awsvpc" {
        let interface = &described["networkInterfaces"][0];
        assert_eq!(network["IPv4Addresses"][0], interface["privateIpv4Address"]);
        let details = shown["attachments"][0]["details"].as_array().context("details")?;
        let detail = |name: &str| {
            details
                .iter()
                .find(|it| it["name"] == name)
                .map(|it| it["value"].clone())
        };
        assert_eq!(Some(network["MACAddress"].clone()), detail("macAddress"));
        assert_eq!(Some(network["PrivateDNSName"].clone()), detail("privateDnsName"));
        let subnet = text(&network["IPv4SubnetCIDRBlock"]);
        assert!(subnet.ends_with(".0/24"), "{network}");
    }
    if mode == "bridge" {
        assert_eq!(
            web["Ports"][0]["HostPort"],
            described["networkBindings"][0]["hostPort"]
        );
    }
    Ok(())
}

fn check_task(shown: &Value, arn: &str, mode: &str, folder: &Path) -> Result<()> {
    let task = document(folder, "task")?;
    assert_eq!(
        (&task["TaskARN"], &task["Cluster"], &task["Revision"]),
        (&json!(arn), &json!("default"), &json!("1"))
    );
    assert_eq!(
        (&task["LaunchType"], &task["AvailabilityZone"]),
        (&json!("EC2"), &shown["availabilityZone"])
    );
    assert_eq!(task["VPCID"].is_string(), mode == "awsvpc");
    assert!(
        task["PullStartedAt"].is_string() && task["PullStoppedAt"].is_string(),
        "{task}"
    );
    let names: Vec<String> = task["Containers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| text(&it["Name"]))
        .collect();
    assert_eq!(names, ["web", "side"]);
    Ok(())
}

/// The numbers are a container's own, and grow with what it does.
fn check_stats(mode: &str, folder: &Path) -> Result<()> {
    let web = document(folder, "container")?;
    let (before, later) = (document(folder, "stats")?, document(folder, "later")?);
    assert_eq!(before["id"], web["DockerId"]);
    let usage = |it: &Value| number(&it["memory_stats"]["usage"]);
    assert!(
        usage(&later) > usage(&before) + (6 << 20),
        "{} then {}",
        usage(&before),
        usage(&later)
    );
    assert_eq!(number(&later["memory_stats"]["limit"]), 32 << 20);
    let total = |it: &Value| number(&it["cpu_stats"]["cpu_usage"]["total_usage"]);
    assert!(
        total(&later) > total(&before) + 5_000_000,
        "{} then {}",
        total(&before),
        total(&later)
    );
    let earlier = number(&later["precpu_stats"]["cpu_usage"]["total_usage"]);
    assert!(earlier > 0 && earlier <= total(&later), "{earlier}");
    let of_host = |it: &Value, member: &str| number(&it[member]["system_cpu_usage"]);
    assert!(of_host(&later, "cpu_stats") >= of_host(&later, "precpu_stats"));
    assert!(later["preread"].as_str() < later["read"].as_str());
    match mode {
        "host" => assert_eq!(later.get("networks"), None),
        _ => {
            let received = |it: &Value| number(&it["networks"]["eth0"]["rx_bytes"]);
            assert!(received(&later) > received(&before) && received(&before) > 0);
            assert!(
                later["network_rate_stats"]["rx_bytes_per_sec"].is_number(),
                "{later}"
            );
        }
    }
    let all = document(folder, "all")?;
    let all = all.as_object().context("by runtime id")?;
    assert!(all.len() == 2 && all.values().all(|it| number(&it["memory_stats"]["usage"]) > 0));
    assert_eq!(document(folder, "v3stats")?.get("network_rate_stats"), None);
    Ok(())
}

/// Who has the id of a container of another task has nothing; who asks too often is told so.
fn check_limits(world: &World, mode: &str, folder: &Path) -> Result<()> {
    let script = r#"
        wget -O /out/stolen $(cat /out/uri) 2> /out/theft
        own=${ECS_CONTAINER_METADATA_URI_V4#http://}; host=${own%%/*}; path=/${own#*/}
        host=${host%:*} port=${host#*:}
        case $own in *:*) port=${own#*:}; port=${port%%/*};; *) port=80;; esac
        i=0; while [ $i -lt 300 ]; do
            [ $i = 299 ] && end="Connection: close\r\n"
            echo -ne "GET $path HTTP/1.1\r\nHost: x\r\n$end\r\n"; i=$((i+1))
        done | nc $host $port > /out/hammered
    "#;
    run(world, "other", mode, folder, script)?;
    let theft = file(folder, "theft")?;
    // In the host's network tasks cannot be told apart but by their ids.
    assert_eq!(theft.contains("404 Not Found"), mode != "host", "{theft}");
    let hammered = file(folder, "hammered")?;
    let count = |status: &str| hammered.matches(&format!("HTTP/1.1 {status}")).count();
    assert_eq!(count("200") + count("429"), 300);
    assert!(
        count("200") >= 50 && count("429") > 0,
        "{} and {}",
        count("200"),
        count("429")
    );
    assert!(hammered.contains("You have reached maximum request limit."));
    Ok(())
}

fn a_task_reads_of_itself(mode: &str) -> Result<()> {
    let world = World::new()?;
    let folder = folder(&world)?;
    let arn = run(&world, "reads", mode, &folder, READ_ALL)?;
    check_metadata(&world, &arn, mode, &folder)?;
    check_stats(mode, &folder)?;
    // Version 2 tells tasks by their address.
    match mode {
        "awsvpc" => {
            assert_eq!(document(&folder, "v2")?["TaskARN"], arn.as_str());
            assert_eq!(
                document(&folder, "v2stats")?.as_object().map(|it| it.len()),
                Some(2)
            );
        }
        _ => assert!(document(&folder, "v2").is_err()),
    }
    let error = std::fs::read_to_string(folder.join("protection.error"))?;
    assert!(error.contains("403"), "a task without a role: {error}");
    check_limits(&world, mode, &folder)
}

#[test]
fn a_task_in_awsvpc_reads_of_itself() -> Result<()> {
    a_task_reads_of_itself("awsvpc")
}

#[test]
fn a_task_on_the_bridge_reads_of_itself() -> Result<()> {
    a_task_reads_of_itself("bridge")
}

#[test]
fn a_task_in_the_hosts_network_reads_of_itself() -> Result<()> {
    a_task_reads_of_itself("host")
}

#[test]
fn a_task_of_a_service_protects_itself() -> Result<()> {
    let world = with_role()?;
    let folder = folder(&world)?;
    let script = r#"
        path=${ECS_AGENT_URI#http://*/}/task-protection/v1/state
        body='{"ProtectionEnabled":true,"ExpiresInMinutes":30}'
        head="PUT /$path HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${#body}\r\n\r\n"
        until wget -q -O /out/before $ECS_AGENT_URI/task-protection/v1/state; do sleep 0.1; done
        echo -ne "$head$body" | nc 169.254.170.2 80 > /out/put
        wget -q -O /out/after $ECS_AGENT_URI/task-protection/v1/state
        echo > /out/done; sleep 1000
    "#;
    let definition = world.register(
        "guarded",
        json!({
            "networkMode": "bridge", "taskRoleArn": "web",
            "volumes": [{ "name": "out", "host": { "sourcePath": folder.display().to_string() } }],
        }),
        json!({
            "command": ["/bin/sh", "-c", script],
            "mountPoints": [{ "sourceVolume": "out", "containerPath": "/out" }],
        }),
    )?;
    let create = [
        "ecs",
        "create-service",
        "--service-name",
        "guarded",
        "--desired-count",
        "1",
        "--task-definition",
    ];
    world.aws.json(&[&create[..], &[definition.as_str()]].concat())?;
    wait::until("the task has asked", DEADLINE, || {
        Ok(folder.join("done").exists().then_some(()))
    })?;
    assert_eq!(
        document(&folder, "before")?["protection"]["ProtectionEnabled"],
        false
    );
    assert!(
        file(&folder, "put")?.starts_with("HTTP/1.1 200"),
        "{}",
        file(&folder, "put")?
    );
    let after = document(&folder, "after")?["protection"].clone();
    assert_eq!(after["ProtectionEnabled"], true);
    let task = text(&after["TaskArn"]);
    let shown = world.aws.json(&[
        "ecs",
        "get-task-protection",
        "--cluster",
        "default",
        "--tasks",
        &task,
    ])?;
    let shown = &shown["protectedTasks"][0];
    assert_eq!(
        (&shown["protectionEnabled"], &shown["taskArn"]),
        (&json!(true), &json!(task))
    );
    assert!(!shown["expirationDate"].is_null() && after["ExpirationDate"].is_string());
    Ok(())
}

#[test]
fn the_agent_is_asked_on_the_host_and_on_the_bridge() -> Result<()> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let world = World::with(&["--introspection", &address])?;
    let folder = folder(&world)?;
    let script = "gateway=$(busybox ip route | busybox awk '/^default/ { print $3 }')\n\
        wget -q -O /out/agent http://$gateway:51678/v1/metadata 2> /out/agent.error";
    let task = run(&world, "asks", "bridge", &folder, script)?;
    let from_bridge = document(&folder, "agent")?;
    let ask = |path: &str| -> Result<Value> {
        let answer = test_support::gantry::http_get(&address, path)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no body")?;
        Ok(serde_json::from_str(body)?)
    };
    let agent = ask("/v1/metadata")?;
    assert_eq!(agent, from_bridge);
    assert_eq!(agent["Cluster"], "default");
    let instances = world.aws.json(&["ecs", "list-container-instances"])?;
    assert_eq!(
        agent["ContainerInstanceArn"],
        instances["containerInstanceArns"][0]
    );
    let tasks = ask("/v1/tasks")?;
    assert_eq!(tasks["Tasks"][0]["Arn"], task.as_str(), "{tasks:#}");
    let id = text(&tasks["Tasks"][0]["Containers"][0]["DockerId"]);
    let found = ask(&format!("/v1/tasks?dockerid={}", &id[..12]))?;
    assert_eq!(found, tasks["Tasks"][0]);

    // Beside an agent that has the port, all else goes on.
    let other = World::with(&["--introspection", &address])?;
    assert!(
        other
            .gantry
            .output()
            .contains("the introspection API of the agent is not served")
    );
    Ok(())
}
