//! The root file system of a container: an overlay of its image's layers, mounted nowhere on the host.
//!
//! The mount is a descriptor. The shim's child attaches it in a mount namespace of the container's own, so
//! it goes away with the container, and an agent that dies leaves no mounts behind.

use std::ffi::{CString, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, OpenTreeFlags,
};
use rustix::thread::UnshareFlags;

use super::PrepareError;

/// Longest string that the kernel takes as an option of a new mount, in bytes.
const MAX_OPTION_BYTES: usize = 255;
/// Last parts of a layer's path by which the image store finds in the table of mounts that it is in use.
const TELLING_PARTS: usize = 3;

/// The directories of an overlay.
struct Parts {
    /// Lowest first.
    layers: Vec<PathBuf>,
    upper: PathBuf,
    work: PathBuf,
}

/// Gives paths names that are short enough, for as long as it lives.
#[derive(Default)]
struct Names {
    kept: Vec<OwnedFd>,
}

impl Names {
    /// The path itself, or its last parts behind an open directory.
    fn name(&mut self, path: &Path) -> io::Result<PathBuf> {
        if path.as_os_str().len() <= MAX_OPTION_BYTES {
            return Ok(path.to_owned());
        }
        let base = path.ancestors().nth(TELLING_PARTS).unwrap_or(Path::new("/"));
        let directory = open(base)?;
        let short = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
        self.kept.push(directory);
        Ok(short.join(path.strip_prefix(base).unwrap_or(path)))
    }
}

/// Stacks the layers, lowest first, with a writable one below `directory` on top. `target` is an empty
/// directory.
///
/// # Errors
/// [`PrepareError::Io`] if the kernel refuses.
pub fn mount(layers: Vec<PathBuf>, directory: &Path, target: &Path) -> Result<OwnedFd, PrepareError> {
    for path in ["upper", "work"].map(|it| directory.join(it)) {
        fs::create_dir(&path).map_err(|source| PrepareError::io(&path, source))?;
    }
    stack(layers, directory, target)
}

/// Stacks them again, with what was written before.
///
/// # Errors
/// [`PrepareError::Io`] if the kernel refuses.
pub fn mount_again(layers: Vec<PathBuf>, directory: &Path, target: &Path) -> Result<OwnedFd, PrepareError> {
    // The kernel's mark that this might not have reached the disk. It did not have to: the machine runs on.
    let mark = directory.join("work").join("work").join("incompat");
    match fs::remove_dir_all(&mark) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(PrepareError::io(&mark, source));
        }
        _ => {}
    }
    stack(layers, directory, target)
}

fn stack(layers: Vec<PathBuf>, directory: &Path, target: &Path) -> Result<OwnedFd, PrepareError> {
    let (upper, work) = (directory.join("upper"), directory.join("work"));
    let parts = Parts { layers, upper, work };
    let mounted = match mount_by_options(&parts) {
        // Kernels before 6.5 do not take layers one by one.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => mount_by_text(&parts, target),
        result => result,
    };
    mounted.map_err(|source| PrepareError::io(directory, source))
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(
        path,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

fn mount_by_options(parts: &Parts) -> io::Result<OwnedFd> {
    let mut names = Names::default();
    let overlay = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let overlay = &overlay;
    for layer in parts.layers.iter().rev() {
        rustix::mount::fsconfig_set_string(overlay, "lowerdir+", names.name(layer)?)?;
    }
    rustix::mount::fsconfig_set_string(overlay, "upperdir", names.name(&parts.upper)?)?;
    rustix::mount::fsconfig_set_string(overlay, "workdir", names.name(&parts.work)?)?;
    // What a container writes is gone when it ends, so it never has to reach the disk.
    rustix::mount::fsconfig_set_flag(overlay, "volatile")?;
    rustix::mount::fsconfig_create(overlay)?;
    Ok(rustix::mount::fsmount(
        overlay,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::empty(),
    )?)
}

/// Mounts in the namespace of a thread that ends, and keeps a detached copy. All options must fit a page, so
/// the layers are named from the directory that they share.
fn mount_by_text(parts: &Parts, target: &Path) -> io::Result<OwnedFd> {
    let work = || -> io::Result<OwnedFd> {
        // SAFETY: a mount namespace of its own does not change what this thread shares with others in memory.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }?;
        let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
        rustix::mount::mount_change("/", private)?;
        // The lowest is not an image's.
        let base = parts
            .layers
            .last()
            .and_then(|it| it.ancestors().nth(TELLING_PARTS))
            .unwrap_or(Path::new("/"));
        // Only this thread's: a namespace of its own comes with a working directory of its own.
        rustix::process::chdir(base)?;
        let lower: Vec<_> = parts
            .layers
            .iter()
            .rev()
            .map(|it| it.strip_prefix(base).unwrap_or(it).to_string_lossy())
            .collect();
        let mut options = OsString::from(format!("lowerdir={}", lower.join(":")));
        for (option, path) in [(",upperdir=", &parts.upper), (",workdir=", &parts.work)] {
            options.push(option);
            options.push(path);
        }
        options.push(",volatile");
        let options = CString::new(options.into_encoded_bytes())?;
        rustix::mount::mount(
            "overlay",
            target,
            "overlay",
            MountFlags::empty(),
            options.as_c_str(),
        )?;
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        Ok(rustix::mount::open_tree(CWD, target, flags)?)
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("overlay".to_owned())
            .spawn_scoped(scope, work)?;
        thread
            .join()
            .map_err(|_| io::Error::other("the mounting thread died"))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::root;

    /// Both ways must give the same, whichever this kernel would choose.
    #[test]
    fn layers_are_stacked_lowest_first_in_either_way() -> io::Result<()> {
        let folder = tempfile::Builder::new().prefix(&"long-".repeat(40)).tempdir()?;
        for (layer, file, text) in [("a", "low", "a"), ("a", "both", "a"), ("b", "both", "b")] {
            fs::create_dir_all(folder.path().join(layer))?;
            fs::write(folder.path().join(layer).join(file), text)?;
        }
        for way in ["options", "text"] {
            let directory = folder.path().join(way);
            for name in ["upper", "work", "target"] {
                fs::create_dir_all(directory.join(name))?;
            }
            let at = |name: &str| folder.path().join(name);
            let parts = Parts {
                layers: vec![at("a"), at("b")],
                upper: directory.join("upper"),
                work: directory.join("work"),
            };
            let mounted = match way {
                "options" => mount_by_options(&parts)?,
                _ => mount_by_text(&parts, &directory.join("target"))?,
            };
            assert_eq!(root::read_file(&mounted, "low"), "a", "{way}");
            assert_eq!(root::read_file(&mounted, "both"), "b", "{way}");
            assert!(
                root::make_directory(&mounted, Path::new("/new/below")).is_ok(),
                "{way}"
            );
            assert!(directory.join("upper/new/below").is_dir(), "{way}");
            assert_eq!(
                fs::read_dir(directory.join("target"))?.count(),
                0,
                "{way} shows on the host"
            );
        }
        Ok(())
    }
}
