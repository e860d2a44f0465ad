//! Directories of shared file systems, for one container: opened so that no link leads out, and seen as one user's.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use shim::{OwnerMapping, SharedDirectory};

use crate::system::check;
use crate::{namespaces, system};

/// `struct open_how` of the kernel.
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// `struct mount_attr` of the kernel.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

const RESOLVE_NO_MAGICLINKS: u64 = 0x02;
const RESOLVE_IN_ROOT: u64 = 0x10;
const MOUNT_ATTR_IDMAP: u64 = 0x0010_0000;

/// Mounts it on its target, in the mount namespace that this process has of its own.
///
/// # Errors
/// What the kernel refused.
pub fn attach(directory: &SharedDirectory) -> io::Result<()> {
    let found = open_below(&directory.root, &directory.below)?;
    let mount = copy_mount(&found)?;
    if let Some(mapping) = directory.owner {
        map_owner(&mount, mapping).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("the user of the access point cannot be obeyed (idmapped mount): {error}"),
            )
        })?;
    }
    namespaces::attach_mount(&mount, &terminated(&directory.target)?)
}

/// Opens a directory as if `root` were the root of everything.
fn open_below(root: &Path, below: &Path) -> io::Result<OwnedFd> {
    let root = File::open(root)?;
    let below = terminated(below)?;
    let how = OpenHow {
        flags: (libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC) as u64,
        mode: 0,
        resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    // SAFETY: the string is terminated, the size is that of the structure, and the descriptor is new.
    unsafe {
        let opened = libc::syscall(
            libc::SYS_openat2,
            root.as_raw_fd(),
            below.as_ptr(),
            &raw const how,
            size_of::<OpenHow>(),
        );
        Ok(OwnedFd::from_raw_fd(check(opened as libc::c_int)?))
    }
}

/// A detached mount of a directory.
fn copy_mount(directory: &OwnedFd) -> io::Result<OwnedFd> {
    // SAFETY: the string is terminated; the descriptor is new.
    unsafe {
        let copy = libc::syscall(
            libc::SYS_open_tree,
            directory.as_raw_fd(),
            c"".as_ptr(),
            libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_EMPTY_PATH as libc::c_uint,
        );
        Ok(OwnedFd::from_raw_fd(check(copy as libc::c_int)?))
    }
}

/// Makes the files of one user those of another, seen through the mount. Nobody else can make files there.
fn map_owner(mount: &OwnedFd, mapping: OwnerMapping) -> io::Result<()> {
    let namespace = user_namespace(mapping)?;
    let attributes = MountAttributes {
        set: MOUNT_ATTR_IDMAP,
        clear: 0,
        propagation: 0,
        user_namespace: namespace.as_raw_fd() as u64,
    };
    // SAFETY: the string is terminated, and the size is that of the structure.
    let changed = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    };
    check(changed as libc::c_int).map(drop)
}

/// A namespace with that mapping. A process has to be in it for as long as it is made.
fn user_namespace(mapping: OwnerMapping) -> io::Result<File> {
    let (report, report_end) = system::pipe()?;
    let pid = system::fork(|| {
        system::die_with_parent();
        if namespaces::unshare_users().is_ok() {
            // This also says that it is there.
            namespaces::close_everything();
            namespaces::wait_for_ever();
        }
    })?;
    drop(report_end);
    File::from(report).read_to_end(&mut Vec::new())?;
    let place = format!("/proc/{pid}");
    let written = fs::write(
        format!("{place}/uid_map"),
        format!("{} {} 1", mapping.of_files.0, mapping.in_container.0),
    )
    .and_then(|()| {
        fs::write(
            format!("{place}/gid_map"),
            format!("{} {} 1", mapping.of_files.1, mapping.in_container.1),
        )
    });
    let namespace = written.and_then(|()| File::open(format!("{place}/ns/user")));
    drop(system::kill(pid, libc::SIGKILL));
    system::wait(pid);
    namespace
}

fn terminated(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)
}
