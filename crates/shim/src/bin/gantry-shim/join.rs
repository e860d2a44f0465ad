//! Runs a process in a container that is there: joins its groups and namespaces, becomes what the container's
//! first process became, and executes a program.
//!
//! ```text
//!  shim ──fork──► joiner: groups, namespaces ──clone──► process: user, limits, confinement, execve
//!                 says its process id and ends          is the shim's own child, in the container
//! ```
//!
//! Only a child of one who has joined is in the process namespace, hence two steps.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use libcontainer::oci_spec::runtime::{PosixRlimitType, Process, Spec};
use shim::{Confinement, ExecutionUser, Privileges, SystemCalls, files};

use crate::filter::Filter;
use crate::{execute, system};

/// Begins the line with the process id of the process.
pub const PROCESS: &str = "process ";
/// The namespaces to join. Mounts come last, since the others are found by a path of the host's.
const NAMESPACES: [(&str, libc::c_int); 6] = [
    ("ipc", libc::CLONE_NEWIPC),
    ("uts", libc::CLONE_NEWUTS),
    ("net", libc::CLONE_NEWNET),
    ("pid", libc::CLONE_NEWPID),
    ("cgroup", libc::CLONE_NEWCGROUP),
    ("mnt", libc::CLONE_NEWNS),
];

/// What to run where.
pub struct Join<'a> {
    /// First process of the container.
    pub pid: i32,
    /// The container's directory.
    pub bundle: PathBuf,
    /// What its processes are confined to.
    pub confinement: Confinement,
    /// The `cgroup.procs` files of its groups.
    pub groups: &'a [PathBuf],
    /// Program and arguments.
    pub arguments: &'a [String],
    /// As whom.
    pub user: ExecutionUser,
    /// Lines of `name=value` over the container's environment.
    pub environment: &'a [String],
}

