//! What tasks and containers are shown as, member by member.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::host::{ClockDrift, ContainerFacts, VolumeFacts};
use crate::task_endpoint::metadata::{View, add_clock_drift, container, task};
use crate::task_endpoint::path::Version;
use crate::tasks::payload;
use crate::tasks::record::{ContainerProgress, Progress};
use crate::tasks::state::{DesiredStatus, HealthStatus, TaskState};
use crate::tasks::task::Task;

const ARN: &str = "arn:aws:ecs:us-east-1:123456789012:task/lab/6133f22d3e734b5faeff49540f939c96";
const RUNTIME_ID: &str = "ea32192c8553fbff06c9340478a2ff089b2bb5646fb718b4ee206641c9086d66";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_234_900 + second).unwrap()
}

fn read(payload: Value) -> Task {
    let (task, refusal) = payload::read(ARN, &payload);
    assert_eq!(refusal, None);
    task
}

fn log_options() -> Value {
    json!({"awslogs-group": "web", "awslogs-region": "us-east-1", "awslogs-stream": "web/1"})
}

/// A task with all that a payload may say; `more` replaces members.
fn task_of(more: Value) -> Task {
    let mut payload = json!({
        "arn": ARN, "family": "demo", "version": "3", "taskClusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/lab",
        "launchType": "EC2", "networkMode": "bridge", "serviceName": "shop", "zone": "us-east-1a", "cpu": 0.5,
        "memory": 128,
        "containers": [{
            "name": "web", "image": "web:1", "cpu": 64, "memory": 64, "healthCheckType": "docker",
            "containerArn": "arn:aws:ecs:us-east-1:123456789012:container/lab/6133/b2db",
            "portMappings": [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}],
            "restartPolicy": {"enabled": true},
            "dockerConfig": {
                "config": json!({
                    "Labels": {"tier": "front"}, "Healthcheck": {"Test": ["CMD", "true"]},
                }).to_string(),
                "hostConfig": json!({
                    "LogConfig": {"Type": "awslogs", "Config": log_options()},
                }).to_string(),
            },
        }, {"name": "side", "image": "side:1"}],
    });
    payload
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    read(payload)
}

/// `web` runs, `side` has not been pulled.
fn progress(task: &Task) -> Progress {
    let mut progress = Progress::of(&TaskState::new(task, DesiredStatus::Running));
    progress.pull_started_at = Some(at(1));
    progress.pull_stopped_at = Some(at(2));
    progress.containers[0] = ContainerProgress {
        image_id: Some("sha256:2500".to_owned()),
        runtime_id: Some(RUNTIME_ID.to_owned()),
        started_at: Some(at(4)),
        ports: vec![(80, 32768, "tcp".to_owned())],
        restart_count: 2,
        health: Some((HealthStatus::Healthy, at(9), "fine".to_owned())),
        ..ContainerProgress::default()
    };
    progress
}

fn facts() -> Vec<Option<ContainerFacts>> {
    let facts = ContainerFacts {
        created_at: Some(at(3)),
        bridge_address: Some(Ipv4Addr::new(10, 231, 0, 5)),
        volumes: vec![VolumeFacts {
            source: Some(PathBuf::from("/srv/data")),
            destination: PathBuf::from("/data"),
        }],
    };
    vec![Some(facts), None]
}

fn labels(cluster: &str) -> Value {
    json!({
        "com.amazonaws.ecs.cluster": cluster, "com.amazonaws.ecs.container-name": "web",
        "com.amazonaws.ecs.task-arn": ARN, "com.amazonaws.ecs.task-definition-family": "demo",
        "com.amazonaws.ecs.task-definition-version": "3", "tier": "front",
    })
}

