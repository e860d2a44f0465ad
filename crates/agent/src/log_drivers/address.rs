//! Where a log daemon listens: `tcp://host:port`, `udp://host:port`, `unix://path`, `host:port`. Connecting.

use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::tasks::payload::Refusal;

/// How long a connection is waited for.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);

/// Bytes of a path that the system takes as the name of a socket.
const SOCKET_PATH_MAX: usize = 100;

/// An address with its transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `host:port`.
    Tcp(String),
    /// `host:port`.
    Udp(String),
    /// A stream socket in the file system.
    Unix(PathBuf),
    /// A datagram socket in the file system.
    UnixDatagram(PathBuf),
}

/// A connection of either kind.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

impl Address {
    /// Reads an address; without a scheme it is TCP. `port` is added to who names none.
    ///
    /// # Errors
    /// If it is no address.
    pub fn parse(option: &str, text: &str, port: u16) -> Result<Self, Refusal> {
        let malformed = || Refusal::Malformed(format!("{option} \"{text}\""));
        let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
        if rest.is_empty() {
            return Err(malformed());
        }
        match scheme {
            "tcp" => with_port(rest, port).map(Self::Tcp).ok_or_else(malformed),
            "udp" => with_port(rest, port).map(Self::Udp).ok_or_else(malformed),
            "unix" if rest.starts_with('/') => Ok(Self::Unix(rest.into())),
            "unixgram" if rest.starts_with('/') => Ok(Self::UnixDatagram(rest.into())),
            "unix" | "unixgram" => Err(malformed()),
            other => Err(Refusal::unsupported(format!("{option} with {other}"))),
        }
    }
}

fn with_port(host: &str, port: u16) -> Option<String> {
    match host.rsplit_once(':') {
        Some((name, number)) if !name.is_empty() && !number.ends_with(']') => {
            number.parse::<u16>().ok().map(|_| host.to_owned())
        }
        Some(("", _)) => None,
        _ => Some(format!("{host}:{port}")),
    }
}

/// A connection to TCP or to a stream socket.
///
/// # Errors
/// The system's reason.
pub async fn connect_tcp(host: &str) -> Result<Box<dyn Connection>, String> {
    match timeout(CONNECT_DEADLINE, TcpStream::connect(host)).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(format!("dial tcp {host}: {error}")),
        Err(_) => Err(format!("dial tcp {host}: i/o timeout")),
    }
}

/// A connection to a stream socket in the file system.
///
/// # Errors
/// The system's reason.
pub async fn connect_unix(path: &std::path::Path) -> Result<Box<dyn Connection>, String> {
    let connected = match path.parent().filter(|_| path.as_os_str().len() > SOCKET_PATH_MAX) {
        None => UnixStream::connect(path).await,
        // A longer name is reached through its folder.
        Some(folder) => match std::fs::File::open(folder) {
            Ok(folder) => {
                let name = path.file_name().unwrap_or_default();
                let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
                UnixStream::connect(short).await
            }
            Err(error) => Err(error),
        },
    };
    match connected {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(format!("dial unix {}: {error}", path.display())),
    }
}
