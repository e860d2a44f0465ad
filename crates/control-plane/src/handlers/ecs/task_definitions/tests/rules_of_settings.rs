//! Rules of what stands in the lists of a container, of its logs, and of the proxy of a task.

use serde_json::{Value, json};

use super::{check, container, draft, merged, of_container, task};

#[test]
fn devices_limits_and_kernel_parameters_have_rules() {
    let linux = |of: Value| of_container(&json!({ "linuxParameters": of }));
    let device = |of: Value| linux(json!({ "devices": [of] }));
    let tmpfs =
        |of: Value| linux(json!({ "tmpfs": [merged(json!({ "containerPath": "/run", "size": 1 }), &of)] }));
    let ulimit = |soft: i32, hard: i32| {
        of_container(&json!({ "ulimits": [{ "name": "nofile", "softLimit": soft, "hardLimit": hard }] }))
    };
    let control = |of: Value| of_container(&json!({ "systemControls": [of] }));
    let paths = "Invalid setting for container 'web'. The paths of a device must be absolute, and 'hostPath' be given.";
    let incomplete =
        "Invalid setting for container 'web'. An item of 'systemControls' needs a 'namespace' and a 'value'.";
    let negative = "Invalid setting for container 'web'. The limits of ulimit nofile must not be negative.";
    check(vec![
        (device(json!({ "hostPath": "dev/fuse" })), paths),
        (
            device(json!({ "hostPath": "/dev/fuse", "containerPath": "fuse" })),
            paths,
        ),
        (
            device(json!({ "hostPath": "/dev/fuse", "permissions": ["read", "delete"] })),
            "Invalid setting for container 'web'. The permissions of a device are 'read', 'write' and 'mknod'.",
        ),
        (
            tmpfs(json!({ "containerPath": "run" })),
            "Invalid setting for container 'web'. The 'containerPath' of a tmpfs must be an absolute path.",
        ),
        (
            tmpfs(json!({ "mountOptions": ["ro", "mode=0755", "encrypted=1"] })),
            "Invalid setting for container 'web'. Invalid tmpfs mount option: \"encrypted=1\".",
        ),
        (ulimit(-2, 1), negative),
        (ulimit(1, -2), negative),
        (ulimit(2, 1), "Soft limit exceeds hard limit for ulimit nofile"),
        (ulimit(-1, 1), "Soft limit exceeds hard limit for ulimit nofile"),
        (control(json!({ "namespace": "net.core.somaxconn" })), incomplete),
        (control(json!({ "value": "1" })), incomplete),
    ]);
    for (soft, hard) in [(1, 1), (1, -1), (-1, -1), (0, 0)] {
        assert!(draft(&ulimit(soft, hard)).is_ok(), "{soft} {hard}");
    }
}

#[test]
fn secrets_files_and_devices_are_named_as_they_must_be() {
    let resource = |kind: &str, value: &str| {
        of_container(&json!({ "resourceRequirements": [{ "type": kind, "value": value }] }))
    };
    let login = |parameter: &str| {
        let login = json!({ "credentialsParameter": parameter });
        merged(
            of_container(&json!({ "repositoryCredentials": login })),
            &json!({ "executionRoleArn": "execution" }),
        )
    };
    let specs = "Invalid setting for container 'web'. 'credentialSpecs' has at most one item, credentialspec:ARN or \
                 credentialspecdomainless:ARN.";
    let spec = "credentialspec:arn:aws:s3:::b/s";
    check(vec![
        (
            of_container(&json!({ "secrets": [{ "name": "", "valueFrom": "/s" }] })),
            "Invalid setting for container 'web'. The name of a secret should not be null or empty.",
        ),
        (
            of_container(
                &json!({ "environmentFiles": [{ "type": "http", "value": "arn:aws:s3:::b/a.env" }] }),
            ),
            "Invalid setting for container 'web'. The type of an environment file must be 's3'.",
        ),
        (
            resource("FPGA", "1"),
            "Invalid setting for container 'web'. The type of a resource requirement must be 'GPU'.",
        ),
        (
            resource("NeuronDevice", "1"),
            "resourceRequirements of type NeuronDevice is not supported by Gantry yet.",
        ),
        (
            resource("GPU", "0"),
            "Invalid setting for container 'web'. The number of GPUs must be a whole number above 0, not \"0\".",
        ),
        (
            login("arn:aws:ssm:us-east-1:123456789012:parameter/login"),
            "Invalid arn syntax. repositoryCredentials.credentialsParameter must be the ARN or the name of a secret: \
             \"arn:aws:ssm:us-east-1:123456789012:parameter/login\"",
        ),
        (
            login(""),
            "Invalid arn syntax. repositoryCredentials.credentialsParameter must be the ARN or the name of a secret: \"\"",
        ),
        (of_container(&json!({ "credentialSpecs": ["spec"] })), specs),
        (of_container(&json!({ "credentialSpecs": [spec, spec] })), specs),
    ]);
}

