//! The process that answers names in all VPCs of this host. It outlives the agent, as balancers do.
//!
//! ```text
//! resolver/
//!    shim.sock   where it listens for its agent
//!    lock        locked by it while it lives; holds its process id
//!    errors      its last words
//! ```
//!
//! Each connection is about one thing, which its first line names, see [`orders`]. When an agent begins it takes all
//! sockets from the process that is there, and ends it if it runs another program; the next one gets them. What arrives
//! in between waits in the sockets.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent::host::HostError;
use domain::served_names::HOST;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hand_over::{self, HandOver};
use crate::load_balancers::processes::{Beginning, Rights, end_all, is_outdated, prepare, serving};
use crate::network::{Network, Opened};
use crate::shim_process::short_path;

/// What the first line of a connection says.
pub mod orders {
    /// Hand over all sockets, with what [`Taken`](super::Taken) says of them.
    pub const TAKE: &str = "take";
    /// Serve a VPC: its sockets follow, with a [`Place`](super::Place).
    pub const SERVE: &str = "serve";
    /// Serve a VPC no more: a [`Place`](super::Place) follows.
    pub const LEAVE: &str = "leave";
    /// Lines of JSON follow, each a `NamesMessage`, until the connection ends.
    pub const NAMES: &str = "names";
}

/// How often it is looked whether the process lives, beside when something changes.
const LOOK: Duration = Duration::from_secs(5);

/// A VPC with its sockets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `vpc-…`, or [`HOST`].
    pub vpc_id: String,
    /// Its range.
    pub cidr: (Ipv4Addr, u8),
    /// How many of the sockets are its own; they come in the order of places.
    pub sockets: usize,
}

/// What is handed over beside sockets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Taken {
    /// Whose sockets they are.
    pub places: Vec<Place>,
    /// All names, as a `NamesMessage`.
    pub names: Value,
}

/// The process of this host.
pub(crate) struct ResolverProcess {
    directory: PathBuf,
    program: PathBuf,
    network: Network,
    known: tokio::sync::Mutex<Known>,
}

/// What is known of the process.
#[derive(Default)]
struct Known {
    /// What an earlier process has answered was asked for.
    is_taken: bool,
    /// What an earlier process knew: for the next one.
    names: Option<Value>,
    /// The VPCs that it serves, with the sockets by which it does: a VPC that went and came again has others.
    served: BTreeMap<String, Sockets>,
}

/// Those of a VPC, which the agent keeps too.
type Sockets = Arc<Vec<OwnedFd>>;

/// The VPCs that are to be served, and those that are not any more.
fn due<'a>(
    served: &BTreeMap<String, Sockets>,
    wanted: &'a BTreeMap<String, Opened>,
) -> (Vec<(&'a String, &'a Opened)>, Vec<String>) {
    let is_served = |vpc_id: &String, opened: &Opened| {
        let by = served.get(vpc_id);
        by.is_some_and(|it| Arc::ptr_eq(it, &opened.sockets))
    };
    let new = wanted.iter().filter(|(id, opened)| !is_served(id, opened));
    let gone = served.keys().filter(|id| !wanted.contains_key(*id));
    (new.collect(), gone.cloned().collect())
}

impl ResolverProcess {
    pub(crate) fn new(directory: PathBuf, program: PathBuf, network: Network) -> Arc<Self> {
        Arc::new(Self {
            directory,
            program,
            network,
            known: tokio::sync::Mutex::default(),
        })
    }

    /// Waits until a VPC is open, and connects to the process to tell it names. From then on the process is kept.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`] with what the machine refused.
    pub(crate) async fn open(self: &Arc<Self>) -> Result<tokio::net::UnixStream, HostError> {
        self.take_up().await;
        let mut changes = self.network.resolvers().changes();
        while self.network.resolvers().all().is_empty() {
            changes.changed().await.map_err(failed)?;
        }
        self.keep().await?;
        let directory = self.directory.clone();
        let stream = blocking(move || {
            let stream = connect(&directory)?;
            order(&stream, orders::NAMES)?;
            stream.set_nonblocking(true)?;
            Ok(stream)
        });
        tokio::net::UnixStream::from_std(stream.await?).map_err(failed)
    }

