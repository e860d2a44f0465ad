//! What this agent says it can do. Placement compares it with what task definitions ask for, so it must be true.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use crate::config::{AgentConfig, CapacityKind};

/// Versions of Docker's API whose settings the agent understands; a task definition asks for one of them.
const DOCKER_API_MINORS: std::ops::RangeInclusive<u32> = 17..=44;
/// Capabilities by name. Not among them: roles in the host's network, GPUs.
const CAPABILITIES: [&str; 33] = [
    "com.amazonaws.ecs.capability.ecr-auth",
    "com.amazonaws.ecs.capability.logging-driver.awsfirelens",
    "com.amazonaws.ecs.capability.logging-driver.awslogs",
    "com.amazonaws.ecs.capability.logging-driver.fluentd",
    "com.amazonaws.ecs.capability.logging-driver.json-file",
    "com.amazonaws.ecs.capability.logging-driver.none",
    "com.amazonaws.ecs.capability.logging-driver.syslog",
    "com.amazonaws.ecs.capability.privileged-container",
    "com.amazonaws.ecs.capability.task-iam-role",
    "ecs.capability.container-health-check",
    "ecs.capability.container-ordering",
    "ecs.capability.container-restart-policy",
    "ecs.capability.docker-plugin.local",
    "ecs.capability.efs",
    "ecs.capability.efsAuth",
    "ecs.capability.env-files.s3",
    "ecs.capability.execution-role-awslogs",
    // With the agent's own key, which may pull whatever role the task names.
    "ecs.capability.execution-role-ecr-pull",
    "ecs.capability.firelens.fluentbit",
    "ecs.capability.firelens.fluentd",
    "ecs.capability.firelens.options.config.file",
    "ecs.capability.firelens.options.config.s3",
    "ecs.capability.full-sync",
    "ecs.capability.increased-task-cpu-limit",
    "ecs.capability.pid-ipc-namespace-sharing",
    "ecs.capability.private-registry-authentication.secretsmanager",
    "ecs.capability.secrets.asm.bootstrap.log-driver",
    "ecs.capability.secrets.asm.environment-variables",
    "ecs.capability.secrets.ssm.bootstrap.log-driver",
    "ecs.capability.secrets.ssm.environment-variables",
    "ecs.capability.task-cpu-mem-limit",
    "ecs.capability.task-eni",
    // Interfaces of tasks arrive in their payload and need no device of their own.
    "gantry.capability.task-eni-veth",
];
/// The host can confine containers by profiles of AppArmor.
const APPARMOR: &str = "com.amazonaws.ecs.capability.apparmor";
/// Says `Y` where the kernel does that.
const APPARMOR_ENABLED: &str = "/sys/module/apparmor/parameters/enabled";
/// Says that tasks of launch type FARGATE may be sent here.
const FARGATE_CAPACITY: &str = "gantry.capability.fargate-capacity";

/// The address of this host that others reach it by: tasks that share its ports are found by it.
const HOST_ADDRESS: &str = "gantry.host-address";
/// One that every route leads to but those of the host's own networks: nothing is sent there.
const SOMEWHERE_ELSE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);

/// Attributes in the form of the API: name and value.
pub fn attributes(config: &AgentConfig) -> Vec<(String, Option<String>)> {
    let docker = DOCKER_API_MINORS.map(|it| format!("com.amazonaws.ecs.capability.docker-remote-api.1.{it}"));
    let capabilities = CAPABILITIES.into_iter().map(str::to_owned);
    let mut attributes: Vec<_> = docker.chain(capabilities).map(|name| (name, None)).collect();
    if std::fs::read_to_string(APPARMOR_ENABLED).is_ok_and(|it| it.trim() == "Y") {
        attributes.push((APPARMOR.to_owned(), None));
    }
    if config.capacity == CapacityKind::ContainerInstanceAndFargate {
        attributes.push((FARGATE_CAPACITY.to_owned(), None));
    }
    let valued = [
        ("ecs.os-type", "linux"),
        ("ecs.os-family", "LINUX"),
        ("ecs.cpu-architecture", architecture()),
    ];
    attributes.extend(valued.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))));
    if let Some(address) = host_address() {
        attributes.push((HOST_ADDRESS.to_owned(), Some(address.to_string())));
    }
    attributes.extend(config.attributes.iter().cloned());
    attributes
}

/// The address that the kernel would send from; `None` without a way out.
fn host_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(SOMEWHERE_ELSE).ok()?;
    let address = socket.local_addr().ok()?.ip();
    Some(address).filter(|it| !it.is_unspecified() && !it.is_loopback())
}

/// The architecture in the word of ECS.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    }
}
