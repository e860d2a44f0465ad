//! A host of its own for each test: data directory, cgroups, networks, and an image made from busybox.

use std::fs;
use std::io::Cursor;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::host::{
    ContainerExit, ContainerSpec, Host, HostError, HostEvent, RecoveredSandbox, SandboxNetwork, SandboxSpec,
    StartedContainer,
};
use runtime::network::NetworkConfig;
use runtime::{LinuxHost, LinuxHostConfig};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use test_support::disk::Disk;
use test_support::leaks::{Held, Place};
use tokio::sync::mpsc;

/// Longest wait for anything in these tests.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// The only task of a test, unless it makes others.
pub const TASK: &str = "0123456789abcdef0123456789abcdef";

const APPLETS: [&str; 28] = [
    "cat", "chmod", "dd", "df", "echo", "env", "grep", "head", "hostname", "id", "ip", "kill", "ln", "ls",
    "mknod", "mount", "nc", "ping", "pwd", "readlink", "sh", "sleep", "stat", "stty", "touch", "true", "tty",
    "unshare",
];

pub struct World {
    /// On which the directory is, if it is small; goes before it.
    pub disk: Option<Disk>,
    pub directory: TempDir,
    pub host: Arc<LinuxHost>,
    pub image: String,
    config: LinuxHostConfig,
    events: mpsc::Receiver<HostEvent>,
    /// What is held of the machine, and was before the first task.
    place: Place,
    before: Held,
}

impl World {
    pub async fn new() -> Self {
        Self::on(TempDir::new().expect("a temporary directory"), None).await
    }

