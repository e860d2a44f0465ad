//! Keeps containers from devices that are not theirs: rules in version 1, a small program in version 2.

mod program;

use std::path::Path;

use super::CgroupError;
use super::hierarchies::{Hierarchy, Version, write};

/// A device that a container may use; without a minor number, all of its major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowedDevice {
    /// Character or block device.
    pub kind: DeviceKind,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: Option<u32>,
    /// What may be done with it.
    pub access: Access,
}

/// Kind of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// Bytes one after the other.
    Character,
    /// Blocks at any place.
    Block,
}

/// What may be done with a device, besides making a node of it, which is always allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Read from it.
    pub read: bool,
    /// Write to it.
    pub write: bool,
}

impl Access {
    /// Everything.
    const ALL: Self = Self {
        read: true,
        write: true,
    };

    /// From Docker's letters.
    pub fn parse(letters: &str) -> Self {
        Self {
            read: letters.contains('r'),
            write: letters.contains('w'),
        }
    }
}

const fn device(major: u32, minor: u32) -> AllowedDevice {
    AllowedDevice {
        kind: DeviceKind::Character,
        major,
        minor: Some(minor),
        access: Access::ALL,
    }
}

/// null, zero, full, random, urandom, tty, console, ptmx, and the terminals of its own. Nodes of others may be
/// made, but not opened.
const ALLOWED: [AllowedDevice; 9] = [
    device(1, 3),
    device(1, 5),
    device(1, 7),
    device(1, 8),
    device(1, 9),
    device(5, 0),
    device(5, 1),
    device(5, 2),
    AllowedDevice {
        kind: DeviceKind::Character,
        major: 136,
        minor: None,
        access: Access::ALL,
    },
];

/// Leaves a group the harmless devices and these.
pub fn restrict(hierarchy: &Hierarchy, group: &Path, more: &[AllowedDevice]) -> Result<(), CgroupError> {
    if !hierarchy.has("devices") {
        return Ok(());
    }
    let allowed: Vec<_> = ALLOWED.iter().chain(more).copied().collect();
    match hierarchy.version {
        Version::V1 => write_rules(group, &allowed),
        Version::V2 => {
            program::attach(group, &program::compose(&allowed)).map_err(|source| CgroupError::Io {
                path: group.to_owned(),
                source,
            })
        }
    }
}

fn write_rules(group: &Path, allowed: &[AllowedDevice]) -> Result<(), CgroupError> {
    write(&group.join("devices.deny"), "a")?;
    let allow = group.join("devices.allow");
    write(&allow, "c *:* m")?;
    write(&allow, "b *:* m")?;
    allowed.iter().try_for_each(|it| {
        let kind = match it.kind {
            DeviceKind::Character => 'c',
            DeviceKind::Block => 'b',
        };
        let minor = it.minor.map_or_else(|| "*".to_owned(), |it| it.to_string());
        let read = if it.access.read { "r" } else { "" };
        let write_too = if it.access.write { "w" } else { "" };
        write(&allow, &format!("{kind} {}:{minor} {read}{write_too}m", it.major))
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
