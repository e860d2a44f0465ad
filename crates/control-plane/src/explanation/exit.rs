//! What an exit code means, in plain words.

use domain::task::{ContainerEnd, TaskContainer};

/// How Amazon's agent, and ours, begin the reason of a container that the kernel killed for want of memory.
const OUT_OF_MEMORY: &str = "OutOfMemoryError";
/// Exit codes from here up are signals, as shells and container runtimes count them.
const SIGNALS_FROM: i32 = 128;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;
/// Names of the signals that end processes, and what they mean.
const SIGNALS: [(i32, &str, &str); 15] = [
    (1, "SIGHUP", "its terminal or its parent went away"),
    (2, "SIGINT", "it was interrupted, as by Ctrl-C"),
    (3, "SIGQUIT", "it was asked to quit and to leave a core dump"),
    (
        4,
        "SIGILL",
        "it ran an instruction that this processor does not know: often an image for another processor",
    ),
    (5, "SIGTRAP", "a breakpoint or an assertion"),
    (
        6,
        "SIGABRT",
        "it aborted itself: often a failed assertion, or an allocation that failed",
    ),
    (
        7,
        "SIGBUS",
        "it used memory that is not there: often a full /dev/shm, or a mapped file that was cut",
    ),
    (8, "SIGFPE", "an arithmetic fault, as a division by zero"),
    (SIGKILL, "SIGKILL", "it was killed"),
    (10, "SIGUSR1", "it has no handler for this signal"),
    (
        11,
        "SIGSEGV",
        "it used memory that is not its own: a fault of the program or of a native library",
    ),
    (12, "SIGUSR2", "it has no handler for this signal"),
    (
        13,
        "SIGPIPE",
        "it wrote to a connection or pipe that nobody reads any more",
    ),
    (14, "SIGALRM", "its own alarm went off"),
    (SIGTERM, "SIGTERM", "it was asked to end"),
];

/// Who sent the SIGKILL of exit code 137.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Killer {
    /// The kernel, for want of memory.
    OutOfMemory,
    /// The agent, after the stop time-out.
    StopTimeout,
    /// Somebody else.
    Outside,
    /// The agent does not say what it did.
    Unknown,
}

/// Whether the kernel killed it for want of memory.
pub fn is_out_of_memory(container: &TaskContainer) -> bool {
    let reason = container.reason.as_deref();
    reason.is_some_and(|it| it.starts_with(OUT_OF_MEMORY))
}

/// Who killed a container that ended with 137.
pub fn killer(container: &TaskContainer) -> Killer {
    match container.end.as_deref() {
        _ if is_out_of_memory(container) => Killer::OutOfMemory,
        Some(ContainerEnd {
            killed_at: Some(_), ..
        }) => Killer::StopTimeout,
        Some(_) => Killer::Outside,
        None => Killer::Unknown,
    }
}

/// What the exit code of a container means; `None` as long as it has none.
pub fn meaning(container: &TaskContainer, stop_timeout_seconds: u32) -> Option<String> {
    let code = container.exit_code?;
    let text = match code {
        _ if is_out_of_memory(container) => format!(
            "{code}: the kernel killed it (SIGKILL) because it needed more memory than its limit allows"
        ),
        0 => "0: it finished without an error".to_owned(),
        1 => "1: the program ended with a general error; its last lines say more".to_owned(),
        2 => "2: the program ended with an error, by custom one of its arguments or of its shell script".to_owned(),
        125 => "125: a wrapper or a container tool inside the container failed before the program ran".to_owned(),
        126 => "126: the command was found but could not be executed: no execute permission, or not a program for \
                this machine"
            .to_owned(),
        127 => "127: the command was not found: a typing error, a program that the image lacks, or a missing library \
                loader"
            .to_owned(),
        255 => "255: the program ended with an error code out of range, often exit(-1)".to_owned(),
        _ if code == SIGNALS_FROM + SIGKILL => killed(killer(container), stop_timeout_seconds),
        _ if code == SIGNALS_FROM + SIGTERM => terminated(container.end.as_deref()),
        _ => match SIGNALS.iter().find(|(signal, ..)| SIGNALS_FROM + signal == code) {
            Some((_, name, why)) => format!("{code}: {name}, {why}"),
            None => format!("{code}: a code of the program's own; its documentation or last lines say what it means"),
        },
    };
    Some(text)
}

fn killed(killer: Killer, stop_timeout_seconds: u32) -> String {
    match killer {
        Killer::OutOfMemory => "137: SIGKILL for want of memory".to_owned(),
        Killer::StopTimeout => format!(
            "137: SIGKILL from Gantry, because it had not ended {stop_timeout_seconds} s after its stop signal \
             (its stop time-out)"
        ),
        Killer::Outside => {
            "137: SIGKILL that was not Gantry's, and its own memory limit was not the cause: sent by \
                            a process in the task or by somebody on the host"
                .to_owned()
        }
        Killer::Unknown => {
            "137: SIGKILL, which its agent does not explain: for want of memory on the host, after \
                            the stop time-out, or from outside"
                .to_owned()
        }
    }
}

fn terminated(end: Option<&ContainerEnd>) -> String {
    match end {
        Some(ContainerEnd {
            stop_signalled_at: Some(_),
            ..
        }) => "143: it ended on the SIGTERM with which Gantry asked it to stop".to_owned(),
        Some(_) => {
            "143: SIGTERM that was not Gantry's: sent by a process in the task or by somebody on the host"
                .to_owned()
        }
        None => "143: it ended on SIGTERM, which asks a process to stop".to_owned(),
    }
}
