//! The three files that a container gets from its host: `/etc/hosts`, `/etc/hostname`, `/etc/resolv.conf`.

use std::fs;
use std::path::{Path, PathBuf};

use super::{ContainerNetwork, PrepareError};

/// Where systemd keeps the real resolvers, when `/etc/resolv.conf` names only its own on a loopback address.
const SYSTEMD_RESOLVERS: &str = "/run/systemd/resolve/resolv.conf";

const LOOPBACK_HOSTS: &str = "\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
";

/// A file to be mounted into a container.
#[derive(Clone, Debug)]
pub struct HostFile {
    /// On the host.
    pub source: PathBuf,
    /// In the container.
    pub target: &'static str,
}

/// Writes the files below the container's directory.
///
/// # Errors
/// [`PrepareError::Io`].
pub fn write(
    directory: &Path,
    hostname: &str,
    network: &ContainerNetwork,
) -> Result<Vec<HostFile>, PrepareError> {
    let folder = directory.join("etc");
    fs::create_dir(&folder).map_err(|source| PrepareError::io(&folder, source))?;
    let host = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (hosts, resolvers) = match network.namespace {
        None => (host("/etc/hosts"), host("/etc/resolv.conf")),
        Some(_) => {
            let own = network
                .address
                .map(|it| format!("{it}\t{hostname}\n"))
                .unwrap_or_default();
            (
                format!("{LOOPBACK_HOSTS}{own}"),
                resolvers(&host("/etc/resolv.conf"), &host(SYSTEMD_RESOLVERS)),
            )
        }
    };
    let contents = [
        ("hosts", "/etc/hosts", hosts),
        ("hostname", "/etc/hostname", format!("{hostname}\n")),
        ("resolv.conf", "/etc/resolv.conf", resolvers),
    ];
    let mut written = Vec::new();
    for (name, target, content) in contents {
        let source = folder.join(name);
        fs::write(&source, content).map_err(|error| PrepareError::io(&source, error))?;
        written.push(HostFile { source, target });
    }
    Ok(written)
}

/// A loopback resolver of the host is another one in the container, so it is left out.
fn resolvers(primary: &str, systemd: &str) -> String {
    let reachable = |text: &str| {
        let kept = text.lines().filter(|line| !is_loopback_resolver(line));
        kept.map(|line| format!("{line}\n")).collect::<String>()
    };
    let names_one = |text: &str| {
        text.lines()
            .any(|line| line.trim_start().starts_with("nameserver"))
    };
    let first = reachable(primary);
    match names_one(&first) || !names_one(systemd) {
        true => first,
        false => reachable(systemd),
    }
}

fn is_loopback_resolver(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next() == Some("nameserver")
        && words
            .next()
            .and_then(|it| it.split('%').next()?.parse::<std::net::IpAddr>().ok())
            .is_some_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_on_loopback_are_left_out() {
        let mixed = "search a b\nnameserver 127.0.0.53\nnameserver 10.0.0.2\nnameserver ::1\noptions edns0\n";
        assert_eq!(
            resolvers(mixed, ""),
            "search a b\nnameserver 10.0.0.2\noptions edns0\n"
        );
        let stub = "nameserver 127.0.0.53\n";
        assert_eq!(resolvers(stub, "nameserver 10.0.0.3\n"), "nameserver 10.0.0.3\n");
        assert_eq!(resolvers(stub, ""), "");
    }
}
