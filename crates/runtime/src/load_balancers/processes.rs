//! The processes of balancers: how one begins, who lives, and how they end.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::process::{Gid, Pid, Signal, Uid, kill_process};
use rustix::thread::{self, CapabilitySet, CapabilitySets};
use shim::files;

use crate::shim_process::{self, holder};

/// Whom balancers run as: nobody, who may do nothing to this host.
const NOBODY: u32 = 65_534;
/// How long a balancer may take to end when it is asked to: what is in flight has so long.
const GRACE: Duration = Duration::from_secs(5);
/// How long it may take to be gone after that.
const KILL_DEADLINE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);
const ERRORS: &str = "errors";
/// The directory of one that is about to take over.
const NEXT: &str = "next";
/// What locks of those that leave begin with.
const LEAVING: &str = "leaving-";

/// How a balancer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// With nothing.
    Afresh,
    /// With what it is handed over.
    TakingOver,
}

/// What a balancer may do beyond what anybody may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Nothing.
    Nobodys,
    /// Connect with addresses that are not its own. The kernel asks for `CAP_NET_RAW`, the lesser of the two that it
    /// takes for that: its holder can forge what it sends, which its VPC takes from its link alone, but can change
    /// neither addresses nor routes nor filters, not even those of its own namespace.
    Clients,
}

/// What starts a process that does a `job`, such as `balancer`: as nobody, with nothing of ours but its socket, its lock and a file for its last words.
pub fn prepare(
    program: &Path,
    directory: &Path,
    job: &str,
    beginning: Beginning,
    rights: Rights,
) -> io::Result<Command> {
    let place = match beginning {
        Beginning::Afresh => directory.to_owned(),
        Beginning::TakingOver => directory.join(NEXT),
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&place)?;
    let lock = shim_process::open_lock(&place)?;
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    let listener = shim_process::listen(&place)?;
    let errors = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(directory.join(ERRORS))?;
    let mut command = Command::new(program);
    command.arg(job);
    if beginning == Beginning::TakingOver {
        command.arg("--take-over");
    }
    command
        .env_clear()
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stdout(Stdio::from(lock))
        .stderr(Stdio::from(errors));
    match rights {
        Rights::Nobodys => {
            command.uid(NOBODY).gid(NOBODY);
        }
        // SAFETY: between fork and exec it makes system calls, and nothing else.
        Rights::Clients => unsafe {
            command.pre_exec(become_nobody_with_rights);
        },
    }
    Ok(command)
}

/// The process becomes nobody, and what it executes keeps one capability.
fn become_nobody_with_rights() -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    thread::set_keep_capabilities(true)?;
    thread::set_thread_groups(&[])?;
    thread::set_thread_res_gid(gid, gid, gid)?;
    thread::set_thread_res_uid(uid, uid, uid)?;
    let kept = CapabilitySet::NET_RAW;
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: kept,
    };
    thread::set_capabilities(None, sets)?;
    thread::configure_capability_in_ambient_set(kept, true)?;
    Ok(())
}

/// Whether a process has these rights at least. One that has ended needs none.
pub fn has(pid: Pid, rights: Rights) -> bool {
    if rights == Rights::Nobodys {
        return true;
    }
    thread::capabilities(Some(pid)).map_or(true, |it| it.effective.contains(CapabilitySet::NET_RAW))
}

/// The process that serves.
pub fn serving(directory: &Path) -> io::Result<Option<Pid>> {
    holder(&directory.join(files::LOCK))
}

/// Where the one that is about to take over has its socket and lock.
pub fn next(directory: &Path) -> PathBuf {
    directory.join(NEXT)
}

/// The processes that end what they have in flight. Locks of those that have ended are removed.
pub fn leaving(directory: &Path) -> io::Result<Vec<Pid>> {
    let mut living = Vec::new();
    for lock in leaving_locks(directory)? {
        match holder(&lock)? {
            Some(pid) => living.push(pid),
            None => fs::remove_file(lock)?,
        }
    }
    Ok(living)
}

fn leaving_locks(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut locks = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(LEAVING) {
            locks.push(entry.path());
        }
    }
    Ok(locks)
}

/// The one that is about to take over does: it is the one that serves, and the one that served leaves.
///
/// The order of these steps is what [`settle`] can mend if they are not all done.
pub fn change_places(directory: &Path, served: Pid) -> io::Result<()> {
    let next = next(directory);
    let lock = directory.join(files::LOCK);
    let left = format!("{LEAVING}{}", served.as_raw_nonzero());
    fs::rename(&lock, directory.join(left))?;
    fs::rename(next.join(files::LOCK), &lock)?;
    fs::rename(next.join(files::SOCKET), directory.join(files::SOCKET))?;
    fs::remove_dir_all(next)
}

/// Asks a balancer to accept nothing more and to end when nothing is in flight.
pub fn ask_to_leave(pid: Pid) {
    // It may have ended just now.
    let _ended = kill_process(pid, Signal::QUIT);
}

/// Mends what a change of places that was broken off has left.
pub fn settle(directory: &Path) -> io::Result<()> {
    let next = next(directory);
    if !next.exists() {
        return Ok(());
    }
    let is_last_step = !next.join(files::LOCK).exists() && serving(directory)?.is_some();
    if !is_last_step {
        // The one that serves keeps its socket.
        end(&next.join(files::LOCK))?;
        return fs::remove_dir_all(next);
    }
    match fs::rename(next.join(files::SOCKET), directory.join(files::SOCKET)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::remove_dir_all(next),
    }
}

/// Ends all processes of a balancer.
pub fn end_all(directory: &Path) -> io::Result<()> {
    let next = next(directory);
    end(&next.join(files::LOCK))?;
    match fs::remove_dir_all(next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    end(&directory.join(files::LOCK))?;
    end_leaving(directory)
}

/// Ends those that leave, whatever they have in flight.
pub fn end_leaving(directory: &Path) -> io::Result<()> {
    leaving_locks(directory)?.iter().try_for_each(|it| end(it))
}

/// Ends whoever holds a lock.
fn end(lock: &Path) -> io::Result<()> {
    for (signal, patience) in [(Signal::TERM, GRACE), (Signal::KILL, KILL_DEADLINE)] {
        let deadline = Instant::now() + patience;
        let Some(pid) = holder(lock)? else {
            return Ok(());
        };
        // It may have ended just now.
        let _ended = kill_process(pid, signal);
        while Instant::now() < deadline {
            if holder(lock)?.is_none() {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
    }
    Err(io::Error::other("its process does not end"))
}

/// Whether a process runs another program than this one. One that has ended does not.
pub fn is_outdated(pid: Pid, program: &Path) -> io::Result<bool> {
    let wanted = fs::metadata(program)?;
    let running = fs::metadata(format!("/proc/{}/exe", pid.as_raw_nonzero()));
    // The file of a running program keeps its number, also when another one has its name.
    Ok(running.is_ok_and(|it| (it.dev(), it.ino()) != (wanted.dev(), wanted.ino())))
}

#[cfg(test)]
mod tests;
