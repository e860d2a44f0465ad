//! The same container through `runc`, with Docker's defaults written down here.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::process::Command;

use agent::host::{ContainerSpec, Tmpfs};
use serde_json::{Value, json};

use super::{END, FACTS, Intended, differences};
use crate::world::{self, World};

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

/// What is different on purpose.
const INTENDED: [Intended; 4] = [
    ("/etc/hosts", "Docker binds it, runc alone does not"),
    ("/etc/hostname", "the same"),
    ("/etc/resolv.conf", "the same"),
    ("/declared", "Docker makes a volume of what the image declares"),
];

/// A setting as this runtime takes it and as `runc` does.
struct Case {
    name: &'static str,
    ours: fn(&mut ContainerSpec),
    theirs: fn(&mut Value),
}

const CASES: [Case; 4] = [
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
            it["linux"]["resources"]["memory"] = json!({ "limit": 64 << 20, "swap": 64 << 20 });
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
    Case {
        name: "privileged",
        ours: |it| it.privileged = true,
        theirs: |it| {
            let held = held_capabilities();
            it["process"]["capabilities"] = json!({ "bounding": held, "effective": held, "permitted": held });
            let linux = it["linux"].as_object_mut().expect("an object");
            for name in ["seccomp", "maskedPaths", "readonlyPaths"] {
                linux.remove(name);
            }
            linux["resources"]["devices"] = json!([{ "allow": true, "access": "rwm" }]);
            linux.insert("devices".to_owned(), json!(devices_of_host(Path::new("/dev"))));
            let mounts = it["mounts"].as_array_mut().expect("mounts");
            let of_kernel = mounts.iter_mut().filter(|it| {
                it["destination"]
                    .as_str()
                    .is_some_and(|it| it.starts_with("/sys"))
            });
            for mount in of_kernel {
                mount["options"] = json!(["nosuid", "noexec", "nodev", "rw"]);
            }
        },
    },
];

/// All capabilities, by their numbers in the kernel.
const NUMBERED: &str = "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE \
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE \
    SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL \
    SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE";

/// All that this process may hand on, as Docker hands on all that it has.
fn held_capabilities() -> Vec<String> {
    let status = fs::read_to_string("/proc/self/status").expect("the status");
    let mask = status.lines().find_map(|it| it.strip_prefix("CapBnd:"));
    let mask = mask.and_then(|it| u64::from_str_radix(it.trim(), 16).ok());
    let mask = mask.expect("a bounding set");
    let numbered = NUMBERED.split_whitespace().enumerate();
    let held = numbered.filter(|(number, _)| mask & (1 << number) != 0);
    held.map(|(_, name)| format!("CAP_{name}")).collect()
}

/// Every node below a directory, but for those of terminals, which a container has of its own.
fn devices_of_host(directory: &Path) -> Vec<Value> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("the directory").flatten() {
        let (path, metadata) = (entry.path(), entry.metadata().expect("its metadata"));
        let kind = metadata.file_type();
        if kind.is_dir() && !["pts", "shm", "mqueue"].iter().any(|it| path.ends_with(it)) {
            found.extend(devices_of_host(&path));
        }
        if (kind.is_char_device() || kind.is_block_device()) && !path.ends_with("console") {
            found.push(json!({
                "path": path, "type": if kind.is_block_device() { "b" } else { "c" },
                "major": libc::major(metadata.rdev()), "minor": libc::minor(metadata.rdev()),
                "fileMode": metadata.mode() & 0o7777, "uid": metadata.uid(), "gid": metadata.gid(),
            }));
        }
    }
    found
}

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
        said.contains(END),
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
    let mut differences_of_all = Vec::new();
    for case in &CASES {
        let mut world = World::new().await;
        let mut spec = world.script("app", FACTS);
        spec.hostname = Some("here".to_owned());
        (case.ours)(&mut spec);
        let (lines, _) = world.run(&spec).await;
        let found = differences("runc's", &lines, &through_runc(&world, case), &INTENDED);
        differences_of_all.extend(found.iter().map(|it| format!("{}: {it}", case.name)));
        world.close().await;
    }
    assert!(differences_of_all.is_empty(), "{differences_of_all:#?}");
}
