//! Each member that the page names, in an input that has nothing else wrong.

use serde_json::{Value, json};

/// An operation, an input that has nothing else wrong, what its refusal calls the member, and what the page calls it.
pub type Row = (&'static str, Value, &'static str, &'static str);

fn with(mut base: Value, changes: Value) -> Value {
    if let (Some(base), Value::Object(changes)) = (base.as_object_mut(), changes) {
        base.extend(changes);
    }
    base
}

fn of_providers_and_clusters() -> Vec<Row> {
    let managed = || {
        json!({ "name": "p", "managedInstancesProvider": { "infrastructureRoleArn": "r", "instanceLaunchTemplate": {
        "ec2InstanceProfileArn": "p", "networkConfiguration": { "subnets": ["subnet-1"] },
    } } })
    };
    let bucket = json!({ "executeCommandConfiguration": { "logging": "OVERRIDE", "logConfiguration": { "s3BucketName": "b" } } });
    let said = "s3BucketName of executeCommandConfiguration";
    vec![
        (
            "CreateCapacityProvider",
            managed(),
            "managedInstancesProvider",
            "managedInstancesProvider",
        ),
        (
            "UpdateCapacityProvider",
            json!({ "name": "p", "managedInstancesProvider": { "infrastructureRoleArn": "r", "instanceLaunchTemplate": {} } }),
            "managedInstancesProvider",
            "managedInstancesProvider",
        ),
        (
            "CreateCluster",
            json!({ "clusterName": "c", "configuration": bucket }),
            said,
            "s3BucketName",
        ),
        (
            "UpdateCluster",
            json!({ "cluster": "default", "configuration": bucket }),
            said,
            "s3BucketName",
        ),
    ]
}

fn of_service(more: Value, said: &'static str, word: &'static str) -> Row {
    let least = json!({ "serviceName": "new", "taskDefinition": "web", "desiredCount": 0 });
    ("CreateService", with(least, more), said, word)
}

fn of_services() -> Vec<Row> {
    let alarms = json!({ "alarms": { "alarmNames": ["a"], "enable": true, "rollback": false } });
    let volume = json!([{ "name": "v", "managedEBSVolume": { "roleArn": "r" } }]);
    let lattice = json!([{ "roleArn": "r", "targetGroupArn": "g", "portName": "http" }]);
    let task_set = json!({ "cluster": "default", "service": "external", "taskDefinition": "web", "launchType": "MANAGED_INSTANCES" });
    let controller = json!({ "service": "web", "deploymentController": { "type": "EXTERNAL" } });
    let (managed, launch_type) = ("MANAGED_INSTANCES", "launchType MANAGED_INSTANCES");
    vec![
        of_service(json!({ "deploymentConfiguration": alarms }), "alarms", "alarms"),
        of_service(json!({ "monitoring": {} }), "monitoring", "monitoring"),
        of_service(
            json!({ "volumeConfigurations": volume }),
            "volumeConfigurations",
            "volumeConfigurations",
        ),
        of_service(
            json!({ "vpcLatticeConfigurations": lattice }),
            "vpcLatticeConfigurations",
            "vpcLatticeConfigurations",
        ),
        of_service(json!({ "launchType": managed }), launch_type, managed),
        ("CreateTaskSet", task_set, launch_type, managed),
        (
            "UpdateService",
            controller,
            "a change of the deploymentController",
            "deploymentController",
        ),
    ]
}

fn of_service_connect() -> Vec<Row> {
    let connect = |more: Value| json!({ "serviceConnectConfiguration": with(json!({ "enabled": true, "namespace": "internal" }), more) });
    let offer = |more: Value| connect(json!({ "services": [with(json!({ "portName": "http" }), more)] }));
    let rules =
        json!([{ "port": 80, "testTrafficRules": { "header": { "name": "x", "value": { "exact": "y" } } } }]);
    let steps = |strategy: &str| {
        with(
            offer(json!({})),
            json!({ "deploymentConfiguration": { "strategy": strategy } }),
        )
    };
    let in_steps = "serviceConnectConfiguration with the deployment strategies LINEAR and CANARY";
    vec![
        of_service(
            connect(json!({ "accessLogConfiguration": { "format": "JSON" } })),
            "accessLogConfiguration of serviceConnectConfiguration",
            "accessLogConfiguration",
        ),
        of_service(
            offer(json!({ "tls": { "issuerCertificateAuthority": {} } })),
            "tls of serviceConnectConfiguration",
            "tls",
        ),
        of_service(
            offer(json!({ "clientAliases": rules })),
            "testTrafficRules of serviceConnectConfiguration",
            "testTrafficRules",
        ),
        of_service(steps("LINEAR"), in_steps, "LINEAR"),
        of_service(steps("CANARY"), in_steps, "CANARY"),
    ]
}

fn of_tasks() -> Vec<Row> {
    let shared = |operation: &'static str| {
        let ask = |more: Value| {
            with(
                json!({ "taskDefinition": "web", "containerInstances": ["a".repeat(32)] }),
                more,
            )
        };
        let overrides = |more: Value| ask(json!({ "overrides": more }));
        let accelerators = json!([{ "deviceName": "d", "deviceType": "t" }]);
        let gpus = json!([{ "name": "web", "resourceRequirements": [{ "type": "GPU", "value": "1" }] }]);
        vec![
            (
                operation,
                ask(
                    json!({ "volumeConfigurations": [{ "name": "v", "managedEBSVolume": { "roleArn": "r" } }] }),
                ),
                "volumeConfigurations",
                "volumeConfigurations",
            ),
            (
                operation,
                overrides(json!({ "ephemeralStorage": { "sizeInGiB": 30 } })),
                "overrides.ephemeralStorage",
                "overrides.ephemeralStorage",
            ),
            (
                operation,
                overrides(json!({ "inferenceAcceleratorOverrides": accelerators })),
                "overrides.inferenceAcceleratorOverrides",
                "overrides.inferenceAcceleratorOverrides",
            ),
            (
                operation,
                overrides(json!({ "containerOverrides": gpus })),
                "containerOverrides.resourceRequirements",
                "containerOverrides.resourceRequirements",
            ),
        ]
    };
    let mut rows = shared("RunTask");
    rows.append(&mut shared("StartTask"));
    let managed = json!({ "taskDefinition": "web", "launchType": "MANAGED_INSTANCES" });
    rows.push((
        "RunTask",
        managed,
        "launchType MANAGED_INSTANCES",
        "MANAGED_INSTANCES",
    ));
    rows.push((
        "ListTasks",
        json!({ "daemonName": "d" }),
        "Filtering by daemonName",
        "daemonName",
    ));
    rows
}

