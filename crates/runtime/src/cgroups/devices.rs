//! Keeps containers from devices that are not theirs: rules in version 1, a small program in version 2.

mod program;

use std::path::Path;

use super::CgroupError;
use super::hierarchies::{Hierarchy, Version, write};

/// A character device that every container may use; without a minor number, all of its major.
#[derive(Clone, Copy)]
struct Allowed {
    major: u32,
    minor: Option<u32>,
}

const fn device(major: u32, minor: u32) -> Allowed {
    Allowed {
        major,
        minor: Some(minor),
    }
}

/// null, zero, full, random, urandom, tty, console, ptmx, and the terminals of its own. Nodes of others may be
/// made, but not opened.
const ALLOWED: [Allowed; 9] = [
    device(1, 3),
    device(1, 5),
    device(1, 7),
    device(1, 8),
    device(1, 9),
    device(5, 0),
    device(5, 1),
    device(5, 2),
    Allowed {
        major: 136,
        minor: None,
    },
];

/// Leaves a group the harmless devices only.
pub fn restrict(hierarchy: &Hierarchy, group: &Path) -> Result<(), CgroupError> {
    if !hierarchy.has("devices") {
        return Ok(());
    }
    match hierarchy.version {
        Version::V1 => write_rules(group),
        Version::V2 => {
            program::attach(group, &program::compose(&ALLOWED)).map_err(|source| CgroupError::Io {
                path: group.to_owned(),
                source,
            })
        }
    }
}

fn write_rules(group: &Path) -> Result<(), CgroupError> {
    write(&group.join("devices.deny"), "a")?;
    let allow = group.join("devices.allow");
    write(&allow, "c *:* m")?;
    write(&allow, "b *:* m")?;
    ALLOWED.iter().try_for_each(|it| {
        let minor = it.minor.map_or_else(|| "*".to_owned(), |it| it.to_string());
        write(&allow, &format!("c {}:{minor} rwm", it.major))
    })
}

#[cfg(test)]
mod tests {
    use super::super::hierarchies::mounted;
    use super::*;
    use std::process::Command;

    /// On a machine with version 1 for devices the program works just as well, only nobody needs it.
    #[test]
    fn the_program_lets_harmless_devices_through_only() -> Result<(), Box<dyn std::error::Error>> {
        let Some(tree) = mounted()?.into_iter().find(|it| it.version == Version::V2) else {
            return Ok(());
        };
        let group = tree
            .mount
            .join(format!("gantry-devices-{:08x}", rand::random::<u32>()));
        tree.make(&group)?;
        let tried = program::attach(&group, &program::compose(&ALLOWED)).and_then(|()| {
            let script = "echo 0 > \"$0/cgroup.procs\"; head -c 1 /dev/zero > /dev/null && echo zero; \
                          true < /dev/kmsg && echo kmsg; mknod \"$1\" b 7 99 && echo made; true < \"$1\" && echo opened";
            let folder = tempfile::tempdir()?;
            Command::new("sh").args(["-c", script]).arg(&group).arg(folder.path().join("node")).output()
        });
        super::super::remove_tree(&group)?;
        assert_eq!(String::from_utf8_lossy(&tried?.stdout), "zero\nmade\n");
        Ok(())
    }
}
