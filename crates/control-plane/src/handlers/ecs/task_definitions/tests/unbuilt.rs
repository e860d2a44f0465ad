//! What is valid and not obeyed yet is refused by name, after everything else.

use serde_json::json;

use super::super::unbuilt;
use super::{client_message, draft, fargate, of_container, task};

#[test]
fn each_member_is_named_with_its_container() {
    let definition = of_container(&json!({
        "healthCheck": { "command": ["CMD", "true"] },
        "linuxParameters": { "tmpfs": [{ "containerPath": "/run", "size": 8 }] },
        "mountPoints": [],
    }));
    let definition = super::merged(
        definition,
        &json!({ "pidMode": "host", "volumes": [{ "name": "v", "dockerVolumeConfiguration": {} }] }),
    );
    let refusal = unbuilt::refuse(&draft(&definition).expect("is valid")).expect_err("is not built");
    assert_eq!(
        client_message(refusal),
        "pidMode is not supported by Gantry yet; \
         healthCheck is not supported by Gantry yet (container 'web'); \
         linuxParameters.tmpfs is not supported by Gantry yet (container 'web'); \
         dockerVolumeConfiguration is not supported by Gantry yet (volume 'v')."
    );
}

#[test]
fn what_is_obeyed_passes() {
    let logs = json!({ "logDriver": "awslogs", "options": {
        "awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p", "mode": "non-blocking"
    } });
    let web = fargate(&json!({
        "portMappings": [{ "containerPort": 80, "name": "http", "appProtocol": "http" }],
        "ulimits": [{ "name": "nofile", "softLimit": 1024, "hardLimit": 4096 }],
        "linuxParameters": { "initProcessEnabled": true, "capabilities": { "add": ["SYS_PTRACE"] } },
        "logConfiguration": logs, "stopTimeout": 10, "secrets": [], "dependsOn": [], "interactive": false,
    }));
    let web = super::merged(web, &json!({ "executionRoleArn": "execution", "ipcMode": null }));
    for definition in [
        web,
        task(&json!({ "ipcMode": "none", "volumes": [{ "name": "v" }] })),
    ] {
        unbuilt::refuse(&draft(&definition).expect("is valid")).expect("is built");
    }
}
