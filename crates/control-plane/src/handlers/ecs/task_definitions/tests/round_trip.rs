//! Register, describe, register what was described: the same definition.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{draft, merged, read_back, record};
use crate::handlers::ecs::render;

/// Members that any container can have.
fn members() -> Vec<Value> {
    vec![
        json!({ "cpu": 10, "memoryReservation": 32 }),
        json!({ "entryPoint": ["sh"], "command": ["-c", "true"], "user": "1000", "workingDirectory": "/srv" }),
        json!({ "environment": [{ "name": "A", "value": "1" }, { "name": "B", "value": "" }] }),
        json!({ "secrets": [{ "name": "S", "valueFrom": "/app/secret" }] }),
        json!({ "environmentFiles": [{ "type": "s3", "value": "arn:aws:s3:::b/a.env" }] }),
        json!({ "mountPoints": [{ "sourceVolume": "bind", "containerPath": "/data", "readOnly": true }] }),
        json!({ "healthCheck": { "command": ["CMD-SHELL", "true"], "startPeriod": 5 } }),
        json!({ "ulimits": [{ "name": "nofile", "softLimit": 1, "hardLimit": -1 }] }),
        json!({ "linuxParameters": {
            "capabilities": { "add": ["NET_ADMIN"], "drop": [] }, "initProcessEnabled": true, "maxSwap": 8, "swappiness": 0,
            "sharedMemorySize": 64, "tmpfs": [{ "containerPath": "/run", "size": 8, "mountOptions": ["noexec"] }],
            "devices": [{ "hostPath": "/dev/fuse", "permissions": ["read"] }],
        } }),
        json!({ "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "g", "awslogs-region": "r" } } }),
        json!({ "logConfiguration": { "logDriver": "splunk", "options": { "splunk-url": "u" },
            "secretOptions": [{ "name": "splunk-token", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/t" }] } }),
        json!({ "restartPolicy": { "enabled": true, "ignoredExitCodes": [0], "restartAttemptPeriod": 60 } }),
        json!({ "startTimeout": 10, "stopTimeout": 20, "versionConsistency": "disabled", "interactive": true }),
        json!({ "systemControls": [{ "namespace": "kernel.shmmax", "value": "1" }], "pseudoTerminal": false }),
        json!({ "resourceRequirements": [{ "type": "GPU", "value": "1" }], "privileged": true }),
        json!({ "dockerLabels": { "a": "b" }, "readonlyRootFilesystem": true }),
        json!({ "dockerSecurityOptions": ["label:type:x"], "credentialSpecs": ["credentialspec:arn:aws:s3:::b/s"] }),
        json!({ "repositoryCredentials": { "credentialsParameter": "arn:aws:secretsmanager:us-east-1:123456789012:secret:l" } }),
        json!({ "portMappings": [{ "containerPort": 80 }, { "containerPort": 81, "protocol": "udp" }] }),
    ]
}

/// Members that only containers with a network of their own can have.
fn members_of_bridge() -> Vec<Value> {
    vec![
        json!({ "hostname": "h", "dnsServers": ["10.0.0.2"], "dnsSearchDomains": ["d"] }),
        json!({ "extraHosts": [{ "hostname": "a", "ipAddress": "::1" }], "disableNetworking": true }),
        json!({ "portMappings": [{ "containerPortRange": "80-90" }] }),
    ]
}

/// Members of the task.
fn members_of_task() -> Vec<Value> {
    vec![
        json!({ "cpu": "1 vCPU", "memory": "2 GB" }),
        json!({ "taskRoleArn": "task" }),
        json!({ "pidMode": "task", "ipcMode": "task" }),
        json!({ "runtimePlatform": { "cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX" } }),
        json!({ "requiresCompatibilities": ["EC2"] }),
        json!({ "placementConstraints": [{ "type": "memberOf", "expression": "attribute:ecs.os-type == linux" }] }),
    ]
}

fn volumes() -> Value {
    json!([
        { "name": "bind" },
        { "name": "source", "host": { "sourcePath": "/srv" } },
        { "name": "docker", "dockerVolumeConfiguration": { "scope": "shared", "autoprovision": true, "driver": "local" } },
        { "name": "efs", "efsVolumeConfiguration": { "fileSystemId": "fs-1", "transitEncryption": "ENABLED",
            "transitEncryptionPort": 2999, "authorizationConfig": { "accessPointId": "fsap-1", "iam": "ENABLED" } } },
        { "name": "fsx", "fsxWindowsFileServerVolumeConfiguration": { "fileSystemId": "fs-2", "rootDirectory": "share",
            "authorizationConfig": { "domain": "d", "credentialsParameter": "arn:aws:ssm:us-east-1:123456789012:parameter/p" } } },
        { "name": "s3", "s3filesVolumeConfiguration": { "fileSystemArn": "arn:aws:s3files:us-east-1:123456789012:file-system/1" } },
    ])
}

/// The base with every member whose bit is set.
fn chosen(base: Value, members: &[Value], mask: u32) -> Value {
    let set = members
        .iter()
        .enumerate()
        .filter(|(bit, _)| mask & (1 << bit) != 0);
    set.fold(base, |base, (_, members)| merged(base, members))
}

fn definition(mode: &str, task: u32, containers: &[u32]) -> Value {
    let mut members = members();
    if mode == "bridge" {
        members.extend(members_of_bridge());
    }
    let mut names: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for (index, mask) in containers.iter().enumerate() {
        let name = format!("c{index}");
        let mut container = chosen(
            json!({ "name": name, "image": "nginx:1", "memory": 64 }),
            &members,
            *mask,
        );
        let shares_ports = mode != "bridge" && index > 0;
        if shares_ports || mode == "none" {
            container["portMappings"] = json!([]);
        }
        if let Some(before) = names.last() {
            container["dependsOn"] = json!([{ "containerName": before, "condition": "START" }]);
            container["volumesFrom"] = json!([{ "sourceContainer": before, "readOnly": true }]);
        }
        names.push(name);
        all.push(container);
    }
    let base = json!({
        "family": "app", "networkMode": mode, "containerDefinitions": all, "volumes": volumes(),
        "executionRoleArn": "arn:aws:iam::123456789012:role/path/execution",
    });
    chosen(base, &members_of_task(), task)
}

proptest! {
    #[test]
    fn what_is_described_can_be_registered(
        mode in prop::sample::select(vec!["bridge", "host", "awsvpc", "none"]),
        task in any::<u32>(),
        containers in prop::collection::vec(any::<u32>(), 1..5),
    ) {
        let given = definition(mode, task, &containers);
        let first = read_back(&given);
        prop_assert_eq!(&read_back(&first), &first);
        let record = record(draft(&given).expect("as before"));
        let stored = serde_json::to_vec(&record).expect("is stored");
        let loaded = serde_json::from_slice(&stored).expect("is loaded");
        prop_assert_eq!(&record, &loaded);
        prop_assert_eq!(render::task_definition(&record), render::task_definition(&loaded));
    }
}