#[test]
fn a_container_on_the_bridge_is_shown_whole() {
    let task = task_of(json!({}));
    let (progress, facts) = (progress(&task), facts());
    let view = View {
        task: &task,
        progress: &progress,
        facts: &facts,
    };
    let mut expected = json!({
        "DockerId": RUNTIME_ID, "Name": "web", "DockerName": "ecs-demo-3-web-ea32192c8553fbff06c9",
        "Image": "web:1", "ImageID": "sha256:2500",
        "Ports": [{"ContainerPort": 80, "Protocol": "tcp", "HostPort": 32768, "HostIp": "0.0.0.0"}],
        "Labels": labels("lab"), "DesiredStatus": "RUNNING", "KnownStatus": "RUNNING",
        "Limits": {"CPU": 64, "Memory": 64}, "CreatedAt": at(3).to_string(), "StartedAt": at(4).to_string(),
        "Type": "NORMAL", "Health": {"status": "HEALTHY", "statusSince": at(9).to_string(), "output": "fine"},
        "Volumes": [{"Source": "/srv/data", "Destination": "/data"}],
        "LogDriver": "awslogs", "LogOptions": log_options(),
        "ContainerARN": "arn:aws:ecs:us-east-1:123456789012:container/lab/6133/b2db",
        "Networks": [{"NetworkMode": "bridge", "IPv4Addresses": ["10.231.0.5"]}], "RestartCount": 2,
    });
    assert_eq!(container(&view, 0, Version::V4), Some(expected.clone()));

    let members = expected.as_object_mut().unwrap();
    for name in ["LogDriver", "LogOptions", "ContainerARN", "RestartCount"] {
        members.remove(name);
    }
    expected["Ports"][0].as_object_mut().unwrap().remove("HostIp");
    assert_eq!(container(&view, 0, Version::V3), Some(expected.clone()));
    expected.as_object_mut().unwrap().remove("Networks");
    assert_eq!(container(&view, 0, Version::V2), Some(expected));
}

#[test]
fn a_task_shows_what_each_version_knows_of_it() {
    let task_of = task_of(json!({}));
    let (progress, facts) = (progress(&task_of), facts());
    let view = View {
        task: &task_of,
        progress: &progress,
        facts: &facts,
    };
    let web = |version| container(&view, 0, version).unwrap();
    let mut expected = json!({
        "Cluster": "lab", "TaskARN": ARN, "Family": "demo", "Revision": "3", "DesiredStatus": "RUNNING",
        "KnownStatus": "NONE", "Limits": {"CPU": 0.5, "Memory": 128}, "PullStartedAt": at(1).to_string(),
        "PullStoppedAt": at(2).to_string(), "AvailabilityZone": "us-east-1a", "LaunchType": "EC2",
        "ServiceName": "shop", "FaultInjectionEnabled": false, "Containers": [web(Version::V4)],
    });
    assert_eq!(Value::Object(task(&view, Version::V4)), expected);
    for name in ["LaunchType", "ServiceName", "FaultInjectionEnabled"] {
        expected.as_object_mut().unwrap().remove(name);
    }
    expected["Containers"] = json!([web(Version::V3)]);
    assert_eq!(Value::Object(task(&view, Version::V3)), expected);
}

#[test]
fn statuses_are_those_of_amazons_agent() {
    let task_of = task_of(json!({}));
    let image = |it: &mut ContainerProgress| it.image_id = Some("sha256:1".to_owned());
    let start = |it: &mut ContainerProgress| it.runtime_id = Some(RUNTIME_ID.to_owned());
    let stop = |it: &mut ContainerProgress| {
        it.has_stopped = true;
        it.exit_code = Some(137);
        it.finished_at = Some(at(20));
    };
    type Change = fn(&mut ContainerProgress);
    let steps: [(&[Change], &str, &str); 4] = [
        (&[], "NONE", "NONE"),
        (&[image], "PULLED", "PULLED"),
        (&[image, start], "RUNNING", "RUNNING"),
        (&[image, start, stop], "STOPPED", "RUNNING"),
    ];
    for (changes, side, whole) in steps {
        let mut progress = progress(&task_of);
        changes
            .iter()
            .for_each(|change| change(&mut progress.containers[1]));
        let view = View {
            task: &task_of,
            progress: &progress,
            facts: &[],
        };
        let shown = container(&view, 1, Version::V4).unwrap();
        assert_eq!(
            (shown["KnownStatus"].as_str(), shown["Limits"]["CPU"].as_u64()),
            (Some(side), Some(2))
        );
        let shown = task(&view, Version::V4);
        assert_eq!(shown["KnownStatus"], whole);
    }
    let mut progress = progress(&task_of);
    progress.desired = DesiredStatus::Stopped;
    progress.containers.iter_mut().for_each(stop);
    let view = View {
        task: &task_of,
        progress: &progress,
        facts: &[],
    };
    assert_eq!(task(&view, Version::V4)["KnownStatus"], "STOPPED");
    let shown = container(&view, 0, Version::V4).unwrap();
    assert_eq!(
        (&shown["ExitCode"], &shown["FinishedAt"], &shown["DesiredStatus"]),
        (&json!(137), &json!(at(20).to_string()), &json!("STOPPED"))
    );
}

