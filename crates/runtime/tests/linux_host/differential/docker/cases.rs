//! What is compared with Docker: one case for each kind of option of a task definition.

use agent::host::{ContainerSpec, Device, IpcSharing, Mount, PidSharing, SandboxSpec, SwapSettings, Tmpfs};

/// Options of `docker run`, and the same as this runtime takes it.
pub struct Case {
    pub name: &'static str,
    pub options: &'static [&'static str],
    pub ours: fn(&mut ContainerSpec, &mut SandboxSpec),
}

pub const CASES: [Case; 21] = [
    Case {
        name: "defaults",
        options: &[],
        ours: |_, _| {},
    },
    Case {
        name: "user by name",
        options: &["--user", "web"],
        ours: |it, _| it.user = Some("web".to_owned()),
    },
    Case {
        name: "user by id, who has a name",
        options: &["--user", "33"],
        ours: |it, _| it.user = Some("33".to_owned()),
    },
    Case {
        name: "user and group by name",
        options: &["--user", "web:log"],
        ours: |it, _| it.user = Some("web:log".to_owned()),
    },
    Case {
        name: "ids that nobody has",
        options: &["--user", "1000:1001"],
        ours: |it, _| it.user = Some("1000:1001".to_owned()),
    },
    Case {
        name: "an id alone that nobody has",
        options: &["--user", "1000"],
        ours: |it, _| it.user = Some("1000".to_owned()),
    },
    Case {
        name: "root of another group",
        options: &["--user", "0:log"],
        ours: |it, _| it.user = Some("0:log".to_owned()),
    },
    Case {
        name: "read-only",
        options: &["--read-only"],
        ours: |it, _| it.readonly_root_filesystem = true,
    },
    Case {
        name: "privileged",
        options: &["--privileged"],
        ours: |it, _| it.privileged = true,
    },
    Case {
        name: "privileged and read-only, of a user",
        options: &["--privileged", "--read-only", "--user", "web"],
        ours: |it, _| {
            it.privileged = true;
            it.readonly_root_filesystem = true;
            it.user = Some("web".to_owned());
        },
    },
    Case {
        name: "capabilities added and dropped",
        options: &[
            "--cap-add",
            "NET_ADMIN",
            "--cap-add",
            "SYS_TIME",
            "--cap-drop",
            "MKNOD",
            "--cap-drop",
            "CHOWN",
        ],
        ours: |it, _| {
            it.capabilities_add = ["NET_ADMIN", "SYS_TIME"].map(str::to_owned).to_vec();
            it.capabilities_drop = ["MKNOD", "CHOWN"].map(str::to_owned).to_vec();
        },
    },
    Case {
        name: "all capabilities but one",
        options: &["--cap-add", "ALL", "--cap-drop", "SYS_ADMIN"],
        ours: |it, _| {
            it.capabilities_add.push("ALL".to_owned());
            it.capabilities_drop.push("SYS_ADMIN".to_owned());
        },
    },
    Case {
        name: "one capability, of a user",
        options: &[
            "--cap-drop",
            "ALL",
            "--cap-add",
            "NET_BIND_SERVICE",
            "--user",
            "web",
        ],
        ours: |it, _| {
            it.capabilities_drop.push("ALL".to_owned());
            it.capabilities_add.push("NET_BIND_SERVICE".to_owned());
            it.user = Some("web".to_owned());
        },
    },
    Case {
        name: "limits, parameters and restrictions",
        options: &[
            "--ulimit",
            "nofile=100:200",
            "--ulimit",
            "nproc=50:60",
            "--ulimit",
            "core=0:0",
            "--ulimit",
            "memlock=65536:65536",
            "--sysctl",
            "kernel.msgmax=4321",
            "--sysctl",
            "fs.mqueue.msg_max=20",
            "--security-opt",
            "no-new-privileges",
            "--security-opt",
            "seccomp=unconfined",
        ],
        ours: |it, _| {
            it.ulimits = [
                ("nofile", 100, 200),
                ("nproc", 50, 60),
                ("core", 0, 0),
                ("memlock", 65536, 65536),
            ]
            .map(|(name, soft, hard)| (name.to_owned(), soft, hard))
            .to_vec();
            it.sysctls = [("kernel.msgmax", "4321"), ("fs.mqueue.msg_max", "20")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
            it.security.no_new_privileges = true;
            it.security.seccomp_unconfined = true;
        },
    },
    Case {
        name: "file systems in memory",
        options: &[
            "--tmpfs",
            "/scratch:exec,size=1m",
            "--tmpfs",
            "/other",
            "--shm-size",
            "8m",
        ],
        ours: |it, _| {
            it.tmpfs = vec![
                Tmpfs {
                    target: "/scratch".into(),
                    options: vec!["exec".to_owned(), "size=1m".to_owned()],
                },
                Tmpfs {
                    target: "/other".into(),
                    options: Vec::new(),
                },
            ];
            it.shared_memory_bytes = Some(8 << 20);
        },
    },
    Case {
        name: "init, environment and place",
        options: &[
            "--init",
            "--env",
            "MINE=a b",
            "--env",
            "FROM_IMAGE=no",
            "--env",
            "HOME=/mnt",
            "--workdir",
            "/mnt/new",
        ],
        ours: |it, _| {
            it.init_process_enabled = true;
            it.environment = [("MINE", "a b"), ("FROM_IMAGE", "no"), ("HOME", "/mnt")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
            it.working_directory = Some("/mnt/new".to_owned());
        },
    },
    Case {
        name: "devices",
        options: &[
            "--device",
            "/dev/loop-control:/dev/mine:r",
            "--device",
            "/dev/fuse",
        ],
        ours: |it, _| {
            it.devices = vec![
                Device {
                    host_path: "/dev/loop-control".into(),
                    container_path: "/dev/mine".into(),
                    permissions: "r".to_owned(),
                },
                Device {
                    host_path: "/dev/fuse".into(),
                    container_path: "/dev/fuse".into(),
                    permissions: "rwm".to_owned(),
                },
            ];
        },
    },
    Case {
        name: "memory, swap and shares",
        options: &[
            "--memory",
            "64m",
            "--memory-reservation",
            "32m",
            "--memory-swap",
            "80m",
            "--memory-swappiness",
            "10",
            "--cpu-shares",
            "256",
        ],
        ours: |it, _| {
            it.memory_mib = Some(64);
            it.memory_reservation_mib = Some(32);
            it.swap = SwapSettings {
                max_swap_mib: Some(16),
                swappiness: Some(10),
            };
            it.cpu_shares = Some(256);
        },
    },
    Case {
        name: "a terminal",
        options: &["--tty"],
        ours: |it, _| {
            it.terminal.is_allocated = true;
        },
    },
    Case {
        name: "volumes of the host, its processes, no shared memory",
        options: &[
            "--volume",
            "/usr/share:/shared:ro",
            "--volume",
            "/var/tmp:/written-to",
            "--pid",
            "host",
            "--ipc",
            "none",
        ],
        ours: |it, sandbox| {
            it.mounts = [
                ("/usr/share", "/shared", true),
                ("/var/tmp", "/written-to", false),
            ]
            .map(|(source, target, read_only)| Mount {
                source: Some(source.into()),
                volume: target.trim_start_matches('/').to_owned(),
                target: target.into(),
                read_only,
            })
            .to_vec();
            sandbox.pid = PidSharing::Host;
            sandbox.ipc = IpcSharing::None;
        },
    },
    Case {
        name: "names",
        options: &[
            "--add-host",
            "here-too:10.1.2.3",
            "--dns",
            "10.9.8.7",
            "--dns",
            "10.9.8.6",
            "--dns-search",
            "example.org",
        ],
        ours: |it, _| {
            it.names.extra_hosts = vec![("here-too".to_owned(), "10.1.2.3".to_owned())];
            it.names.dns_servers = ["10.9.8.7", "10.9.8.6"].map(str::to_owned).to_vec();
            it.names.dns_search_domains = vec!["example.org".to_owned()];
        },
    },
];
