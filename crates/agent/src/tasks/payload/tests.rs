use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::host::{
    DirectoryCreation, FileOwner, IpcSharing, PidSharing, PortMapping, SandboxNetwork, TransportProtocol,
    VolumeScope,
};
use crate::log_drivers::LogDriver;
use crate::log_drivers::awslogs::MissingGroup;
use crate::tasks::task::{Condition, Dependency};

const ARN: &str = "arn:aws:ecs:us-east-1:123456789012:task/lab/6133f22d3e734b5faeff49540f939c96";

/// A task in the shape that a recorded session shows.
fn recorded() -> Value {
    json!({
        "arn": ARN, "family": "demo", "version": "1", "desiredStatus": "RUNNING", "overrides": "{}",
        "taskDefinitionAccountId": "123456789012", "launchType": "EC2", "networkMode": "bridge",
        "volumes": [], "associations": [], "cpu": 0.25, "memory": 128,
        "containers": [{
            "name": "main", "image": "bb:latest", "essential": true, "cpu": 64, "memory": 64,
            "entryPoint": ["/bin/sh", "-c"], "command": ["sleep 9"], "environment": {"GREETING": "hello"},
            "overrides": "{}", "portMappings": [{"containerPort": 8080, "hostPort": 0, "protocol": "tcp"}],
            "mountPoints": [], "volumesFrom": [], "links": [], "secrets": [],
            "containerArn": "arn:aws:ecs:us-east-1:123456789012:container/lab/6133/b2db",
            "dockerConfig": {
                "config": "{}", "hostConfig": "{\"NetworkMode\": \"bridge\", \"CapAdd\": null}", "version": "1.18",
            },
            "stopTimeout": 5,
        }],
        "roleCredentials": {"credentialsId": "985345a4", "secretAccessKey": "secret"},
        "serviceName": "demo-svc", "group": "service:demo-svc",
    })
}

fn changed(change: impl FnOnce(&mut Value)) -> (Task, Option<Refusal>) {
    let mut payload = recorded();
    change(&mut payload);
    read(ARN, &payload)
}

fn refusal(change: impl FnOnce(&mut Value)) -> String {
    changed(change).1.expect("it is refused").to_string()
}

#[test]
fn a_recorded_task_is_understood() {
    let arrival = arrival(recorded()).unwrap();
    assert_eq!(
        (arrival.arn.as_str(), arrival.desired, &arrival.refusal),
        (ARN, DesiredStatus::Running, &None)
    );
    let task = arrival.task;
    assert_eq!(task.id, "6133f22d3e734b5faeff49540f939c96");
    assert_eq!((task.cpu_units, task.memory_mib), (Some(256), Some(128)));
    assert_eq!(task.network, SandboxNetwork::Bridge);
    let container = &task.containers[0];
    assert_eq!(
        (container.image.as_str(), container.stop_timeout),
        ("bb:latest", Duration::from_secs(5))
    );
    assert_eq!(
        (container.spec.cpu_shares, container.spec.memory_mib),
        (Some(64), Some(64))
    );
    let protocol = TransportProtocol::Tcp;
    assert_eq!(
        container.spec.port_mappings,
        [PortMapping {
            container_port: 8080,
            host_port: 0,
            protocol,
            following: 0,
        }]
    );
    let environment: Vec<_> = container
        .spec
        .environment
        .iter()
        .map(|(name, it)| format!("{name}={it}"))
        .collect();
    assert_eq!(
        environment,
        [
            "AWS_DEFAULT_REGION=us-east-1",
            "AWS_EXECUTION_ENV=AWS_ECS_EC2",
            "AWS_REGION=us-east-1",
            "GREETING=hello"
        ]
    );
}

#[test]
fn credentials_do_not_reach_the_record() {
    let arrival = arrival(recorded()).unwrap();
    assert!(!arrival.payload.to_string().contains("secret\":\"secret"));
    let kept = json!({"credentialsId": "985345a4"});
    assert_eq!(arrival.payload["roleCredentials"], kept);
    assert_eq!(read(ARN, &arrival.payload), (arrival.task, None));
}

