//! FireLens: a container that receives the output of another.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::{World, task};

/// A task whose container `main` logs to the container `router`.
fn routed(id: &str, router: Value) -> Value {
    let mut task = task(id);
    let options = json!({ "Name": "null", "log-driver-buffer-limit": "1024" });
    let host_config = json!({ "LogConfig": { "Type": "awsfirelens", "Config": options } });
    task["containers"][0]["dockerConfig"]["hostConfig"] = json!(host_config.to_string());
    let containers = task["containers"].as_array_mut().unwrap();
    containers.push(json!({
        "name": "router", "image": "fluent-bit:1", "essential": true, "memory": 32,
        "firelensConfiguration": router,
    }));
    task
}

#[tokio::test]
async fn a_log_router_starts_first_and_receives_the_output_of_others() {
    let world = World::started().await;
    let router = json!({ "type": "fluentbit", "options": { "enable-ecs-log-metadata": "false" } });
    let arn = world.run_task(routed("1", router)).await;
    let starts: Vec<String> = {
        let world = world.host.world.lock();
        let starts = world.calls.iter().filter(|it| it.starts_with("start"));
        starts.cloned().collect()
    };
    assert_eq!(starts, ["start 1 router", "start 1 main"]);

    // What the router would find under the paths of its mounts.
    let files = world.folder.path().join("tasks/1/firelens");
    let config = std::fs::read_to_string(files.join("config/fluent.conf")).unwrap();
    assert!(
        config.contains("[OUTPUT]\n    Name null\n    Match main-firelens*\n"),
        "{config}"
    );
    let socket = tokio::net::UnixListener::bind(files.join("socket/fluent.sock")).unwrap();
    world.host.say("1", "main", &["hello router"]);
    let heard = tokio::time::timeout(Duration::from_secs(20), async {
        let (mut stream, _) = socket.accept().await.unwrap();
        let mut heard = Vec::new();
        while !String::from_utf8_lossy(&heard).contains("hello router") {
            assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0);
        }
        heard
    });
    let heard = heard.await.expect("it is told in time");
    // [tag, [[time with nanoseconds, record]…], option] of the forward protocol.
    assert!(heard.starts_with(b"\x93\xafmain-firelens-1"), "{heard:?}");
    let text = String::from_utf8_lossy(&heard);
    for part in ["main-firelens-1", "container_name", "/main", "source", "stdout"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }

    world.host.exit("1", "main", 0).await;
    world.control_plane.state_change(&arn, "STOPPED").await;
    world.no_records().await;
    assert!(!files.exists(), "its files outlive it");
}

#[tokio::test]
async fn a_router_that_has_no_output_fails_the_task_before_it_starts() {
    let world = World::started().await;
    let task = routed("1", json!({ "type": "fluentd" }));
    world.send_tasks("m", std::slice::from_ref(&task)).await;
    let stopped = world
        .control_plane
        .state_change(task["arn"].as_str().unwrap(), "STOPPED")
        .await;
    let expected = "ResourceInitializationError: unable to apply log options of container main to firelens config: \
                    missing output key @type which is required for firelens configuration of type fluentd";
    assert_eq!(stopped["reason"], expected);
}
