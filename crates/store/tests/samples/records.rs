//! One record of each kind with every field filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use domain::access_key::{AccessKey, Principal};
use domain::account_setting::{AccountSetting, SettingName, root_of};
use domain::arn::{Arn, InCluster};
use domain::client_request::ClientRequest;
use domain::cluster::{
    Cluster, ClusterCapacity, ClusterConfiguration, ClusterStatus, ExecuteCommandConfiguration,
    ExecuteCommandLog, ExecuteCommandLogging, ManagedStorageConfiguration,
};
use domain::container_definition::{
    Capabilities, ContainerDefinition, Dependency, DependencyCondition, Device, EnvironmentFile,
    FirelensConfiguration, FirelensType, HealthCheck, HostEntry, LinuxParameters, LogConfiguration,
    MountPoint, PortMapping, ResourceRequirement, ResourceType, RestartPolicy, Secret, SystemControl, Tmpfs,
    TransportProtocol, Ulimit, VolumeFrom,
};
use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::host::{Host, HostPort, Resources};
use domain::placement::PlacementConstraint;
use domain::service_load_balancer::{Behind, TaskTarget, TaskTargetState};
use domain::service_registry::{RegistrationState, TaskRegistration};
use domain::tags::Pair;
use domain::target::TargetHealthState;
use domain::task::{
    ContainerEnd, ContainerHealth, ContainerOverride, ContainerStatus, DesiredStatus, HealthStatus,
    NetworkBinding, NetworkConfiguration, Overrides, Queued, Stop, StopCode, Task, TaskContainer, TaskEni,
    TaskStatus, TaskTimes,
};
use domain::task_definition::{
    IpcMode, LaunchType, NetworkMode, PidMode, ProxyConfiguration, RuntimePlatform, TaskDefinition,
    TaskDefinitionFamily, TaskDefinitionStatus, Volume, VolumeKind,
};
use domain::vpc::{Subnet, Vpc};
use domain::{ClusterArn, Scope, TaskDefinitionArn, Timestamp};

use crate::capacity_providers::strategy;
use crate::load_balancing::target_group;

const TASK: &str = "0123456789abcdef0123456789abcdef";
const HOST: &str = "fedcba9876543210fedcba9876543210";
pub const UUID: &str = "01234567-89ab-4def-8123-456789abcdef";

pub fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::new(1_700_000_000 + second, 123_456_789).expect("in range")
}

fn container_end() -> ContainerEnd {
    ContainerEnd {
        started_at: Some(at(5)),
        finished_at: Some(at(42)),
        stop_signalled_at: Some(at(11)),
        killed_at: Some(at(41)),
        restart_count: 1,
    }
}

pub fn member<R: InCluster>(name: &str) -> Arn<R> {
    cluster().arn.member(name)
}

pub fn tags() -> Vec<Pair> {
    vec![Pair::new("team", "web")]
}

fn strings(all: &[&str]) -> Vec<String> {
    all.iter().map(|it| (*it).to_owned()).collect()
}

pub fn cluster() -> Cluster {
    Cluster {
        arn: ClusterArn::of(&scope(), "default"),
        status: ClusterStatus::Active,
        settings: vec![Pair::new("containerInsights", "disabled")],
        configuration: ClusterConfiguration {
            execute_command: Some(ExecuteCommandConfiguration {
                kms_key_id: Some("alias/exec".into()),
                logging: ExecuteCommandLogging::Override(ExecuteCommandLog {
                    log_group: Some("exec".into()),
                    is_log_group_encrypted: true,
                    bucket: Some("sessions".into()),
                    is_bucket_encrypted: true,
                    key_prefix: Some("exec/".into()),
                }),
            }),
            managed_storage: Some(ManagedStorageConfiguration {
                kms_key_id: Some("alias/volumes".into()),
                fargate_ephemeral_storage_kms_key_id: Some("alias/ephemeral".into()),
            }),
        },
        capacity: ClusterCapacity {
            providers: strings(&["FARGATE", "FARGATE_SPOT"]),
            default_strategy: strategy(),
        },
        service_connect_namespace: Some("internal".into()),
        tags: tags(),
    }
}

