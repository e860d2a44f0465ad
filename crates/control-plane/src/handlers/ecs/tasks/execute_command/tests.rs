//! In which tasks a command cannot be run.

use serde_json::json;

use crate::fixture::{Fixture, text};

#[tokio::test]
async fn execute_command_looks_at_cluster_task_and_container_and_is_refused() {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    let container = |name: &str| json!({ "name": name, "image": "web", "memory": 32 });
    let definition =
        json!({ "family": "two", "containerDefinitions": [container("web"), container("side")] });
    fixture.ask("RegisterTaskDefinition", definition).await;
    let ran = fixture.ask("RunTask", json!({ "taskDefinition": "two" })).await;
    let task = text(&ran["tasks"][0]["taskArn"]);
    let nowhere = "0".repeat(32);
    for (cluster, task, container, interactive, code, message) in [
        (
            "default",
            &task,
            "web",
            true,
            "InvalidParameterException",
            "The execute command failed because execute",
        ),
        (
            "default",
            &task,
            "web",
            false,
            "InvalidParameterException",
            "Interactive is the only mode",
        ),
        (
            "default",
            &task,
            "db",
            true,
            "InvalidParameterException",
            "The container db was not found",
        ),
        (
            "default",
            &nowhere,
            "web",
            true,
            "InvalidParameterException",
            "The referenced task was not found.",
        ),
        (
            "nowhere",
            &nowhere,
            "web",
            true,
            "ClusterNotFoundException",
            "Cluster not found.",
        ),
    ] {
        let input = json!({
            "cluster": cluster, "task": task, "container": container, "interactive": interactive, "command": "sh",
        });
        let refusal = fixture.refused("ExecuteCommand", input).await;
        assert_eq!(refusal.0, code);
        assert!(refusal.1.starts_with(message), "{}", refusal.1);
    }
    let unnamed = json!({ "task": task, "interactive": true, "command": "sh" });
    let (_, message) = fixture.refused("ExecuteCommand", unnamed).await;
    assert!(
        message.starts_with("A container name must be specified"),
        "{message}"
    );
}
