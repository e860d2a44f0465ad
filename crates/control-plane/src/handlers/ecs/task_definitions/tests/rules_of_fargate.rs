//! Rules that hold where FARGATE is required, and how they decide `compatibilities`.

use serde_json::{Value, json};

use super::{check, fargate, merged, read_back, task};

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn fargate_has_rules_of_its_own() {
    let of_task = |changes: Value| merged(fargate(&json!({})), &changes);
    let linux = |members: Value| fargate(&json!({ "linuxParameters": members }));
    let no_memory = json!({ "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256" });
    let role = json!({ "executionRoleArn": "arn:aws:iam::123456789012:role/execution" });
    let log = |members: Value| merged(fargate(&json!({ "logConfiguration": members })), &role);
    let awslogs = json!({ "awslogs-group": "g", "awslogs-region": "r", "awslogs-stream-prefix": "p" });
    check(vec![
        (
            of_task(json!({ "networkMode": "bridge" })),
            "Fargate only supports network mode \u{2018}awsvpc\u{2019}.",
        ),
        (
            task(
                &json!({ "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "memory": "512" }),
            ),
            "Fargate requires that 'cpu' be defined at the task level.",
        ),
        (
            task(&no_memory),
            "Fargate requires that 'memory' be defined at the task level.",
        ),
        (
            of_task(json!({ "memory": "600" })),
            "No Fargate configuration exists for given values: 256 CPU, 600 memory. See the Amazon ECS documentation for the valid values.",
        ),
        (
            of_task(json!({ "ipcMode": "task" })),
            "Fargate compatible task definitions do not support ipcMode",
        ),
        (
            of_task(
                json!({ "placementConstraints": [{ "type": "memberOf", "expression": "attribute:a exists" }] }),
            ),
            "Placement constraints are not supported with FARGATE launch type.",
        ),
        (
            of_task(json!({ "pidMode": "host" })),
            "Tasks using the Fargate launch type do not support pidMode 'host'.",
        ),
        (
            of_task(json!({ "volumes": [{ "name": "v", "host": { "sourcePath": "/srv" } }] })),
            "Fargate compatible task definitions do not support sourcePath",
        ),
        (
            of_task(json!({ "volumes": [{ "name": "v", "dockerVolumeConfiguration": {} }] })),
            "Fargate compatible task definitions do not support dockerVolumeConfiguration",
        ),
        (
            fargate(&json!({ "logConfiguration": { "logDriver": "awslogs", "options": awslogs } })),
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        ),
        (
            fargate(&json!({ "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1" })),
            "Fargate requires task definition to have execution role ARN to support ECR images.",
        ),
        (
            log(
                json!({ "logDriver": "awslogs", "options": { "awslogs-group": "g", "awslogs-region": "r" } }),
            ),
            "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.",
        ),
        (
            log(json!({ "logDriver": "json-file" })),
            "json-file is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]",
        ),
        (
            fargate(&json!({ "privileged": true })),
            "Fargate requires that the 'privileged' setting be 'false'.",
        ),
        (
            fargate(&json!({ "dockerSecurityOptions": ["no-new-privileges"] })),
            "Fargate compatible task definitions do not support dockerSecurityOptions",
        ),
        (
            fargate(&json!({ "resourceRequirements": [{ "type": "GPU", "value": "1" }] })),
            "Tasks using the Fargate launch type do not support GPU resource requirements.",
        ),
        (
            fargate(&json!({ "ulimits": [{ "name": "core", "softLimit": 0, "hardLimit": 0 }] })),
            "Fargate compatible task definitions do not support the ulimit core: only nofile can be set",
        ),
        (
            fargate(&json!({ "stopTimeout": 121 })),
            "Invalid setting for container 'web'. The 'stopTimeout' setting must be between 2 and 120 on Fargate.",
        ),
        (
            fargate(&json!({ "startTimeout": 1 })),
            "Invalid setting for container 'web'. The 'startTimeout' setting must be between 2 and 120 on Fargate.",
        ),
        (
            linux(json!({ "devices": [{ "hostPath": "/dev/fuse" }] })),
            "Fargate compatible task definitions do not support devices",
        ),
        (
            linux(json!({ "sharedMemorySize": 64 })),
            "Fargate compatible task definitions do not support sharedMemorySize",
        ),
        (
            linux(json!({ "tmpfs": [{ "containerPath": "/run", "size": 8 }] })),
            "Fargate compatible task definitions do not support tmpfs",
        ),
        (
            linux(json!({ "maxSwap": 8 })),
            "Fargate compatible task definitions do not support maxSwap",
        ),
        (
            linux(json!({ "capabilities": { "add": ["SYS_PTRACE", "SYS_ADMIN"] } })),
            "SYS_ADMIN is not allowed on Fargate.",
        ),
        (
            fargate(&json!({ "firelensConfiguration": {
                "type": "fluentbit", "options": { "config-file-type": "s3", "config-file-value": "arn:aws:s3:::bucket/conf" }
            } })),
            "Fargate launch type does not support FirelensConfiguration config file from 's3'",
        ),
    ]);
}

#[test]
fn compatibilities_are_what_the_rules_allow() {
    let awsvpc = json!({ "networkMode": "awsvpc", "cpu": ".25 vCPU", "memory": "0.5 GB" });
    let storage = merged(
        fargate(&json!({})),
        &json!({ "ephemeralStorage": { "sizeInGiB": 21 } }),
    );
    for (definition, expected) in [
        (task(&json!({})), json!(["EXTERNAL", "EC2"])),
        (task(&json!({ "networkMode": "awsvpc" })), json!(["EC2"])),
        (task(&awsvpc), json!(["EC2", "FARGATE"])),
        (fargate(&json!({})), json!(["EC2", "FARGATE"])),
        (storage, json!(["FARGATE"])),
        (
            merged(task(&awsvpc), &json!({ "pidMode": "host" })),
            json!(["EC2"]),
        ),
    ] {
        assert_eq!(
            read_back(&definition)["compatibilities"],
            expected,
            "{definition:#}"
        );
    }
}
