//! Frames as Amazon's agent sends them, read with the shapes of the sockets.

use wire::json;

#[test]
fn health_of_tasks_is_read() {
    let message = br#"{"metadata": {"cluster": "lab", "containerInstance": "arn:i", "fin": true, "messageId": "m"},
        "tasks": [{"containers": [{"containerName": "db", "healthStatus": "HEALTHY", "statusSince": 1795234952.436}],
            "taskArn": "arn:t", "taskDefinitionFamily": "demo", "taskDefinitionVersion": "1"}], "timestamp": 1795234956.629}"#;
    let health: api::acs::PublishHealthRequest = json::decode(message).expect("health");
    let task = &health.tasks.as_deref().expect("tasks")[0];
    assert_eq!(task.task_arn.as_deref(), Some("arn:t"));
    assert_eq!(task.task_definition_version.as_deref(), Some("1"));
    let container = &task.containers.as_deref().expect("containers")[0];
    assert_eq!(container.health_status.as_deref(), Some("HEALTHY"));
    assert_eq!(container.status_since, Some(1_795_234_952.436));
}

#[test]
fn metrics_of_tasks_name_them_and_their_containers() {
    let message = br#"{"metadata": {"cluster": "lab", "fin": true, "idle": false, "messageId": "m"}, "timestamp": 1.5,
        "taskMetrics": [{"containerMetrics": [{"containerName": "main", "cpuStatsSet": {"max": 0.05, "sampleCount": 19}}],
            "taskArn": "arn:t", "taskDefinitionFamily": "demo", "taskDefinitionVersion": "1"}]}"#;
    let metrics: api::acs::PublishMetricsRequest = json::decode(message).expect("metrics");
    let task = &metrics.task_metrics.as_deref().expect("tasks")[0];
    assert_eq!(task.task_arn.as_deref(), Some("arn:t"));
    let containers = task.container_metrics.as_deref().expect("containers");
    assert_eq!(containers[0].container_name.as_deref(), Some("main"));
}
