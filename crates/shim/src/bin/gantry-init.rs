//! `gantry-init`: first process of a container that asked for one. Runs the command it is given, passes
//! signals on to it, reaps whatever is orphaned, and ends as the command ended.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;

fn main() {
    let words: Vec<CString> = std::env::args_os()
        .skip(1)
        .filter_map(|word| CString::new(OsString::into_vec(word)).ok())
        .collect();
    std::process::exit(run(&words));
}

/// Exit statuses of a shell for a command that cannot be executed or found.
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;

fn run(words: &[CString]) -> i32 {
    let Some(program) = words.first() else {
        return NOT_FOUND;
    };
    let mut pointers: Vec<_> = words.iter().map(|word| word.as_ptr()).collect();
    pointers.push(std::ptr::null());
    // SAFETY: the set is initialised before use; this process has one thread; program and arguments are
    // terminated and alive.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &all, &mut before);
        match libc::fork() {
            -1 => NOT_EXECUTABLE,
            0 => {
                libc::setpgid(0, 0);
                libc::signal(libc::SIGPIPE, libc::SIG_DFL);
                libc::sigprocmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
                libc::execvp(program.as_ptr(), pointers.as_ptr());
                let is_missing = *libc::__errno_location() == libc::ENOENT;
                eprintln!("gantry-init: cannot execute {}", program.to_string_lossy());
                libc::_exit(if is_missing { NOT_FOUND } else { NOT_EXECUTABLE })
            }
            child => supervise(child, &all),
        }
    }
}

/// # Safety
/// `child` must be a child of this process that nobody else waits for.
unsafe fn supervise(child: libc::pid_t, all: &libc::sigset_t) -> i32 {
    loop {
        let mut signal = 0;
        // SAFETY: valid set and place.
        if unsafe { libc::sigwait(all, &mut signal) } != 0 {
            continue;
        }
        if signal != libc::SIGCHLD {
            // SAFETY: the child has not been reaped, so the number is its own.
            unsafe { libc::kill(child, signal) };
            continue;
        }
        loop {
            let mut status = 0;
            // SAFETY: valid place.
            let reaped = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) };
            if reaped <= 0 {
                break;
            }
            if reaped == child {
                return match libc::WIFSIGNALED(status) {
                    true => 128 + libc::WTERMSIG(status),
                    false => libc::WEXITSTATUS(status),
                };
            }
        }
    }
}
