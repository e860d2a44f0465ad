//! The system calls that the standard library has no words for.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A child that ended.
#[derive(Clone, Copy, Debug)]
pub struct Reaped {
    /// Its process id, which may be reused from now on.
    pub pid: i32,
    /// Its exit status, or 128 + signal.
    pub code: i32,
}

/// The error of a call that failed.
pub fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Leaves the agent's session, adopts orphans of the containers, and ignores requests to end.
pub fn detach() -> io::Result<()> {
    // SAFETY: these calls take no pointers but a static string.
    unsafe {
        libc::setsid();
        libc::umask(0o022);
        check(libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))?;
        check(libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0))?;
        libc::prctl(libc::PR_SET_NAME, c"gantry-shim".as_ptr());
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
    Ok(())
}

/// Moves a standard descriptor out of the way, so that no child inherits it, and puts `/dev/null` there.
pub fn take_descriptor(descriptor: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the duplicate is new and owned by nobody else; `/dev/null` replaces the old number.
    unsafe {
        let moved = check(libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 3))?;
        let moved = OwnedFd::from_raw_fd(moved);
        let null = OwnedFd::from_raw_fd(check(libc::open(
            c"/dev/null".as_ptr(),
            libc::O_RDWR | libc::O_CLOEXEC,
        ))?);
        check(libc::dup2(null.as_raw_fd(), descriptor))?;
        Ok(moved)
    }
}

/// A descriptor that is readable when a child has ended.
pub fn child_signals() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised before it is used, and the descriptor is new.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        check(libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()))?;
        let descriptor = check(libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK))?;
        Ok(OwnedFd::from_raw_fd(descriptor))
    }
}

/// Undoes what this process, or the C library that started it, did to signals, for a program that is to be
/// executed.
pub fn default_signals() {
    // The kernel's own structure, all zero: the default action. The C library's call would refuse the two
    // signals that it keeps for itself, which `posix_spawn` leaves ignored.
    let default = [0_u64; 4];
    // SAFETY: the structure and the set are valid; numbers that cannot be set are refused without effect.
    unsafe {
        for signal in 1..=64 {
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), 0, 8);
        }
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigprocmask(libc::SIG_SETMASK, &set, std::ptr::null_mut());
    }
}

/// Waits until one of the descriptors is ready, or the time is over.
pub fn poll(descriptors: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.map_or(-1, |it| i32::try_from(it.as_millis() + 1).unwrap_or(i32::MAX));
    // SAFETY: pointer and length are of one slice.
    let ready = unsafe {
        libc::poll(
            descriptors.as_mut_ptr(),
            descriptors.len() as libc::nfds_t,
            timeout,
        )
    };
    match check(ready) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// A pipe, reading end first; nobody inherits it through an execution.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for two descriptors, which are new.
    unsafe {
        check(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC))?;
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

/// Makes reads of a descriptor return at once.
pub fn set_nonblocking(descriptor: &OwnedFd) -> io::Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) }).map(drop)
}

/// Gives a descriptor's file to a user.
pub fn change_owner(descriptor: &OwnedFd, user: u32) -> io::Result<()> {
    // SAFETY: no pointers; the group is left as it is.
    check(unsafe { libc::fchown(descriptor.as_raw_fd(), user, libc::gid_t::MAX) }).map(drop)
}

/// Reads what there is; `None` if there is nothing yet, 0 at the end.
pub fn read(descriptor: &OwnedFd, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        // SAFETY: pointer and length are of one slice.
        let count = unsafe { libc::read(descriptor.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
        if count >= 0 {
            return Ok(Some(count as usize));
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            io::ErrorKind::WouldBlock => return Ok(None),
            _ => return Err(error),
        }
    }
}

/// Runs `child` in a copy of this process, which ends then without unwinding or flushing.
pub fn fork(child: impl FnOnce()) -> io::Result<i32> {
    // SAFETY: this process has one thread, so the copy is whole; `_exit` does not return.
    unsafe {
        let pid = check(libc::fork())?;
        if pid == 0 {
            child();
            libc::_exit(0);
        }
        Ok(pid)
    }
}

/// Runs `child` in a copy of this process that is a child of this one's parent. It ends then like that of [`fork`].
pub fn fork_sibling(child: impl FnOnce()) -> io::Result<i32> {
    let flags = libc::c_long::from(libc::CLONE_PARENT | libc::SIGCHLD);
    // SAFETY: without a stack of its own the copy goes on here, as after a fork; this process has one thread.
    unsafe {
        let pid = check(libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) as libc::c_int)?;
        if pid == 0 {
            child();
            libc::_exit(0);
        }
        Ok(pid)
    }
}

