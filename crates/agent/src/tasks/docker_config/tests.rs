use serde_json::json;

use super::signals::number as signal;
use super::*;

fn read(config: &Value, host_config: &Value) -> Result<(ContainerSpec, Settings), String> {
    let mut spec = ContainerSpec {
        memory_mib: Some(64),
        ..ContainerSpec::default()
    };
    let settings = apply(&config.to_string(), &host_config.to_string(), &mut spec);
    settings.map(|it| (spec, it)).map_err(|it| it.to_string())
}

#[test]
fn all_that_is_supported_reaches_the_host() {
    let config = json!({
        "User": "1000:1000", "WorkingDir": "/app", "Hostname": "web", "StopSignal": "SIGQUIT",
        "Labels": {"team": "a"}, "Tty": false,
    });
    let host_config = json!({
        "NetworkMode": "bridge", "CapAdd": ["CAP_SYS_PTRACE", "net_admin"], "CapDrop": ["ALL"], "Privileged": true,
        "ReadonlyRootfs": true, "Init": true, "Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": -1}],
        "MemoryReservation": 33_554_432, "MemorySwap": 0, "Sysctls": {}, "Devices": [],
        "LogConfig": {"Type": "awslogs", "Config": {"awslogs-group": "g"}},
    });
    let (spec, settings) = read(&config, &host_config).unwrap();
    assert_eq!(spec.user.as_deref(), Some("1000:1000"));
    assert_eq!(spec.working_directory.as_deref(), Some("/app"));
    assert_eq!(spec.hostname.as_deref(), Some("web"));
    assert_eq!(spec.capabilities_add, ["SYS_PTRACE", "NET_ADMIN"]);
    assert_eq!(spec.capabilities_drop, ["ALL"]);
    assert!(spec.privileged && spec.readonly_root_filesystem && spec.init_process_enabled);
    assert_eq!(spec.ulimits, [("nofile".to_owned(), 1024, u64::MAX)]);
    assert_eq!(
        (spec.memory_mib, spec.memory_reservation_mib),
        (Some(64), Some(32))
    );
    assert_eq!(settings.stop_signal, Some(libc::SIGQUIT));
    assert_eq!(settings.log.unwrap().driver, "awslogs");
}

#[test]
fn what_would_be_ignored_is_refused_by_name() {
    for (config, host_config, expected) in [
        (
            json!({"Healthcheck": {"Test": ["HTTP", "/"]}}),
            json!({}),
            "health check of kind HTTP",
        ),
        (
            json!({}),
            json!({"OomKillDisable": true}),
            "dockerConfig.hostConfig.OomKillDisable",
        ),
        (
            json!({}),
            json!({"SecurityOpt": ["label:type:x"]}),
            "security option label:type:x",
        ),
        (
            json!({}),
            json!({"ExtraHosts": ["alone"]}),
            "extra host \"alone\"",
        ),
        (json!({"StopSignal": "SIGNOPE"}), json!({}), "stop signal SIGNOPE"),
    ] {
        let error = read(&config, &host_config).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn what_is_not_json_is_malformed() {
    let error = apply("{", "{}", &mut ContainerSpec::default()).unwrap_err();
    assert!(
        matches!(&error, Refusal::Malformed(text) if text.starts_with("dockerConfig.config: ")),
        "{error}"
    );
    let error = apply("", "{\"CapAdd\": 1}", &mut ContainerSpec::default()).unwrap_err();
    assert!(
        matches!(&error, Refusal::Malformed(text) if text.contains("CapAdd")),
        "{error}"
    );
}

#[test]
fn signals_have_many_spellings() {
    for (text, expected) in [
        ("SIGTERM", Some(15)),
        ("term", Some(15)),
        ("9", Some(9)),
        ("SIGRTMIN+3", Some(37)),
        ("RTMAX-1", Some(63)),
        ("RTMIN+99", None),
        ("0", None),
        ("65", None),
        ("", None),
    ] {
        assert_eq!(signal(text), expected, "{text}");
    }
}

#[test]
fn names_devices_memory_and_security_reach_the_host() {
    let config = json!({ "OpenStdin": true, "Tty": true, "NetworkDisabled": true });
    let host_config = json!({
        "ExtraHosts": ["db:10.0.0.3", "six:fd00::1"], "Dns": ["10.0.0.2"], "DnsSearch": ["a.test"],
        "SecurityOpt": ["no-new-privileges", "apparmor:docker-default", "seccomp=unconfined", "label:disable"],
        "Devices": [
            {"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/mine", "CgroupPermissions": "r"},
            {"PathOnHost": "/dev/kvm"},
        ],
        "ShmSize": 1_048_576, "Tmpfs": {"/run": "exec,size=16m", "/tmp": ""},
        "Sysctls": {"net.core.somaxconn": "1"}, "MemorySwap": 100_663_296, "MemorySwappiness": 10,
    });
    let (spec, _) = read(&config, &host_config).unwrap();
    assert!(spec.networking_disabled && spec.terminal.is_interactive && spec.terminal.is_allocated);
    let pairs = [("db", "10.0.0.3"), ("six", "fd00::1")];
    assert_eq!(
        spec.names.extra_hosts,
        pairs.map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    assert_eq!(spec.names.dns_servers, ["10.0.0.2"]);
    assert_eq!(spec.names.dns_search_domains, ["a.test"]);
    let security = &spec.security;
    assert!(security.no_new_privileges && security.seccomp_unconfined);
    assert_eq!(security.apparmor_profile.as_deref(), Some("docker-default"));
    let devices = spec.devices.iter();
    let devices: Vec<_> = devices
        .map(|it| format!("{} {}", it.container_path.display(), it.permissions))
        .collect();
    assert_eq!(devices, ["/dev/mine r", "/dev/kvm rwm"]);
    assert_eq!(spec.shared_memory_bytes, Some(1 << 20));
    assert_eq!(spec.tmpfs[0].options, ["exec", "size=16m"]);
    assert_eq!(spec.tmpfs[1].options, [""; 0]);
    assert_eq!(spec.sysctls["net.core.somaxconn"], "1");
    // 96 MiB for both, of which 64 are memory.
    assert_eq!(
        (spec.swap.max_swap_mib, spec.swap.swappiness),
        (Some(32), Some(10))
    );
}

#[test]
fn health_checks_are_read_with_dockers_defaults() {
    let check = |text: Value| {
        let config = json!({ "Healthcheck": text }).to_string();
        let settings = apply(&config, "", &mut ContainerSpec::default());
        settings.unwrap().health_check
    };
    assert_eq!(check(json!({"Test": []})), None);
    assert_eq!(check(json!({"Test": ["NONE"]})), None);
    let shell = check(json!({"Test": ["CMD-SHELL", "a | b"]})).unwrap();
    assert_eq!(shell.arguments, ["/bin/sh", "-c", "a | b"]);
    let (interval, timeout) = (Duration::from_secs(30), Duration::from_secs(30));
    assert_eq!(
        (shell.interval, shell.timeout, shell.retries),
        (interval, timeout, 3)
    );
    let given = json!({"Test": ["CMD", "x", "y"], "Interval": 5_000_000_000_u64, "StartPeriod": 7_000_000_000_u64,
        "Retries": 1});
    let given = check(given).unwrap();
    assert_eq!(
        (given.arguments, given.retries),
        (vec!["x".to_owned(), "y".to_owned()], 1)
    );
    assert_eq!(
        (given.interval, given.start_period),
        (Duration::from_secs(5), Duration::from_secs(7))
    );
}
