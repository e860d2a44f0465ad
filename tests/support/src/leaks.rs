//! What the tasks of one data directory hold of the machine: counted before and after, it must be the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::gantry::Gantry;
use crate::wait;

/// How long what a task held may take to be free once the task is gone.
const DEADLINE: Duration = Duration::from_secs(30);

/// Whose things are counted; those of other Gantries on the machine are not.
#[derive(Clone, Debug)]
pub struct Place {
    /// The data directory.
    pub data_dir: PathBuf,
    /// Begins the names of its cgroups, links and bridge.
    pub instance: String,
    /// Parent group of its tasks.
    pub cgroup_parent: String,
    /// The process of the agent, if its ended children count: it must wait for those that it started.
    pub agent: Option<u32>,
}

/// What is held. What is there for as long as a host has ever had a task (bridge, VPC) does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Mount points below the data directory; a network namespace is one.
    pub mounts: BTreeSet<String>,
    /// Groups below the parent.
    pub groups: BTreeSet<PathBuf>,
    /// Links of containers, on the bridge and in the VPCs.
    pub links: BTreeSet<String>,
    /// Records of addresses and ports that are taken.
    pub leases: BTreeSet<String>,
    /// Directories of tasks and load balancers, with the sockets of their shims and balancers.
    pub directories: BTreeSet<String>,
    /// Processes in the groups, shims, and children of the agent that nobody has waited for.
    pub processes: BTreeSet<String>,
    /// Connections of the agent to its shims.
    pub connections: usize,
}

impl Held {
    /// Whether nothing is held that was not held before. What has become free since then, such as a child that nobody had
    /// waited for yet, is no leak.
    fn is_within(&self, before: &Self) -> bool {
        let Self {
            mounts,
            groups,
            links,
            leases,
            directories,
            processes,
            connections,
        } = self;
        mounts.is_subset(&before.mounts)
            && groups.is_subset(&before.groups)
            && links.is_subset(&before.links)
            && leases.is_subset(&before.leases)
            && directories.is_subset(&before.directories)
            && processes.is_subset(&before.processes)
            && *connections <= before.connections
    }
}

impl Place {
    /// That of a Gantry that runs.
    ///
    /// # Errors
    /// It has no data directory.
    pub fn of(gantry: &Gantry) -> Result<Self> {
        let data_dir = gantry.data_dir().canonicalize()?;
        // As the program names it, in every version.
        let bytes = data_dir.as_os_str().as_encoded_bytes().iter();
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let instance = format!("g{:07x}", hash & 0x0fff_ffff);
        Ok(Self {
            data_dir,
            cgroup_parent: instance.clone(),
            instance,
            agent: None,
        })
    }

    /// What is held now.
    ///
    /// # Errors
    /// The machine cannot be looked at.
    pub fn held(&self) -> Result<Held> {
        let network = self.data_dir.join("network");
        let groups = self.groups();
        Ok(Held {
            mounts: self.mounts()?,
            links: self.links(&network),
            leases: names(&network.join("attachments")),
            directories: names(&self.data_dir.join("tasks"))
                .into_iter()
                .chain(names(&self.data_dir.join("balancers")))
                .collect(),
            processes: self.processes(&groups),
            connections: self.agent.map_or(0, connections),
            groups,
        })
    }

    /// Waits until no more is held than before.
    ///
    /// # Errors
    /// Something more is held; it is named.
    pub fn settle(&self, before: &Held) -> Result<()> {
        let mut last = Held::default();
        let settled = wait::until("all that tasks held is free", DEADLINE, || {
            last = self.held()?;
            Ok(last.is_within(before).then_some(()))
        });
        settled.with_context(|| format!("before: {before:#?}\nafter: {last:#?}"))
    }

    fn mounts(&self) -> Result<BTreeSet<String>> {
        let table = fs::read_to_string("/proc/self/mountinfo")?;
        let points = table.lines().filter_map(|line| line.split(' ').nth(4));
        let ours = points.filter(|it| Path::new(it).starts_with(&self.data_dir) && !is_of_vpc(it));
        Ok(ours.map(str::to_owned).collect())
    }

    fn groups(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let hierarchies = names(Path::new("/sys/fs/cgroup"));
        for hierarchy in hierarchies.iter().map(String::as_str).chain([""]) {
            let parent = Path::new("/sys/fs/cgroup")
                .join(hierarchy)
                .join(&self.cgroup_parent);
            let mut open = vec![parent];
            while let Some(group) = open.pop() {
                let entries = fs::read_dir(&group).into_iter().flatten().flatten();
                let below = entries.filter(|it| it.file_type().is_ok_and(|it| it.is_dir()));
                for child in below.map(|it| it.path()) {
                    // That of all shims is there from the beginning or from the first task on.
                    if !child.ends_with("shims") {
                        found.insert(child.clone());
                    }
                    open.push(child);
                }
            }
        }
        found
    }

