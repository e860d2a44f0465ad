//! What the containers of a task share: a process that holds their namespaces and file systems in memory.
//!
//! ```text
//!  shim ─┬─ holder: its namespaces and its mounts are those that are shared
//!        │    └─ first process of the shared process namespace: adopts orphans, can do nothing else
//!        └─ containers
//! ```

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use shim::{SharedMemory, SharedNamespace, Sharing, files};

use crate::{namespaces, system};

/// Most of a failure's text that is passed on, in bytes.
const MAX_REPORT_BYTES: u64 = 4096;

/// The process that holds what is shared; the kernel kills it when the shim ends.
pub struct Holder {
    pid: i32,
    memory: Vec<SharedMemory>,
}

impl Holder {
    /// Starts it and waits until it holds all that is asked for.
    ///
    /// # Errors
    /// What the kernel refused; then there is no such process.
    pub fn start(sharing: Sharing) -> io::Result<Self> {
        match fs::create_dir(files::SHARED) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let (report, report_end) = system::pipe()?;
        let pid = system::fork(|| {
            system::die_with_parent();
            system::default_signals();
            if let Err(error) = hold(&sharing) {
                drop(File::from(report_end).write_all(error.to_string().as_bytes()));
            }
        })?;
        // It closes its end, or ends.
        let mut refusal = String::new();
        File::from(report)
            .take(MAX_REPORT_BYTES)
            .read_to_string(&mut refusal)?;
        if !refusal.is_empty() {
            return Err(io::Error::other(refusal));
        }
        for namespace in &sharing.namespaces {
            let kind = match namespace {
                // Its own is still the host's: it has only made one for its child.
                SharedNamespace::Pid => "pid_for_children",
                SharedNamespace::Ipc => "ipc",
            };
            let link = Path::new(files::SHARED).join(namespace.link());
            std::os::unix::fs::symlink(format!("/proc/{pid}/ns/{kind}"), link)?;
        }
        Ok(Self {
            pid,
            memory: sharing.memory,
        })
    }

    /// Copies of its file systems in memory with their places, for a process that is to make a container.
    ///
    /// # Errors
    /// What the kernel refused; the process may then be left in a wrong mount namespace and must end.
    pub fn memory(&self) -> io::Result<Vec<(OwnedFd, PathBuf)>> {
        if self.memory.is_empty() {
            return Ok(Vec::new());
        }
        let (directory, own) = (std::env::current_dir()?, File::open("/proc/self/ns/mnt")?);
        let theirs = File::open(format!("/proc/{}/ns/mnt", self.pid))?;
        namespaces::enter_mounts(theirs.as_fd())?;
        let copies = self.memory.iter().map(|it| {
            let copy = namespaces::copy_mount(&terminated(&it.target)?)?;
            Ok((copy, it.target.clone()))
        });
        let copies = copies.collect::<io::Result<Vec<_>>>();
        namespaces::enter_mounts(own.as_fd())?;
        std::env::set_current_dir(directory)?;
        copies
    }
}

/// Makes what is shared and holds it. Returns only what went wrong.
fn hold(sharing: &Sharing) -> io::Result<()> {
    namespaces::unshare_mounts()?;
    for memory in &sharing.memory {
        let options = CString::new(memory.options.as_bytes()).map_err(io::Error::other)?;
        namespaces::mount_tmpfs(&terminated(&memory.target)?, &options)?;
    }
    namespaces::unshare_the_rest()?;
    if sharing.namespaces.contains(&SharedNamespace::Pid) {
        let empty = std::env::current_dir()?.join(files::SHARED);
        start_first_process(&terminated(&empty)?)?;
    }
    // This also says that all is held.
    namespaces::close_everything();
    namespaces::wait_for_ever()
}

/// The first process of the namespace that is made for it: in an empty root, without any capability, since
/// containers see it.
fn start_first_process(empty: &std::ffi::CStr) -> io::Result<()> {
    let (report, report_end) = system::pipe()?;
    namespaces::unshare_processes()?;
    system::fork(|| {
        system::die_with_parent();
        let confined = namespaces::enter_empty_root(empty)
            .and_then(|()| system::drop_bounding_capabilities(0))
            .and_then(|()| system::forbid_new_privileges())
            .and_then(|()| system::set_capabilities(0));
        if let Err(error) = confined {
            drop(File::from(report_end).write_all(error.to_string().as_bytes()));
            return;
        }
        // This also says that all is well.
        namespaces::close_everything();
        namespaces::wait_for_ever();
    })?;
    let mut refusal = String::new();
    File::from(report)
        .take(MAX_REPORT_BYTES)
        .read_to_string(&mut refusal)?;
    match refusal.is_empty() {
        true => Ok(()),
        false => Err(io::Error::other(refusal)),
    }
}

fn terminated(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)
}