/// What the process reads from and writes to.
pub enum Streams {
    /// Standard input, output and error.
    Given([OwnedFd; 3]),
    /// A terminal, which it makes itself since only the container has a place for it.
    Terminal {
        /// Takes the terminal's other side.
        socket: OwnedFd,
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
}

/// The descriptors of the process.
pub struct Parts {
    /// Its own.
    pub streams: Streams,
    /// A line with the process id, and why the program was not executed; closed by the execution.
    pub result: OwnedFd,
}

/// Makes the process and ends. Only for a process forked for that.
pub fn run(join: &Join<'_>, parts: Parts) {
    system::die_with_parent();
    let result = match parts.result.try_clone() {
        Ok(it) => File::from(it),
        // The shim sees the end of the pipe without a line.
        Err(_) => return,
    };
    if let Err(error) = enter(join, parts) {
        say(&result, &format!("cannot join the container: {error}"));
    }
}

fn say(mut result: &File, line: &str) {
    // One write, so that the lines of both processes do not mix.
    let line = format!("{}\n", line.replace('\n', " "));
    drop(result.write_all(line.as_bytes()));
}

fn enter(join: &Join<'_>, parts: Parts) -> io::Result<()> {
    let spec = Spec::load(join.bundle.join("config.json")).map_err(io::Error::other)?;
    let process = spec
        .process()
        .as_ref()
        .ok_or_else(|| io::Error::other("its configuration names no process"))?;
    let filter = match join.confinement.system_calls {
        SystemCalls::All => None,
        SystemCalls::Filtered => Some(Filter::from_bytes(&fs::read(join.bundle.join(files::FILTER))?)?),
    };
    for group in join.groups {
        fs::write(group, "0")?;
    }
    let place = Path::new("/proc").join(join.pid.to_string()).join("ns");
    let mut namespaces = Vec::new();
    for (name, kind) in NAMESPACES {
        namespaces.push((File::open(place.join(name))?, kind));
    }
    for (namespace, kind) in &namespaces {
        system::join_namespace(namespace, *kind)?;
    }
    drop(namespaces);
    let said = File::from(parts.result.try_clone()?);
    let child = system::fork_sibling(|| {
        let result = File::from(parts.result);
        let failure = become_process(process, join, filter.as_ref(), parts.streams);
        say(&result, &failure);
        system::exit(EXECUTION_FAILED);
    })?;
    say(&said, &format!("{PROCESS}{child}"));
    Ok(())
}

/// Exit status of a process whose program was not executed; nobody sees it.
const EXECUTION_FAILED: i32 = 126;

/// Returns why the program was not executed.
fn become_process(process: &Process, join: &Join<'_>, filter: Option<&Filter>, streams: Streams) -> String {
    match prepare(process, join, filter, streams) {
        Ok(()) => execute::execute(join.arguments),
        Err(error) => format!("cannot prepare the process: {error}"),
    }
}

fn prepare(process: &Process, join: &Join<'_>, filter: Option<&Filter>, streams: Streams) -> io::Result<()> {
    let confinement = join.confinement;
    let (user, group, groups, held) = match join.user {
        ExecutionUser::Container => {
            let user = process.user();
            let groups = user.additional_gids().as_deref().unwrap_or_default();
            (user.uid(), user.gid(), groups, confinement.held)
        }
        ExecutionUser::Root => (0, 0, &[][..], confinement.bounding),
    };
    system::begin_session()?;
    take_streams(streams, user)?;
    let mut environment = process.env().clone().unwrap_or_default();
    environment.extend_from_slice(join.environment);
    system::replace_environment(&environment);
    for limit in process.rlimits().iter().flatten() {
        system::set_limit(limit_number(limit.typ()), limit.soft(), limit.hard())?;
    }
    std::env::set_current_dir(process.cwd())?;
    system::drop_bounding_capabilities(confinement.bounding)?;
    if confinement.privileges == Privileges::NoNew {
        system::forbid_new_privileges()?;
    }
    if let Some(filter) = filter {
        filter.load()?;
    }
    system::become_user(user, group, groups)?;
    system::set_capabilities(held)
}

/// Makes them the standard descriptors; a terminal becomes the one of the session too.
fn take_streams(streams: Streams, user: u32) -> io::Result<()> {
    match streams {
        Streams::Given(given) => {
            for (number, descriptor) in (0..).zip(&given) {
                system::duplicate_to(descriptor, number)?;
            }
            Ok(())
        }
        Streams::Terminal {
            socket,
            columns,
            rows,
        } => {
            let (terminal, own_side) = system::open_terminal(columns, rows)?;
            system::send(&UnixStream::from(socket), &[0], &terminal)?;
            for number in 0..3 {
                system::duplicate_to(&own_side, number)?;
            }
            system::control_terminal()?;
            system::own_terminal(user)
        }
    }
}

fn limit_number(kind: PosixRlimitType) -> libc::__rlimit_resource_t {
    match kind {
        PosixRlimitType::RlimitCpu => libc::RLIMIT_CPU,
        PosixRlimitType::RlimitFsize => libc::RLIMIT_FSIZE,
        PosixRlimitType::RlimitData => libc::RLIMIT_DATA,
        PosixRlimitType::RlimitStack => libc::RLIMIT_STACK,
        PosixRlimitType::RlimitCore => libc::RLIMIT_CORE,
        PosixRlimitType::RlimitRss => libc::RLIMIT_RSS,
        PosixRlimitType::RlimitNproc => libc::RLIMIT_NPROC,
        PosixRlimitType::RlimitNofile => libc::RLIMIT_NOFILE,
        PosixRlimitType::RlimitMemlock => libc::RLIMIT_MEMLOCK,
        PosixRlimitType::RlimitAs => libc::RLIMIT_AS,
        PosixRlimitType::RlimitLocks => libc::RLIMIT_LOCKS,
        PosixRlimitType::RlimitSigpending => libc::RLIMIT_SIGPENDING,
        PosixRlimitType::RlimitMsgqueue => libc::RLIMIT_MSGQUEUE,
        PosixRlimitType::RlimitNice => libc::RLIMIT_NICE,
        PosixRlimitType::RlimitRtprio => libc::RLIMIT_RTPRIO,
        PosixRlimitType::RlimitRttime => libc::RLIMIT_RTTIME,
    }
}
