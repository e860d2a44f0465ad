//! The same container through `runc`, with Docker's defaults written down here, and through this runtime: what is
//! seen from inside must be the same. Without `runc` on this machine there is nothing to compare with.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use agent::host::{ContainerSpec, Tmpfs};
use serde_json::{Value, json};

use crate::world::{self, World};

/// Prints everything that is compared, a line of its own before each part.
const FACTS: &str = "\
    echo == identity; id; hostname; pwd; cat /proc/1/comm; \
    echo == environment; env; \
    echo == status; grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:|Sig(Blk|Cgt))' /proc/self/status; \
    echo == limits; cat /proc/self/limits; \
    echo == mounts; cat /proc/self/mounts; \
    echo == devices; for it in /dev/*; do stat -c '%n %F %a %u %g %t %T' $it; done; \
    echo == links; for it in /dev/fd /dev/stdin /dev/stdout /dev/stderr /dev/ptmx /dev/core; do readlink $it; done; \
    echo == groups; cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.shares; \
    echo == processes; echo /proc/[0-9]*; cat /proc/self/oom_score_adj; \
    echo == forbidden; mount -t tmpfs none /mnt 2> /dev/null; touch /proc/sys/kernel/x 2> /dev/null || echo sys; \
    mknod /tmp-disk b 254 0 2> /dev/null && (true < /tmp-disk) 2> /dev/null || echo disk";