    /// Everything on a disk of so many MiB.
    pub async fn on_disk(mib: u32) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let disk = Disk::mount(directory.path(), mib).expect("a disk");
        Self::on(directory, Some(disk)).await
    }

    async fn on(directory: TempDir, disk: Option<Disk>) -> Self {
        let unique = rand::random::<u32>();
        let network = NetworkConfig {
            instance: format!("t{:06x}", unique & 0xff_ffff),
            bridge_cidr: (Ipv4Addr::new(10, 240, (unique >> 24) as u8, 0), 24),
            ..NetworkConfig::new(directory.path().join("network"))
        };
        let config = LinuxHostConfig {
            cgroup_parent: format!("gantry-test-{unique:08x}"),
            network: Some(network),
            ..LinuxHostConfig::default()
        };
        let host = LinuxHost::open(directory.path(), config.clone())
            .await
            .expect("the host opens");
        let archive = directory.path().join("busybox.tar");
        fs::write(&archive, image_archive()).expect("the archive is written");
        let loaded = host
            .images()
            .load_archive(&archive, None)
            .expect("the archive is loaded");
        let image = loaded.first().expect("an image").id.clone();
        let events = host.take_events();
        let place = Place {
            data_dir: directory.path().to_owned(),
            instance: config
                .network
                .as_ref()
                .map(|it| it.instance.clone())
                .unwrap_or_default(),
            cgroup_parent: config.cgroup_parent.clone(),
            agent: Some(std::process::id()),
        };
        let before = place.held().expect("the machine can be looked at");
        Self {
            disk,
            directory,
            host,
            image,
            config,
            events,
            place,
            before,
        }
    }

    pub async fn sandbox(&self, network: SandboxNetwork) {
        self.sandbox_with(SandboxSpec {
            network,
            ..SandboxSpec::default()
        })
        .await;
    }

    /// A sandbox of the test's task with other settings.
    pub async fn sandbox_with(&self, spec: SandboxSpec) {
        let spec = SandboxSpec {
            task_id: TASK.to_owned(),
            ..spec
        };
        self.host
            .create_sandbox(&spec)
            .await
            .expect("the sandbox is made");
    }

    /// A container that runs a shell script.
    pub fn script(&self, name: &str, script: &str) -> ContainerSpec {
        let words = ["sh", "-c", script].map(str::to_owned);
        ContainerSpec {
            task_id: TASK.to_owned(),
            name: name.to_owned(),
            image_id: self.image.clone(),
            command: Some(words.to_vec()),
            ..ContainerSpec::default()
        }
    }

    pub async fn start(&self, spec: &ContainerSpec) -> StartedContainer {
        self.host
            .start_container(spec)
            .await
            .expect("the container starts")
    }

    pub async fn refusal(&self, spec: &ContainerSpec) -> HostError {
        self.host
            .start_container(spec)
            .await
            .expect_err("the container is refused")
    }

    /// Runs a container to its end in the host's network; answers its output and its end.
    pub async fn run(&mut self, spec: &ContainerSpec) -> (Vec<String>, ContainerExit) {
        if self.host.read_log(TASK, "none", 0, 1).await.is_err() {
            self.sandbox(SandboxNetwork::Host).await;
        }
        self.start(spec).await;
        let exit = self.exit(&spec.name).await;
        (self.lines(&spec.name).await, exit)
    }

    /// The next container that ends, with its exit code.
    pub async fn any_exit(&mut self) -> (String, i32) {
        let event = tokio::time::timeout(DEADLINE, self.events.recv())
            .await
            .expect("an event in time");
        let Some(HostEvent::ContainerExited { container, exit, .. }) = event else {
            panic!("{event:?}")
        };
        (container, exit.exit_code)
    }

    /// Waits until nothing runs in a group.
    pub async fn await_empty(&self, group: &Path) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let mut processes = Vec::new();
            collect_processes(group, &mut processes);
            if processes.is_empty() {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{processes:?} run in {}",
                group.display()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until a process has ended, whether its parent has asked for its end or not.
    pub async fn await_end(&self, pid: i32) {
        let deadline = Instant::now() + DEADLINE;
        let state = || fs::read_to_string(format!("/proc/{pid}/stat"));
        while state().is_ok_and(|it| !it.contains(") Z ") && !it.contains(") X ")) {
            assert!(Instant::now() < deadline, "process {pid} goes on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until a file is no more.
    pub async fn await_gone(&self, path: &Path) {
        let deadline = Instant::now() + DEADLINE;
        while path.exists() {
            assert!(Instant::now() < deadline, "{} stays", path.display());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn exit(&mut self, name: &str) -> ContainerExit {
        let event = tokio::time::timeout(DEADLINE, self.events.recv())
            .await
            .expect("an event in time");
        let Some(HostEvent::ContainerExited { container, exit, .. }) = event else {
            panic!("{event:?}")
        };
        assert_eq!(container, name);
        exit
    }

    /// Kills a container that runs, and waits for its end.
    pub async fn kill(&mut self, name: &str) -> ContainerExit {
        let killed = self.host.signal_container(TASK, name, libc::SIGKILL).await;
        killed.expect("SIGKILL is sent");
        self.exit(name).await
    }

    pub fn has_event(&mut self) -> bool {
        self.events.try_recv().is_ok()
    }

    pub async fn lines(&self, name: &str) -> Vec<String> {
        let chunk = self
            .host
            .read_log(TASK, name, 0, 1 << 20)
            .await
            .expect("the log is read");
        chunk.lines.into_iter().map(|line| line.message).collect()
    }

    /// Waits until a container has written a line.
    pub async fn await_line(&self, name: &str, line: &str) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let lines = self.lines(name).await;
            if lines.iter().any(|it| it == line) {
                return;
            }
            let last = lines.len().saturating_sub(5);
            assert!(
                Instant::now() < deadline,
                "{name} never said {line}: {:?}",
                &lines[last..]
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The agent ends without a word and starts again.
    pub async fn restart(&mut self) -> Vec<RecoveredSandbox> {
        self.host = LinuxHost::open(self.directory.path(), self.config.clone())
            .await
            .expect("it reopens");
        self.events = self.host.take_events();
        // The shims of an agent that has ended are children of another process, and its connections are closed.
        self.place.agent = None;
        self.before.connections = 0;
        self.host.recover().await.expect("it recovers")
    }

    pub fn task_directory(&self) -> PathBuf {
        self.directory.path().join("tasks").join(TASK)
    }

    /// Process id of the task's shim.
    pub fn shim_pid(&self) -> i32 {
        let lock = fs::read_to_string(self.task_directory().join("lock")).expect("the lock file");
        lock.trim().parse().expect("a process id")
    }

    /// Every directory of this test's groups.
    pub fn groups(&self) -> Vec<PathBuf> {
        let roots = fs::read_dir("/sys/fs/cgroup")
            .expect("the cgroup tree")
            .filter_map(Result::ok);
        roots
            .map(|it| it.path().join(&self.config.cgroup_parent))
            .filter(|it| it.is_dir())
            .collect()
    }

    /// Removes the sandbox, and checks that nothing is left of it.
    pub async fn close(self) {
        self.host
            .remove_sandbox(TASK)
            .await
            .expect("the sandbox is removed");
        self.settle().await;
    }

    /// What is held of the machine now.
    pub fn held(&self) -> Held {
        self.place.held().expect("the machine can be looked at")
    }

    /// Waits until no more is held of the machine than before the first task.
    pub async fn settle(&self) {
        let (place, before) = (self.place.clone(), self.before.clone());
        let settled = tokio::task::spawn_blocking(move || place.settle(&before)).await;
        settled.expect("it is looked at").expect("nothing is left");
    }
}

impl Drop for World {
    /// Also after a failure, nothing may go on running.
    fn drop(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        while !self.groups().is_empty() && Instant::now() < deadline {
            for group in self.groups() {
                let mut processes = Vec::new();
                collect_processes(&group, &mut processes);
                for process in processes {
                    drop(std::process::Command::new("kill").args(["-9", &process]).output());
                }
                remove_group(&group);
            }
        }
        let namespaces = self.directory.path().join("network");
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        for mount in mounts.lines().filter_map(|line| line.split(' ').nth(4)) {
            if Path::new(mount).starts_with(&namespaces) {
                drop(std::process::Command::new("umount").args(["-l", mount]).output());
            }
        }
        // A bridge that stays would take its range from a later test.
        if let Some(NetworkConfig { instance, .. }) = &self.config.network {
            let bridge = format!("{instance}0");
            for command in [
                ["ip", "link", "delete", "dev", &bridge],
                ["nft", "delete", "table", "ip", instance],
            ] {
                drop(
                    std::process::Command::new(command[0])
                        .args(&command[1..])
                        .output(),
                );
            }
        }
    }
}

fn collect_processes(group: &Path, into: &mut Vec<String>) {
    let listed = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    into.extend(listed.lines().map(str::to_owned));
    children(group)
        .iter()
        .for_each(|child| collect_processes(child, into));
}

fn remove_group(group: &Path) {
    children(group).iter().for_each(|child| remove_group(child));
    drop(fs::remove_dir(group));
}

fn children(group: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(group) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .map(|it| it.path())
        .filter(|it| it.is_dir())
        .collect()
}

/// The only layer of the image.
pub fn image_layer() -> Vec<u8> {
    let busybox = fs::read("/bin/busybox").expect("a static busybox (Debian: busybox-static)");
    let mut layer = tar::Builder::new(Vec::new());
    append(&mut layer, "bin/busybox", 0o755, &busybox);
    append(&mut layer, "mnt/below/file", 0o644, b"text");
    append(&mut layer, "declared/of-image", 0o640, b"text");
    append(&mut layer, "bin/not-executable", 0o644, b"text");
    append(&mut layer, "bin/not-a-program", 0o755, b"text");
    append(
        &mut layer,
        "etc/passwd",
        0o644,
        b"root:x:0:0::/root:/bin/sh\nweb:x:33:44::/var/www:/bin/sh\n",
    );
    append(
        &mut layer,
        "etc/group",
        0o644,
        b"root:x:0:\nwww:x:44:\nlog:x:7:web\n",
    );
    for applet in APPLETS {
        let mut header = header(0, 0o777);
        header.set_entry_type(tar::EntryType::Symlink);
        layer
            .append_link(&mut header, format!("bin/{applet}"), "busybox")
            .expect("a link in the layer");
    }
    layer.into_inner().expect("the layer")
}

/// An archive as `docker save` writes it, with one layer.
fn image_archive() -> Vec<u8> {
    let layer = image_layer();
    let config = serde_json::json!({
        "architecture": "amd64",
        "os": "linux",
        "config": { "Env": ["PATH=/bin", "FROM_IMAGE=yes"], "Cmd": ["sh"], "StopSignal": "SIGQUIT",
            "Volumes": { "/declared": {} } },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", hex::encode(Sha256::digest(&layer)))] },
        "history": [],
    });
    let config = serde_json::to_vec(&config).expect("the configuration");
    let manifest = serde_json::json!([
        { "Config": "config.json", "RepoTags": ["busybox:test"], "Layers": ["layer.tar"] },
    ]);
    let mut archive = tar::Builder::new(Vec::new());
    append(&mut archive, "config.json", 0o644, &config);
    append(&mut archive, "layer.tar", 0o644, &layer);
    append(
        &mut archive,
        "manifest.json",
        0o644,
        manifest.to_string().as_bytes(),
    );
    archive.into_inner().expect("the archive")
}

fn append(archive: &mut tar::Builder<Vec<u8>>, path: &str, mode: u32, content: &[u8]) {
    let mut header = header(content.len(), mode);
    archive
        .append_data(&mut header, path, Cursor::new(content))
        .expect("a file in the archive");
}

fn header(size: usize, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size as u64);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}
