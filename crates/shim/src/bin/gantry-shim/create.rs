//! Makes one container, in a process forked for that, and ends.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use libcontainer::container::builder::ContainerBuilder;
use libcontainer::error::LibcontainerError;
use libcontainer::syscall::syscall::SyscallType;
use shim::{Console, FailedStep, Reply, StartContainer, Started, SystemCalls, files};

use crate::containers::Container;
use crate::execute::Execute;
use crate::filter::Filter;
use crate::{directories, namespaces, notes, system};

/// Most of a failure's text that is passed on, in bytes.
const MAX_REPORT_BYTES: u64 = 4096;

/// The descriptors that a new container is made with.
pub struct Parts {
    /// A detached mount of its root file system.
    pub root: OwnedFd,
    /// Detached mounts that its own mounts name, with their places.
    pub memory: Vec<(OwnedFd, PathBuf)>,
    /// Its standard input, if it has one.
    pub input: Option<OwnedFd>,
    /// Its standard output.
    pub output: OwnedFd,
    /// Its standard error.
    pub error: OwnedFd,
}

/// Makes and starts the container and says how it went. Only for a process that ends then.
/// Beside the first byte goes the container's terminal, if it has one.
pub fn run(request: &StartContainer, parts: Parts, mut result: UnixStream) {
    system::die_with_parent();
    system::default_signals();
    let (reply, terminal) = create(request, parts).unwrap_or_else(|failure| {
        let failed = Reply::StartFailed {
            step: failure.step,
            message: failure.message,
        };
        (failed, None)
    });
    let mut line = serde_json::to_vec(&reply).unwrap_or_default();
    line.push(b'\n');
    // If this fails, the shim sees the end of the stream without a reply.
    match terminal {
        Some(terminal) => drop(system::send(&result, &line, &terminal)),
        None => drop(result.write_all(&line)),
    }
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

/// Mounts its root and what its own mounts name, where nobody else sees it.
fn mount(
    request: &StartContainer,
    bundle: &Path,
    root: OwnedFd,
    memory: Vec<(OwnedFd, PathBuf)>,
) -> Result<(), Failure> {
    namespaces::mount_privately(&root, &terminated(&bundle.join(files::ROOT))?)?;
    drop(root);
    for (mount, target) in memory {
        namespaces::attach_mount(&mount, &terminated(&target)?)?;
    }
    for directory in &request.directories {
        directories::attach(directory).map_err(|error| Failure {
            step: FailedStep::Create,
            message: format!("file system {}: {error}", directory.root.display()),
        })?;
    }
    Ok(())
}

fn create(request: &StartContainer, parts: Parts) -> Result<(Reply, Option<OwnedFd>), Failure> {
    let bundle = std::env::current_dir()?.join(Container::directory(&request.container));
    mount(request, &bundle, parts.root, parts.memory)?;
    // Nobody else reads it, and it need not outlive this process.
    let state = bundle.join(files::STATE);
    match fs::create_dir(&state) {
        // Left from when the container was started before; what it held was this process's own.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => result?,
    }
    namespaces::mount_memory(&terminated(&state)?)?;
    // The process holds the ends of both until it executes its program, which closes them.
    let (report, report_end) = system::pipe().map(|(read, write)| (File::from(read), write))?;
    let (noted, notes_end) = system::pipe().map(|(read, write)| (File::from(read), write))?;
    notes::write_errors_to(notes_end.try_clone()?)?;
    let filter = match request.confinement.system_calls {
        SystemCalls::All => None,
        SystemCalls::Filtered => Some(Filter::from_bytes(&fs::read(bundle.join(files::FILTER))?)?),
    };
    let executor = Execute::new(&report_end, request, filter);
    let console = match request.console {
        Console::Pipes => None,
        Console::Terminal => Some(ConsoleSocket::listen(&state)?),
    };
    let nothing = || File::open("/dev/null").map(OwnedFd::from);
    let input = parts.input.map_or_else(nothing, Ok)?;
    let built = ContainerBuilder::new(request.runtime_id.clone(), SyscallType::default())
        .with_executor(executor)
        .with_root_path(state)?
        .with_console_socket(console.as_ref().map(|it| it.path.clone()))
        .with_stdin(input)
        .with_stdout(parts.output)
        .with_stderr(parts.error)
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
        Ok(pid) => {
            let started_at_nanoseconds = system::now();
            let terminal = console.map(|it| it.receive()).transpose()?;
            let started = Started {
                pid,
                started_at_nanoseconds,
            };
            Ok((Reply::Started(started), terminal))
        }
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

/// Where the library leaves the terminal that it makes inside the container.
struct ConsoleSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ConsoleSocket {
    /// Listens in a directory, however long its path is.
    fn listen(directory: &Path) -> io::Result<Self> {
        const NAME: &str = "console.sock";
        let before = std::env::current_dir()?;
        std::env::set_current_dir(directory)?;
        let listener = UnixListener::bind(NAME);
        std::env::set_current_dir(before)?;
        let listener = listener?;
        // The terminal has come when the container is made: nobody has to wait for it.
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            path: directory.join(NAME),
        })
    }

    /// The terminal's own end.
    fn receive(&self) -> io::Result<OwnedFd> {
        let (stream, _) = self.listener.accept()?;
        let (_, terminal) = system::receive(&stream, &mut [0; 64])?;
        terminal.ok_or_else(|| io::Error::other("the terminal is missing"))
    }
}
