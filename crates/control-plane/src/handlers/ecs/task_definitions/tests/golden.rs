//! Five definitions as people write them, and all that reads back; `UPDATE_EXPECT=1` writes the files anew.

use expect_test::expect_file;
use serde_json::{Value, json};

use super::{merged, read_back};

/// Reads back as the file of that name says, and the same again.
fn check(name: &str, definition: &Value) {
    let shown = read_back(definition);
    let path = format!(
        "{}/src/handlers/ecs/task_definitions/tests/golden/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    expect_file![path].assert_eq(&format!("{shown:#}\n"));
    assert_eq!(read_back(&shown), shown, "registered again");
}

#[test]
fn fargate_web() {
    let image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1";
    check(
        "fargate_web",
        &json!({
            "family": "web", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
            "cpu": ".5 vCPU", "memory": "1 GB", "executionRoleArn": "ecsTaskExecutionRole",
            "runtimePlatform": { "cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX" },
            "containerDefinitions": [{
                "name": "web", "image": image,
                "portMappings": [{ "containerPort": 8080, "name": "http", "appProtocol": "http" }],
                "logConfiguration": { "logDriver": "awslogs", "options": {
                    "awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ecs"
                } },
            }],
        }),
    );
}

#[test]
fn ec2_bridge() {
    check(
        "ec2_bridge",
        &json!({
            "family": "legacy", "taskRoleArn": "arn:aws:iam::123456789012:role/app/legacy",
            "containerDefinitions": [
                { "name": "db", "image": "postgres:16", "memory": 256, "memoryReservation": 128 },
                {
                    "name": "app", "image": "app", "memory": 128, "links": ["db:database"], "hostname": "app",
                    "portMappings": [{ "containerPort": 80 }, { "containerPort": 53, "hostPort": 5353, "protocol": "udp" }],
                    "environment": [{ "name": "DB", "value": "database" }], "privileged": true,
                },
            ],
        }),
    );
}

#[test]
fn sidecars() {
    check(
        "sidecars",
        &json!({
            "family": "sidecars", "networkMode": "awsvpc", "cpu": "1024", "memory": "2048",
            "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
            "containerDefinitions": [
                {
                    "name": "app", "image": "app",
                    "dependsOn": [
                        { "containerName": "migrate", "condition": "SUCCESS" }, { "containerName": "proxy", "condition": "HEALTHY" }
                    ],
                    "secrets": [
                        { "name": "TOKEN", "valueFrom": "/app/token" },
                        { "name": "KEY", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:key-abc:user::" }
                    ],
                    "logConfiguration": { "logDriver": "awsfirelens", "options": { "Name": "stdout" } },
                },
                { "name": "migrate", "image": "app", "essential": false, "command": ["migrate"] },
                { "name": "proxy", "image": "envoy", "healthCheck": { "command": ["CMD-SHELL", "curl -f localhost"] } },
                { "name": "router", "image": "fluent-bit", "firelensConfiguration": { "type": "fluentbit" } },
            ],
        }),
    );
}

#[test]
fn volumes() {
    let mount = |volume: &str| json!({ "sourceVolume": volume, "containerPath": format!("/{volume}") });
    check(
        "volumes",
        &json!({
            "family": "volumes",
            "containerDefinitions": [{
                "name": "app", "image": "app", "memory": 64,
                "mountPoints": [mount("scratch"), mount("host"), mount("docker"), mount("efs"), mount("ebs")],
            }],
            "volumes": [
                { "name": "scratch" },
                { "name": "host", "host": { "sourcePath": "/srv" } },
                { "name": "docker", "dockerVolumeConfiguration": { "driver": "local", "labels": { "a": "b" } } },
                { "name": "efs", "efsVolumeConfiguration": { "fileSystemId": "fs-12345678" } },
                { "name": "ebs", "configuredAtLaunch": true },
            ],
        }),
    );
}

#[test]
fn everything() {
    let container = json!({
        "name": "app", "image": "registry.example.com/app@sha256:0", "cpu": 64, "memory": 128, "memoryReservation": 64,
        "repositoryCredentials": { "credentialsParameter": "arn:aws:secretsmanager:us-east-1:123456789012:secret:login" },
        "portMappings": [{ "containerPortRange": "8000-8010", "protocol": "udp" }],
        "restartPolicy": { "enabled": true, "ignoredExitCodes": [0, 3] },
        "entryPoint": ["/init"], "command": [], "environment": [{ "name": "A", "value": "1" }],
        "environmentFiles": [{ "type": "s3", "value": "arn:aws:s3:::bucket/app.env" }],
        "startTimeout": 30, "stopTimeout": 60, "versionConsistency": "enabled", "user": "1000:1000",
        "workingDirectory": "/srv", "disableNetworking": false, "privileged": false, "readonlyRootFilesystem": true,
        "dnsServers": ["10.0.0.2"], "dnsSearchDomains": ["example.com"],
        "extraHosts": [{ "hostname": "db", "ipAddress": "10.0.0.3" }],
        "dockerSecurityOptions": ["no-new-privileges"], "interactive": true, "pseudoTerminal": true,
        "dockerLabels": { "team": "web" },
    });
    let linux = json!({
        "ulimits": [{ "name": "memlock", "softLimit": -1, "hardLimit": -1 }],
        "linuxParameters": {
            "capabilities": { "add": ["SYS_PTRACE"] }, "initProcessEnabled": true, "sharedMemorySize": 64,
            "devices": [{ "hostPath": "/dev/fuse", "permissions": ["read", "mknod"] }],
            "tmpfs": [{ "containerPath": "/run", "size": 16 }], "maxSwap": 128, "swappiness": 10,
        },
        "healthCheck": { "command": ["CMD", "true"], "interval": 5, "timeout": 2, "retries": 1, "startPeriod": 0 },
        "systemControls": [{ "namespace": "net.core.somaxconn", "value": "1024" }],
        "resourceRequirements": [{ "type": "GPU", "value": "2" }],
        "credentialSpecs": ["credentialspecdomainless:arn:aws:s3:::bucket/spec"],
    });
    check(
        "everything",
        &json!({
            "family": "everything", "cpu": "2 vCPU", "memory": "4GB", "pidMode": "task", "ipcMode": "task",
            "requiresCompatibilities": ["EC2", "EXTERNAL"],
            "executionRoleArn": "execution", "taskRoleArn": "task",
            "containerDefinitions": [merged(container, &linux)],
            "tags": [{ "key": "team", "value": "web" }],
        }),
    );
}
