//! A connection to a port, made inside the container's network namespace.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use agent::host::{StreamError, TaskStream};
use nix::sched::{CloneFlags, setns};
use rustix::fs::OFlags;
use tokio::sync::oneshot;

use super::Reached;
use crate::linux_host::inspecting::local_addresses;

#[cfg(test)]
mod tests;

/// How long each address may take to answer; they are all on this machine.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// Addresses of the container that are tried beside loopback.
const ADDRESSES_MAX: usize = 8;
/// Ports that are named when nothing listens on the one that was wanted.
const NAMED_PORTS_MAX: usize = 10;
/// State of a socket that listens, in /proc/net/tcp.
const LISTENS: &str = "0A";

/// Connects to a port: on loopback, then on the other addresses of the container.
pub async fn connect(container: Reached, port: u16) -> Result<TaskStream, StreamError> {
    let namespace = container.open("ns/net", OFlags::RDONLY)?;
    let routes = container.read("net/fib_trie").unwrap_or_default();
    let connected = in_namespace(namespace, candidates(&routes, port)).await;
    let connection = connected.map_err(|error| refusal(&container, port, &error))?;
    let opened = connection
        .set_nonblocking(true)
        .and_then(|()| tokio::net::TcpStream::from_std(connection));
    let connection = opened.map_err(|error| StreamError(format!("port {port}: {error}")))?;
    Ok(TaskStream::of_connection(connection))
}

/// Where something may listen.
fn candidates(routes: &str, port: u16) -> Vec<SocketAddr> {
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let others = local_addresses(routes).into_iter().take(ADDRESSES_MAX);
    let others = others.filter_map(|it| it.parse().ok());
    loopback
        .into_iter()
        .chain(others)
        .map(|it| SocketAddr::new(it, port))
        .collect()
}

/// Connects on a thread of its own, which enters the namespace and ends: those of tokio serve others too.
async fn in_namespace(namespace: OwnedFd, candidates: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let (told, connected) = oneshot::channel();
    std::thread::Builder::new()
        .name("port".to_owned())
        .spawn(move || {
            let entered = setns(namespace.as_fd(), CloneFlags::CLONE_NEWNET).map_err(io::Error::from);
            // Nobody may wait any more.
            let _ = told.send(entered.and_then(|()| first(&candidates)));
        })?;
    connected
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the thread that connects panicked")))
}

/// The first that answers; otherwise why the first did not, which is loopback.
fn first(candidates: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut reason = None;
    for candidate in candidates {
        match TcpStream::connect_timeout(candidate, CONNECT_DEADLINE) {
            Ok(connection) => return Ok(connection),
            Err(error) => reason = reason.or(Some(error)),
        }
    }
    Err(reason.unwrap_or_else(|| io::Error::other("there is no address")))
}

fn refusal(container: &Reached, port: u16, error: &io::Error) -> StreamError {
    let name = &container.container;
    if error.kind() != io::ErrorKind::ConnectionRefused {
        return StreamError(format!(
            "port {port} of container {name} cannot be reached: {error}"
        ));
    }
    let tables = ["net/tcp", "net/tcp6"].map(|it| container.read(it).unwrap_or_default());
    let ports = listening(&tables);
    let mut named: Vec<String> = ports.iter().take(NAMED_PORTS_MAX).map(u16::to_string).collect();
    if ports.len() > NAMED_PORTS_MAX {
        named.push("...".to_owned());
    }
    let hint = match named.as_slice() {
        [] => {
            "nothing listens on any port there: see the container's log, it may still be starting".to_owned()
        }
        ports => format!("there is somebody on {}", ports.join(", ")),
    };
    StreamError(format!(
        "nothing listens on port {port} in the network of container {name}; {hint}"
    ))
}

/// Ports on which something listens, by the kernel's tables of sockets.
fn listening(tables: &[String]) -> BTreeSet<u16> {
    let lines = tables.iter().flat_map(|it| it.lines().skip(1));
    let port = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (local, _, state) = (words.next()?, words.next()?, words.next()?);
        let (_, port) = local.rsplit_once(':')?;
        (state == LISTENS).then(|| u16::from_str_radix(port, 16).ok())?
    };
    lines.filter_map(port).collect()
}
