//! Balancers: a process for each load balancer, in its network, which outlives the agent as shims do.
//!
//! ```text
//! balancers/<id>/
//!    shim.sock       where it listens for its agent
//!    lock            locked by it while it lives; holds its process id
//!    errors          its last words
//!    published.json  the host's ports that lead to it, see [`crate::published`]
//!    next/           the same of one that is about to take its place
//!    leaving-<pid>   lock of one whose place was taken, while it ends what is in flight
//! ```
//!
//! A balancer that runs another program than it would run today, such as that of an earlier version, is renewed when
//! its agent connects: see [`renewal`].

pub(crate) mod processes;
mod renewal;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use agent::host::{BalancerConnection, HostError, LoadBalancerSite, TransportProtocol};
use tokio::net::UnixStream;

use crate::network::{Network, NetworkError};
use crate::published::{self, PublishedPort};
use crate::shim_process::short_path;
use crate::task_directory::is_name;
use processes::{Beginning, Rights, end_all, prepare};

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
        let host_address = match attach().await {
            Err(NetworkError::AttachedOtherwise(_)) => {
                self.remove(&site.id).await?;
                attach().await.map_err(failed)?
            }
            attached => attached.map_err(failed)?,
        };
        if let Some(range) = site.range {
            let routed = self.network.route_to_load_balancer(&key, &site.eni, range);
            routed.await.map_err(failed)?;
        }
        let rights = match site.preserves_clients {
            true => {
                self.network.preserve_clients(&key).await.map_err(failed)?;
                Rights::Clients
            }
            // What was let in stays until it is gone: connections that are under way need it.
            false => Rights::Nobodys,
        };
        let directory = self.directory.join(&site.id);
        self.keep_running(&key, &directory, rights).await?;
        self.publish(&key, site, &directory).await?;
        let stream = connect(directory).await.map_err(failed)?;
        Ok(BalancerConnection { stream, host_address })
    }

    /// Has ports of the host lead there. Those that are taken are told, and are no reason not to serve.
    async fn publish(&self, key: &str, site: &LoadBalancerSite, directory: &Path) -> Result<(), HostError> {
        let publishing = self.network.publish_load_balancer(key, &site.published);
        let refused = publishing.await.map_err(failed)?;
        let ports = site.published.iter().map(|it| {
            let refusal = refused.iter().find(|(port, _)| port == it);
            PublishedPort {
                port: it.host_port,
                protocol: match it.protocol {
                    TransportProtocol::Tcp => "tcp".to_owned(),
                    TransportProtocol::Udp => "udp".to_owned(),
                },
                failure: refusal.map(|(_, error)| reason(error)),
            }
        });
        let ports: Vec<PublishedPort> = ports.collect();
        for it in &ports {
            if let Some(failure) = &it.failure {
                let (port, protocol) = (it.port, &it.protocol);
                tracing::warn!(
                    load_balancer = site.id,
                    "port {port}/{protocol} is not published: {failure}"
                );
            }
        }
        let directory = directory.to_owned();
        blocking(move || published::tell(&directory, &ports)).await
    }

    async fn start(
        &self,
        key: &str,
        directory: &Path,
        beginning: Beginning,
        rights: Rights,
    ) -> Result<(), HostError> {
        let (program, place) = (self.program.clone(), directory.to_owned());
        let command = blocking(move || prepare(&program, &place, "balancer", beginning, rights)).await?;
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
        blocking(move || end_all(&place)).await?;
        let detached = self.network.detach(&Self::network_key(id)).await;
        detached.map_err(failed)?;
        let removed = tokio::task::spawn_blocking(move || fs::remove_dir_all(directory)).await;
        match removed.map_err(failed)? {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        }
    }
}

fn reason(error: &NetworkError) -> String {
    match error {
        NetworkError::PortAllocated { .. } => {
            "a program, a task or another load balancer of this machine has the port".to_owned()
        }
        other => other.to_string(),
    }
}

fn failed(error: impl std::fmt::Display) -> HostError {
    HostError::ContainerRuntime(format!("load balancer: {error}"))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, HostError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(failed)?.map_err(failed)
}

async fn connect(directory: PathBuf) -> io::Result<UnixStream> {
    let folder = tokio::task::spawn_blocking(move || File::open(directory))
        .await
        .map_err(io::Error::other)??;
    UnixStream::connect(short_path(&folder)).await
}
