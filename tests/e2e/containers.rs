//! A container as it was declared, registered through the AWS CLI and looked at from inside.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_support::sample_image::SAMPLE_IMAGE;

use crate::world::{World, text};

/// What the container writes of itself: a line of its own before each part.
const SCRIPT: &str = "{ for file in /etc/hosts /etc/resolv.conf /etc/hostname /proc/self/status /proc/self/limits \
    /proc/self/mounts /proc/sys/net/core/somaxconn /proc/1/comm; do echo \"== $file\"; cat $file; done; \
    echo '== env'; env; echo '== id'; id; echo '== ls'; ls /dev/mine /inherited; } > /report/facts; \
    until nc $STORE_PORT_7002_TCP_ADDR 7002 < /dev/null; do sleep 0.1; done; echo '== done' >> /report/facts";

fn definition() -> Value {
    let device = ["/dev/fuse", "/dev/loop-control", "/dev/net/tun"]
        .into_iter()
        .find(|it| std::path::Path::new(it).exists())
        .unwrap_or("/dev/null");
    json!({
        "family": "declared", "networkMode": "bridge", "pidMode": "task", "ipcMode": "task",
        "runtimePlatform": { "cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX" },
        "volumes": [
            { "name": "report", "dockerVolumeConfiguration": { "scope": "shared", "autoprovision": true, "driver": "local" } },
            { "name": "inherited", "dockerVolumeConfiguration": { "scope": "task" } },
        ],
        "containerDefinitions": [
            {
                "name": "db", "image": SAMPLE_IMAGE, "memory": 32, "essential": false, "stopTimeout": 2,
                "command": ["/bin/sh", "-c", "echo of-db > /inherited/file; while true; do echo hello | nc -l -p 7002; done"],
                "portMappings": [{ "containerPortRange": "7000-7004" }],
                "mountPoints": [{ "sourceVolume": "inherited", "containerPath": "/inherited" }],
            },
            {
                "name": "web", "image": SAMPLE_IMAGE, "memory": 64, "memoryReservation": 32, "cpu": 64,
                "command": ["/bin/sh", "-c", SCRIPT], "links": ["db:store"],
                "volumesFrom": [{ "sourceContainer": "db", "readOnly": true }],
                "mountPoints": [{ "sourceVolume": "report", "containerPath": "/report" }],
                "hostname": "declared-host", "user": "1000:1001", "readonlyRootFilesystem": true,
                "extraHosts": [{ "hostname": "elsewhere", "ipAddress": "10.1.2.3" }],
                "dnsServers": ["10.9.8.7"], "dnsSearchDomains": ["a.test"],
                "dockerSecurityOptions": ["no-new-privileges"], "interactive": true,
                "systemControls": [{ "namespace": "net.core.somaxconn", "value": "1234" }],
                "ulimits": [{ "name": "nofile", "softLimit": 512, "hardLimit": 1024 }],
                "linuxParameters": {
                    "capabilities": { "drop": ["NET_RAW"] }, "initProcessEnabled": true,
                    "devices": [{ "hostPath": device, "containerPath": "/dev/mine", "permissions": ["read"] }],
                    "tmpfs": [{ "containerPath": "/scratch", "size": 2, "mountOptions": ["exec"] }],
                    "maxSwap": 0, "swappiness": 10,
                },
            },
        ],
    })
}

/// The lines of one part.
fn part<'a>(facts: &'a str, name: &str) -> Vec<&'a str> {
    let head = format!("== {name}");
    let lines = facts.lines().skip_while(|it| **it != head).skip(1);
    lines.take_while(|it| !it.starts_with("== ")).collect()
}

