//! Rules of one container.

use serde_json::{Value, json};

use super::{check, draft, merged, of_container, task};

fn in_mode(mode: &str, changes: Value) -> Value {
    merged(of_container(&changes), &json!({ "networkMode": mode }))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn names_sizes_and_ports_have_rules() {
    let port = |mapping: Value| of_container(&json!({ "portMappings": [mapping] }));
    let long = "a".repeat(256);
    check(vec![
        (
            of_container(&json!({ "name": null })),
            "Container.name should not be null or empty.",
        ),
        (
            of_container(&json!({ "name": "a/b" })),
            "Container.name contains invalid characters: \"a/b\". Up to 255 letters, numbers, hyphens and underscores are allowed.",
        ),
        (
            of_container(&json!({ "image": "" })),
            "Container.image should not be null or empty.",
        ),
        (
            of_container(&json!({ "image": long })),
            &format!("Container.image contains invalid characters or is too long: {long:?}"),
        ),
        (
            of_container(&json!({ "memory": null })),
            "Invalid setting for container 'web'. At least one of 'memory' or 'memoryReservation' must be specified.",
        ),
        (
            of_container(&json!({ "memory": 5 })),
            "Invalid setting for container 'web'. The 'memory' setting must be at least 6.",
        ),
        (
            of_container(&json!({ "memory": 64, "memoryReservation": 65 })),
            "Invalid setting for container 'web'. 'memory' must be greater than or equal to 'memoryReservation'.",
        ),
        (
            merged(
                of_container(&json!({ "memory": 600 })),
                &json!({ "memory": "512" }),
            ),
            "The 'memory' setting for container 'web' is greater than for the task.",
        ),
        (
            of_container(&json!({ "cpu": -1 })),
            "Invalid setting for container 'web'. The 'cpu' setting must be at least 0.",
        ),
        (
            port(json!({})),
            "Invalid 'containerPort' setting for container 'web'.",
        ),
        (
            port(json!({ "containerPort": 65_536 })),
            "Invalid 'containerPort' setting for container 'web'.",
        ),
        (
            port(json!({ "containerPort": 80, "hostPort": -1 })),
            "Invalid 'hostPort' setting for container 'web'.",
        ),
        (
            port(json!({ "containerPort": 80, "protocol": "sctp" })),
            "Invalid 'protocol' setting for container 'web'.",
        ),
        (
            port(json!({ "containerPort": 80, "name": "Http" })),
            "Invalid 'name' setting of a port mapping for container 'web'. Up to 64 lowercase letters, numbers, hyphens and underscores are allowed, and a hyphen must not come first.",
        ),
        (
            port(json!({ "containerPort": 80, "appProtocol": "http" })),
            "Invalid 'appProtocol' setting for container 'web'. The port mapping needs a 'name'.",
        ),
        (
            port(json!({ "containerPort": 80, "name": "http", "appProtocol": "smtp" })),
            "Invalid 'appProtocol' setting for container 'web'.",
        ),
        (
            port(json!({ "containerPort": 80, "containerPortRange": "80-90" })),
            "cannot specify both single port and port range.",
        ),
        (
            port(json!({ "containerPortRange": "90-80" })),
            "Invalid 'containerPortRange' setting for container 'web'.",
        ),
        (
            of_container(
                &json!({ "portMappings": [{ "containerPortRange": "80-90" }, { "containerPortRange": "85-95" }] }),
            ),
            "container port is used multiple times in task: 80-90",
        ),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn network_modes_have_rules() {
    let port = json!({ "portMappings": [{ "containerPort": 80, "hostPort": 81 }] });
    check(vec![
        (
            in_mode("none", port.clone()),
            "Port mappings are not supported when networkMode=none.",
        ),
        (
            in_mode("awsvpc", port.clone()),
            "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
        ),
        (
            in_mode("host", port),
            "When networkMode=host, the host ports and container ports in port mappings must match.",
        ),
        (
            in_mode(
                "host",
                json!({ "portMappings": [{ "containerPortRange": "80-90" }] }),
            ),
            "Container port ranges are not supported when networkMode=host.",
        ),
        (
            in_mode("awsvpc", json!({ "links": ["db"] })),
            "Links are not supported when networkMode=awsvpc.",
        ),
        (
            in_mode("host", json!({ "links": ["db"] })),
            "Links are not supported when networkMode=host.",
        ),
        (
            in_mode("awsvpc", json!({ "hostname": "web" })),
            "hostname is not supported on container when networkMode=awsvpc.",
        ),
        (
            in_mode(
                "awsvpc",
                json!({ "extraHosts": [{ "hostname": "a", "ipAddress": "10.0.0.1" }] }),
            ),
            "Extra hosts are not supported on container when networkMode=awsvpc.",
        ),
        (
            in_mode("awsvpc", json!({ "dnsServers": ["10.0.0.2"] })),
            "DNS servers are not supported on container when networkMode=awsvpc.",
        ),
        (
            in_mode("awsvpc", json!({ "dnsSearchDomains": ["example.com"] })),
            "DNS search domains are not supported on container when networkMode=awsvpc.",
        ),
        (
            in_mode("awsvpc", json!({ "disableNetworking": true })),
            "Disable Networking is not supported on container when networkMode=awsvpc.",
        ),
        (
            in_mode(
                "bridge",
                json!({ "extraHosts": [{ "hostname": "a", "ipAddress": "b" }] }),
            ),
            "Invalid setting for container 'web'. An item of 'extraHosts' needs a 'hostname' and an IP address as 'ipAddress'.",
        ),
        (
            in_mode("bridge", json!({ "dnsServers": ["dns"] })),
            "Invalid setting for container 'web'. 'dnsServers' must be IP addresses, not \"dns\".",
        ),
        (
            in_mode(
                "host",
                json!({ "systemControls": [{ "namespace": "net.core.somaxconn", "value": "1" }] }),
            ),
            "Invalid setting for container 'web'. The system control 'net.core.somaxconn' is not supported when networkMode=host.",
        ),
        (
            merged(
                of_container(&json!({ "systemControls": [{ "namespace": "kernel.shmmax", "value": "1" }] })),
                &json!({ "ipcMode": "host" }),
            ),
            "The system control 'kernel.shmmax' is not supported when ipcMode=host.",
        ),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn health_and_linux_settings_have_bounds() {
    let health = |changes: Value| {
        of_container(&json!({ "healthCheck": merged(json!({ "command": ["CMD", "true"] }), &changes) }))
    };
    let linux = |members: Value| of_container(&json!({ "linuxParameters": members }));
    let command = "Invalid setting for container 'web'. The health check command must begin with CMD or CMD-SHELL and name what to run.";
    let bounds = |member: &str, range: &str| {
        format!("Invalid setting for container 'web'. The '{member}' setting must be between {range}.")
    };
    check(vec![
        (health(json!({ "command": [] })), command),
        (health(json!({ "command": ["CMD-SHELL"] })), command),
        (health(json!({ "command": ["curl", "localhost"] })), command),
        (
            health(json!({ "interval": 4 })),
            &bounds("healthCheck.interval", "5 and 300"),
        ),
        (
            health(json!({ "timeout": 121 })),
            &bounds("healthCheck.timeout", "2 and 120"),
        ),
        (
            health(json!({ "retries": 11 })),
            &bounds("healthCheck.retries", "1 and 10"),
        ),
        (
            health(json!({ "startPeriod": 301 })),
            &bounds("healthCheck.startPeriod", "0 and 300"),
        ),
        (
            linux(json!({ "swappiness": 101 })),
            &bounds("swappiness", "0 and 100"),
        ),
        (
            linux(json!({ "capabilities": { "drop": ["EVERYTHING"] } })),
            "Invalid setting for container 'web'. Unknown Linux capability: \"EVERYTHING\".",
        ),
        (
            linux(json!({ "tmpfs": [{ "containerPath": "/run", "size": 1, "mountOptions": ["nr=1"] }] })),
            "Invalid setting for container 'web'. Invalid tmpfs mount option: \"nr=1\".",
        ),
        (
            linux(json!({ "tmpfs": [{ "containerPath": "/run", "size": 0 }] })),
            "Invalid setting for container 'web'. The 'tmpfs.size' setting must be at least 1.",
        ),
        (
            linux(json!({ "devices": [{ "hostPath": "fuse" }] })),
            "Invalid setting for container 'web'. The paths of a device must be absolute, and 'hostPath' be given.",
        ),
        (
            of_container(&json!({ "ulimits": [{ "name": "nofile", "softLimit": 2, "hardLimit": 1 }] })),
            "Soft limit exceeds hard limit for ulimit nofile",
        ),
        (
            of_container(&json!({ "ulimits": [{ "name": "files", "softLimit": 1, "hardLimit": 1 }] })),
            "Invalid setting for container 'web'. Invalid ulimit name: \"files\".",
        ),
        (
            of_container(&json!({ "restartPolicy": { "enabled": true, "restartAttemptPeriod": 59 } })),
            "the 'restartAttemptPeriod' setting for container 'web' must be between 60 and 1800",
        ),
        (
            of_container(&json!({ "restartPolicy": { "enabled": true, "ignoredExitCodes": vec![1; 51] } })),
            "Invalid setting for container 'web'. 'ignoredExitCodes' must have at most 50 items.",
        ),
        (
            of_container(&json!({ "versionConsistency": "maybe" })),
            "Invalid setting for container 'web'. 'versionConsistency' must be 'enabled' or 'disabled'.",
        ),
        (
            of_container(&json!({ "resourceRequirements": [{ "type": "GPU", "value": "none" }] })),
            "Invalid setting for container 'web'. The number of GPUs must be a whole number above 0, not \"none\".",
        ),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn variables_secrets_and_logs_have_rules() {
    let secret =
        |name: &str, from: &str| of_container(&json!({ "secrets": [{ "name": name, "valueFrom": from }] }));
    let file = |value: &str| of_container(&json!({ "environmentFiles": [{ "type": "s3", "value": value }] }));
    let files = vec![json!({ "type": "s3", "value": "arn:aws:s3:::b/a.env" }); 11];
    let log = |members: Value| of_container(&json!({ "logConfiguration": members }));
    let awslogs = |options: Value| {
        let base = json!({ "awslogs-group": "g", "awslogs-region": "r" });
        log(json!({ "logDriver": "awslogs", "options": merged(base, &options) }))
    };
    check(vec![
        (
            secret("A", "parameter"),
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        ),
        (
            secret("A", "arn:aws:sqs:us-east-1:123456789012:queue"),
            "Invalid arn syntax.",
        ),
        (
            secret("A", "not a name"),
            "Invalid setting for container 'web'. The 'valueFrom' of secret 'A' must be the name or ARN of a parameter, or the ARN of a secret.",
        ),
        (
            of_container(
                &json!({ "environment": [{ "name": "A", "value": "1" }], "secrets": [{ "name": "A", "valueFrom": "a" }] }),
            ),
            "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as 'A'.",
        ),
        (
            of_container(&json!({ "environment": [{ "value": "1" }] })),
            "Invalid setting for container 'web'. The name of an environment variable should not be null or empty.",
        ),
        (
            of_container(&json!({ "environmentFiles": files })),
            "The maximum number of environment files was exceeded. Specify ten or less and try again.",
        ),
        (file("s3://bucket/a.env"), "Invalid arn syntax."),
        (
            file("arn:aws:s3:::bucket/a.txt"),
            "Invalid setting for container 'web'. The name of an environment file must end in '.env'.",
        ),
        (
            of_container(&json!({ "repositoryCredentials": {
                "credentialsParameter": "arn:aws:secretsmanager:us-east-1:123456789012:secret:login"
            } })),
            "Private repository authentication requires that the task definition specify a value for executionRoleArn.",
        ),
        (
            log(json!({ "logDriver": "none" })),
            "none is not a valid log driver. Must be one of [json-file,syslog,journald,gelf,fluentd,awslogs,splunk,awsfirelens]",
        ),
        (
            log(json!({ "logDriver": "awslogs" })),
            "Log driver awslogs requires options: awslogs-region, awslogs-group",
        ),
        (
            log(json!({ "logDriver": "splunk", "options": { "splunk-url": "u" } })),
            "Log driver splunk requires options: splunk-token",
        ),
        (
            awslogs(json!({ "log_key": "log" })),
            "Log driver awslogs disallows options: log_key",
        ),
        (
            awslogs(json!({ "awslogs-create-group": "false" })),
            "Log driver awslogs option 'awslogs-create-group' should only be set to 'true', else omit option.",
        ),
        (
            awslogs(json!({ "awslogs-group": "a group" })),
            "Log driver awslogs option 'awslogs-group' contains invalid characters.",
        ),
        (
            awslogs(json!({ "mode": "fast" })),
            "Log driver awslogs option 'mode' should be 'blocking' or 'non-blocking'.",
        ),
        (
            awslogs(json!({ "awslogs-datetime-format": "%Y", "awslogs-multiline-pattern": "^x" })),
            "Log driver awslogs option 'awslogs-datetime-format' cannot be set together with 'awslogs-multiline-pattern'.",
        ),
        (
            of_container(&json!({ "firelensConfiguration": { "type": "logstash" } })),
            "Invalid setting for container 'web'. The type of a firelensConfiguration must be 'fluentd' or 'fluentbit'.",
        ),
        (
            of_container(&json!({ "dockerSecurityOptions": ["anything"] })),
            "Invalid setting for container 'web'. Invalid dockerSecurityOptions: \"anything\".",
        ),
    ]);
}

#[test]
fn containers_of_bridge_may_have_the_same_ports() {
    let container = |name: &str| json!({ "name": name, "image": "nginx", "memory": 64, "portMappings": [{ "containerPortRange": "80-90" }] });
    let both = json!({ "containerDefinitions": [container("a"), container("b")] });
    draft(&task(&both)).expect("two networks");
    let shared = merged(task(&both), &json!({ "networkMode": "awsvpc" }));
    draft(&shared).expect_err("one network");
}
