//! The variables by which containers find the endpoint of their task.

use super::*;

/// Those variables of a container that was started, as `name=value`.
fn variables(engine: &Engine, id: &str, container: &str) -> Vec<String> {
    let world = engine.host.world.lock();
    let all = world.sandboxes[id][container].environment.iter();
    let of_endpoint = all.filter(|(name, _)| name.starts_with("ECS_"));
    of_endpoint
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn containers_are_told_where_their_metadata_is() {
    let mut engine = engine().await;
    let none: [&str; 0] = [];
    let all = [
        "ECS_AGENT_URI=",
        "ECS_CONTAINER_METADATA_URI=",
        "ECS_CONTAINER_METADATA_URI_V4=",
    ];
    let paths = ["/api/", "/v3/", "/v4/"];
    for (mode, endpoint) in [
        ("bridge", Some("http://169.254.170.2")),
        ("host", Some("http://10.231.0.1:51679")),
        ("none", None),
    ] {
        let set = json!({"ECS_AGENT_URI": "http://elsewhere"});
        let containers = json!([
            {"name": "web", "image": "app:1", "environment": set}, {"name": "side", "image": "app:1"},
        ]);
        let task = json!({
            "arn": arn(mode), "desiredStatus": "RUNNING", "networkMode": mode, "containers": containers,
        });
        engine.accept(vec![payload::arrival(task).unwrap()]).await;
        assert_eq!(engine.change().await.status, Some(Status::Running));
        for container in ["web", "side"] {
            let id = engine.tasks.shared.endpoint_ids.of(mode, container);
            let expected = |endpoint: &str| -> Vec<String> {
                let pairs = all.iter().zip(paths);
                pairs
                    .map(|(name, path)| format!("{name}{endpoint}{path}{id}"))
                    .collect()
            };
            let shown = variables(&engine, mode, container);
            match endpoint {
                Some(endpoint) => assert_eq!(shown, expected(endpoint), "{mode}"),
                None if container == "side" => assert_eq!(shown, none, "there is no way to it"),
                None => {}
            }
        }
    }
}
