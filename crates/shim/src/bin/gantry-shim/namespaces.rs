//! Namespaces of the shim's children, and what is mounted in them.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::system::check;

/// Gives this process a mount namespace of its own: the host sees nothing of what is mounted there.
pub fn unshare_mounts() -> io::Result<()> {
    // SAFETY: the string is terminated; a namespace of its own changes nothing in memory.
    unsafe {
        check(libc::unshare(libc::CLONE_NEWNS))?;
        check(libc::mount(
            std::ptr::null(),
            c"/".as_ptr(),
            std::ptr::null(),
            libc::MS_REC | libc::MS_SLAVE,
            std::ptr::null(),
        ))
    }
    .map(drop)
}

/// Gives this process shared memory, names and a network of its own, the latter empty.
pub fn unshare_the_rest() -> io::Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::unshare(libc::CLONE_NEWIPC | libc::CLONE_NEWUTS | libc::CLONE_NEWNET) }).map(drop)
}

/// Gives this process users of its own, none of which is anybody yet.
pub fn unshare_users() -> io::Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::unshare(libc::CLONE_NEWUSER) }).map(drop)
}

/// The next child of this process will be the first of a new process namespace.
pub fn unshare_processes() -> io::Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::unshare(libc::CLONE_NEWPID) }).map(drop)
}

/// Enters a mount namespace; root and working directory are its root then.
pub fn enter_mounts(namespace: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNS) }).map(drop)
}

/// A detached copy of what is mounted on a directory of this process's mount namespace.
pub fn copy_mount(mounted: &CStr) -> io::Result<OwnedFd> {
    // SAFETY: the string is terminated; the descriptor is new.
    unsafe {
        let copy = libc::syscall(
            libc::SYS_open_tree,
            libc::AT_FDCWD,
            mounted.as_ptr(),
            libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC,
        );
        Ok(OwnedFd::from_raw_fd(check(copy as libc::c_int)?))
    }
}

/// Leaves this process nothing but an empty root that cannot be written, mounted on `target`.
pub fn enter_empty_root(target: &CStr) -> io::Result<()> {
    unshare_mounts()?;
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC | libc::MS_RDONLY;
    // SAFETY: all strings are terminated and live through the calls.
    unsafe {
        check(libc::mount(
            c"tmpfs".as_ptr(),
            target.as_ptr(),
            c"tmpfs".as_ptr(),
            flags,
            c"mode=555,size=4k".as_ptr().cast(),
        ))?;
        check(libc::chdir(target.as_ptr()))?;
        // The old root lies on the new one then, and is taken away.
        check(libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()) as libc::c_int)?;
        check(libc::umount2(c".".as_ptr(), libc::MNT_DETACH))?;
        check(libc::chdir(c"/".as_ptr())).map(drop)
    }
}

/// Closes every descriptor.
pub fn close_everything() {
    // SAFETY: whoever calls this does nothing more than wait.
    unsafe { libc::syscall(libc::SYS_close_range, 0, u32::MAX, 0) };
}

/// Does nothing until a signal ends this process. Children, also adopted ones, leave nothing behind.
pub fn wait_for_ever() -> ! {
    // SAFETY: no pointers.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    loop {
        // SAFETY: no pointers.
        unsafe { libc::pause() };
    }
}

/// Mounts a detached mount on `target` in a mount namespace of this process's own.
pub fn mount_privately(mount: &OwnedFd, target: &CStr) -> io::Result<()> {
    unshare_mounts()?;
    attach_mount(mount, target)
}

/// Attaches a detached mount to a directory.
pub fn attach_mount(mount: &OwnedFd, target: &CStr) -> io::Result<()> {
    // SAFETY: all strings are terminated and live through the call.
    let moved = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH,
        )
    };
    check(moved as libc::c_int).map(drop)
}

/// Mounts a small file system in memory on `target`, in the mount namespace that this process has of its own.
pub fn mount_memory(target: &CStr) -> io::Result<()> {
    mount_tmpfs(target, c"mode=700,size=1m")
}

/// Mounts a file system in memory on `target`, in the mount namespace that this process has of its own.
pub fn mount_tmpfs(target: &CStr, options: &CStr) -> io::Result<()> {
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    // SAFETY: all strings are terminated and live through the call.
    let mounted = unsafe {
        libc::mount(
            c"tmpfs".as_ptr(),
            target.as_ptr(),
            c"tmpfs".as_ptr(),
            flags,
            options.as_ptr().cast(),
        )
    };
    check(mounted).map(drop)
}