#[test]
fn a_container_is_made_as_it_was_declared() -> Result<()> {
    let world = World::new()?;
    let report = world.gantry.data_dir().join("volumes/report/_data");
    std::fs::create_dir_all(&report)?;
    std::os::unix::fs::chown(&report, Some(1000), None)?;
    let definition = world.register_all(&definition())?;
    let arn = world.run(&definition, &[])?;
    let task = world.wait_for(&arn, "STOPPED")?;
    let containers = task["containers"].as_array().context("containers")?;
    let web = containers.iter().find(|it| it["name"] == "web").context("web")?;
    assert_eq!(web["exitCode"], 0, "{task:#}");
    let db = containers.iter().find(|it| it["name"] == "db").context("db")?;
    let binding = &db["networkBindings"][0];
    assert_eq!(binding["containerPortRange"], "7000-7004", "{task:#}");
    let range = text(&binding["hostPortRange"]);
    let (first, last) = range.split_once('-').context("a range of host ports")?;
    assert_eq!(first.parse::<u32>()? + 4, last.parse::<u32>()?, "{range}");

    let facts = std::fs::read_to_string(report.join("facts"))?;
    let has = |name: &str, line: &str| {
        let lines = part(&facts, name);
        assert!(lines.contains(&line), "{line:?} is not in {name}: {lines:#?}");
    };
    has("/etc/hosts", "10.1.2.3\telsewhere");
    has("/etc/resolv.conf", "nameserver 10.9.8.7");
    has("/etc/resolv.conf", "search a.test");
    has("/etc/hostname", "declared-host");
    has("/proc/self/status", "NoNewPrivs:\t1");
    has("/proc/self/status", "CapBnd:\t00000000a80405fb");
    has("/proc/self/status", "CapEff:\t0000000000000000");
    has("/proc/sys/net/core/somaxconn", "1234");
    has("/proc/1/comm", "gantry-shim");
    has("env", "STORE_NAME=/web/store");
    has("id", "uid=1000(web) gid=1001 groups=1001");
    has("ls", "/dev/mine");
    has("ls", "file");
    let limits = part(&facts, "/proc/self/limits").join("\n");
    let files = limits.lines().find(|it| it.starts_with("Max open files"));
    let files: Vec<_> = files.unwrap_or_default().split_whitespace().collect();
    assert_eq!(files[3..5], ["512", "1024"], "{limits}");
    let mounts = part(&facts, "/proc/self/mounts");
    let mount = |target: &str| {
        let found = mounts.iter().rfind(|it| it.split(' ').nth(1) == Some(target));
        found
            .copied()
            .with_context(|| format!("{target} is not mounted: {mounts:#?}"))
    };
    assert!(mount("/")?.contains(" ro"), "{mounts:#?}");
    assert!(mount("/scratch")?.contains("size=2048k"), "{mounts:#?}");
    assert!(!mount("/scratch")?.contains("noexec"), "{mounts:#?}");
    assert!(mount("/inherited")?.contains(" ro"), "{mounts:#?}");
    assert!(mount("/dev/shm")?.contains("tmpfs"), "{mounts:#?}");
    assert!(facts.ends_with("== done\n"), "the link was reached");
    Ok(())
}

#[test]
fn what_this_machine_cannot_give_is_refused_in_amazons_words() -> Result<()> {
    let world = World::new()?;
    let shared =
        json!({ "volumes": [{ "name": "kept", "dockerVolumeConfiguration": { "scope": "shared" } }] });
    let mounted = json!({ "mountPoints": [{ "sourceVolume": "kept", "containerPath": "/kept" }] });
    let definition = world.register("missing", shared, mounted)?;
    let arn = world.run(&definition, &[])?;
    let task = world.wait_for(&arn, "STOPPED")?;
    let reason = text(&task["stoppedReason"]);
    assert!(
        reason.contains("volume 'kept' does not exist and autoprovision is set to false"),
        "{reason}"
    );
    let gpu = json!({ "resourceRequirements": [{ "type": "GPU", "value": "1" }] });
    let profile = json!({ "dockerSecurityOptions": ["label:type:x"] });
    let driver =
        json!({ "volumes": [{ "name": "v", "dockerVolumeConfiguration": { "driver": "rexray/ebs" } }] });
    let arm = json!({ "runtimePlatform": { "cpuArchitecture": "ARM64" } });
    for (family, of_task, of_container, expected) in [
        ("gpu", json!({}), gpu, "RESOURCE:GPU"),
        ("label", json!({}), profile, "ATTRIBUTE"),
        ("driver", driver, json!({}), "ATTRIBUTE"),
        ("arm", arm, json!({}), "ATTRIBUTE"),
    ] {
        let definition = world.register(family, of_task, of_container)?;
        let answer = world
            .aws
            .json(&["ecs", "run-task", "--task-definition", &definition])?;
        assert_eq!(answer["failures"][0]["reason"], expected, "{family}: {answer:#}");
    }
    Ok(())
}