#[test]
fn credentials_that_are_none_are_not_kept() {
    for odd in [
        json!("secret"),
        json!(["secret"]),
        json!({ "secretAccessKey": "secret" }),
    ] {
        let mut payload = recorded();
        payload["roleCredentials"] = odd;
        let arrival = arrival(payload).expect("it has an ARN");
        let kept = arrival.payload.get("roleCredentials").map(ToString::to_string);
        assert!(
            !kept.unwrap_or_default().contains("secret"),
            "{}",
            arrival.payload
        );
    }
}

#[test]
fn a_task_without_a_usable_arn_is_nobodys() {
    for arn in [
        json!(null),
        json!(""),
        json!(7),
        json!("arn:aws:ecs:us-east-1:1:task/lab/.."),
        json!("task/.."),
    ] {
        let mut payload = recorded();
        payload["arn"] = arn.clone();
        assert_eq!(arrival(payload), None, "{arn}");
    }
    assert_eq!(arrival(json!([])), None);
}

#[test]
fn an_interface_becomes_the_network() {
    let interface = json!({
        "attachmentArn": "arn:aws:ecs:us-east-1:123456789012:attachment/lab/a", "ec2Id": "eni-1",
        "macAddress": "02:42:ac:1f:00:05", "ipv4Addresses": [{"primary": true, "privateAddress": "172.31.0.5"}],
        "subnetGatewayIpv4Address": "172.31.0.1/20", "interfaceAssociationProtocol": "veth",
        "vpcId": "vpc-1", "vpcCidr": "172.31.0.0/16",
    });
    let awsvpc = |interface: Value| {
        move |payload: &mut Value| {
            payload["networkMode"] = json!("awsvpc");
            payload["elasticNetworkInterfaces"] = json!([interface]);
        }
    };
    let (task, refused) = changed(awsvpc(interface.clone()));
    assert_eq!(refused, None);
    let SandboxNetwork::Awsvpc(eni) = &task.network else {
        panic!("{:?}", task.network)
    };
    assert_eq!(eni.address, Ipv4Addr::new(172, 31, 0, 5));
    assert_eq!(
        (eni.gateway, eni.vpc_cidr),
        (Ipv4Addr::new(172, 31, 0, 1), (Ipv4Addr::new(172, 31, 0, 0), 16))
    );
    assert_eq!(
        task.attachment_arn.as_deref(),
        Some("arn:aws:ecs:us-east-1:123456789012:attachment/lab/a")
    );
    for member in [
        "vpcId",
        "vpcCidr",
        "macAddress",
        "subnetGatewayIpv4Address",
        "ipv4Addresses",
    ] {
        let mut incomplete = interface.clone();
        incomplete.as_object_mut().unwrap().remove(member);
        assert!(refusal(awsvpc(incomplete)).contains(member), "{member}");
    }
    assert!(refusal(|it| it["networkMode"] = json!("awsvpc")).contains("without a network interface"));
}

#[test]
fn names_are_asked_of_the_servers_of_the_vpc() {
    let none: Vec<&str> = Vec::new();
    for (servers, domains, search) in [
        (vec!["172.31.0.2"], vec!["ec2.internal"], vec!["ec2.internal"]),
        (vec!["172.31.0.53", "172.31.0.2"], none.clone(), vec!["."]),
        (none.clone(), none.clone(), none),
    ] {
        let (task, refused) = changed(|payload| {
            payload["networkMode"] = json!("awsvpc");
            payload["elasticNetworkInterfaces"] = json!([{
                "ec2Id": "eni-1", "macAddress": "02:42:ac:1f:00:05", "vpcId": "vpc-1", "vpcCidr": "172.31.0.0/16",
                "attachmentArn": "arn:aws:ecs:us-east-1:123456789012:attachment/lab/a",
                "ipv4Addresses": [{"primary": true, "privateAddress": "172.31.0.5"}],
                "subnetGatewayIpv4Address": "172.31.0.1/20", "interfaceAssociationProtocol": "veth",
                "domainNameServers": servers, "domainName": domains,
                "privateDnsName": "ip-172-31-0-5.ec2.internal",
            }]);
        });
        assert_eq!(refused, None);
        let spec = &task.containers[0].spec;
        assert_eq!(spec.hostname.as_deref(), Some("ip-172-31-0-5.ec2.internal"));
        let names = &spec.names;
        assert_eq!(
            (names.dns_servers.clone(), names.dns_search_domains.clone()),
            (
                servers.iter().map(|it| (*it).to_owned()).collect(),
                search.iter().map(|it| (*it).to_owned()).collect()
            )
        );
    }
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    let cases: [(&str, Value, &str); 7] = [
        ("pidMode", json!("cluster"), "pidMode cluster is not supported"),
        (
            "proxyConfiguration",
            json!({"type": "APPMESH"}),
            "proxyConfiguration is not supported",
        ),
        (
            "enableFaultInjection",
            json!(true),
            "enableFaultInjection is not supported",
        ),
        (
            "/secrets",
            json!([{"name": "x", "valueFrom": "p", "region": "r", "type": "MOUNT_POINT"}]),
            "container main: secret x of type MOUNT_POINT",
        ),
        (
            "volumes",
            json!([{"name": "v", "type": "fsx", "fsxWindowsFileServerVolumeConfiguration": {"fileSystemId": "fs-1"}}]),
            "fsxWindowsFileServerVolumeConfiguration is not supported",
        ),
        (
            "/healthCheckType",
            json!("custom"),
            "container main: healthCheckType custom is not supported",
        ),
        (
            "/registryAuthentication",
            json!({"type": "ecr"}),
            "container main: registryAuthentication of type ecr is not supported",
        ),
    ];
    for (member, value, expected) in cases {
        let text = refusal(|payload| match member.strip_prefix('/') {
            Some(member) => payload["containers"][0][member] = value,
            None => payload[member] = value,
        });
        assert!(
            text.starts_with("ResourceInitializationError: ") && text.contains(expected),
            "{text}"
        );
    }
}