pub fn task_definition() -> TaskDefinition {
    TaskDefinition {
        arn: TaskDefinitionArn::of(&scope(), "web", 7),
        family: "web".into(),
        revision: 7,
        status: TaskDefinitionStatus::DeleteInProgress,
        registered_at: at(0),
        deregistered_at: Some(at(1)),
        delete_requested_at: Some(at(2)),
        registered_by: "arn:aws:iam::123456789012:root".into(),
        network_mode: Some(NetworkMode::Awsvpc),
        requires_compatibilities: Some(vec![LaunchType::Fargate]),
        compatibilities: vec![LaunchType::Ec2, LaunchType::Fargate, LaunchType::External],
        requires_attributes: vec![Pair {
            name: "ecs.capability.task-eni".into(),
            value: None,
        }],
        cpu: Some(256),
        memory: Some(512),
        execution_role_arn: Some("arn:aws:iam::123456789012:role/execution".into()),
        task_role_arn: Some("arn:aws:iam::123456789012:role/task".into()),
        runtime_platform: Some(RuntimePlatform {
            cpu_architecture: Some("X86_64".into()),
            operating_system_family: Some("LINUX".into()),
        }),
        containers: vec![container_definition()],
        volumes: vec![Volume {
            name: "data".into(),
            source_path: Some("/srv/data".into()),
            kind: VolumeKind::Bind,
        }],
        placement_constraints: vec![PlacementConstraint::MemberOf(
            "attribute:ecs.os-type == linux".into(),
        )],
        pid_mode: Some(PidMode::Task),
        ipc_mode: Some(IpcMode::Host),
        proxy_configuration: Some(ProxyConfiguration {
            container_name: "envoy".into(),
            properties: vec![Pair::new("AppPorts", "80")],
        }),
        ephemeral_storage_gib: Some(21),
        enable_fault_injection: Some(true),
        tags: tags(),
    }
}

#[expect(clippy::too_many_lines, reason = "every member of the record")]
fn container_definition() -> ContainerDefinition {
    ContainerDefinition {
        name: "web".into(),
        image: "nginx:1".into(),
        cpu: 128,
        memory: Some(256),
        memory_reservation: Some(128),
        essential: true,
        port_mappings: vec![PortMapping {
            container_port: Some(80),
            container_port_range: None,
            host_port: Some(8080),
            protocol: TransportProtocol::Tcp,
            name: Some("http".into()),
            app_protocol: Some("http2".into()),
        }],
        entry_point: Some(strings(&["/entry"])),
        command: Some(strings(&["serve", "--port=80"])),
        environment: vec![Pair::new("MODE", "live")],
        mount_points: vec![MountPoint {
            source_volume: Some("data".into()),
            container_path: Some("/data".into()),
            read_only: Some(true),
        }],
        user: Some("1000:1000".into()),
        working_directory: Some("/srv".into()),
        hostname: Some("web".into()),
        privileged: Some(false),
        readonly_root_filesystem: Some(true),
        docker_labels: Some(BTreeMap::from([("a".into(), "b".into())])),
        ulimits: Some(vec![Ulimit {
            name: "nofile".into(),
            soft: 1024,
            hard: 4096,
        }]),
        linux_parameters: Some(LinuxParameters {
            capabilities: Some(Capabilities {
                add: strings(&["SYS_PTRACE"]),
                drop: strings(&["NET_RAW"]),
            }),
            init_process_enabled: Some(true),
            devices: Some(vec![Device {
                host_path: "/dev/fuse".into(),
                container_path: Some("/dev/fuse".into()),
                permissions: Some(strings(&["read"])),
            }]),
            shared_memory_size_mib: Some(64),
            tmpfs: Some(vec![Tmpfs {
                container_path: "/run".into(),
                size_mib: 8,
                mount_options: Some(strings(&["noexec"])),
            }]),
            max_swap_mib: Some(32),
            swappiness: Some(60),
        }),
        log_configuration: Some(LogConfiguration {
            log_driver: "awslogs".into(),
            options: BTreeMap::from([("awslogs-group".into(), "web".into())]),
            secret_options: vec![secret()],
        }),
        stop_timeout_seconds: Some(10),
        start_timeout_seconds: Some(60),
        repository_credentials: Some(secret().value_from),
        links: Some(strings(&["db:database"])),
        depends_on: Some(vec![Dependency {
            container_name: "db".into(),
            condition: DependencyCondition::Healthy,
        }]),
        volumes_from: vec![VolumeFrom {
            source_container: "db".into(),
            read_only: Some(true),
        }],
        secrets: Some(vec![secret()]),
        environment_files: Some(vec![EnvironmentFile {
            value: "arn:aws:s3:::bucket/web.env".into(),
        }]),
        disable_networking: Some(false),
        dns_servers: Some(strings(&["10.0.0.2"])),
        dns_search_domains: Some(strings(&["example.com"])),
        extra_hosts: Some(vec![HostEntry {
            hostname: "db".into(),
            ip_address: "10.0.0.3".into(),
        }]),
        docker_security_options: Some(strings(&["no-new-privileges"])),
        interactive: Some(true),
        pseudo_terminal: Some(true),
        health_check: Some(HealthCheck {
            command: strings(&["CMD-SHELL", "true"]),
            interval_seconds: 30,
            timeout_seconds: 5,
            retries: 3,
            start_period_seconds: Some(10),
        }),
        system_controls: vec![SystemControl {
            namespace: "net.core.somaxconn".into(),
            value: "1024".into(),
        }],
        resource_requirements: Some(vec![ResourceRequirement {
            kind: ResourceType::Gpu,
            value: "1".into(),
        }]),
        firelens_configuration: Some(FirelensConfiguration {
            kind: FirelensType::Fluentbit,
            options: Some(BTreeMap::from([(
                "enable-ecs-log-metadata".into(),
                "true".into(),
            )])),
        }),
        restart_policy: Some(RestartPolicy {
            enabled: true,
            ignored_exit_codes: Some(vec![0]),
            restart_attempt_period_seconds: Some(60),
        }),
        credential_specs: Some(strings(&["credentialspec:arn:aws:s3:::bucket/spec"])),
        is_version_consistent: Some(false),
    }
}

