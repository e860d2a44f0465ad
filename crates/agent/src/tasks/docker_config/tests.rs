use serde_json::json;

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
        (json!({"Tty": true}), json!({}), "dockerConfig.config.Tty"),
        (
            json!({"Healthcheck": {"Test": ["CMD", "true"]}}),
            json!({}),
            "dockerConfig.config.Healthcheck",
        ),
        (
            json!({}),
            json!({"Sysctls": {"net.core.somaxconn": "1"}}),
            "dockerConfig.hostConfig.Sysctls",
        ),
        (
            json!({}),
            json!({"ExtraHosts": ["a:1.2.3.4"]}),
            "dockerConfig.hostConfig.ExtraHosts",
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