#[test]
fn what_is_wrong_is_malformed() {
    for (change, expected) in [
        (json!({"overrides": "{not json"}), "overrides: "),
        (json!({"overrides": "{\"cpu\": 1}"}), "unknown key cpu"),
        (json!({"name": 5}), "UnrecogniedTaskError"),
        (json!({"image": ""}), "without image"),
        (json!({"memory": 4096}), "above the task's 128 MiB"),
        (json!({"portMappings": [{"containerPort": 70000}]}), "port 70000"),
        (
            json!({"portMappings": [{"containerPortRange": "9-1"}]}),
            "containerPortRange 9-1",
        ),
        (
            json!({"volumesFrom": [{}]}),
            "volumesFrom without sourceContainer",
        ),
        (
            json!({"mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}]}),
            "unknown volume v",
        ),
    ] {
        let text = refusal(|payload| {
            let container = payload["containers"][0].as_object_mut().unwrap();
            container.extend(change.as_object().unwrap().clone());
        });
        assert!(
            text.starts_with("UnrecogniedTaskError: ") && text.contains(expected),
            "{text}"
        );
    }
    assert!(refusal(|it| it["containers"] = json!([])).contains("without containers"));
}

#[test]
fn dependencies_that_go_round_are_refused() {
    let two = |first: Value, second: Value| {
        move |payload: &mut Value| {
            let mut other = payload["containers"][0].clone();
            other["name"] = json!("other");
            other["dependsOn"] = second;
            payload["containers"][0]["dependsOn"] = first;
            payload["containers"].as_array_mut().unwrap().push(other);
        }
    };
    let on = |name: &str, condition: &str| json!([{"containerName": name, "condition": condition}]);
    assert_eq!(changed(two(on("other", "START"), json!([]))).1, None);
    let expected = format!("Task dependencies cannot be resolved, taskArn: {ARN}");
    assert_eq!(
        refusal(two(on("other", "START"), on("main", "COMPLETE"))),
        expected
    );
    assert_eq!(refusal(two(on("nobody", "START"), json!([]))), expected);
    assert_eq!(
        refusal(two(on("other", "HEALTHY"), json!([]))),
        expected,
        "it has no check"
    );
    assert!(refusal(two(on("other", "DONE"), json!([]))).contains("dependsOn condition DONE"));
}

#[test]
fn volumes_are_mounted() {
    let (task, refused) = changed(|payload| {
        payload["volumes"] = json!([
            {"name": "data", "type": "host", "host": {"sourcePath": "/srv/data"}},
            {"name": "scratch", "host": {"sourcePath": ""}},
        ]);
        payload["containers"][0]["mountPoints"] = json!([
            {"sourceVolume": "data", "containerPath": "/data", "readOnly": true},
            {"sourceVolume": "scratch", "containerPath": "/tmp/s"},
        ]);
    });
    assert_eq!(refused, None);
    let [data, scratch] = &task.containers[0].spec.mounts[..] else {
        panic!("two mounts")
    };
    assert_eq!(
        (&data.source, data.read_only),
        (&Some(PathBuf::from("/srv/data")), true)
    );
    assert_eq!(
        (&scratch.source, scratch.volume.as_str(), scratch.read_only),
        (&None, "scratch", false)
    );
    let text = refusal(|it| {
        it["volumes"] = json!([{"name": "e", "s3filesVolumeConfiguration": {"fileSystemArn": "f"}}])
    });
    assert!(text.contains("volume e: s3filesVolumeConfiguration"), "{text}");
}

#[test]
fn file_systems_come_with_what_their_access_point_decides() {
    let (task, refused) = changed(|payload| {
        payload["volumes"] = json!([
            {"name": "all", "type": "efs", "efsVolumeConfiguration": {
                "fileSystemId": "fs-1", "rootDirectory": "/a", "dnsName": "fs-1.efs.us-east-1.amazonaws.com",
            }},
            {"name": "part", "type": "efs", "efsVolumeConfiguration": {
                "fileSystemId": "fs-1", "rootDirectory": "/", "transitEncryption": "ENABLED",
                "authorizationConfig": {"accessPointId": "fsap-1", "iam": "DISABLED"},
                "accessPoint": {
                    "path": "/web", "user": {"uid": 1000, "gid": 1001},
                    "creation": {"uid": 1000, "gid": 1001, "permissions": 0o750},
                },
            }},
            {"name": "none", "type": "efs", "efsVolumeConfiguration": {"fileSystemId": "fs-2", "refusal": "gone"}},
        ]);
        payload["containers"][0]["mountPoints"] = json!([{"sourceVolume": "part", "containerPath": "/data"}]);
    });
    assert_eq!(refused, None);
    let [all, part, none] = &task.file_systems[..] else {
        panic!("three file systems")
    };
    let owner = FileOwner { uid: 1000, gid: 1001 };
    assert_eq!((all.directory.as_path(), all.user), (Path::new("/a"), None));
    assert_eq!(
        (part.directory.as_path(), part.user),
        (Path::new("/web"), Some(owner))
    );
    let expected = DirectoryCreation {
        owner,
        permissions: 0o750,
    };
    assert_eq!(part.creation, Some(expected));
    assert_eq!(none.refusal.as_deref(), Some("gone"));
}

#[test]
fn awslogs_names_its_stream() {
    let log = |options: Value| {
        move |payload: &mut Value| {
            let host_config = json!({"LogConfig": {"Type": "awslogs", "Config": options}});
            payload["containers"][0]["dockerConfig"]["hostConfig"] = json!(host_config.to_string());
        }
    };
    let (task, refused) = changed(log(json!({
        "awslogs-group": "g", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "p",
        "awslogs-create-group": "true", "mode": "non-blocking", "max-buffer-size": "10m",
    })));
    assert_eq!(refused, None);
    let LogDriver::AwsLogs(options) = &task.containers[0].log_driver else {
        panic!("awslogs")
    };
    assert_eq!(
        options.stream.as_deref(),
        Some("p/main/6133f22d3e734b5faeff49540f939c96")
    );
    assert_eq!(
        (options.region.as_deref(), options.missing_group),
        (Some("eu-west-1"), MissingGroup::Create)
    );
    assert_eq!(options.multiline, None);
    let (task, _) = changed(log(
        json!({"awslogs-group": "g", "awslogs-datetime-format": "%H:%M"}),
    ));
    let LogDriver::AwsLogs(options) = &task.containers[0].log_driver else {
        panic!("awslogs")
    };
    let first_line = options.multiline.as_ref().expect("lines are joined");
    assert!(first_line.is_match("at 23:59") && !first_line.is_match("at 24:59"));
    for (options, expected) in [
        (
            json!({"awslogs-nonsense": "x"}),
            "log option awslogs-nonsense is not supported",
        ),
        (
            json!({"awslogs-multiline-pattern": "("}),
            "awslogs-multiline-pattern could not be parsed",
        ),
        (
            json!({"awslogs-multiline-pattern": "a", "awslogs-datetime-format": "%H"}),
            "at the same time",
        ),
    ] {
        let mut options = options;
        options["awslogs-group"] = json!("g");
        let text = refusal(log(options));
        assert!(text.contains(expected), "{text}");
    }
    assert!(refusal(log(json!({}))).contains("awslogs without awslogs-group"));
    let splunk = |it: &mut Value| {
        it["containers"][0]["dockerConfig"]["hostConfig"] = json!("{\"LogConfig\":{\"Type\":\"splunk\"}}");
    };
    assert!(refusal(splunk).contains("log driver splunk"));
}

#[test]
fn links_and_volumes_of_others_are_waited_for() {
    let (task, refused) = changed(|payload| {
        let mut second = payload["containers"][0].clone();
        second["name"] = json!("second");
        second["links"] = json!(["CONTAINER:alias"]);
        second["volumesFrom"] = json!([{"sourceContainer": "CONTAINER", "readOnly": true}]);
        let first = payload["containers"][0]["name"].as_str().unwrap().to_owned();
        let text = second.to_string().replace("CONTAINER", &first);
        second = serde_json::from_str(&text).unwrap();
        payload["containers"].as_array_mut().unwrap().push(second);
    });
    assert_eq!(refused, None);
    let second = &task.containers[1];
    let first = &task.containers[0].spec.name;
    assert_eq!(
        (
            &second.spec.links[0].container,
            second.spec.links[0].alias.as_str()
        ),
        (first, "alias")
    );
    assert!(second.spec.volumes_from[0].read_only);
    assert_eq!(
        second.depends_on,
        [Dependency {
            on: 0,
            condition: Condition::Start
        }]
    );
}

#[test]
fn modes_ranges_and_volumes_are_read() {
    let (task, refused) = changed(|payload| {
        payload["pidMode"] = json!("task");
        payload["ipcMode"] = json!("host");
        payload["volumes"] = json!([{
            "name": "data", "type": "docker",
            "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": true, "driver": "local"},
        }]);
        payload["containers"][0]["mountPoints"] =
            json!([{"sourceVolume": "data", "containerPath": "/data", "readOnly": true}]);
        payload["containers"][0]["portMappings"] =
            json!([{"containerPortRange": "8000-8010", "hostPort": 0, "protocol": "tcp"}]);
    });
    assert_eq!(refused, None);
    assert_eq!((task.pid, task.ipc), (PidSharing::Task, IpcSharing::Host));
    assert_eq!(task.volumes[0].scope, VolumeScope::SharedAutoprovisioned);
    let spec = &task.containers[0].spec;
    assert_eq!(spec.mounts[0].source, None);
    let mapping = spec.port_mappings[0];
    assert_eq!((mapping.container_port, mapping.following), (8000, 10));
    let other = refusal(|payload| {
        payload["volumes"] =
            json!([{"name": "data", "type": "docker", "dockerVolumeConfiguration": {"driver": "nfs"}}]);
    });
    assert!(other.contains("volume data: driver nfs"), "{other}");
}

#[test]
fn a_link_to_nobody_cannot_be_resolved() {
    let text = refusal(|payload| payload["containers"][0]["links"] = json!(["nobody"]));
    assert!(text.starts_with("Task dependencies cannot be resolved"), "{text}");
}

#[test]
fn environment_files_are_objects_of_s3() {
    let files = |kind: &str, arn: &str| json!([{ "type": kind, "value": arn }]);
    let (task, refusal) = changed(|it| {
        it["containers"][0]["environmentFiles"] = files("s3", "arn:aws:s3:::bucket/a/b.env");
        it["containers"][0]["environment"] = json!({ "AWS_REGION": "eu-west-1" });
    });
    assert_eq!(refusal, None);
    let read = &task.containers[0].environment_files;
    let objects: Vec<_> = read.files.iter().map(|it| (&*it.bucket, &*it.key)).collect();
    assert_eq!(objects, [("bucket", "a/b.env")]);
    assert!(read.defaults.contains("AWS_DEFAULT_REGION"));
    assert!(!read.defaults.contains("AWS_REGION"), "the container's own");
    for (kind, arn, expected) in [
        (
            "efs",
            "arn:aws:s3:::bucket/b.env",
            "environment file of type efs is not supported",
        ),
        (
            "s3",
            "arn:aws:s3:::bucket",
            "unable to parse bucket and key from s3 ARN",
        ),
    ] {
        let refused = self::refusal(|it| it["containers"][0]["environmentFiles"] = files(kind, arn));
        assert!(refused.contains(expected), "{refused}");
    }
}
