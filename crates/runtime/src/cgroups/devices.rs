//! Keeps containers from devices that are not theirs.

use std::path::Path;

use super::CgroupError;
use super::hierarchies::{Hierarchy, Version, write};

/// What every container may use: any node may be made, but only these opened (null, zero, full, random,
/// urandom, tty, console, ptmx, pts).
const ALLOWED: [&str; 11] = [
    "c *:* m",
    "b *:* m",
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:1 rwm",
    "c 5:2 rwm",
    "c 136:* rwm",
];

/// Leaves a group the harmless devices only.
pub fn restrict(hierarchy: &Hierarchy, group: &Path) -> Result<(), CgroupError> {
    if hierarchy.version == Version::V2 || !hierarchy.has("devices") {
        return Ok(());
    }
    write(&group.join("devices.deny"), "a")?;
    let allow = group.join("devices.allow");
    ALLOWED.iter().try_for_each(|rule| write(&allow, rule))
}
