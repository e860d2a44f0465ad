//! Rules of the task as a whole, and of what containers say of each other.

use serde_json::{Value, json};

use super::{check, draft, merged, of_container, task};

/// Containers `a`, `b`, … with these members.
fn containers(members: &[Value]) -> Value {
    let named = members.iter().zip(["a", "b", "c"]).map(|(members, name)| {
        merged(
            json!({ "name": name, "image": "nginx", "memory": 64, "essential": name == "a" }),
            members,
        )
    });
    task(&json!({ "containerDefinitions": named.collect::<Vec<_>>() }))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn members_of_the_task_have_rules() {
    let many: Vec<Value> = (0..11)
        .map(|it| json!({ "name": format!("c{it}"), "image": "i", "memory": 8 }))
        .collect();
    let cpu = "Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";
    let memory = "Invalid 'memory' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";
    check(vec![
        (
            task(&json!({ "family": "" })),
            "Family should not be null or empty.",
        ),
        (
            task(&json!({ "family": "a b" })),
            "Family contains invalid characters. Up to 255 letters, numbers, hyphens and underscores are allowed.",
        ),
        (
            task(&json!({ "containerDefinitions": [] })),
            "Container list cannot be empty.",
        ),
        (
            task(&json!({ "containerDefinitions": many })),
            "Too many containers. A task definition has at most 10.",
        ),
        (
            task(&json!({ "networkMode": "mesh" })),
            "Invalid network mode: \"mesh\".",
        ),
        (task(&json!({ "cpu": "lots" })), cpu),
        (task(&json!({ "cpu": "64" })), cpu),
        (task(&json!({ "memory": "0" })), memory),
        (
            task(&json!({ "requiresCompatibilities": ["LAMBDA"] })),
            "Invalid launch type in requiresCompatibilities: \"LAMBDA\".",
        ),
        (task(&json!({ "taskRoleArn": "no role" })), "Role is not valid"),
        (
            task(&json!({ "executionRoleArn": "arn:aws:iam::1:role/short" })),
            "Role is not valid",
        ),
        (
            task(&json!({ "pidMode": "none" })),
            "Invalid 'pidMode' setting: \"none\".",
        ),
        (
            task(&json!({ "ipcMode": "all" })),
            "Invalid 'ipcMode' setting: \"all\".",
        ),
        (
            task(&json!({ "ephemeralStorage": { "sizeInGiB": 20 } })),
            "EphemeralStorage size should be at least 21.",
        ),
        (
            task(&json!({ "ephemeralStorage": { "sizeInGiB": 201 } })),
            "EphemeralStorage size should be at most 200.",
        ),
        (
            task(&json!({ "ephemeralStorage": { "sizeInGiB": 30 } })),
            "Tasks using the EC2 launch type do not support EphemeralStorage.",
        ),
        (
            task(&json!({ "inferenceAccelerators": [{ "deviceName": "a", "deviceType": "b" }] })),
            "Unsupported field 'inferenceAccelerators'.",
        ),
        (
            task(&json!({ "runtimePlatform": { "cpuArchitecture": "MIPS" } })),
            "Invalid 'cpuArchitecture' setting: \"MIPS\".",
        ),
        (
            task(&json!({ "runtimePlatform": { "operatingSystemFamily": "BSD" } })),
            "Invalid 'operatingSystemFamily' setting: \"BSD\".",
        ),
        (
            task(&json!({ "enableFaultInjection": true })),
            "Fault injection is not supported when networkMode=bridge.",
        ),
        (
            task(&json!({ "requiresCompatibilities": ["EXTERNAL"], "networkMode": "awsvpc" })),
            "The EXTERNAL launch type only supports the network modes 'bridge', 'host' and 'none'.",
        ),
        (
            task(&json!({ "proxyConfiguration": { "containerName": "web" } })),
            "APPMESH proxy configuration is only supported in networkMode=awsvpc.",
        ),
        (
            task(&json!({ "networkMode": "awsvpc", "proxyConfiguration": { "containerName": "envoy" } })),
            "Proxy container [envoy] does not exist.",
        ),
        (
            task(&json!({ "networkMode": "awsvpc", "proxyConfiguration": { "containerName": "web" } })),
            "Ingress port not found",
        ),
    ]);
}

#[test]
fn a_definition_has_at_most_64_kib() {
    let long = of_container(&json!({ "command": ["x".repeat(65_536)] }));
    let error = draft(&long).expect_err("too long");
    let message = super::client_message(error);
    assert!(message.starts_with("Actual length: '656"), "{message}");
    assert!(
        message.ends_with("Max allowed length is '65536' bytes."),
        "{message}"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn containers_refer_to_each_other() {
    let depends = |name: &str, condition: &str| json!({ "dependsOn": [{ "containerName": name, "condition": condition }] });
    let none = json!({});
    check(vec![
        (
            containers(&[none.clone(), json!({ "name": "a" })]),
            "Container names must be unique within a task definition. Duplicate: 'a'.",
        ),
        (
            containers(&[json!({ "essential": false })]),
            "Task definition doesn't have any essential container.",
        ),
        (
            containers(&[depends("z", "START")]),
            "Cannot depend on container z because it does not exist.",
        ),
        (
            containers(&[depends("a", "START")]),
            "Invalid setting for container 'a'. A container cannot depend on itself.",
        ),
        (
            containers(&[none.clone(), depends("a", "SUCCESS")]),
            "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container.",
        ),
        (
            containers(&[depends("b", "HEALTHY"), none.clone()]),
            "A dependency container with HEALTHY condition must have health check configured.",
        ),
        (
            containers(&[depends("b", "READY"), none.clone()]),
            "Invalid setting for container 'a'. The condition of a dependency must be START, COMPLETE, SUCCESS or HEALTHY, not \"READY\".",
        ),
        (
            containers(&[
                depends("b", "START"),
                depends("c", "START"),
                depends("a", "START"),
            ]),
            "Container dependencies must not form a cycle: a -> b -> c -> a.",
        ),
        (
            containers(&[json!({ "links": ["b"] }), json!({ "links": ["a:alias"] })]),
            "Container dependencies must not form a cycle: a -> b -> a.",
        ),
        (
            containers(&[json!({ "links": ["z:db"] })]),
            "Invalid 'links' setting. Unknown container: 'z'",
        ),
        (
            containers(&[json!({ "volumesFrom": [{ "sourceContainer": "z" }] })]),
            "Invalid 'volumesFrom' setting. Unknown container: 'z'",
        ),
        (
            containers(&[
                json!({ "portMappings": [{ "containerPort": 80, "hostPort": 3000 }] }),
                json!({ "portMappings": [{ "containerPort": 81, "hostPort": 3000 }] }),
            ]),
            "TCP host port '3000' is mapped multiple times in task.",
        ),
        (
            containers(&[
                json!({ "portMappings": [{ "containerPort": 80, "name": "http" }] }),
                json!({ "portMappings": [{ "containerPort": 81, "name": "http" }] }),
            ]),
            "port mapping name is already used: http",
        ),
        (
            containers(&[json!({ "logConfiguration": { "logDriver": "awsfirelens" } })]),
            "When awsfirelens log driver is specified in log configuration, a firelens configuration object must be specified.",
        ),
        (
            merged(
                containers(&[json!({ "cpu": 200 }), json!({ "cpu": 100 })]),
                &json!({ "cpu": "256" }),
            ),
            "The sum of all container 'cpu' values cannot be greater than the task-level 'cpu' value.",
        ),
        (
            merged(containers(&[none.clone(), none]), &json!({ "memory": "100" })),
            "The sum of all container 'memoryReservation' values cannot be greater than the task-level 'memory' value.",
        ),
    ]);
}

#[test]
fn volumes_have_rules() {
    let volume = |members: Value| task(&json!({ "volumes": [merged(json!({ "name": "data" }), &members)] }));
    let efs = |members: Value| {
        volume(json!({ "efsVolumeConfiguration": merged(json!({ "fileSystemId": "fs-1" }), &members) }))
    };
    check(vec![
        (
            task(&json!({ "volumes": [{}] })),
            "Volume.name should not be null or empty.",
        ),
        (
            task(&json!({ "volumes": [{ "name": "a b" }] })),
            "Volume.name contains invalid characters: \"a b\". Up to 255 letters, numbers, hyphens and underscores are allowed.",
        ),
        (
            task(&json!({ "volumes": [{ "name": "a" }, { "name": "a" }] })),
            "Duplicate volume name: 'a'.",
        ),
        (
            of_container(&json!({ "mountPoints": [{ "sourceVolume": "data", "containerPath": "/data" }] })),
            "Unknown volume 'data'.",
        ),
        (
            volume(json!({ "host": { "sourcePath": "relative" } })),
            "Volume 'data': host.sourcePath must be an absolute path.",
        ),
        (
            volume(json!({ "host": { "sourcePath": "/srv" }, "dockerVolumeConfiguration": {} })),
            "Only one volume configuration can be specified for volume 'data'.",
        ),
        (
            volume(json!({ "dockerVolumeConfiguration": { "scope": "task", "autoprovision": true } })),
            "Volume 'data': autoprovision can only be set when the scope is 'shared'.",
        ),
        (
            volume(json!({ "configuredAtLaunch": true })),
            "Volumes [data] are not referenced by any of the containers.",
        ),
        (
            efs(json!({ "authorizationConfig": { "iam": "ENABLED" } })),
            "EFS IAM authorization requires TransitEncryption to be enabled.",
        ),
        (
            efs(json!({ "transitEncryptionPort": 2049 })),
            "TransitEncryptionPort requires that TransitEncryption is enabled.",
        ),
        (
            efs(json!({
                "transitEncryption": "ENABLED", "rootDirectory": "/sub", "authorizationConfig": { "accessPointId": "fsap-1" }
            })),
            "When using an EFS access point, the root directory must either be set to \"/\" or be omitted.",
        ),
        (
            efs(json!({ "transitEncryption": "ENABLED", "transitEncryptionPort": 70_000 })),
            "Volume 'data': transitEncryptionPort must be between 1 and 65535, not 70000.",
        ),
    ]);
}
