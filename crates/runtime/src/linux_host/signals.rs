//! Names of signals, as images say them.

const NAMES: [(&str, i32); 27] = [
    ("ABRT", libc::SIGABRT),
    ("ALRM", libc::SIGALRM),
    ("BUS", libc::SIGBUS),
    ("CHLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("FPE", libc::SIGFPE),
    ("HUP", libc::SIGHUP),
    ("ILL", libc::SIGILL),
    ("INT", libc::SIGINT),
    ("IO", libc::SIGIO),
    ("KILL", libc::SIGKILL),
    ("PIPE", libc::SIGPIPE),
    ("PROF", libc::SIGPROF),
    ("PWR", libc::SIGPWR),
    ("QUIT", libc::SIGQUIT),
    ("SEGV", libc::SIGSEGV),
    ("STOP", libc::SIGSTOP),
    ("SYS", libc::SIGSYS),
    ("TERM", libc::SIGTERM),
    ("TRAP", libc::SIGTRAP),
    ("TSTP", libc::SIGTSTP),
    ("URG", libc::SIGURG),
    ("USR1", libc::SIGUSR1),
    ("USR2", libc::SIGUSR2),
    ("VTALRM", libc::SIGVTALRM),
    ("WINCH", libc::SIGWINCH),
    ("XCPU", libc::SIGXCPU),
];
/// The real-time signals that programs may use; the C library keeps two for itself.
const REAL_TIME: (i32, i32) = (34, 64);

/// `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`.
pub fn parse(text: &str) -> Option<i32> {
    let text = text.trim().to_ascii_uppercase();
    if let Ok(number) = text.parse::<i32>() {
        return (1..=REAL_TIME.1).contains(&number).then_some(number);
    }
    let name = text.strip_prefix("SIG").unwrap_or(&text);
    let offset = |it: &str| {
        if it.is_empty() {
            Some(0)
        } else {
            it.parse::<i32>().ok()
        }
    };
    let real_time = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(rest), _) => offset(rest).map(|it| REAL_TIME.0 + it),
        (_, Some(rest)) => offset(rest).map(|it| REAL_TIME.1 + it),
        _ => None,
    };
    let named = NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, number)| *number);
    real_time
        .filter(|it| (REAL_TIME.0..=REAL_TIME.1).contains(it))
        .or(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_named_as_in_images() {
        let found = [
            "SIGQUIT",
            "term",
            "15",
            "SIGRTMIN+3",
            "RTMAX-1",
            "RTMAX+1",
            "0",
            "NONE",
        ]
        .map(parse);
        assert_eq!(
            found,
            [Some(3), Some(15), Some(15), Some(37), Some(63), None, None, None]
        );
    }
}
