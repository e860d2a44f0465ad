//! What reaches the agent in Docker's own words.

use domain::Scope;
use domain::container_definition::{
    ContainerDefinition, Device, HostEntry, LinuxParameters, PortMapping, PortRange, SystemControl, Tmpfs,
    TransportProtocol,
};
use domain::task::ContainerOverride;
use domain::task_definition::{DockerVolume, NetworkMode, Volume, VolumeKind, VolumeScope};
use serde_json::{Value, json};
use store::State;

use super::secrets::registry_login;
use super::{config, host_config, port_mappings, volumes};

fn strings(all: &[&str]) -> Option<Vec<String>> {
    Some(all.iter().map(|it| (*it).to_owned()).collect())
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("is JSON")
}

#[test]
fn settings_have_dockers_names_and_units() {
    let definition = ContainerDefinition {
        memory: Some(64),
        interactive: Some(true),
        pseudo_terminal: Some(true),
        disable_networking: Some(false),
        dns_servers: strings(&["10.0.0.2"]),
        dns_search_domains: strings(&["a.test"]),
        docker_security_options: strings(&["no-new-privileges"]),
        extra_hosts: Some(vec![HostEntry {
            hostname: "db".to_owned(),
            ip_address: "fd00::3".to_owned(),
        }]),
        system_controls: vec![SystemControl {
            namespace: "net.core.somaxconn".to_owned(),
            value: "1024".to_owned(),
        }],
        linux_parameters: Some(LinuxParameters {
            devices: Some(vec![Device {
                host_path: "/dev/fuse".to_owned(),
                container_path: None,
                permissions: strings(&["read", "mknod"]),
            }]),
            shared_memory_size_mib: Some(1),
            tmpfs: Some(vec![Tmpfs {
                container_path: "/run".to_owned(),
                size_mib: 16,
                mount_options: strings(&["exec"]),
            }]),
            max_swap_mib: Some(32),
            swappiness: Some(10),
            ..LinuxParameters::default()
        }),
        ..ContainerDefinition::default()
    };
    assert_eq!(
        parse(&config(&definition)),
        json!({ "OpenStdin": true, "Tty": true, "NetworkDisabled": false })
    );
    assert_eq!(
        parse(&host_config(
            NetworkMode::Bridge,
            &definition,
            &ContainerOverride::default()
        )),
        json!({
            "NetworkMode": "bridge", "Dns": ["10.0.0.2"], "DnsSearch": ["a.test"], "ExtraHosts": ["db:fd00::3"],
            "SecurityOpt": ["no-new-privileges"], "Sysctls": { "net.core.somaxconn": "1024" },
            "Devices": [{ "PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rm" }],
            "ShmSize": 1 << 20, "Tmpfs": { "/run": "exec,size=16m" },
            "MemorySwap": 96 << 20, "MemorySwappiness": 10,
        })
    );
}

#[test]
fn the_login_of_a_registry_is_named_with_its_region() {
    let scope = Scope {
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
    };
    let elsewhere = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:login-AbCdEf";
    for (given, region) in [(elsewhere, "eu-west-1"), ("login", "us-east-1")] {
        let definition = ContainerDefinition {
            repository_credentials: Some(given.to_owned()),
            ..ContainerDefinition::default()
        };
        let login = registry_login(&scope, &definition).expect("is given");
        let shown: Value = parse(&String::from_utf8(wire::json::encode(&login)).expect("is text"));
        let data = json!({ "credentialsParameter": given, "region": region });
        assert_eq!(shown, json!({ "type": "asm", "asmAuthData": data }));
    }
    assert_eq!(registry_login(&scope, &ContainerDefinition::default()), None);
}

#[test]
fn ranges_and_volumes_keep_their_form() {
    let definition = ContainerDefinition {
        port_mappings: vec![PortMapping {
            container_port: None,
            container_port_range: Some(PortRange {
                first: 8000,
                last: 8010,
            }),
            host_port: None,
            protocol: TransportProtocol::Udp,
            name: None,
            app_protocol: None,
        }],
        ..ContainerDefinition::default()
    };
    let mapping = port_mappings(&definition).remove(0);
    assert_eq!(mapping.container_port_range.as_deref(), Some("8000-8010"));
    assert_eq!((mapping.container_port, mapping.host_port), (None, Some(0)));
    let volume = volumes::volume(
        &State::default(),
        &Scope::new("123456789012", "us-east-1"),
        &Volume {
            name: "data".to_owned(),
            source_path: None,
            kind: VolumeKind::Docker(DockerVolume {
                scope: VolumeScope::Shared,
                ..DockerVolume::default()
            }),
        },
    );
    let shown: Value = parse(&String::from_utf8(wire::json::encode(&volume)).expect("is text"));
    assert_eq!(
        shown,
        json!({
            "name": "data", "type": "docker",
            "dockerVolumeConfiguration": { "scope": "shared", "autoprovision": false, "driver": "local" },
        })
    );
}