    fn links(&self, network: &Path) -> BTreeSet<String> {
        let bridge = format!("{}0", self.instance);
        let mut links = listed(&mut Command::new("ip"), &["master", &bridge]);
        let namespaces = names(&network.join("netns"));
        for vpc in namespaces.iter().filter(|it| is_of_vpc(it)) {
            let file = network.join("netns").join(vpc);
            let mut inside = Command::new("nsenter");
            inside.arg(format!("--net={}", file.display())).arg("ip");
            let found = listed(&mut inside, &[]).into_iter();
            let of_tasks = found.filter(|it| *it != "lo" && !it.starts_with("host0"));
            links.extend(of_tasks.map(|it| format!("{vpc}/{it}")));
        }
        links
    }

    /// What the VPCs have: links, addresses, routes, and words of their rules, elements of sets among them. Once a host has
    /// had a task of each kind, it is the same whatever has come and gone.
    ///
    /// # Errors
    /// The machine cannot be looked at.
    pub fn networks(&self) -> Result<Vec<String>> {
        let folder = self.data_dir.join("network/netns");
        let mut found = Vec::new();
        for vpc in names(&folder).iter().filter(|it| is_of_vpc(it)) {
            for what in [
                &["ip", "-o", "link"][..],
                &["ip", "-4", "-o", "address"],
                &["ip", "-4", "route", "show", "table", "all"],
                &["nft", "list", "ruleset"],
            ] {
                let output = Command::new("nsenter")
                    .arg(format!("--net={}", folder.join(vpc).display()))
                    .args(what)
                    .output()?;
                anyhow::ensure!(output.status.success(), "{what:?}: {}", output.status);
                let text = String::from_utf8(output.stdout)?;
                // Elements of sets come in any order.
                let words = text.split([',', '\n']).map(str::trim);
                found.extend(words.map(|word| format!("{vpc} {}: {word}", what.join(" "))));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Waits until the VPCs have what they had before.
    ///
    /// # Errors
    /// They have something more, or less; it is named.
    pub fn settle_networks(&self, before: &[String]) -> Result<()> {
        let mut last = Vec::new();
        let settled = wait::until("networks are as before", DEADLINE, || {
            last = self.networks()?;
            Ok((last == before).then_some(()))
        });
        settled.with_context(|| {
            let more: Vec<_> = last.iter().filter(|it| !before.contains(it)).collect();
            let less: Vec<_> = before.iter().filter(|it| !last.contains(it)).collect();
            format!("more: {more:#?}\nless: {less:#?}")
        })
    }

    fn processes(&self, groups: &BTreeSet<PathBuf>) -> BTreeSet<String> {
        let tasks = self.data_dir.join("tasks");
        let mut found: BTreeSet<String> = groups
            .iter()
            .filter_map(|it| fs::read_to_string(it.join("cgroup.procs")).ok())
            .flat_map(|it| it.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        for id in names(Path::new("/proc"))
            .iter()
            .filter(|it| it.parse::<u32>().is_ok())
        {
            let process = Path::new("/proc").join(id);
            let is_shim = fs::read_link(process.join("cwd")).is_ok_and(|it| it.starts_with(&tasks));
            if is_shim || self.agent.is_some_and(|agent| is_dead_child(&process, agent)) {
                found.insert(id.clone());
            }
        }
        found
    }
}

/// A namespace that all tasks of a VPC share.
fn is_of_vpc(namespace: &str) -> bool {
    let name = namespace.rsplit('/').next().unwrap_or(namespace);
    name.starts_with("vpc.")
}

/// Links that `ip` lists: none if there is nothing that they could be of.
fn listed(ip: &mut Command, which: &[&str]) -> BTreeSet<String> {
    let output = ip.args(["-o", "link", "show"]).args(which).output();
    let text = output.map(|it| String::from_utf8_lossy(&it.stdout).into_owned());
    let text = text.unwrap_or_default();
    let found = text.lines().filter_map(|line| line.split(": ").nth(1));
    found.map(str::to_owned).collect()
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|it| it.file_name().to_string_lossy().into_owned())
        .collect()
}

fn is_dead_child(process: &Path, parent: u32) -> bool {
    let text = fs::read_to_string(process.join("stat")).unwrap_or_default();
    // The name, in brackets, may hold anything.
    let Some((_, rest)) = text.rsplit_once(") ") else {
        return false;
    };
    let mut words = rest.split(' ');
    words.next() == Some("Z") && words.next() == Some(&parent.to_string())
}

/// Unix sockets that a process has open and that are connected.
fn connections(process: u32) -> usize {
    let table = fs::read_to_string(format!("/proc/{process}/net/unix")).unwrap_or_default();
    let connected = table.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        // State 3: connected.
        (words.get(5) == Some(&"03")).then(|| words.get(6).map(|it| format!("socket:[{it}]")))?
    });
    let connected: BTreeSet<String> = connected.collect();
    let descriptors = fs::read_dir(format!("/proc/{process}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    let targets = descriptors.filter_map(|it| fs::read_link(it.path()).ok());
    targets
        .filter(|it| connected.contains(&*it.to_string_lossy()))
        .count()
}
