//! The mounted cgroup hierarchies: which controllers each has, and making groups in them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{CgroupError, WANTED};

/// Which interface a hierarchy has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// One tree for each controller.
    V1,
    /// One tree for all.
    V2,
}

/// A mounted tree of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// Where.
    pub mount: PathBuf,
    /// Its interface.
    pub version: Version,
    /// Controllers bound to it; `name=…` for a version 1 tree without any. `devices` is always one of some tree.
    pub controllers: BTreeSet<String>,
}

/// All mounted hierarchies, each controller in one of them only.
pub fn mounted() -> Result<Vec<Hierarchy>, CgroupError> {
    let table = PathBuf::from("/proc/self/mountinfo");
    let text = match fs::read_to_string(&table) {
        Ok(text) => text,
        Err(source) => return Err(CgroupError::Io { path: table, source }),
    };
    Ok(parse(&text, |mount| {
        fs::read_to_string(mount.join("cgroup.controllers")).unwrap_or_default()
    }))
}

/// `controllers` reads what a version 2 tree offers.
pub fn parse(table: &str, controllers: impl Fn(&Path) -> String) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    let mut seen = BTreeSet::new();
    for line in table.lines() {
        let Some((left, right)) = line.split_once(" - ") else {
            continue;
        };
        let (Some(mount), mut right) = (left.split(' ').nth(4), right.split(' ')) else {
            continue;
        };
        let (Some(kind), Some(_), Some(options)) = (right.next(), right.next(), right.next()) else {
            continue;
        };
        let mount = PathBuf::from(mount);
        let (version, names): (_, BTreeSet<String>) = match kind {
            "cgroup" => (Version::V1, options.split(',').map(str::to_owned).collect()),
            "cgroup2" => (
                Version::V2,
                controllers(&mount)
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect(),
            ),
            _ => continue,
        };
        // Options that are no controllers.
        let not_controllers = [
            "rw",
            "ro",
            "xattr",
            "noprefix",
            "clone_children",
            "cpuset_v2_mode",
            "favordynmods",
        ];
        let names: BTreeSet<String> = names
            .into_iter()
            .filter(|it| !not_controllers.contains(&it.as_str()) && !it.starts_with("release_agent="))
            .filter(|it| seen.insert(it.clone()))
            .collect();
        let is_new_tree = version == Version::V2 && !found.iter().any(|it| it.version == Version::V2);
        if !names.is_empty() || is_new_tree {
            found.push(Hierarchy {
                mount,
                version,
                controllers: names,
            });
        }
    }
    // Version 2 has programs in place of this controller.
    let is_unruled = !found.iter().any(|it| it.has("devices"));
    if let Some(tree) = found
        .iter_mut()
        .find(|it| it.version == Version::V2 && is_unruled)
    {
        tree.controllers.insert("devices".to_owned());
    }
    found
}

impl Hierarchy {
    /// Whether a controller is bound to it.
    pub fn has(&self, controller: &str) -> bool {
        self.controllers.contains(controller)
    }

    /// Makes a group. A version 1 `cpuset` group takes no process before it has processors and memory nodes.
    pub fn make(&self, group: &Path) -> Result<(), CgroupError> {
        match fs::create_dir(group) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                return Err(CgroupError::Io {
                    path: group.to_owned(),
                    source,
                });
            }
            _ => {}
        }
        if self.version == Version::V1 && self.has("cpuset") {
            for name in ["cpuset.cpus", "cpuset.mems"] {
                self.inherit(group, name)?;
            }
        }
        Ok(())
    }

    fn inherit(&self, group: &Path, name: &str) -> Result<(), CgroupError> {
        let Some(parent) = group.parent() else {
            return Ok(());
        };
        let (from, to) = (parent.join(name), group.join(name));
        let has_own = fs::read_to_string(&to).is_ok_and(|it| !it.trim().is_empty());
        if has_own {
            return Ok(());
        }
        let value = fs::read_to_string(&from).map_err(|source| CgroupError::Io { path: from, source })?;
        write(&to, value.trim())
    }

    /// Offers the wanted controllers to the groups below one. Version 1 has no such step.
    pub fn offer(&self, group: &Path) -> Result<(), CgroupError> {
        if self.version == Version::V1 {
            return Ok(());
        }
        let control = group.join("cgroup.subtree_control");
        let offered = fs::read_to_string(&control).unwrap_or_default();
        for controller in WANTED {
            if self.has(controller) && !offered.split_whitespace().any(|it| it == controller) {
                write(&control, &format!("+{controller}"))?;
            }
        }
        Ok(())
    }
}

/// Writes a value to a file of the kernel.
pub fn write(path: &Path, value: &str) -> Result<(), CgroupError> {
    let opened = fs::OpenOptions::new().write(true).open(path);
    let written = opened.and_then(|mut file| io::Write::write_all(&mut file, value.as_bytes()));
    written.map_err(|source| CgroupError::Io {
        path: path.to_owned(),
        source,
    })
}

/// Like [`write`], for a file that not every kernel has.
pub fn write_if_present(path: &Path, value: &str) -> Result<(), CgroupError> {
    match write(path, value) {
        Err(CgroupError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
