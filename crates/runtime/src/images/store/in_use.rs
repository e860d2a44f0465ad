//! Which layers containers run on. Their mounts say so, whoever made them and whether or not he still lives.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::LAYER_FILES;

/// Names of those directories of `layers` that are part of a mount in any process's view.
///
/// A root that is mounted but not yet in a container is not seen: a container that starts in the same
/// moment in which its image is removed can fail.
///
/// # Errors
/// If the processes cannot be listed.
pub fn mounted<'a>(names: &[&'a str], layers: &Path) -> io::Result<HashSet<&'a str>> {
    let parent = layers.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    let wanted: Vec<_> = names
        .iter()
        .map(|it| (*it, format!("{parent}/{it}/{LAYER_FILES}")))
        .collect();
    let (mut views, mut found) = (HashSet::new(), HashSet::new());
    for entry in fs::read_dir("/proc")? {
        let process = entry?.path();
        let is_process = process
            .file_name()
            .is_some_and(|it| it.as_encoded_bytes()[0].is_ascii_digit());
        // A process that ends meanwhile needs no layers.
        let Some(view) = is_process
            .then(|| fs::metadata(process.join("ns/mnt")).ok())
            .flatten()
        else {
            continue;
        };
        if !views.insert(view.ino()) {
            continue;
        }
        let Ok(mounts) = fs::read_to_string(process.join("mountinfo")) else {
            continue;
        };
        for mount in mounts.lines().filter(|it| it.contains(" - overlay ")) {
            found.extend(
                wanted
                    .iter()
                    .filter(|(_, path)| mount.contains(path.as_str()))
                    .map(|(name, _)| *name),
            );
        }
    }
    Ok(found)
}
