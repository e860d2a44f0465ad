//! cgroups of tasks and containers, on version 1, version 2 or a mixture, decided for each controller.
//!
//! ```text
//!  <controller>/<parent>/shims                     all shims
//!  <controller>/<parent>/<task id>                 limits of the task
//!  <controller>/<parent>/<task id>/<runtime id>    limits of a container
//! ```

mod devices;
mod hierarchies;
mod limits;
#[cfg(test)]
mod tests;
mod usage;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use devices::{Access, AllowedDevice, DeviceKind};
use hierarchies::{Hierarchy, Version};
pub use limits::{ContainerLimits, Devices, TaskLimits};
pub use usage::TICK;

/// How long killing the processes of a group, or removing it, may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// Pause between two looks at a group that is not empty yet.
const PAUSE: Duration = Duration::from_millis(2);
/// Controllers that a version 2 tree is asked to offer to tasks.
const WANTED: [&str; 5] = ["cpu", "cpuset", "io", "memory", "pids"];

/// The files of limits that tasks and containers are given, of both versions.
const LIMIT_FILES: [&str; 14] = [
    "cpu.cfs_period_us",
    "cpu.cfs_quota_us",
    "cpu.max",
    "cpu.shares",
    "cpu.weight",
    "memory.limit_in_bytes",
    "memory.low",
    "memory.max",
    "memory.memsw.limit_in_bytes",
    "memory.soft_limit_in_bytes",
    "memory.swap.max",
    "memory.swappiness",
    "memory.high",
    "pids.max",
];

/// Why a group could not be made or removed.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// A file of the kernel refused.
    #[error("cgroup {path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing limits memory here, so limits would be promises only.
    #[error("the {0} controller is not available")]
    Unavailable(&'static str),
    /// Processes survived, or a group was still in use.
    #[error("cgroup {0} is still in use")]
    Busy(PathBuf),
}

/// All groups below one parent.
#[derive(Debug)]
pub struct Cgroups {
    parent: String,
    hierarchies: Vec<Hierarchy>,
}

impl Cgroups {
    /// Finds the mounted hierarchies and makes the parent group and the one of the shims.
    ///
    /// # Errors
    /// [`CgroupError`] if a needed controller is missing or the groups cannot be made.
    pub fn open(parent: &str) -> Result<Self, CgroupError> {
        let cgroups = Self {
            parent: parent.to_owned(),
            hierarchies: hierarchies::mounted()?,
        };
        for controller in ["cpu", "memory", "pids"] {
            cgroups.hierarchy(controller)?;
        }
        for hierarchy in &cgroups.hierarchies {
            hierarchy.offer(&hierarchy.mount)?;
            let parent = hierarchy.mount.join(&cgroups.parent);
            hierarchy.make(&parent)?;
            hierarchy.offer(&parent)?;
            hierarchy.make(&parent.join("shims"))?;
        }
        Ok(cgroups)
    }

    /// The files to which a shim writes in order to leave the agent's groups.
    pub fn shim_groups(&self) -> Vec<PathBuf> {
        self.paths("shims")
            .into_iter()
            .map(|it| it.join("cgroup.procs"))
            .collect()
    }

    /// Path of a container's group as `config.json` names it.
    pub fn spec_path(&self, task_id: &str, runtime_id: &str) -> PathBuf {
        Path::new("/").join(&self.parent).join(task_id).join(runtime_id)
    }