#[test]
fn options_of_logs_and_log_routers_have_rules() {
    let log = |driver: &str, options: Value| {
        of_container(&json!({ "logConfiguration": { "logDriver": driver, "options": options } }))
    };
    let router =
        |options: Value| json!({ "firelensConfiguration": { "type": "fluentbit", "options": options } });
    let routed = |options: Value| of_container(&router(options));
    let two = [("a", router(json!({}))), ("b", router(json!({})))]
        .map(|(name, of)| merged(merged(container(), &of), &json!({ "name": name })));
    let size = "Log driver json-file option 'max-size' should be a number of bytes, such as '10m'.";
    let buffer = "Log driver json-file option 'max-buffer-size' should be a number of bytes, such as '25m'.";
    let files = "Log driver json-file option 'max-file' should be a number of at least 1.";
    let together = "Invalid setting for container 'web'. The options 'config-file-type' and 'config-file-value' of \
                    firelensConfiguration go together.";
    check(vec![
        (log("json-file", json!({ "max-size": "ten" })), size),
        (log("json-file", json!({ "max-size": "10mbk" })), size),
        (log("json-file", json!({ "max-buffer-size": "-1" })), buffer),
        (log("json-file", json!({ "max-file": "0" })), files),
        (log("json-file", json!({ "max-file": "-1" })), files),
        (
            routed(json!({ "enable-ecs-log-metadata": "yes" })),
            "Invalid setting for container 'web'. Invalid option of firelensConfiguration: enable-ecs-log-metadata=\"yes\".",
        ),
        (
            routed(json!({ "flush": "1" })),
            "Invalid setting for container 'web'. Invalid option of firelensConfiguration: flush=\"1\".",
        ),
        (routed(json!({ "config-file-type": "file" })), together),
        (routed(json!({ "config-file-value": "/extra.conf" })), together),
        (
            routed(json!({ "config-file-type": "s3", "config-file-value": "/extra.conf" })),
            "Invalid arn syntax.",
        ),
        (
            task(&json!({ "containerDefinitions": two })),
            "A task definition can have only one container with a firelens configuration object.",
        ),
    ]);
    for size in ["-1", "10m", "10MB", "1024"] {
        assert!(
            draft(&log("json-file", json!({ "max-size": size, "max-file": "1" }))).is_ok(),
            "{size}"
        );
    }
}

#[test]
fn a_proxy_needs_its_properties_and_a_definition_has_a_length() {
    let names = [
        "ProxyIngressPort",
        "ProxyEgressPort",
        "AppPorts",
        "EgressIgnoredIPs",
        "IgnoredGID",
    ];
    let proxy = |changes: Value, without: &str| {
        let kept = names.iter().filter(|it| **it != without);
        let properties: Vec<Value> = kept.map(|it| json!({ "name": it, "value": "1" })).collect();
        let proxy = merged(
            json!({ "type": "APPMESH", "containerName": "web", "properties": properties }),
            &changes,
        );
        task(&json!({ "networkMode": "awsvpc", "proxyConfiguration": proxy }))
    };
    let ranges: Vec<Value> = (0..101)
        .map(|it| json!({ "containerPortRange": format!("{}-{}", 1000 + 2 * it, 1001 + 2 * it) }))
        .collect();
    let labels: serde_json::Map<String, Value> = (0..70)
        .map(|it| (it.to_string(), json!("x".repeat(1000))))
        .collect();
    let long = of_container(&json!({ "dockerLabels": labels }));
    let length = format!(
        "Actual length: '{}'. Max allowed length is '65536' bytes.",
        long.to_string().len()
    );
    check(vec![
        (
            proxy(json!({ "type": "ENVOY" }), ""),
            "Invalid proxy configuration type: \"ENVOY\".",
        ),
        (
            proxy(json!({ "containerName": "envoy" }), ""),
            "Proxy container [envoy] does not exist.",
        ),
        (proxy(json!({}), "ProxyIngressPort"), "Ingress port not found"),
        (proxy(json!({}), "ProxyEgressPort"), "Egress port not found"),
        (proxy(json!({}), "AppPorts"), "App ports not found"),
        (
            proxy(json!({}), "EgressIgnoredIPs"),
            "Egress ignored IPs not found",
        ),
        (proxy(json!({}), "IgnoredGID"), "Ignored UID or GID not found"),
        (
            of_container(&json!({ "portMappings": ranges })),
            "Container 'web' has more than 100 container port ranges.",
        ),
        (long, &length),
    ]);
    assert!(draft(&proxy(json!({}), "")).is_ok());
    assert!(draft(&of_container(&json!({ "portMappings": ranges[..100] }))).is_ok());
}