fn secret() -> Secret {
    Secret {
        name: "PASSWORD".into(),
        value_from: "arn:aws:secretsmanager:us-east-1:123456789012:secret:web".into(),
    }
}

pub fn task_definition_family() -> TaskDefinitionFamily {
    TaskDefinitionFamily {
        scope: scope(),
        name: "web".into(),
        last_revision: 7,
    }
}

pub fn network_configuration() -> NetworkConfiguration {
    NetworkConfiguration {
        subnets: strings(&["subnet-0123456789abcdef0"]),
        security_groups: strings(&["sg-0123456789abcdef0"]),
        is_public_ip_assigned: true,
    }
}

#[expect(clippy::too_many_lines, reason = "every member of the record")]
pub fn task() -> Task {
    Task {
        arn: member(TASK),
        task_definition: task_definition().arn,
        launch_type: LaunchType::Ec2,
        capacity_provider: Some("machines".into()),
        host_id: HOST.into(),
        container_instance: Some(member(HOST)),
        availability_zone: "us-east-1a".into(),
        group: "service:web".into(),
        started_by: Some("ecs-svc/1234567890123456789".into()),
        service: Some(member("web")),
        desired_status: DesiredStatus::Stopped,
        last_status: TaskStatus::Deprovisioning,
        version: 6,
        stop: Some(Box::new(Stop {
            code: StopCode::EssentialContainerExited,
            reason: "Essential container in task exited".into(),
        })),
        times: times(),
        containers: vec![TaskContainer {
            name: "web".into(),
            id: UUID.into(),
            last_status: ContainerStatus::Stopped,
            exit_code: Some(1),
            reason: Some("OutOfMemoryError: Container killed due to memory usage".into()),
            runtime_id: Some(format!("{TASK}-web")),
            image_digest: Some(format!("sha256:{}", "0".repeat(64))),
            network_bindings: vec![NetworkBinding {
                bind_ip: "0.0.0.0".into(),
                container_port: 80,
                host_port: 32768,
                protocol: TransportProtocol::Udp,
                following: 0,
            }],
            health: Some(Box::new(ContainerHealth {
                status: HealthStatus::Unhealthy,
                since: Some(at(7)),
                output: "connection refused".into(),
            })),
            last_lines: vec!["out of memory".into()],
            end: Some(Box::new(container_end())),
        }],
        overrides: overrides(),
        eni: Some(Box::new(TaskEni {
            attachment_id: UUID.into(),
            network_interface_id: "eni-0123456789abcdef0".into(),
            subnet_id: "subnet-0123456789abcdef0".into(),
            address: Ipv4Addr::new(172, 31, 0, 4),
            mac_address: "02:00:00:00:00:01".into(),
            security_groups: strings(&["sg-0123456789abcdef0"]),
            is_public: true,
            public_address: Some(Ipv4Addr::new(203, 0, 113, 8)),
            tags: tags().into(),
        })),
        service_connect: Some(Box::new(crate::service_connect::of_task())),
        promised: resources(8080),
        platform_version: Some("1.4.0".into()),
        enable_execute_command: true,
        targets: vec![
            TaskTarget::waiting(Behind::TargetGroup(target_group().arn), "web".into(), 80),
            TaskTarget {
                state: TaskTargetState::Registered {
                    id: "172.31.0.9".into(),
                    port: 80,
                    health: TargetHealthState::Healthy,
                },
                ..TaskTarget::waiting(Behind::TargetGroup(target_group().arn), "web".into(), 80)
            },
            TaskTarget {
                state: TaskTargetState::Deregistered {
                    id: "172.31.0.9".into(),
                    port: 80,
                },
                ..TaskTarget::waiting(Behind::TargetGroup(target_group().arn), "web".into(), 80)
            },
            TaskTarget::waiting(Behind::Classic("old".into()), "web".into(), 80),
        ]
        .into(),
        registration: Some(Box::new(TaskRegistration {
            registry: crate::cloud_map::service_registry(),
            external_id: Some("green".into()),
            state: RegistrationState::Registered,
        })),
        client_request: Some(Box::new(ClientRequest {
            token: UUID.into(),
            fingerprint: TASK.into(),
        })),
        protected_until: Some(at(8)),
        queued: Some(Box::new(queued())),
        tags: tags(),
    }
}