/// What Docker gives every container.
const CAPABILITIES: [&str; 14] = [
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

/// A setting as this runtime takes it and as `runc` does.
struct Case {
    name: &'static str,
    ours: fn(&mut ContainerSpec),
    theirs: fn(&mut Value),
}

const CASES: [Case; 3] = [
    Case {
        name: "defaults",
        ours: |_| {},
        theirs: |_| {},
    },
    Case {
        name: "restricted",
        ours: |it| {
            it.user = Some("33:44".to_owned());
            it.readonly_root_filesystem = true;
            it.working_directory = Some("/mnt".to_owned());
            it.ulimits.push(("nofile".to_owned(), 100, 200));
            it.capabilities_drop.push("ALL".to_owned());
            it.capabilities_add.push("CHOWN".to_owned());
            it.security.no_new_privileges = true;
            it.hostname = Some("there".to_owned());
            it.environment.insert("MINE".to_owned(), "a b".to_owned());
        },
        theirs: |it| {
            it["hostname"] = json!("there");
            it["root"]["readonly"] = json!(true);
            let process = &mut it["process"];
            process["user"] = json!({ "uid": 33, "gid": 44, "additionalGids": [44] });
            process["cwd"] = json!("/mnt");
            process["noNewPrivileges"] = json!(true);
            process["rlimits"] = json!([{ "type": "RLIMIT_NOFILE", "soft": 100, "hard": 200 }]);
            // As Docker does for another user than root: a bound, and nothing held.
            process["capabilities"] = json!({ "bounding": ["CAP_CHOWN"] });
            process["env"] = json!([
                "PATH=/bin",
                "FROM_IMAGE=yes",
                "HOME=/var/www",
                "HOSTNAME=there",
                "MINE=a b"
            ]);
        },
    },
    Case {
        name: "memory and shares",
        ours: |it| {
            it.memory_mib = Some(64);
            it.cpu_shares = Some(256);
            it.shared_memory_bytes = Some(8 << 20);
            it.sysctls.insert("kernel.msgmax".to_owned(), "4321".to_owned());
            it.tmpfs.push(Tmpfs {
                target: "/scratch".into(),
                options: vec!["exec".to_owned(), "size=1m".to_owned()],
            });
        },
        theirs: |it| {
            it["linux"]["resources"]["memory"] = json!({ "limit": 64 << 20 });
            it["linux"]["resources"]["cpu"] = json!({ "shares": 256 });
            it["linux"]["sysctl"] = json!({ "kernel.msgmax": "4321" });
            let mounts = it["mounts"].as_array_mut().expect("mounts");
            for mount in mounts.iter_mut().filter(|it| it["destination"] == "/dev/shm") {
                mount["options"] = json!(["nosuid", "noexec", "nodev", "mode=1777", "size=8388608"]);
            }
            mounts.push(json!({
                "destination": "/scratch", "type": "tmpfs", "source": "tmpfs",
                "options": ["nosuid", "nodev", "exec", "size=1m"],
            }));
        },
    },
];

/// Docker's configuration of a container in the host's network.
fn docker_configuration(rootfs: &Path) -> Value {
    let mount = |target: &str, kind: &str, options: &[&str]| json!({ "destination": target, "type": kind, "source": kind, "options": options });
    let device = |access: &str, major: i64, minor: Option<i64>| json!({ "allow": true, "type": "c", "major": major, "minor": minor.unwrap_or(-1), "access": access });
    let namespaces = ["mount", "uts", "pid", "ipc", "cgroup"].map(|it| json!({ "type": it }));
    json!({
        "ociVersion": "1.0.2", "hostname": "here",
        "root": { "path": rootfs, "readonly": false },
        "process": {
            "terminal": false, "user": { "uid": 0, "gid": 0, "additionalGids": [0] }, "args": ["sh", "-c", FACTS],
            "env": ["PATH=/bin", "FROM_IMAGE=yes", "HOME=/root", "HOSTNAME=here"], "cwd": "/",
            "capabilities": { "bounding": CAPABILITIES, "effective": CAPABILITIES, "permitted": CAPABILITIES },
        },
        "mounts": [
            mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
            mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
            mount("/dev/pts", "devpts",
                &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
            mount("/sys/fs/cgroup", "cgroup", &["ro", "nosuid", "noexec", "nodev"]),
            mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
            mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=67108864"]),
        ],
        "linux": {
            "namespaces": namespaces,
            "resources": { "devices": [
                { "allow": false, "access": "rwm" },
                { "allow": true, "type": "c", "access": "m" }, { "allow": true, "type": "b", "access": "m" },
                device("rwm", 1, Some(3)), device("rwm", 1, Some(5)), device("rwm", 1, Some(7)),
                device("rwm", 1, Some(8)), device("rwm", 1, Some(9)), device("rwm", 5, Some(0)),
                device("rwm", 5, Some(1)), device("rwm", 5, Some(2)), device("rwm", 136, None),
            ] },
            // Any filter: what it lets through is compared elsewhere.
            "seccomp": { "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                { "names": ["mount"], "action": "SCMP_ACT_ERRNO" },
            ] },
            "maskedPaths": [
                "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
                "/sys/devices/system/cpu/cpu0/thermal_throttle", "/sys/devices/virtual/powercap", "/sys/firmware",
            ],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    })
}

/// Parts by name, their lines sorted: neither the order of mounts nor of variables has a meaning.
fn parts(lines: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = String::new();
    for line in lines {
        match line.strip_prefix("== ") {
            Some(next) => name = next.to_owned(),
            None => parts
                .entry(name.clone())
                .or_default()
                .extend(comparable(&name, line)),
        }
    }
    for (name, lines) in &mut parts {
        if name != "identity" {
            lines.sort();
            lines.dedup();
        }
    }
    parts
}

/// What of a line must be the same.
fn comparable(part: &str, line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match (part, words.as_slice()) {
        ("environment", [variable, ..]) if variable.starts_with("SHLVL=") || variable.starts_with("_=") => {
            None
        }
        // Roots differ by nature, and Docker itself binds these three files and the volume.
        ("mounts", [_, "/", ..])
        | (
            "mounts",
            [
                _,
                "/etc/hosts" | "/etc/hostname" | "/etc/resolv.conf" | "/declared",
                ..,
            ],
        ) => None,
        ("mounts", [_, target, kind, options, ..]) => {
            // Which is the name of what, the numbers of inodes and the numbering of groups are nobody's business.
            let mut options: Vec<&str> = options
                .split(',')
                .filter(|it| !it.starts_with("inode64") && !it.starts_with("nr_inodes"))
                .collect();
            options.sort_unstable();
            Some(format!("{target} {kind} {}", options.join(",")))
        }
        _ => Some(line.to_owned()),
    }
}

fn through_runc(world: &World, case: &Case) -> Vec<String> {
    let bundle = world.directory.path().join(format!("runc {}", case.name));
    let rootfs = bundle.join("rootfs");
    fs::create_dir_all(&rootfs).expect("a bundle");
    let layer = world::image_layer();
    tar::Archive::new(layer.as_slice())
        .unpack(&rootfs)
        .expect("the layer is unpacked");
    for directory in ["dev", "etc", "proc", "sys"] {
        fs::create_dir_all(rootfs.join(directory)).expect("a directory");
    }
    let mut configuration = docker_configuration(&rootfs);
    let name = format!("gantry-differential-{:08x}", rand::random::<u32>());
    configuration["linux"]["cgroupsPath"] = json!(format!("/{name}"));
    (case.theirs)(&mut configuration);
    fs::write(bundle.join("config.json"), configuration.to_string()).expect("the configuration is written");
    let output = Command::new("runc")
        .args(["run", "--bundle"])
        .arg(&bundle)
        .arg(&name)
        .output()
        .expect("runc is run");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("== forbidden"),
        "{said} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    said.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_look_the_same_as_through_runc() {
    if Command::new("runc").arg("--version").output().is_err() {
        return;
    }
    let mut differences = Vec::new();
    for case in &CASES {
        let mut world = World::new().await;
        let mut spec = world.script("app", FACTS);
        spec.hostname = Some("here".to_owned());
        (case.ours)(&mut spec);
        let (lines, _) = world.run(&spec).await;
        let (ours, theirs) = (parts(&lines), parts(&through_runc(&world, case)));
        for (name, theirs) in &theirs {
            let ours = ours.get(name).cloned().unwrap_or_default();
            for (who, these, those) in [("ours", &ours, theirs), ("runc's", theirs, &ours)] {
                let only = these.iter().filter(|it| !those.contains(it));
                differences.extend(only.map(|it| format!("{} / {name}: only {who} {it:?}", case.name)));
            }
        }
        world.close().await;
    }
    assert!(differences.is_empty(), "{differences:#?}");
}