    /// Makes the group of a task.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn create_task(&self, task_id: &str, limits: TaskLimits) -> Result<(), CgroupError> {
        for hierarchy in &self.hierarchies {
            let group = self.path(hierarchy, task_id);
            hierarchy.make(&group)?;
            limits.write(hierarchy, &group)?;
            hierarchy.offer(&group)?;
        }
        Ok(())
    }

    /// Makes the group of a container, below its task's.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn create_container(
        &self,
        task_id: &str,
        runtime_id: &str,
        limits: &ContainerLimits,
    ) -> Result<(), CgroupError> {
        for hierarchy in &self.hierarchies {
            let group = self.path(hierarchy, task_id).join(runtime_id);
            hierarchy.make(&group)?;
            limits.write(hierarchy, &group)?;
        }
        Ok(())
    }

    /// The files to which a process writes in order to join the groups in which a container's first process is.
    /// Where there are both versions, the library that starts containers joins groups of version 1 only.
    pub fn process_lists(&self, task_id: &str, runtime_id: &str) -> Vec<PathBuf> {
        let group = format!("{task_id}/{runtime_id}");
        let rules = |it: &&Hierarchy| it.controllers.iter().any(|name| !name.starts_with("name="));
        let ruling: Vec<_> = self.hierarchies.iter().filter(rules).collect();
        let first = ruling.iter().map(|it| it.version).find(|it| *it == Version::V1);
        let joined = ruling
            .iter()
            .filter(|it| it.version == first.unwrap_or(Version::V2));
        joined
            .map(|it| self.path(it, &group).join("cgroup.procs"))
            .collect()
    }

    /// The file in which the kernel counts the processes that it killed for want of memory.
    pub fn oom_counter(&self, task_id: &str, runtime_id: &str) -> Option<PathBuf> {
        let hierarchy = self.hierarchy("memory").ok()?;
        let name = match hierarchy.version {
            Version::V1 => "memory.oom_control",
            Version::V2 => "memory.events",
        };
        Some(self.path(hierarchy, task_id).join(runtime_id).join(name))
    }

    /// A container's own groups with their places below `/sys/fs/cgroup`: the one tree of version 2, or those of
    /// version 1 only, as every runtime shows a mixture.
    pub fn places(&self, task_id: &str, runtime_id: &str) -> Vec<(PathBuf, PathBuf)> {
        let group = Path::new(task_id).join(runtime_id);
        let is_mixed = self.hierarchies.iter().any(|it| it.version == Version::V1);
        let shown = self
            .hierarchies
            .iter()
            .filter(|it| !is_mixed || it.version == Version::V1);
        let all = shown.filter_map(|it| {
            let place = it.mount.strip_prefix("/sys/fs/cgroup").ok()?;
            Some((self.path(it, "").join(&group), place.to_owned()))
        });
        all.collect()
    }

    /// The file in which the kernel lists the processes of a container.
    pub fn processes_file(&self, task_id: &str, runtime_id: &str) -> Option<PathBuf> {
        let hierarchy = self.hierarchy("memory").ok()?;
        Some(
            self.path(hierarchy, task_id)
                .join(runtime_id)
                .join("cgroup.procs"),
        )
    }

    /// Limits of a task's group, or of a container's below it: files that are there, with what they hold.
    pub fn limits(&self, task_id: &str, runtime_id: &str) -> BTreeMap<String, String> {
        let group = Path::new(task_id).join(runtime_id);
        let mut found = BTreeMap::new();
        for hierarchy in &self.hierarchies {
            let folder = hierarchy.mount.join(&self.parent).join(&group);
            for name in LIMIT_FILES {
                if let Ok(text) = fs::read_to_string(folder.join(name)) {
                    found.insert(name.to_owned(), text.trim().to_owned());
                }
            }
        }
        found
    }

    /// Kills whatever runs in a task's containers. Blocks until it is gone.
    ///
    /// # Errors
    /// [`CgroupError::Busy`] if something survives.
    pub fn kill_task(&self, task_id: &str) -> Result<(), CgroupError> {
        self.kill(task_id)
    }

    /// Kills whatever runs in a container and removes its group. Blocks.
    ///
    /// # Errors
    /// [`CgroupError::Busy`] if something survives.
    pub fn remove_container(&self, task_id: &str, runtime_id: &str) -> Result<(), CgroupError> {
        let group = format!("{task_id}/{runtime_id}");
        self.kill(&group)?;
        self.remove(&group)
    }

    /// Kills whatever runs in a task's containers and removes their groups and the task's. Blocks.
    ///
    /// # Errors
    /// [`CgroupError::Busy`] if something survives.
    pub fn remove_task(&self, task_id: &str) -> Result<(), CgroupError> {
        self.kill(task_id)?;
        self.remove(task_id)
    }

    /// Removes the parent group with all that is below it. Blocks.
    ///
    /// # Errors
    /// [`CgroupError::Busy`] if something still runs there.
    pub fn remove_all(&self) -> Result<(), CgroupError> {
        self.remove("")
    }

    /// The tasks that have a group, of this agent run or an earlier one.
    pub fn tasks(&self) -> Vec<String> {
        let mut tasks = Vec::new();
        for parent in self.paths("") {
            for group in child_groups(&parent) {
                let name = group.file_name().map(|it| it.to_string_lossy().into_owned());
                tasks.extend(name.filter(|it| it != "shims"));
            }
        }
        tasks.sort();
        tasks.dedup();
        tasks
    }

    fn kill(&self, group: &str) -> Result<(), CgroupError> {
        let deadline = Instant::now() + DEADLINE;
        let paths = self.paths(group);
        loop {
            let mut is_empty = true;
            for path in &paths {
                // Version 2 kills a whole tree at once; elsewhere there is no such file.
                drop(hierarchies::write(&path.join("cgroup.kill"), "1"));
                for process in processes(path) {
                    is_empty = false;
                    // A failure means that it has just ended.
                    let _ended = rustix::process::kill_process(process, rustix::process::Signal::KILL);
                }
            }
            if is_empty {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(CgroupError::Busy(PathBuf::from(group)));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn remove(&self, group: &str) -> Result<(), CgroupError> {
        let deadline = Instant::now() + DEADLINE;
        for path in self.paths(group) {
            while let Err(source) = remove_tree(&path) {
                if source.raw_os_error() != Some(libc::EBUSY) {
                    return Err(CgroupError::Io { path, source });
                }
                if Instant::now() > deadline {
                    return Err(CgroupError::Busy(path));
                }
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }

    fn hierarchy(&self, controller: &'static str) -> Result<&Hierarchy, CgroupError> {
        let found = self.hierarchies.iter().find(|it| it.has(controller));
        found.ok_or(CgroupError::Unavailable(controller))
    }

    fn path(&self, hierarchy: &Hierarchy, group: &str) -> PathBuf {
        hierarchy.mount.join(&self.parent).join(group)
    }

    fn paths(&self, group: &str) -> Vec<PathBuf> {
        self.hierarchies.iter().map(|it| self.path(it, group)).collect()
    }
}

fn child_groups(group: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(group) else {
        return Vec::new();
    };
    let entries = entries.filter_map(Result::ok);
    entries
        .filter(|it| it.file_type().is_ok_and(|it| it.is_dir()))
        .map(|it| it.path())
        .collect()
}

/// Processes of a group and of those below it.
fn processes(group: &Path) -> Vec<rustix::process::Pid> {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    let mut all: Vec<_> = text
        .lines()
        .filter_map(|it| rustix::process::Pid::from_raw(it.parse().ok()?))
        .collect();
    for child in child_groups(group) {
        all.extend(processes(&child));
    }
    all
}

fn remove_tree(group: &Path) -> io::Result<()> {
    for child in child_groups(group) {
        remove_tree(&child)?;
    }
    match fs::remove_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
