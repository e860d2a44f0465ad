//! `gantry-shim`: supervises the containers of one task and outlives the agent that started it.
//!
//! Started with the task's directory as working directory, the listening socket as descriptor 0, the
//! locked lock file as descriptor 1, a file for its last words as descriptor 2. Its arguments are the
//! `cgroup.procs` files of the groups that it joins. With the argument `compile-filter` it does that instead.

mod clients;
mod containers;
mod create;
mod devices;
mod directories;
mod execute;
mod executions;
mod filter;
mod join;
mod namespaces;
mod notes;
mod output;
mod sharing;
mod supervisor;
mod system;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::ExitCode;

use supervisor::Supervisor;

fn main() -> ExitCode {
    let result = match std::env::args_os().nth(1) {
        Some(argument) if argument == shim::COMPILE_FILTER => filter::compile_from_input(),
        _ => prepare().and_then(Supervisor::run),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gantry-shim: {error}");
            ExitCode::FAILURE
        }
    }
}

fn prepare() -> io::Result<Supervisor> {
    system::detach()?;
    let listener = UnixListener::from(system::take_descriptor(0)?);
    let lock = system::take_descriptor(1)?;
    listener.set_nonblocking(true)?;
    write_pid(&lock)?;
    for group in std::env::args_os().skip(1) {
        // A missing group is no reason to fail the task: it only says where the shim's own memory counts.
        if let Err(error) = std::fs::write(&group, "0") {
            eprintln!("gantry-shim: cannot join {}: {error}", group.display());
        }
    }
    Ok(Supervisor::new(listener, lock, system::child_signals()?))
}

/// While the lock is held, its content names the holder.
fn write_pid(lock: &OwnedFd) -> io::Result<()> {
    let mut file = File::from(lock.try_clone()?);
    file.set_len(0)?;
    file.write_all(std::process::id().to_string().as_bytes())
}
