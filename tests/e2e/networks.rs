//! The four network modes, reached as a user reaches them.

use anyhow::Result;
use serde_json::json;
use test_support::sample_image::SAMPLE_IMAGE;

use crate::world::{World, address, host_port, page, text};

#[test]
fn awsvpc_tasks_have_addresses_that_host_and_tasks_reach() -> Result<()> {
    let world = World::new()?;
    let network = world.awsvpc()?;
    let definition = world.register("vpc", json!({ "networkMode": "awsvpc" }), json!({}))?;
    let server = world.run(&definition, &["--network-configuration", &network])?;
    let server = world.wait_for(&server, "RUNNING")?;
    let target = address(&server);
    assert!(
        page(&format!("{target}:80"))?.contains("hello from"),
        "the host reaches the task"
    );
    let details = server["attachments"][0]["details"].to_string();
    assert_eq!(server["attachments"][0]["status"], "ATTACHED", "{server:#}");
    assert!(details.contains(&target), "{details}");

    let client = json!({ "command": ["/bin/wget", "-q", "-O", "-", format!("http://{target}/")] });
    let definition = world.register("client", json!({ "networkMode": "awsvpc" }), client)?;
    let client = world.run(&definition, &["--network-configuration", &network])?;
    let client = world.wait_for(&client, "STOPPED")?;
    assert_eq!(
        client["containers"][0]["exitCode"], 0,
        "another task reaches it: {client:#}"
    );
    Ok(())
}

#[test]
fn containers_of_an_awsvpc_task_share_localhost() -> Result<()> {
    let world = World::new()?;
    let client = "until wget -q -O - http://127.0.0.1:8080/; do sleep 0.1; done";
    let definition = world.register_all(&json!({
        "family": "pair", "networkMode": "awsvpc",
        "containerDefinitions": [
            { "name": "server", "image": SAMPLE_IMAGE, "memory": 32, "essential": false,
              "environment": [{ "name": "PORT", "value": "8080" }] },
            { "name": "client", "image": SAMPLE_IMAGE, "memory": 32, "command": ["/bin/sh", "-c", client] },
        ],
    }))?;
    let task = world.run(&definition, &["--network-configuration", &world.awsvpc()?])?;
    let task = world.wait_for(&task, "STOPPED")?;
    let containers = task["containers"].as_array().cloned().unwrap_or_default();
    let client = containers
        .iter()
        .find(|it| it["name"] == "client")
        .expect("the client");
    assert_eq!(client["exitCode"], 0, "{task:#}");
    Ok(())
}

#[test]
fn bridge_publishes_dynamic_and_fixed_ports_on_loopback_too() -> Result<()> {
    let world = World::new()?;
    let dynamic = json!({ "portMappings": [{ "containerPort": 80 }] });
    let definition = world.register("dynamic", json!({ "networkMode": "bridge" }), dynamic)?;
    let tasks = [world.run(&definition, &[])?, world.run(&definition, &[])?];
    let ports = tasks.map(|arn| world.wait_for(&arn, "RUNNING").map(|task| host_port(&task)));
    let [first, second] = ports;
    let (first, second) = (first?, second?);
    assert_ne!(first, second);
    for port in [first, second] {
        assert!((32768..=65535).contains(&port), "{port}");
        assert!(page(&format!("127.0.0.1:{port}"))?.contains("hello from"));
    }

    let port = free_port()?;
    let fixed = json!({ "portMappings": [{ "containerPort": 80, "hostPort": port }] });
    let definition = world.register("fixed", json!({ "networkMode": "bridge" }), fixed)?;
    let task = world.run(&definition, &[])?;
    let task = world.wait_for(&task, "RUNNING")?;
    assert_eq!(host_port(&task), u64::from(port), "{task:#}");
    assert!(page(&format!("127.0.0.1:{port}"))?.contains("hello from"));
    let refused = world
        .aws
        .json(&["ecs", "run-task", "--task-definition", &definition])?;
    assert_eq!(refused["failures"][0]["reason"], "RESOURCE:PORTS", "{refused:#}");
    Ok(())
}

#[test]
fn host_mode_is_the_host_and_none_is_nothing() -> Result<()> {
    let world = World::new()?;
    let port = free_port()?;
    let served = json!({ "environment": [{ "name": "PORT", "value": port.to_string() }] });
    let definition = world.register("host", json!({ "networkMode": "host" }), served)?;
    let task = world.run(&definition, &[])?;
    world.wait_for(&task, "RUNNING")?;
    assert!(page(&format!("127.0.0.1:{port}"))?.contains("hello from"));

    let alone =
        json!({ "command": ["/bin/sh", "-c", "[ \"$(ls /sys/class/net)\" = lo ] && exit 0; exit 1"] });
    let definition = world.register("none", json!({ "networkMode": "none" }), alone)?;
    let task = world.run(&definition, &[])?;
    let task = world.wait_for(&task, "STOPPED")?;
    assert_eq!(task["containers"][0]["exitCode"], 0, "only loopback: {task:#}");
    Ok(())
}

#[test]
fn fargate_has_the_sizes_of_its_table_and_an_address() -> Result<()> {
    let world = World::new()?;
    let task = json!({ "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512" });
    let container = json!({ "memory": 64 });
    let definition = world.register("fargate", task, container.clone())?;
    let arn = world.run(
        &definition,
        &[
            "--launch-type",
            "FARGATE",
            "--network-configuration",
            &world.awsvpc()?,
        ],
    )?;
    let running = world.wait_for(&arn, "RUNNING")?;
    assert_eq!(running["launchType"], "FARGATE");
    assert!(running["containerInstanceArn"].is_null(), "{running:#}");
    assert!(page(&format!("{}:80", address(&running)))?.contains("hello from"));
    assert_eq!(text(&running["cpu"]), "256");

    let task = json!({ "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "4096" });
    let error = world
        .register("odd", task, container)
        .expect_err("no such size")
        .to_string();
    assert!(
        error.contains("No Fargate configuration exists for given values"),
        "{error}"
    );
    Ok(())
}

pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
