//! Signals by name.

/// Number of a signal as images and task definitions name it: `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`.
pub fn number(text: &str) -> Option<i32> {
    // What glibc leaves of the real-time signals, which is also what Docker counts from.
    const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;
    if let Ok(number) = text.parse() {
        return (1..=*REAL_TIME.end()).contains(&number).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some(rest) = name.strip_prefix("RTMIN") {
        let offset: i32 = if rest.is_empty() {
            0
        } else {
            rest.strip_prefix('+')?.parse().ok()?
        };
        return REAL_TIME
            .start()
            .checked_add(offset)
            .filter(|it| REAL_TIME.contains(it));
    }
    if let Some(rest) = name.strip_prefix("RTMAX") {
        let offset: i32 = if rest.is_empty() {
            0
        } else {
            rest.strip_prefix('-')?.parse().ok()?
        };
        return REAL_TIME
            .end()
            .checked_sub(offset)
            .filter(|it| REAL_TIME.contains(it));
    }
    let number = match name {
        "HUP" => libc::SIGHUP,
        "INT" => libc::SIGINT,
        "QUIT" => libc::SIGQUIT,
        "ABRT" => libc::SIGABRT,
        "KILL" => libc::SIGKILL,
        "USR1" => libc::SIGUSR1,
        "USR2" => libc::SIGUSR2,
        "PIPE" => libc::SIGPIPE,
        "ALRM" => libc::SIGALRM,
        "TERM" => libc::SIGTERM,
        "CHLD" => libc::SIGCHLD,
        "CONT" => libc::SIGCONT,
        "STOP" => libc::SIGSTOP,
        "TSTP" => libc::SIGTSTP,
        "WINCH" => libc::SIGWINCH,
        "PWR" => libc::SIGPWR,
        _ => return None,
    };
    Some(number)
}