    /// Ends the process: for when the last task is gone.
    ///
    /// # Errors
    /// It does not end.
    pub(crate) async fn remove(&self) -> Result<(), HostError> {
        let directory = self.directory.clone();
        blocking(move || {
            end_all(&directory)?;
            match fs::remove_dir_all(directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Once: takes over what an earlier agent has left, and keeps the process from then on.
    async fn take_up(self: &Arc<Self>) {
        let mut known = self.known.lock().await;
        if std::mem::replace(&mut known.is_taken, true) {
            return;
        }
        let (directory, program) = (self.directory.clone(), self.program.clone());
        match blocking(move || take(&directory, &program)).await {
            Ok(Some((handed, is_outdated))) => self.inherit(&mut known, handed, is_outdated),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "the resolver hands nothing over: it begins afresh");
                let directory = self.directory.clone();
                if let Err(error) = blocking(move || end_all(&directory)).await {
                    tracing::error!(%error, "a resolver does not end");
                }
            }
        }
        self.network.open_resolvers().await;
        let keeper = Arc::downgrade(self);
        let mut changes = self.network.resolvers().changes();
        tokio::spawn(async move {
            loop {
                let _elapsed = tokio::time::timeout(LOOK, changes.changed()).await;
                let Some(process) = keeper.upgrade() else { return };
                if let Err(error) = process.keep().await {
                    tracing::warn!(%error, "the resolver of VPCs does not run");
                }
            }
        });
    }

    fn inherit(&self, known: &mut Known, handed: HandOver, is_outdated: bool) {
        let Ok(taken) = serde_json::from_slice::<Taken>(&handed.served) else {
            tracing::warn!("what was handed over cannot be read");
            return;
        };
        let mut sockets = handed.sockets.into_iter();
        for place in taken.places {
            let own: Vec<OwnedFd> = sockets.by_ref().take(place.sockets).collect();
            // Those of a VPC that is gone, or was made anew meanwhile, lead nowhere.
            let is_there = place.vpc_id == HOST || self.network.has_vpc(&place.vpc_id);
            let is_kept = is_there
                && self
                    .network
                    .resolvers()
                    .inherit(place.vpc_id.clone(), place.cidr, own);
            if !is_outdated && (is_kept || !is_there) {
                let kept = self.network.resolvers().all().remove(&place.vpc_id);
                let sockets = kept.map(|it| it.sockets).unwrap_or_default();
                known.served.insert(place.vpc_id, sockets);
            }
        }
        known.names = is_outdated.then_some(taken.names);
    }

    /// Has the process run, and serve the VPCs that are open and no others.
    async fn keep(&self) -> Result<(), HostError> {
        let mut known = self.known.lock().await;
        let wanted = self.network.resolvers().all();
        if wanted.is_empty() && known.served.is_empty() {
            return Ok(());
        }
        let directory = self.directory.clone();
        if blocking(move || serving(&directory)).await?.is_none() {
            known.served.clear();
            self.start().await?;
            if let Some(names) = known.names.take() {
                let directory = self.directory.clone();
                blocking(move || tell(&directory, &names)).await?;
            }
        }
        let (new, gone) = due(&known.served, &wanted);
        for (vpc_id, opened) in new {
            let (directory, place) = (self.directory.clone(), place(vpc_id, opened));
            let sockets = Arc::clone(&opened.sockets);
            blocking(move || pass(&directory, orders::SERVE, &place, &sockets)).await?;
            known.served.insert(vpc_id.clone(), Arc::clone(&opened.sockets));
        }
        for vpc_id in gone {
            let directory = self.directory.clone();
            let place = Place {
                vpc_id: vpc_id.clone(),
                cidr: (Ipv4Addr::UNSPECIFIED, 0),
                sockets: 0,
            };
            blocking(move || pass(&directory, orders::LEAVE, &place, &[])).await?;
            known.served.remove(&vpc_id);
        }
        Ok(())
    }

    /// In the network of the host: from there others are asked.
    async fn start(&self) -> Result<(), HostError> {
        let (directory, program) = (self.directory.clone(), self.program.clone());
        let mut child = blocking(move || {
            prepare(&program, &directory, "dns", Beginning::Afresh, Rights::Nobodys)?.spawn()
        })
        .await?;
        tokio::task::spawn_blocking(move || {
            let ended = child.wait();
            tracing::info!(?ended, "the resolver of VPCs has ended");
        });
        Ok(())
    }
}

fn place(vpc_id: &str, opened: &Opened) -> Place {
    Place {
        vpc_id: vpc_id.to_owned(),
        cidr: opened.cidr,
        sockets: opened.sockets.len(),
    }
}

/// What the process hands over, and whether it has been ended, for it runs another program. `None` if there is none.
fn take(directory: &Path, program: &Path) -> io::Result<Option<(HandOver, bool)>> {
    let Some(pid) = serving(directory)? else {
        return Ok(None);
    };
    let mut stream = connect(directory)?;
    order(&stream, orders::TAKE)?;
    let handed = HandOver::receive(&mut stream)?;
    let is_outdated = is_outdated(pid, program)?;
    if is_outdated {
        end_all(directory)?;
    }
    Ok(Some((handed, is_outdated)))
}

fn pass(directory: &Path, what: &str, place: &Place, sockets: &[OwnedFd]) -> io::Result<()> {
    let sockets = sockets.iter().map(OwnedFd::try_clone);
    let handed = HandOver {
        sockets: sockets.collect::<io::Result<_>>()?,
        served: serde_json::to_vec(place)?,
    };
    let mut stream = connect(directory)?;
    order(&stream, what)?;
    handed.send(&mut stream)?;
    hand_over::confirmed(&mut stream)
}

fn tell(directory: &Path, names: &Value) -> io::Result<()> {
    let mut stream = connect(directory)?;
    order(&stream, orders::NAMES)?;
    let mut line = serde_json::to_vec(names)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Connects to the process; what it does not answer in time fails.
fn connect(directory: &Path) -> io::Result<UnixStream> {
    let folder = File::open(directory)?;
    let stream = UnixStream::connect(short_path(&folder))?;
    stream.set_read_timeout(Some(hand_over::DEADLINE))?;
    stream.set_write_timeout(Some(hand_over::DEADLINE))?;
    Ok(stream)
}

fn order(mut stream: &UnixStream, what: &str) -> io::Result<()> {
    writeln!(stream, "{what}")
}

fn failed(error: impl std::fmt::Display) -> HostError {
    HostError::ContainerRuntime(format!("resolver of VPCs: {error}"))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, HostError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(failed)?.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vpc_that_went_and_came_again_is_served_anew() {
        let opened = || Opened {
            cidr: (Ipv4Addr::new(10, 0, 0, 0), 16),
            sockets: Sockets::default(),
        };
        let wanted = BTreeMap::from(["vpc-1", "vpc-2"].map(|it| (it.to_owned(), opened())));
        let mut served = BTreeMap::new();
        let ids = |(new, gone): (Vec<(&String, &Opened)>, Vec<String>)| {
            (
                new.into_iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(),
                gone,
            )
        };
        assert_eq!(ids(due(&served, &wanted)).0, ["vpc-1", "vpc-2"]);
        for (id, opened) in &wanted {
            served.insert(id.clone(), Arc::clone(&opened.sockets));
        }
        assert_eq!(ids(due(&served, &wanted)), (vec![], vec![]));
        let next = BTreeMap::from([("vpc-1".to_owned(), opened())]);
        let expected = (vec!["vpc-1".to_owned()], vec!["vpc-2".to_owned()]);
        assert_eq!(ids(due(&served, &next)), expected);
    }
}