/// Waits for the end of a child that has been killed.
pub fn wait(child: i32) {
    // SAFETY: no pointers that are followed.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
}

/// Ends this process without unwinding or flushing.
pub fn exit(code: i32) -> ! {
    // SAFETY: no pointers; it does not return.
    unsafe { libc::_exit(code) }
}

/// Joins a namespace of this kind.
pub fn join_namespace(namespace: &std::fs::File, kind: libc::c_int) -> io::Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::setns(namespace.as_raw_fd(), kind) }).map(drop)
}

/// Leaves the session and process group, so that this process and its children can be signalled together.
pub fn begin_session() -> io::Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::setsid() }).map(drop)
}

/// Makes a standard descriptor the same as another one; it stays open through an execution.
pub fn duplicate_to(descriptor: &OwnedFd, number: RawFd) -> io::Result<()> {
    // SAFETY: no pointers; nobody owns the standard descriptors of a forked process.
    check(unsafe { libc::dup2(descriptor.as_raw_fd(), number) }).map(drop)
}

/// Replaces the environment by these lines of `name=value`.
pub fn replace_environment(lines: &[String]) {
    // SAFETY: this process has one thread.
    unsafe {
        for (name, _) in std::env::vars_os() {
            std::env::remove_var(name);
        }
        for (name, value) in lines.iter().filter_map(|it| it.split_once('=')) {
            if !name.is_empty() && !line_has_nul(name) && !line_has_nul(value) {
                std::env::set_var(name, value);
            }
        }
    }
}

fn line_has_nul(text: &str) -> bool {
    text.contains('\0')
}

/// Sets a limit of this process.
pub fn set_limit(number: libc::__rlimit_resource_t, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: soft,
        rlim_max: hard,
    };
    // SAFETY: the structure lives through the call.
    check(unsafe { libc::setrlimit(number, &limit) }).map(drop)
}

/// Becomes another user for good.
pub fn become_user(user: u32, group: u32, groups: &[u32]) -> io::Result<()> {
    // SAFETY: pointer and length are of one slice.
    unsafe {
        check(libc::setgroups(groups.len(), groups.as_ptr()))?;
        check(libc::setresgid(group, group, group))?;
        check(libc::setresuid(user, user, user)).map(drop)
    }
}

/// Asks the kernel to kill this process when its parent ends.
pub fn die_with_parent() {
    // SAFETY: no pointers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

/// The next child that has ended.
pub fn reap() -> Option<Reaped> {
    let mut status = 0;
    // SAFETY: `status` is a valid place.
    let pid = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) };
    if pid <= 0 {
        return None;
    }
    let code = if libc::WIFSIGNALED(status) {
        128 + libc::WTERMSIG(status)
    } else {
        libc::WEXITSTATUS(status)
    };
    Some(Reaped { pid, code })
}

/// Sends a signal to a child that has not been reaped.
pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: no pointers; the caller knows that the process is its own child.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Receives bytes and, at most, one descriptor.
pub fn receive(stream: &UnixStream, buffer: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    // Room for one descriptor; aligned as control messages must be.
    let mut control = [0u64; 4];
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: all pointers are to live local storage of the stated sizes; a received descriptor is new.
    unsafe {
        let mut header: libc::msghdr = std::mem::zeroed();
        header.msg_iov = &mut part;
        header.msg_iovlen = 1;
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = size_of_val(&control);
        let count = libc::recvmsg(stream.as_raw_fd(), &mut header, libc::MSG_CMSG_CLOEXEC);
        if count < 0 {
            return Err(io::Error::last_os_error());
        }
        let message = libc::CMSG_FIRSTHDR(&header);
        let is_descriptor = !message.is_null()
            && (*message).cmsg_level == libc::SOL_SOCKET
            && (*message).cmsg_type == libc::SCM_RIGHTS;
        let descriptor = is_descriptor.then(|| {
            let raw = std::ptr::read_unaligned(libc::CMSG_DATA(message).cast::<RawFd>());
            OwnedFd::from_raw_fd(raw)
        });
        Ok((count as usize, descriptor))
    }
}

