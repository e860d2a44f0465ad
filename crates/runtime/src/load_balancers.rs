//! Balancers: a process for each load balancer, in its network, which outlives the agent as shims do.
//!
//! ```text
//! balancers/<id>/
//!    shim.sock   where it listens for its agent
//!    lock        locked by it while it lives; holds its process id
//!    errors      its last words
//! ```

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use agent::host::{BalancerConnection, HostError, LoadBalancerSite};
use rustix::fs::FlockOperation;
use rustix::process::Signal;
use tokio::net::UnixStream;

use crate::network::{Network, NetworkError};
use crate::shim_process::{self, living_shim, short_path};
use crate::task_directory::is_name;

/// Whom balancers run as: nobody, who may do nothing to this host.
const NOBODY: u32 = 65_534;
/// How long a balancer may take to end when it is asked to: what is in flight has so long.
const GRACE: Duration = Duration::from_secs(5);
/// How long it may take to be gone after that.
const KILL_DEADLINE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);
const ERRORS: &str = "errors";

/// The balancers of this host.
#[derive(Clone)]
pub struct LoadBalancers {
    directory: PathBuf,
    program: PathBuf,
    network: Network,
}

impl LoadBalancers {
    /// Balancers run `program`, which is given its listening socket as standard input and its lock as standard output.
    pub fn new(directory: PathBuf, program: PathBuf, network: Network) -> Self {
        Self {
            directory,
            program,
            network,
        }
    }

    /// Ids of the load balancers that have a directory here.
    pub fn known(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten();
        let names = entries.filter_map(|it| it.ok()?.file_name().into_string().ok());
        names.filter(|it| is_name(it)).collect()
    }

    /// The key of a load balancer's network.
    pub fn network_key(id: &str) -> String {
        format!("load-balancer-{id}")
    }

    /// Connects to the balancer of a load balancer; its network and its process are made if they are not there.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`] with what the machine refused.
    pub async fn open(&self, site: &LoadBalancerSite) -> Result<BalancerConnection, HostError> {
        if !is_name(&site.id) {
            return Err(failed(format!("{:?} is no load balancer's id", site.id)));
        }
        let key = Self::network_key(&site.id);
        let attach = || self.network.attach_load_balancer(&key, &site.eni, &site.others);
        match attach().await {
            Err(NetworkError::AttachedOtherwise(_)) => {
                self.remove(&site.id).await?;
                attach().await.map_err(failed)?;
            }
            attached => attached.map_err(failed)?,
        }
        let directory = self.directory.join(&site.id);
        let place = directory.clone();
        if living(place).await?.is_none() {
            self.start(&key, &directory).await?;
        }
        connect(directory).await.map_err(failed)
    }

    async fn start(&self, key: &str, directory: &Path) -> Result<(), HostError> {
        let (program, place) = (self.program.clone(), directory.to_owned());
        let prepared = tokio::task::spawn_blocking(move || prepare(&program, &place)).await;
        let command = prepared.map_err(failed)?.map_err(failed)?;
        let mut child = self.network.spawn(key, command).await.map_err(failed)?;
        let directory = directory.to_owned();
        tokio::task::spawn_blocking(move || {
            let ended = child.wait();
            tracing::info!(balancer = %directory.display(), ?ended, "a balancer has ended");
        });
        Ok(())
    }

    /// Ends the balancer of a load balancer and takes its network down. One that is not there is no error.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`] with what the machine refused; the call may be repeated.
    pub async fn remove(&self, id: &str) -> Result<(), HostError> {
        if !is_name(id) {
            return Ok(());
        }
        let directory = self.directory.join(id);
        let place = directory.clone();
        // The record of its network goes before its directory, by which it is found again.
        let ended = tokio::task::spawn_blocking(move || end(&place)).await;
        ended.map_err(failed)?.map_err(failed)?;
        let detached = self.network.detach(&Self::network_key(id)).await;
        detached.map_err(failed)?;
        let removed = tokio::task::spawn_blocking(move || fs::remove_dir_all(directory)).await;
        match removed.map_err(failed)? {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        }
    }
}

fn failed(error: impl std::fmt::Display) -> HostError {
    HostError::ContainerRuntime(format!("load balancer: {error}"))
}

async fn living(directory: PathBuf) -> Result<Option<rustix::process::Pid>, HostError> {
    let looked = tokio::task::spawn_blocking(move || living_shim(&directory)).await;
    looked.map_err(failed)?.map_err(failed)
}

/// What starts a balancer: as nobody, with nothing of ours but its socket, its lock and a file for its last words.
fn prepare(program: &Path, directory: &Path) -> io::Result<Command> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let lock = shim_process::open_lock(directory)?;
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    let listener = shim_process::listen(directory)?;
    let errors = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(directory.join(ERRORS))?;
    let mut command = Command::new(program);
    command
        .arg("balancer")
        .env_clear()
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .process_group(0)
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stdout(Stdio::from(lock))
        .stderr(Stdio::from(errors));
    Ok(command)
}

async fn connect(directory: PathBuf) -> io::Result<UnixStream> {
    let folder = tokio::task::spawn_blocking(move || File::open(directory))
        .await
        .map_err(io::Error::other)??;
    UnixStream::connect(short_path(&folder)).await
}

fn end(directory: &Path) -> io::Result<()> {
    for (signal, patience) in [(Signal::TERM, GRACE), (Signal::KILL, KILL_DEADLINE)] {
        let deadline = Instant::now() + patience;
        let Some(pid) = living_shim(directory)? else {
            return Ok(());
        };
        // It may have ended just now.
        let _ended = rustix::process::kill_process(pid, signal);
        while Instant::now() < deadline {
            if living_shim(directory)?.is_none() {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
    }
    Err(io::Error::other("its process does not end"))
}
