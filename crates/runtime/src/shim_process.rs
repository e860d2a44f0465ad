//! Starting shims, from an executable that exists in memory only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::{FlockOperation, MemfdFlags, SealFlags};
use shim::{FilterProfile, files};

static SHIM: &[u8] = include_bytes!(env!("GANTRY_SHIM"));
static INIT: &[u8] = include_bytes!(env!("GANTRY_INIT"));
/// Where the shims' last words go, in the task's directory.
const ERRORS: &str = "shim.errors";

/// The shim's executable: a sealed file in memory. No container can reach or change it, and all shims of
/// one agent share its pages.
#[derive(Debug)]
pub struct ShimProgram {
    file: OwnedFd,
}

impl ShimProgram {
    /// Puts the executable into memory.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn load() -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Kernels before 6.3 do not know the flag, and make every such file executable.
        let file = rustix::fs::memfd_create("gantry-shim", flags | MemfdFlags::EXEC)
            .or_else(|_| rustix::fs::memfd_create("gantry-shim", flags))?;
        let mut file = File::from(file);
        file.write_all(SHIM)?;
        file.set_permissions(fs::Permissions::from_mode(0o500))?;
        let file = OwnedFd::from(file);
        let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
        rustix::fs::fcntl_add_seals(&file, seals)?;
        Ok(Self { file })
    }

    /// Compiles a seccomp filter. Blocks for some tens of milliseconds.
    ///
    /// # Errors
    /// If the profile makes no filter.
    pub fn compile_filter(&self, profile: &FilterProfile) -> io::Result<Vec<u8>> {
        let mut child = self
            .command()
            .arg(shim::COMPILE_FILTER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // It reads all before it writes, so neither waits for the other; the rest is told by its status.
        let written = child
            .stdin
            .take()
            .map(|mut input| input.write_all(&serde_json::to_vec(profile)?));
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(io::Error::other(
                String::from_utf8_lossy(&output.stderr).into_owned(),
            ));
        }
        written.transpose()?;
        Ok(output.stdout)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(format!("/proc/self/fd/{}", self.file.as_raw_fd()));
        command.env_clear();
        command
    }

    /// Starts a shim for the task in `directory`. It listens when this returns, although it may not have
    /// begun to answer, and holds the task's lock.
    ///
    /// # Errors
    /// If its files or its process cannot be made.
    pub fn spawn(&self, directory: &Path, groups: &[PathBuf]) -> io::Result<Child> {
        let lock = open_lock(directory)?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        let listener = listen(directory)?;
        let errors = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(directory.join(ERRORS))?;
        self.command()
            .args(groups)
            .current_dir(directory)
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(Stdio::from(lock))
            .stderr(Stdio::from(errors))
            .spawn()
    }
}

/// Opens a task's lock file.
///
/// # Errors
/// It cannot be made.
pub fn open_lock(directory: &Path) -> io::Result<File> {
    let path = directory.join(files::LOCK);
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
}

/// The process id of a task's shim; `None` if none lives.
///
/// # Errors
/// If the lock file cannot be read.
pub fn living_shim(directory: &Path) -> io::Result<Option<rustix::process::Pid>> {
    holder(&directory.join(files::LOCK))
}

/// The id of the process that holds a lock file and has written it there; `None` if none does.
///
/// # Errors
/// If the lock file cannot be read.
pub fn holder(lock: &Path) -> io::Result<Option<rustix::process::Pid>> {
    let lock = match File::open(lock) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => return Ok(None),
        Err(rustix::io::Errno::WOULDBLOCK) => {}
        Err(error) => return Err(error.into()),
    }
    let text = io::read_to_string(&lock)?;
    let pid = text.trim().parse().ok().and_then(rustix::process::Pid::from_raw);
    // Locked but not written yet: it is about to be.
    pid.map(Some)
        .ok_or_else(|| io::Error::from(io::ErrorKind::WouldBlock))
}

/// Listens on the socket of a directory, in place of whoever did before.
///
/// # Errors
/// It cannot be made.
pub fn listen(directory: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(directory.join(files::SOCKET)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let folder = File::open(directory)?;
    let path = short_path(&folder);
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// A path to the socket that is short enough for an address, however deep the directory is.
pub fn short_path(directory: &File) -> PathBuf {
    Path::new("/proc/self/fd")
        .join(directory.as_raw_fd().to_string())
        .join(files::SOCKET)
}

/// Puts the init program where containers can have it mounted, and returns its path.
///
/// # Errors
/// If the file cannot be written.
pub fn install_init(directory: &Path) -> io::Result<PathBuf> {
    let path = directory.join("gantry-init");
    if fs::read(&path).is_ok_and(|it| it == INIT) {
        return Ok(path);
    }
    // Containers of an earlier version keep the old file: it is replaced, not overwritten.
    let unfinished = directory.join("gantry-init.new");
    fs::write(&unfinished, INIT)?;
    fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o755))?;
    fs::rename(&unfinished, &path)?;
    Ok(path)
}
