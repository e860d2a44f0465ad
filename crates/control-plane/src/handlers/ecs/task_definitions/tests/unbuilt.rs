//! What is valid and not obeyed yet is refused by name, after everything else.

use serde_json::json;

use super::super::unbuilt;
use super::{client_message, draft, fargate, of_container, task};

#[test]
fn each_member_is_named_with_its_container() {
    let definition = of_container(&json!({
        "dockerSecurityOptions": ["no-new-privileges", "credentialspec:file"],
        "credentialSpecs": ["credentialspec:arn:aws:s3:::bucket/spec"],
        "mountPoints": [],
    }));
    let definition = super::merged(
        definition,
        &json!({ "networkMode": "host", "enableFaultInjection": true, "volumes": [
            { "name": "v", "s3filesVolumeConfiguration": { "fileSystemArn": "arn:aws:s3files:us-east-1:1:file-system/fs-1" } },
        ] }),
    );
    let refusal = unbuilt::refuse(&draft(&definition).expect("is valid")).expect_err("is not built");
    assert_eq!(
        client_message(refusal),
        "enableFaultInjection is not supported by Gantry yet; \
         dockerSecurityOptions credentialspec is not supported by Gantry yet (container 'web'); \
         credentialSpecs is not supported by Gantry yet (container 'web'); \
         s3filesVolumeConfiguration is not supported by Gantry yet (volume 'v')."
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
    let everything = of_container(&json!({
        "links": [], "volumesFrom": [], "interactive": true, "pseudoTerminal": true,
        "dnsServers": ["10.0.0.2"], "dnsSearchDomains": ["a.test"], "disableNetworking": true,
        "extraHosts": [{ "hostname": "db", "ipAddress": "10.0.0.3" }],
        "dockerSecurityOptions": ["no-new-privileges", "apparmor:docker-default", "label:disable"],
        "systemControls": [{ "namespace": "net.core.somaxconn", "value": "1" }],
        "resourceRequirements": [{ "type": "GPU", "value": "1" }],
        "portMappings": [{ "containerPortRange": "8000-8010" }],
        "repositoryCredentials": { "credentialsParameter": "login" },
        "environmentFiles": [{ "type": "s3", "value": "arn:aws:s3:::bucket/app.env" }],
        "linuxParameters": {
            "devices": [{ "hostPath": "/dev/fuse" }], "sharedMemorySize": 64, "maxSwap": 0, "swappiness": 10,
            "tmpfs": [{ "containerPath": "/run", "size": 16, "mountOptions": ["exec", "mode=0755"] }],
        },
    }));
    let everything = super::merged(
        everything,
        &json!({
            "pidMode": "task", "ipcMode": "host", "executionRoleArn": "execution",
            "volumes": [{ "name": "v", "dockerVolumeConfiguration": { "scope": "shared" } }],
        }),
    );
    let logs_to_router = json!({ "versionConsistency": "enabled", "logConfiguration": {
        "logDriver": "awsfirelens", "options": { "Name": "http", "Host": "logs.test" },
        "secretOptions": [{ "name": "apikey", "valueFrom": "/key" }],
    } });
    let router = json!({ "name": "router", "firelensConfiguration": { "type": "fluentbit", "options": {
        "config-file-type": "s3", "config-file-value": "arn:aws:s3:::bucket/more.conf",
        "enable-ecs-log-metadata": "true",
    } } });
    let containers = [logs_to_router, router].map(|it| super::merged(super::container(), &it));
    let routed = task(&json!({ "executionRoleArn": "execution", "containerDefinitions": containers }));
    let bounded = of_container(&json!({ "logConfiguration": {
        "logDriver": "json-file", "options": {
            "max-size": "10m", "max-file": "3", "compress": "true", "labels": "a", "env": "b", "env-regex": "^c",
            "tag": "{{.Name}}",
        },
    } }));
    for definition in [
        everything,
        web,
        routed,
        bounded,
        task(&json!({ "ipcMode": "none", "volumes": [{ "name": "v" }] })),
    ] {
        unbuilt::refuse(&draft(&definition).expect("is valid")).expect("is built");
    }
}

#[test]
fn options_that_are_not_obeyed_are_refused() {
    let log = |driver: &str, options: &serde_json::Value| {
        of_container(&json!({ "logConfiguration": { "logDriver": driver, "options": options } }))
    };
    for (definition, expected) in [
        (
            log("fluentd", &json!({ "labels": "a" })),
            "logConfiguration.options",
        ),
        (
            log("splunk", &json!({ "splunk-url": "u", "splunk-token": "t" })),
            "logConfiguration.logDriver",
        ),
    ] {
        let refusal = unbuilt::refuse(&draft(&definition).expect("is valid")).expect_err(expected);
        let message = client_message(refusal);
        assert!(message.starts_with(expected), "{message}");
    }
}