/// Sends bytes and a descriptor.
pub fn send(stream: &UnixStream, bytes: &[u8], descriptor: &OwnedFd) -> io::Result<()> {
    let mut control = [0u64; 4];
    let mut part = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    // SAFETY: all pointers are to live local storage of the stated sizes, which has room for one descriptor; the
    // kernel only reads the bytes.
    let count = unsafe {
        let mut header: libc::msghdr = std::mem::zeroed();
        header.msg_iov = &mut part;
        header.msg_iovlen = 1;
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = libc::CMSG_SPACE(size_of::<RawFd>() as u32) as usize;
        let message = libc::CMSG_FIRSTHDR(&header);
        (*message).cmsg_level = libc::SOL_SOCKET;
        (*message).cmsg_type = libc::SCM_RIGHTS;
        (*message).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as usize;
        std::ptr::write_unaligned(libc::CMSG_DATA(message).cast::<RawFd>(), descriptor.as_raw_fd());
        libc::sendmsg(stream.as_raw_fd(), &header, libc::MSG_NOSIGNAL)
    };
    match usize::try_from(count) {
        Ok(count) if count == bytes.len() => Ok(()),
        Ok(_) => Err(io::ErrorKind::WriteZero.into()),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

/// Gives the terminal on standard input to a user, so that it may open it by name.
pub fn own_terminal(user: u32) -> io::Result<()> {
    // SAFETY: no pointers; the group is left as it is.
    check(unsafe { libc::fchown(0, user, libc::gid_t::MAX) }).map(drop)
}

/// A new terminal of this process's mount namespace: the side of who looks on, then the one of who runs in it.
pub fn open_terminal(columns: u16, rows: u16) -> io::Result<(OwnedFd, OwnedFd)> {
    let size = libc::winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let unlocked: libc::c_int = 0;
    // Not blocking: whatever else the container has put there must not hold this process.
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the path is terminated, the number and the structure live through the calls, the descriptors are new.
    unsafe {
        let opened = libc::open(c"/dev/pts/ptmx".as_ptr(), flags | libc::O_NONBLOCK);
        let terminal = OwnedFd::from_raw_fd(check(opened)?);
        let raw = terminal.as_raw_fd();
        check(libc::ioctl(raw, libc::TIOCSPTLCK, std::ptr::from_ref(&unlocked)))?;
        check(libc::ioctl(raw, libc::TIOCSWINSZ, std::ptr::from_ref(&size)))?;
        let own_side = check(libc::ioctl(raw, libc::TIOCGPTPEER, flags))?;
        Ok((terminal, OwnedFd::from_raw_fd(own_side)))
    }
}

/// Makes standard input the terminal of this process's session.
pub fn control_terminal() -> io::Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) }).map(drop)
}

/// From now on no execution gives this process more than it has.
pub fn forbid_new_privileges() -> io::Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }).map(drop)
}

/// Drops all capabilities but these from what this process and its children can ever have.
pub fn drop_bounding_capabilities(kept: u64) -> io::Result<()> {
    for capability in 0..64 {
        if kept & (1 << capability) != 0 {
            continue;
        }
        // SAFETY: no pointers.
        match check(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) }) {
            // This kernel knows no capability of this number, nor any beyond.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => break,
            result => result?,
        };
    }
    Ok(())
}

/// Makes these the permitted and effective capabilities of this process, and none inheritable or ambient.
pub fn set_capabilities(held: u64) -> io::Result<()> {
    // The kernel's structures, in their version for 64 capabilities: version and process, then effective,
    // permitted and inheritable for the lower and the upper half.
    let header = [0x2008_0522_u32, 0];
    let (lower, upper) = (held as u32, (held >> 32) as u32);
    let data = [lower, lower, 0, upper, upper, 0];
    // SAFETY: both arrays have the layout and size of this version's structures.
    unsafe {
        check(libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        ))?;
        let set = libc::syscall(libc::SYS_capset, header.as_ptr(), data.as_ptr());
        check(set as libc::c_int).map(drop)
    }
}

/// The time of day, nanoseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "records the kernel's own events; nobody gives the shim a clock"
)]
pub fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
