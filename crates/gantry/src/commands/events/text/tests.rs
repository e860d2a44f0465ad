use serde_json::json;

use super::*;

#[test]
fn an_event_says_when_what_and_why() {
    let event = |detail_type: &str, resource: &str, detail: Value| {
        json!({
            "detail-type": detail_type,
            "time": "2026-11-21T19:52:03Z",
            "resources": [format!("arn:aws:ecs:us-east-1:123456789012:{resource}")],
            "detail": detail,
        })
    };
    let task = json!({
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "group": "service:web",
        "healthStatus": "UNKNOWN",
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:7",
        "stoppedReason": "Essential container in task exited",
        "containers": [{ "name": "web", "exitCode": 3, "reason": "it\u{1b}[2J" }],
    });
    let action = json!({
        "eventName": "SERVICE_TASK_PLACEMENT_FAILURE",
        "reason": "RESOURCE:MEMORY",
        "message": "(service web) was unable to place a task",
    });
    let deployment =
        json!({ "eventName": "SERVICE_DEPLOYMENT_COMPLETED", "reason": "ECS deployment 1 completed." });
    let instance = json!({
        "status": "ACTIVE",
        "agentConnected": true,
        "remainingResources": [
            { "name": "CPU", "integerValue": 512 }, { "name": "MEMORY", "integerValue": 100 },
        ],
    });
    let cases = [
        (
            event("ECS Task State Change", "task/default/3f2c9a54d2d54d0b", task),
            "task 3f2c9a54 STOPPED  web:7, service:web; Essential container in task exited; web exited with 3; \
             web: it\u{fffd}[2J",
        ),
        (
            event("ECS Service Action", "service/default/web", action),
            "service web SERVICE_TASK_PLACEMENT_FAILURE  (service web) was unable to place a task",
        ),
        (
            event("ECS Deployment State Change", "service/default/web", deployment),
            "service web SERVICE_DEPLOYMENT_COMPLETED  ECS deployment 1 completed.",
        ),
        (
            event(
                "ECS Container Instance State Change",
                "container-instance/default/0123456789",
                instance,
            ),
            "container instance 01234567 ACTIVE  agent connected; 512 CPU units and 100 MiB left",
        ),
    ];
    for (event, told) in cases {
        assert_eq!(line(&event), format!("2026-11-21 19:52:03Z  {told}"));
    }
}