fn times() -> TaskTimes {
    TaskTimes {
        created_at: at(0),
        connectivity_at: Some(at(1)),
        pull_started_at: Some(at(2)),
        pull_stopped_at: Some(at(3)),
        started_at: Some(at(4)),
        stopping_at: Some(at(5)),
        execution_stopped_at: Some(at(6)),
        stopped_at: Some(at(7)),
    }
}

fn queued() -> Queued {
    Queued {
        wait_seconds: 600,
        until: at(9),
        not_before: Some(at(2)),
        refusal: Some("RESOURCE:MEMORY".into()),
        attempt: 2,
        retries_left: 1,
        capacity_provider_strategy: Vec::new(),
        placement_constraints: vec![PlacementConstraint::DistinctInstance],
        placement_strategy: Vec::new(),
        network_configuration: None,
    }
}

fn overrides() -> Overrides {
    Overrides {
        cpu: Some(512),
        memory: Some(1024),
        task_role_arn: Some("arn:aws:iam::123456789012:role/other".into()),
        execution_role_arn: Some("arn:aws:iam::123456789012:role/execution".into()),
        containers: vec![ContainerOverride {
            name: "web".into(),
            command: Some(strings(&["serve"])),
            environment: Some(vec![Pair::new("MODE", "test")]),
            environment_files: Some(vec![EnvironmentFile {
                value: "arn:aws:s3:::bucket/test.env".into(),
            }]),
            cpu: Some(64),
            memory: Some(128),
            memory_reservation: Some(64),
        }],
    }
}

fn resources(port: u16) -> Resources {
    let protocol = TransportProtocol::Tcp;
    Resources {
        cpu: 2048,
        memory: 3900,
        ports: BTreeSet::from([HostPort { port, protocol }]),
        gpus: 0,
    }
}

pub fn container_instance() -> ContainerInstance {
    ContainerInstance {
        arn: member(HOST),
        host_id: HOST.into(),
        ec2_instance_id: "i-0123456789abcdef0".into(),
        status: ContainerInstanceStatus::Draining,
        attributes: vec![Pair::new("ecs.os-type", "linux")],
        agent_version: "1.0.0".into(),
        agent_hash: "4023248".into(),
        docker_version: "none".into(),
        is_external: true,
        registered_at: at(0),
        version: 3,
        tags: tags(),
    }
}

pub fn host() -> Host {
    Host {
        id: HOST.into(),
        account: "123456789012".into(),
        total: resources(22),
        promised: resources(8080),
        task_count: 1,
        is_fargate_capacity: true,
        is_connected: true,
        availability_zone: "us-east-1a".into(),
        number: 1,
        address: Some([192, 0, 2, 1].into()),
    }
}

pub fn vpc() -> Vpc {
    Vpc {
        id: "vpc-0123456789abcdef0".into(),
        scope: scope(),
        cidr: "172.31.0.0/16".parse().expect("valid"),
        default_security_group: "sg-0123456789abcdef0".into(),
        is_default: true,
        has_dns_support: false,
        has_dns_hostnames: true,
        has_address_usage_metrics: true,
        vni: 1,
        tags: vec![Pair::new("team", "web")],
    }
}

pub fn subnet() -> Subnet {
    Subnet {
        id: "subnet-0123456789abcdef0".into(),
        scope: scope(),
        vpc_id: vpc().id,
        cidr: "172.31.0.0/20".parse().expect("valid"),
        availability_zone: "us-east-1a".into(),
        is_default: true,
        maps_public_ip_on_launch: true,
        tags: Vec::new(),
    }
}

pub fn access_key() -> AccessKey {
    AccessKey {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        account: "123456789012".into(),
        principal: Principal::Agent,
    }
}

pub fn account_setting() -> AccountSetting {
    AccountSetting {
        scope: scope(),
        principal: root_of("123456789012"),
        name: SettingName::ContainerInsights,
        value: "disabled".into(),
    }
}
