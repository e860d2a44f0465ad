//! How long a full answer of DescribeTasks takes to write and to read; the throughput is in tasks.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use wire::json;

/// The most tasks that one call describes.
const TASKS: usize = 100;

/// A task as the AWS CLI shows one: awsvpc, on Fargate, two containers.
const TASK: &str = r#"{
    "attachments": [{"details": [
        {"name": "subnetId", "value": "subnet-0d0eab1bb38d5ca64"}, {"name": "networkInterfaceId", "value": "eni-0d542ffb4a12aa6d9"},
        {"name": "macAddress", "value": "0e:6d:18:f6:2d:29"}, {"name": "privateDnsName", "value": "ip-10-0-1-170.ec2.internal"},
        {"name": "privateIPv4Address", "value": "10.0.1.170"}],
        "id": "9e7735a9-b1d9-4d26-8b43-1b2a4c2e1f6f", "status": "ATTACHED", "type": "ElasticNetworkInterface"}],
    "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
    "availabilityZone": "us-east-1b", "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/MyCluster",
    "connectivity": "CONNECTED", "connectivityAt": 1795234916.649,
    "containers": [
        {"containerArn": "arn:aws:ecs:us-east-1:123456789012:container/MyCluster/74de0355a10a4f979ac495c14EXAMPLE/aad3ba00-83b3-4dac-84d4-11f8cEXAMPLE",
        "cpu": "128", "healthStatus": "HEALTHY", "image": "registry.example.com/shop/web:1.4.2",
        "imageDigest": "sha256:30d9efc3bda0ec1a43c77ba8eb93fa9b7a8b1e0b6f1b6d0d6a7b4a8a1f0a9ec3", "lastStatus": "RUNNING", "managedAgents": [],
        "memory": "256", "name": "web", "networkBindings": [{"bindIP": "0.0.0.0", "containerPort": 80, "hostPort": 32768, "protocol": "tcp"}],
        "networkInterfaces": [{"attachmentId": "9e7735a9-b1d9-4d26-8b43-1b2a4c2e1f6f", "privateIpv4Address": "10.0.1.170"}],
        "runtimeId": "bf5c5d5f50cf45e7b8ccafe4cc0f9ed0-0265927825", "taskArn": "arn:aws:ecs:us-east-1:123456789012:task/MyCluster/74de0355a10a4f979ac495c14EXAMPLE"},
        {"containerArn": "arn:aws:ecs:us-east-1:123456789012:container/MyCluster/74de0355a10a4f979ac495c14EXAMPLE/c05cafb8-9ef2-4d4f-9d53-cf2b8EXAMPLE",
        "cpu": "128", "exitCode": 0, "healthStatus": "UNKNOWN", "image": "registry.example.com/shop/migrate:1.4.2", "lastStatus": "STOPPED",
        "managedAgents": [], "memory": "256", "name": "migrate", "networkBindings": [],
        "networkInterfaces": [{"attachmentId": "9e7735a9-b1d9-4d26-8b43-1b2a4c2e1f6f", "privateIpv4Address": "10.0.1.170"}],
        "runtimeId": "bf5c5d5f50cf45e7b8ccafe4cc0f9ed0-3935363592", "taskArn": "arn:aws:ecs:us-east-1:123456789012:task/MyCluster/74de0355a10a4f979ac495c14EXAMPLE"}],
    "cpu": "256", "createdAt": 1795234910.123, "desiredStatus": "RUNNING", "enableExecuteCommand": false, "ephemeralStorage": {"sizeInGiB": 20},
    "group": "service:shop", "healthStatus": "HEALTHY", "lastStatus": "RUNNING", "launchType": "FARGATE", "memory": "512",
    "overrides": {"containerOverrides": [{"name": "web", "environment": [{"name": "MOTD", "value": "\"hello\"\n"}]}, {"name": "migrate"}], "inferenceAcceleratorOverrides": []},
    "platformFamily": "Linux", "platformVersion": "1.4.0", "pullStartedAt": 1795234912.5, "pullStoppedAt": 1795234914.75, "startedAt": 1795234920.001,
    "startedBy": "ecs-svc/1234567890123456789", "tags": [{"key": "team", "value": "shop"}, {"key": "stage", "value": "production"}],
    "taskArn": "arn:aws:ecs:us-east-1:123456789012:task/MyCluster/74de0355a10a4f979ac495c14EXAMPLE",
    "taskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/shop:17", "version": 4}"#;

fn describe_tasks(criterion: &mut Criterion) {
    let task: api::ecs::Task = json::decode(TASK.as_bytes()).expect("a task");
    let output = api::ecs::DescribeTasksOutput {
        failures: Some(Vec::new()),
        tasks: Some(vec![task; TASKS]),
    };
    let document = json::encode(&output);
    let read = json::decode::<api::ecs::DescribeTasksOutput>(&document).expect("an output");
    assert_eq!(read, output);
    let mut group = criterion.benchmark_group("describe_tasks");
    group.throughput(Throughput::Elements(TASKS as u64));
    group.bench_function("encode", |it| it.iter(|| json::encode(black_box(&output))));
    group.bench_function("decode", |it| {
        it.iter(|| json::decode::<api::ecs::DescribeTasksOutput>(black_box(&document)))
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    describe_tasks(&mut criterion);
    criterion.final_summary();
}
