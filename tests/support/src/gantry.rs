//! A Gantry of one's own: its own data directory, port and VPC range, gone when it is dropped.

use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::disk::Disk;
use crate::wait;

/// How long a Gantry may take to start; it takes far less than a second on a quiet machine.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// The key that tests sign with.
pub const ACCESS_KEY_ID: &str = "AKIAGANTRYTESTS00000";
/// Its secret.
pub const SECRET_ACCESS_KEY: &str = "gantry-tests-secret-access-key-0000000000";

/// Name of the data directory in the folder of a Gantry.
const DATA: &str = "data";

/// A running Gantry.
pub struct Gantry {
    /// The data directory's own, if that is small; goes before the folder.
    disk: Option<Disk>,
    binary: PathBuf,
    folder: TempDir,
    listen: String,
    options: Vec<String>,
    vpc_cidr: String,
    process: Option<Child>,
}

impl Gantry {
    /// Starts the program on a free port of loopback.
    ///
    /// # Errors
    /// It does not become ready; what it wrote is part of the error.
    pub fn start(binary: &Path) -> Result<Self> {
        Self::start_with(binary, &[])
    }

    /// Starts it with more options of `gantry up`.
    ///
    /// # Errors
    /// It does not become ready; what it wrote is part of the error.
    pub fn start_with(binary: &Path, options: &[&str]) -> Result<Self> {
        Self::start_in(binary, options, folder()?, None)
    }

    /// Starts it with its data directory on a disk of so many MiB.
    ///
    /// # Errors
    /// It does not become ready; what it wrote is part of the error.
    pub fn start_on_disk(binary: &Path, mib: u32) -> Result<Self> {
        let folder = folder()?;
        let disk = Disk::mount(&folder.path().join(DATA), mib)?;
        Self::start_in(binary, &[], folder, Some(disk))
    }

    fn start_in(binary: &Path, options: &[&str], folder: TempDir, disk: Option<Disk>) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        // Tests run side by side: each has a VPC range of its own within 10/8, by its port.
        let vpc_cidr = format!("10.{}.{}.0/20", 128 + port / 4096 * 4, port % 16 * 16);
        let mut gantry = Self {
            disk,
            binary: binary.to_owned(),
            folder,
            listen: format!("127.0.0.1:{port}"),
            options: options.iter().map(ToString::to_string).collect(),
            vpc_cidr,
            process: None,
        };
        gantry.up()?;
        Ok(gantry)
    }

    /// Starts it (again) and waits until it serves.
    ///
    /// # Errors
    /// It does not become ready.
    pub fn up(&mut self) -> Result<()> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log())?;
        let mut command = Command::new(&self.binary);
        command.args([
            "up",
            "--no-profile",
            "--listen",
            &self.listen,
            "--vpc-cidr",
            &self.vpc_cidr,
        ]);
        // A rolling update would take seconds for each test that does not ask for it.
        if !self.options.iter().any(|it| it == "--healthy-after") {
            command.args(["--healthy-after", "0"]);
        }
        command.arg("--data-dir").arg(self.data_dir()).args(&self.options);
        command.env("GANTRY_ROOT_ACCESS_KEY_ID", ACCESS_KEY_ID);
        command.env("GANTRY_ROOT_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.process = Some(
            command
                .spawn()
                .with_context(|| format!("cannot run {}", self.binary.display()))?,
        );
        let endpoint_file = self.data_dir().join("run/endpoint.json");
        wait::until("gantry up", START_DEADLINE, || {
            if let Some(status) = self.process.as_mut().map(Child::try_wait).transpose()?.flatten() {
                bail!("gantry up ended with {status}:\n{}", self.output());
            }
            let is_ours = std::fs::read_to_string(&endpoint_file).is_ok_and(|it| {
                self.process
                    .as_ref()
                    .is_some_and(|process| it.contains(&process.id().to_string()))
            });
            Ok((is_ours && self.is_healthy()).then_some(()))
        })
        .with_context(|| self.output())
    }

    /// Whether `GET /health` answers 200.
    pub fn is_healthy(&self) -> bool {
        http_get(&self.listen, "/health").is_ok_and(|it| it.starts_with("HTTP/1.1 200"))
    }

    /// `http://127.0.0.1:port`
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Its data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join(DATA)
    }

    /// The disk of its data directory, if it has one of its own.
    pub fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }

    /// A folder for whatever a test wants to keep until the end.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// Process id of `gantry up`.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// A command on the same data directory, e.g. `["image", "ls"]`.
    ///
    /// # Errors
    /// It fails; what it wrote is part of the error.
    pub fn command(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.binary)
            .args(arguments)
            .arg("--data-dir")
            .arg(self.data_dir())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!(
                "gantry {arguments:?}: {}{text}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(text)
    }

    /// Value of a line of `gantry env`.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn variable(&self, name: &str) -> Result<String> {
        let lines = self.command(&["env"])?;
        let prefix = format!("export {name}=");
        let value = lines.lines().find_map(|line| line.strip_prefix(&prefix));
        Ok(value
            .with_context(|| format!("gantry env has no {name}"))?
            .trim_matches('\'')
            .to_owned())
    }

    /// SIGKILL, as a crash.
    ///
    /// # Errors
    /// It was not running.
    pub fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().context("not running")?;
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    /// What is started next is another file of the same content, as after an upgrade.
    ///
    /// # Errors
    /// It cannot be copied.
    pub fn upgrade(&mut self) -> Result<()> {
        let next = self.folder.path().join("upgraded-gantry");
        std::fs::copy(&self.binary, &next)?;
        self.binary = next;
        Ok(())
    }

    /// Ctrl-C: waits until it has ended.
    ///
    /// # Errors
    /// It was not running, or does not end.
    pub fn interrupt(&mut self) -> Result<()> {
        let mut process = self.process.take().context("not running")?;
        let id = process.id().to_string();
        Command::new("kill").args(["-INT", &id]).status()?;
        wait::until("gantry ends after Ctrl-C", START_DEADLINE, || {
            Ok(process.try_wait()?)
        })?;
        Ok(())
    }

    /// What it wrote.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("gantry.log")
    }
}

fn folder() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("gantry-").tempdir()?)
}

impl Drop for Gantry {
    fn drop(&mut self) {
        let down = self.command(&["down"]);
        if let Some(mut process) = self.process.take() {
            if down.is_err() {
                let _ = process.kill();
            }
            let _ = process.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- gantry\n{}", self.output());
        }
    }
}

/// A plain GET, the whole answer.
///
/// # Errors
/// No connection, or none that ends within two seconds.
pub fn http_get(address: &str, path: &str) -> Result<String> {
    use std::io::Write;
    let deadline = Some(Duration::from_secs(2));
    let target = address.parse().with_context(|| address.to_owned())?;
    let mut stream = std::net::TcpStream::connect_timeout(&target, Duration::from_secs(2))?;
    stream.set_read_timeout(deadline)?;
    stream.set_write_timeout(deadline)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
