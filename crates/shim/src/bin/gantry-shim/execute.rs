//! Executes a container's program, and says in Docker's words why that failed.

use std::ffi::CString;
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use libcontainer::oci_spec::runtime::Spec;
use libcontainer::workload::{Executor, ExecutorError, ExecutorValidationError};
use shim::{Confinement, Console, Privileges, StartContainer};

use crate::filter::Filter;
use crate::{devices, system};

/// The last step of a container's first process.
#[derive(Clone)]
pub struct Execute {
    /// Closed by a successful execution.
    report: RawFd,
    confinement: Confinement,
    console: Console,
    user: u32,
    filter: Option<Filter>,
}

impl Execute {
    /// Failures are written to `report`, which must stay open until then.
    pub fn new(report: &OwnedFd, request: &StartContainer, filter: Option<Filter>) -> Self {
        Self {
            report: report.as_raw_fd(),
            confinement: request.confinement,
            console: request.console,
            user: request.stdio_owner,
            filter,
        }
    }

    /// Gives up what the container must not have. Until here the process had all that the shim has: loading
    /// a filter needs it.
    fn confine(&self, spec: &Spec) -> io::Result<()> {
        devices::restrict_directories(spec)?;
        if self.console == Console::Terminal {
            system::own_terminal(self.user)?;
        }
        if self.confinement.privileges == Privileges::NoNew {
            system::forbid_new_privileges()?;
        }
        system::drop_bounding_capabilities(self.confinement.bounding)?;
        if let Some(filter) = &self.filter {
            filter.load()?;
        }
        system::set_capabilities(self.confinement.held)
    }
}

impl Executor for Execute {
    fn exec(&self, spec: &Spec) -> Result<(), ExecutorError> {
        let arguments = spec
            .process()
            .as_ref()
            .and_then(|it| it.args().clone())
            .unwrap_or_default();
        let message = match self.confine(spec) {
            Ok(()) => execute(&arguments),
            Err(error) => format!("cannot confine the process: {error}"),
        };
        // SAFETY: the descriptor was open when the process was forked; it is not closed here.
        let mut report = ManuallyDrop::new(unsafe { std::fs::File::from_raw_fd(self.report) });
        drop(report.write_all(message.as_bytes()));
        Err(ExecutorError::Other(message))
    }

    /// Left to the execution itself, which nothing can come between.
    fn validate(&self, _spec: &Spec) -> Result<(), ExecutorValidationError> {
        Ok(())
    }
}

/// Executes a program in place of this process, found in `PATH` of its environment. Returns, in Docker's words,
/// only if that failed.
pub fn execute(arguments: &[String]) -> String {
    let Some(name) = arguments.first() else {
        return "no command specified".to_owned();
    };
    let program = match find(name) {
        Ok(program) => program,
        Err(reason) => return format!("exec: {name:?}: {reason}"),
    };
    let words: Result<Vec<CString>, _> = arguments.iter().map(|it| CString::new(it.as_bytes())).collect();
    let path = CString::new(program.as_os_str().as_encoded_bytes());
    let (Ok(words), Ok(path)) = (words, path) else {
        return format!("exec: {name:?}: invalid argument");
    };
    let mut pointers: Vec<_> = words.iter().map(|word| word.as_ptr()).collect();
    pointers.push(std::ptr::null());
    system::default_signals();
    // SAFETY: a terminated path and a terminated list of terminated strings, alive through the call.
    unsafe { libc::execv(path.as_ptr(), pointers.as_ptr()) };
    format!(
        "exec {}: {}",
        program.display(),
        describe(&io::Error::last_os_error())
    )
}

/// Looks a program up as Docker's runtime does.
fn find(name: &str) -> Result<PathBuf, String> {
    if name.contains('/') {
        let path = PathBuf::from(name);
        return check(&path).map(|()| path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("stat {name}: {}", describe(&error)),
            _ => describe(&error),
        });
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let mut found = path.split(':').map(|directory| match directory {
        "" => Path::new(".").join(name),
        directory => Path::new(directory).join(name),
    });
    found
        .find(|candidate| check(candidate).is_ok())
        .ok_or_else(|| "executable file not found in $PATH".to_owned())
}

fn check(path: &Path) -> io::Result<()> {
    let metadata = path.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::EISDIR));
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(io::Error::from_raw_os_error(libc::EACCES));
    }
    Ok(())
}

/// The C library's words, in Go's lower case.
fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}
