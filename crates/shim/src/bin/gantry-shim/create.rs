//! Makes one container, in a process forked for that, and ends.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libcontainer::container::builder::ContainerBuilder;
use libcontainer::error::LibcontainerError;
use libcontainer::syscall::syscall::SyscallType;
use shim::{FailedStep, Reply, StartContainer, Started, SystemCalls, files};

use crate::containers::Container;
use crate::execute::Execute;
use crate::filter::Filter;
use crate::{notes, system};

/// Most of a failure's text that is passed on, in bytes.
const MAX_REPORT_BYTES: u64 = 4096;

/// The descriptors that a new container is made with.
pub struct Parts {
    /// A detached mount of its root file system.
    pub root: OwnedFd,
    /// Its standard output.
    pub output: OwnedFd,
    /// Its standard error.
    pub error: OwnedFd,
    /// Where to say how it went.
    pub result: OwnedFd,
}

/// Makes and starts the container and says how it went. Only for a process that ends then.
pub fn run(request: &StartContainer, parts: Parts) {
    system::die_with_parent();
    system::default_signals();
    let Parts {
        root,
        output,
        error,
        result,
    } = parts;
    let reply = create(request, root, output, error).unwrap_or_else(|failure| Reply::StartFailed {
        step: failure.step,
        message: failure.message,
    });
    let mut line = serde_json::to_vec(&reply).unwrap_or_default();
    line.push(b'\n');
    // If this fails, the shim sees the end of the pipe without a reply.
    drop(File::from(result).write_all(&line));
}

struct Failure {
    step: FailedStep,
    message: String,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self {
            step: FailedStep::Create,
            message: error.to_string(),
        }
    }
}

impl From<LibcontainerError> for Failure {
    fn from(error: LibcontainerError) -> Self {
        Self {
            step: FailedStep::Create,
            message: error.to_string(),
        }
    }
}

fn terminated(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)
}

fn create(
    request: &StartContainer,
    root: OwnedFd,
    output: OwnedFd,
    error: OwnedFd,
) -> Result<Reply, Failure> {
    let bundle = std::env::current_dir()?.join(Container::directory(&request.container));
    system::mount_privately(&root, &terminated(&bundle.join(files::ROOT))?)?;
    drop(root);
    // Nobody else reads it, and it need not outlive this process.
    let state = bundle.join(files::STATE);
    fs::create_dir(&state)?;
    system::mount_memory(&terminated(&state)?)?;
    // The process holds the ends of both until it executes its program, which closes them.
    let (report, report_end) = system::pipe().map(|(read, write)| (File::from(read), write))?;
    let (noted, notes_end) = system::pipe().map(|(read, write)| (File::from(read), write))?;
    notes::write_errors_to(notes_end.try_clone()?)?;
    let filter = match request.confinement.system_calls {
        SystemCalls::All => None,
        SystemCalls::Filtered => Some(Filter::from_bytes(&fs::read(bundle.join(files::FILTER))?)?),
    };
    let executor = Execute::new(&report_end, request.confinement, filter);
    let built = ContainerBuilder::new(request.runtime_id.clone(), SyscallType::default())
        .with_executor(executor)
        .with_root_path(state)?
        .with_stdin(File::open("/dev/null")?)
        .with_stdout(output)
        .with_stderr(error)
        .as_init(&bundle)
        .with_systemd(false)
        .with_detach(true)
        .build();
    let started = built.and_then(|mut container| {
        container.start()?;
        container
            .pid()
            .map(|pid| pid.as_raw())
            .ok_or(LibcontainerError::Other("it has no process".to_owned()))
    });
    notes::stop();
    drop((report_end, notes_end));
    let mut refusal = String::new();
    report.take(MAX_REPORT_BYTES).read_to_string(&mut refusal)?;
    if !refusal.is_empty() {
        return Err(Failure {
            step: FailedStep::Execute,
            message: refusal,
        });
    }
    match started {
        Ok(pid) => Ok(Reply::Started(Started {
            pid,
            started_at_nanoseconds: system::now(),
        })),
        Err(error) => {
            let mut failure = Failure::from(error);
            let mut details = String::new();
            noted.take(MAX_REPORT_BYTES).read_to_string(&mut details)?;
            // The innermost error is noted first and says most.
            if let Some(first) = details.lines().next() {
                failure.message = format!("{}: {first}", failure.message);
            }
            Err(failure)
        }
    }
}
