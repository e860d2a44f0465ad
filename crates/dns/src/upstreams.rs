//! Whom to ask for the rest: the name servers of the host, read again when its file has changed.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// Those that are asked; resolvers of the C library ask three.
const SERVERS_MAX: usize = 3;
const PORT: u16 = 53;

/// Where the name servers are found.
#[derive(Debug)]
pub enum Upstreams {
    /// In a file like `/etc/resolv.conf`.
    File(HostFile),
    /// These.
    These(Vec<SocketAddr>),
}

/// A file like `/etc/resolv.conf`.
#[derive(Debug)]
pub struct HostFile {
    path: PathBuf,
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    servers: Vec<SocketAddr>,
    looked_at: Option<Instant>,
    changed_at: Option<SystemTime>,
}

impl Upstreams {
    /// The name servers of a file.
    pub fn of_file(path: PathBuf) -> Self {
        Self::File(HostFile {
            path,
            read: Mutex::default(),
        })
    }

    /// In the order in which they are asked.
    pub fn servers(&self, now: Instant) -> Vec<SocketAddr> {
        match self {
            Self::These(servers) => servers.clone(),
            Self::File(file) => file.servers(now),
        }
    }
}

impl HostFile {
    fn servers(&self, now: Instant) -> Vec<SocketAddr> {
        let mut read = self.read.lock();
        let is_due = read
            .looked_at
            .is_none_or(|at| now.saturating_duration_since(at) >= LOOK);
        if is_due {
            read.looked_at = Some(now);
            let changed_at = std::fs::metadata(&self.path).and_then(|it| it.modified()).ok();
            if changed_at.is_none() || changed_at != read.changed_at {
                let text = std::fs::read_to_string(&self.path).unwrap_or_default();
                read.servers = servers(&text);
                read.changed_at = changed_at;
            }
        }
        read.servers.clone()
    }
}

/// The name servers of a file's text. One with a zone, as of a link-local address, is left out.
fn servers(text: &str) -> Vec<SocketAddr> {
    let address = |line: &str| {
        let mut words = line.split_whitespace();
        let is_server = words.next() == Some("nameserver");
        let address: IpAddr = words.next().filter(|_| is_server)?.parse().ok()?;
        Some(SocketAddr::new(address, PORT))
    };
    text.lines().filter_map(address).take(SERVERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_read() {
        let text = "# nameserver 1.1.1.1\nsearch a\nnameserver 127.0.0.53\n nameserver\t::1 # own\nnameserver fe80::1%eth0\n\
                    nameserver 9.9.9.9\nnameserver 8.8.8.8\n";
        let read: Vec<_> = servers(text).iter().map(ToString::to_string).collect();
        assert_eq!(read, ["127.0.0.53:53", "[::1]:53", "9.9.9.9:53"]);
    }
}