fn of_container(more: Value) -> Value {
    let container = with(json!({ "name": "web", "image": "web", "memory": 64 }), more);
    json!({ "family": "new", "containerDefinitions": [container] })
}

fn registered(input: Value, said: &'static str, word: &'static str) -> Row {
    ("RegisterTaskDefinition", input, said, word)
}

fn of_task_definitions() -> Vec<Row> {
    let task = |more: Value| with(of_container(json!({})), more);
    let fargate = json!({ "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512" });
    let proxy = json!({ "type": "APPMESH", "containerName": "web", "properties": [
        { "name": "AppPorts", "value": "80" }, { "name": "ProxyIngressPort", "value": "15000" },
        { "name": "ProxyEgressPort", "value": "15001" }, { "name": "IgnoredUID", "value": "1337" },
        { "name": "EgressIgnoredIPs", "value": "169.254.169.254" },
    ] });
    vec![
        registered(
            task(json!({ "networkMode": "awsvpc", "proxyConfiguration": proxy })),
            "proxyConfiguration",
            "proxyConfiguration",
        ),
        registered(
            task(with(fargate, json!({ "ephemeralStorage": { "sizeInGiB": 30 } }))),
            "ephemeralStorage (no quota holds tasks to a share of their host's disk)",
            "ephemeralStorage",
        ),
        registered(
            task(json!({ "networkMode": "host", "enableFaultInjection": true })),
            "enableFaultInjection",
            "enableFaultInjection",
        ),
        registered(
            task(json!({ "runtimePlatform": { "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE" } })),
            "runtimePlatform.operatingSystemFamily",
            "operatingSystemFamily",
        ),
        registered(
            task(json!({ "requiresCompatibilities": ["MANAGED_INSTANCES"] })),
            "MANAGED_INSTANCES",
            "MANAGED_INSTANCES",
        ),
    ]
}

fn of_containers() -> Vec<Row> {
    let log = |driver: &str, options: Value| {
        of_container(json!({ "logConfiguration": { "logDriver": driver, "options": options } }))
    };
    vec![
        registered(
            of_container(json!({ "credentialSpecs": ["credentialspec:arn:aws:s3:::b/s"] })),
            "credentialSpecs",
            "credentialSpecs",
        ),
        registered(
            of_container(json!({ "dockerSecurityOptions": ["credentialspec:file"] })),
            "dockerSecurityOptions credentialspec",
            "dockerSecurityOptions",
        ),
        registered(
            of_container(json!({ "resourceRequirements": [{ "type": "NeuronDevice", "value": "1" }] })),
            "resourceRequirements of type NeuronDevice",
            "NeuronDevice",
        ),
        registered(
            log("gelf", json!({ "gelf-address": "udp://h:1" })),
            "logConfiguration.logDriver (other than awsfirelens, awslogs, fluentd, json-file and syslog)",
            "logDriver",
        ),
        registered(
            log("syslog", json!({ "syslog-tls-ca-cert": "/ca" })),
            "logConfiguration.options (other than those built)",
            "options",
        ),
    ]
}

fn of_volumes() -> Vec<Row> {
    let volume = |kind: &'static str, of: Value| {
        let mounted = json!({ "mountPoints": [{ "sourceVolume": "v", "containerPath": "/v" }] });
        let input = with(
            of_container(mounted),
            json!({ "volumes": [{ "name": "v", kind: of }] }),
        );
        registered(input, kind, kind)
    };
    let fsx = json!({ "fileSystemId": "fs-2", "rootDirectory": "share", "authorizationConfig": {
        "domain": "d", "credentialsParameter": "arn:aws:ssm:us-east-1:123456789012:parameter/p",
    } });
    let files = json!({ "fileSystemArn": "arn:aws:s3files:us-east-1:123456789012:file-system/1" });
    vec![
        volume("fsxWindowsFileServerVolumeConfiguration", fsx),
        volume("s3filesVolumeConfiguration", files),
        volume("configuredAtLaunch", json!(true)),
    ]
}

pub fn rows() -> Vec<Row> {
    let tables = [
        of_providers_and_clusters(),
        of_services(),
        of_service_connect(),
        of_tasks(),
        of_task_definitions(),
        of_containers(),
        of_volumes(),
    ];
    tables.concat()
}
