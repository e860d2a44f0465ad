//! Valid task definitions: each bit of a mask adds members.

use serde_json::{Value, json};

use super::super::merged;

/// A required launch type, or none, and a network mode.
pub type Place = (&'static str, &'static str);

/// All that go together.
pub const PLACES: [Place; 12] = [
    ("", "bridge"),
    ("", "host"),
    ("", "awsvpc"),
    ("", "none"),
    ("EC2", "bridge"),
    ("EC2", "host"),
    ("EC2", "awsvpc"),
    ("EC2", "none"),
    ("EXTERNAL", "bridge"),
    ("EXTERNAL", "host"),
    ("EXTERNAL", "none"),
    ("FARGATE", "awsvpc"),
];
/// The bit of the ports of a container.
const PORTS: u32 = 1 << 31;
/// The bit of what a container says of the one before it.
const NEIGHBOURS: u32 = 1 << 30;
/// The bit of a container that need not run.
const OPTIONAL: u32 = 1 << 29;
/// The bit of a task whose first container routes logs.
const ROUTER: u32 = 1 << 31;

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
        json!({ "healthCheck": { "command": ["NONE"], "interval": 10, "timeout": 2, "retries": 1 } }),
        json!({ "ulimits": [{ "name": "nofile", "softLimit": 1, "hardLimit": -1 }] }),
        json!({ "linuxParameters": { "capabilities": { "add": ["SYS_PTRACE"] }, "initProcessEnabled": true } }),
        json!({ "logConfiguration": { "logDriver": "awslogs", "options": {
            "awslogs-group": "g", "awslogs-region": "r", "awslogs-stream-prefix": "p",
        } } }),
        json!({ "logConfiguration": { "logDriver": "splunk", "options": { "splunk-url": "u" },
            "secretOptions": [{ "name": "splunk-token", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/t" }] } }),
        json!({ "restartPolicy": { "enabled": true, "ignoredExitCodes": [0], "restartAttemptPeriod": 60 } }),
        json!({ "startTimeout": 10, "stopTimeout": 20, "versionConsistency": "disabled", "interactive": true }),
        json!({ "systemControls": [{ "namespace": "kernel.shmmax", "value": "1" }], "pseudoTerminal": false }),
        json!({ "dockerLabels": { "a": "b" }, "readonlyRootFilesystem": true }),
        json!({ "repositoryCredentials": { "credentialsParameter": "arn:aws:secretsmanager:us-east-1:123456789012:secret:l" } }),
    ]
}

/// Members that containers on FARGATE cannot have.
fn members_of_hosts() -> Vec<Value> {
    vec![
        json!({ "ulimits": [{ "name": "core", "softLimit": 0, "hardLimit": 0 }] }),
        json!({ "linuxParameters": {
            "capabilities": { "add": ["NET_ADMIN"], "drop": [] }, "initProcessEnabled": true, "maxSwap": 8, "swappiness": 0,
            "sharedMemorySize": 64, "tmpfs": [{ "containerPath": "/run", "size": 8, "mountOptions": ["noexec"] }],
            "devices": [{ "hostPath": "/dev/fuse", "containerPath": "/dev/f", "permissions": ["read"] }],
        } }),
        json!({ "linuxParameters": { "capabilities": { "drop": ["ALL"] }, "tmpfs": [{ "containerPath": "/t", "size": 1 }] } }),
        json!({ "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "g", "awslogs-region": "r" } } }),
        json!({ "logConfiguration": { "logDriver": "json-file", "options": { "max-size": "1m" } } }),
        json!({ "resourceRequirements": [{ "type": "GPU", "value": "1" }], "privileged": true }),
        json!({ "dockerSecurityOptions": ["label:type:x"], "credentialSpecs": ["credentialspec:arn:aws:s3:::b/s"] }),
    ]
}

/// Members that only containers with a network of their own can have.
fn members_of_bridge() -> Vec<Value> {
    vec![
        json!({ "hostname": "h", "dnsServers": ["10.0.0.2"], "dnsSearchDomains": ["d"] }),
        json!({ "extraHosts": [{ "hostname": "a", "ipAddress": "::1" }], "disableNetworking": true }),
    ]
}

/// Members of the task.
fn members_of_task((launch_type, mode): Place) -> Vec<Value> {
    let mut all = vec![
        json!({ "taskRoleArn": "task" }),
        json!({ "pidMode": "task" }),
        json!({ "runtimePlatform": { "cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX" } }),
        json!({ "runtimePlatform": { "cpuArchitecture": "X86_64" } }),
        json!({ "tags": [{ "key": "team", "value": "a" }, { "key": "stage", "value": "" }] }),
    ];
    if mode == "awsvpc" || mode == "host" {
        all.extend([true, false].map(|it| json!({ "enableFaultInjection": it })));
    }
    if mode == "awsvpc" {
        let properties = [
            "ProxyIngressPort",
            "ProxyEgressPort",
            "AppPorts",
            "EgressIgnoredIPs",
            "IgnoredUID",
        ];
        let properties = properties.map(|it| json!({ "name": it, "value": "1" }));
        let proxy = json!({ "type": "APPMESH", "containerName": "c0", "properties": properties });
        all.push(json!({ "proxyConfiguration": proxy }));
    }
    if launch_type == "FARGATE" {
        all.push(json!({ "ephemeralStorage": { "sizeInGiB": 21 } }));
        all.push(json!({ "cpu": ".5 vCPU", "memory": "1GB" }));
    } else {
        all.push(json!({ "cpu": "1 vCPU", "memory": "2 GB" }));
        all.push(json!({ "pidMode": "host", "ipcMode": "none" }));
        all.push(json!({ "ipcMode": "task" }));
        let constraint = json!({ "type": "memberOf", "expression": "attribute:ecs.os-type == linux" });
        all.push(json!({ "placementConstraints": [constraint] }));
    }
    all
}

fn volumes(launch_type: &str) -> Vec<Value> {
    let mut all = vec![json!({ "name": "bind" })];
    if launch_type != "FARGATE" {
        all.push(json!({ "name": "source", "host": { "sourcePath": "/srv" } }));
        all.push(json!({ "name": "docker", "dockerVolumeConfiguration": {
            "scope": "shared", "autoprovision": true, "driver": "local", "driverOpts": { "a": "b" }, "labels": { "c": "d" },
        } }));
    }
    if launch_type != "EXTERNAL" {
        all.push(json!({ "name": "efs", "efsVolumeConfiguration": { "fileSystemId": "fs-1", "transitEncryption": "ENABLED",
            "transitEncryptionPort": 2999, "authorizationConfig": { "accessPointId": "fsap-1", "iam": "ENABLED" } } }));
        all.push(json!({ "name": "efs-data", "efsVolumeConfiguration": { "fileSystemId": "fs-1", "rootDirectory": "/data" } }));
        all.push(json!({ "name": "s3", "s3filesVolumeConfiguration": {
            "fileSystemArn": "arn:aws:s3files:us-east-1:123456789012:file-system/1", "rootDirectory": "/", "transitEncryptionPort": 1,
            "accessPointArn": "arn:aws:s3files:us-east-1:123456789012:file-system/1/access-point/2",
        } }));
        all.push(json!({ "name": "later", "configuredAtLaunch": true }));
    }
    if launch_type.is_empty() || launch_type == "EC2" {
        all.push(json!({ "name": "fsx", "fsxWindowsFileServerVolumeConfiguration": { "fileSystemId": "fs-2",
            "rootDirectory": "share", "authorizationConfig": {
                "domain": "d", "credentialsParameter": "arn:aws:ssm:us-east-1:123456789012:parameter/p" } } }));
    }
    all
}

/// The base with every member whose bit is set.
fn chosen(base: Value, members: &[Value], mask: u32) -> Value {
    let set = members
        .iter()
        .enumerate()
        .filter(|(bit, _)| mask & (1 << bit) != 0);
    set.fold(base, |base, (_, members)| merged(base, members))
}

/// Ports of the container of that number: those that share one network have them once.
fn ports(mode: &str, index: usize) -> Value {
    let named = json!({ "containerPort": 80, "name": format!("http-{index}"), "appProtocol": "http2" });
    let udp = json!({ "containerPort": 81, "protocol": "udp" });
    match mode {
        "bridge" => json!([
            named, udp, { "containerPort": 82, "hostPort": 9000 + index }, { "containerPort": 83, "hostPort": 0 },
            { "containerPortRange": "90-99" },
        ]),
        "none" => json!([]),
        _ if index > 0 => json!([]),
        _ => json!([named, udp, { "containerPort": 82, "hostPort": 82 }]),
    }
}

/// What a container says of the one before it.
fn of_neighbour(mode: &str, before: &Value) -> Value {
    let name = &before["name"];
    let condition = if before["essential"] == false {
        "COMPLETE"
    } else if before["healthCheck"].is_object() {
        "HEALTHY"
    } else {
        "START"
    };
    let mut said = json!({
        "dependsOn": [{ "containerName": name, "condition": condition }],
        "volumesFrom": [{ "sourceContainer": name, "readOnly": true }],
    });
    if mode == "bridge" {
        let name = name.as_str().unwrap_or_default();
        said["links"] = json!([name, format!("{name}:alias")]);
    }
    said
}

/// A definition for a place: each bit adds members of the task or of a container.
pub fn definition(place: Place, task: u32, containers: &[u32]) -> Value {
    let (launch_type, mode) = place;
    let mut members = members();
    if launch_type != "FARGATE" {
        members.extend(members_of_hosts());
    }
    if mode == "bridge" {
        members.extend(members_of_bridge());
    }
    let volumes = volumes(launch_type);
    let mut all: Vec<Value> = Vec::new();
    for (index, mask) in containers.iter().enumerate() {
        let name = format!("c{index}");
        let mut container = chosen(
            json!({ "name": name, "image": "nginx:1", "memory": 64 }),
            &members,
            *mask,
        );
        if mask & PORTS != 0 {
            container["portMappings"] = ports(mode, index);
        }
        if mask & OPTIONAL != 0 {
            container["essential"] = json!(index == 0);
        }
        if let Some(before) = all.last().filter(|_| mask & NEIGHBOURS != 0) {
            container = merged(container, &of_neighbour(mode, before));
        }
        all.push(container);
    }
    let mounted = volumes.iter().map(|it| &it["name"]);
    let mounts = mounted.map(|it| json!({ "sourceVolume": it, "containerPath": format!("/volumes/{}", it.as_str().unwrap_or_default()) }));
    all[0]["mountPoints"] = mounts.collect();
    if task & ROUTER != 0 {
        let options = json!({ "config-file-type": "file", "config-file-value": "/extra.conf", "enable-ecs-log-metadata": "false" });
        all[0]["firelensConfiguration"] = json!({ "type": "fluentbit", "options": options });
        for it in &mut all[1..] {
            it["logConfiguration"] = json!({ "logDriver": "awsfirelens", "options": { "Name": "http" } });
        }
    }
    let mut base = json!({
        "family": "app", "networkMode": mode, "containerDefinitions": all, "volumes": volumes,
        "executionRoleArn": "arn:aws:iam::123456789012:role/path/execution",
    });
    if !launch_type.is_empty() {
        base["requiresCompatibilities"] = json!([launch_type]);
    }
    if launch_type == "FARGATE" {
        base = merged(base, &json!({ "cpu": "1024", "memory": "2048" }));
    }
    chosen(base, &members_of_task(place), task)
}