#[test]
fn an_interface_of_a_fargate_task_is_told_of() {
    let task_of = task_of(json!({
        "networkMode": "awsvpc", "launchType": "FARGATE", "cpu": 1.0, "elasticNetworkInterfaces": [{
            "macAddress": "02:42:ac:1f:00:04", "ipv4Addresses": [{"primary": true, "privateAddress": "172.31.17.4"}],
            "subnetGatewayIpv4Address": "172.31.16.1/20", "vpcId": "vpc-1", "vpcCidr": "172.31.0.0/16",
            "privateDnsName": "ip-172-31-17-4.ec2.internal",
        }],
    }));
    let progress = progress(&task_of);
    let view = View {
        task: &task_of,
        progress: &progress,
        facts: &[],
    };
    let shown = container(&view, 0, Version::V4).unwrap();
    let network = json!([{
        "NetworkMode": "awsvpc", "IPv4Addresses": ["172.31.17.4"], "AttachmentIndex": 0,
        "MACAddress": "02:42:ac:1f:00:04", "IPv4SubnetCIDRBlock": "172.31.16.0/20",
        "SubnetGatewayIpv4Address": "172.31.16.1/20", "PrivateDNSName": "ip-172-31-17-4.ec2.internal",
    }]);
    assert_eq!(shown["Networks"], network);
    let ports = json!([{"ContainerPort": 80, "Protocol": "tcp", "HostPort": 80}]);
    assert_eq!(shown["Ports"], ports);
    let cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/lab";
    assert_eq!(shown["Labels"], labels(cluster));
    let shown = task(&view, Version::V4);
    assert_eq!(
        (&shown["Cluster"], &shown["VPCID"], &shown["Limits"]),
        (
            &json!(cluster),
            &json!("vpc-1"),
            &json!({"CPU": 1, "Memory": 128})
        )
    );
    for version in [Version::V2, Version::V3] {
        let shown = container(&view, 0, version).unwrap();
        let network = json!([{"NetworkMode": "awsvpc", "IPv4Addresses": ["172.31.17.4"]}]);
        assert_eq!(shown["Networks"], network);
    }
}

#[test]
fn a_container_in_the_hosts_network_has_no_address_of_its_own() {
    let task_of = task_of(json!({"networkMode": "host"}));
    let progress = progress(&task_of);
    let view = View {
        task: &task_of,
        progress: &progress,
        facts: &[],
    };
    let shown = container(&view, 0, Version::V4).unwrap();
    assert_eq!(
        shown["Networks"],
        json!([{"NetworkMode": "host", "IPv4Addresses": [""]}])
    );
    assert_eq!(
        task_of.containers[0].spec.port_mappings,
        [],
        "the host publishes nothing"
    );
}

#[test]
fn fargate_tasks_are_told_how_right_the_clock_is() {
    let drift = |is_synchronized| {
        Some(ClockDrift {
            is_synchronized,
            error_bound_ms: 0.5,
            reference: at(0),
        })
    };
    let right = json!({
        "ClockErrorBound": 0.5, "ReferenceTimestamp": at(0).to_string(), "ClockSynchronizationStatus": "SYNCHRONIZED",
    });
    let unknown = json!({ "ClockSynchronizationStatus": "NOT_SYNCHRONIZED" });
    for (launch_type, version, drift, expected) in [
        ("FARGATE", Version::V4, drift(true), Some(&right)),
        ("FARGATE", Version::V4, drift(false), Some(&unknown)),
        ("FARGATE", Version::V4, None, None),
        ("FARGATE", Version::V3, drift(true), None),
        ("EC2", Version::V4, drift(true), None),
    ] {
        let mut shown = serde_json::Map::new();
        let task = task_of(json!({ "launchType": launch_type }));
        add_clock_drift(&mut shown, &task, drift, version);
        assert_eq!(shown.get("ClockDrift"), expected, "{launch_type} {version:?}");
    }
}
