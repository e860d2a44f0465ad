//! The three files that a container gets from its host: `/etc/hosts`, `/etc/hostname`, `/etc/resolv.conf`.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use agent::host::NameSettings;

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
    names: &NameSettings,
    network: &ContainerNetwork,
) -> Result<Vec<HostFile>, PrepareError> {
    let folder = directory.join("etc");
    fs::create_dir(&folder).map_err(|source| PrepareError::io(&folder, source))?;
    let host = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let own = host("/etc/resolv.conf");
    let inherited = match (network.resolver, &network.namespace) {
        (Some(resolver), _) => asking(&own, resolver),
        (None, None) => own,
        (None, Some(_)) => resolvers(&own, &host(SYSTEMD_RESOLVERS)),
    };
    // Also with the host's network, lines of its own give a container a file of its own, as in Docker.
    let hosts = match network.namespace {
        None if names.extra_hosts.is_empty() => host("/etc/hosts"),
        _ => hosts(hostname, names, network),
    };
    let contents = [
        ("hosts", "/etc/hosts", hosts),
        ("hostname", "/etc/hostname", format!("{hostname}\n")),
        ("resolv.conf", "/etc/resolv.conf", replaced(&inherited, names)),
    ];
    let mut written = Vec::new();
    for (name, target, content) in contents {
        let source = folder.join(name);
        fs::write(&source, content).map_err(|error| PrepareError::io(&source, error))?;
        written.push(HostFile { source, target });
    }
    Ok(written)
}

fn hosts(hostname: &str, names: &NameSettings, network: &ContainerNetwork) -> String {
    let extra = names
        .extra_hosts
        .iter()
        .map(|(name, address)| (address.clone(), name.clone()));
    let linked = network
        .linked
        .iter()
        .map(|it| (it.address.to_string(), it.names()));
    let own = network.address.map(|it| (it.to_string(), hostname.to_owned()));
    let lines = extra.chain(linked).chain(own);
    let lines: String = lines
        .map(|(address, name)| format!("{address}\t{name}\n"))
        .collect();
    format!("{LOOPBACK_HOSTS}{lines}")
}

/// One resolver in the place of all others: it asks those of the host for what it does not know.
fn asking(inherited: &str, resolver: Ipv4Addr) -> String {
    let others = inherited
        .lines()
        .filter(|it| it.split_whitespace().next() != Some("nameserver"));
    let mut text: String = others.map(|it| format!("{it}\n")).collect();
    text.push_str(&format!("nameserver {resolver}\n"));
    text
}

/// What the task definition says stands in the place of what is inherited.
fn replaced(inherited: &str, names: &NameSettings) -> String {
    let (servers, domains) = (&names.dns_servers, &names.dns_search_domains);
    let is_kept = |line: &&str| match line.split_whitespace().next() {
        Some("nameserver") => servers.is_empty(),
        Some("search" | "domain") => domains.is_empty(),
        _ => true,
    };
    let mut text: String = inherited
        .lines()
        .filter(is_kept)
        .map(|it| format!("{it}\n"))
        .collect();
    // A single dot is Docker's word for no domain at all.
    let domains: Vec<&str> = domains
        .iter()
        .map(String::as_str)
        .filter(|it| *it != ".")
        .collect();
    if !domains.is_empty() {
        text.push_str(&format!("search {}\n", domains.join(" ")));
    }
    text.extend(servers.iter().map(|it| format!("nameserver {it}\n")));
    text
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

    #[test]
    fn one_resolver_stands_in_the_place_of_all_others() {
        let inherited = "search a b\nnameserver 127.0.0.53\nnameserver 10.0.0.2\noptions edns0\n";
        assert_eq!(
            asking(inherited, Ipv4Addr::new(10, 231, 0, 1)),
            "search a b\noptions edns0\nnameserver 10.231.0.1\n"
        );
    }

    #[test]
    fn given_servers_and_domains_replace_inherited_ones() {
        let inherited = "domain a\nsearch a b\nnameserver 10.0.0.2\noptions edns0\n";
        let names = |servers: &[&str], domains: &[&str]| NameSettings {
            dns_servers: servers.iter().map(|it| (*it).to_owned()).collect(),
            dns_search_domains: domains.iter().map(|it| (*it).to_owned()).collect(),
            ..NameSettings::default()
        };
        assert_eq!(replaced(inherited, &names(&[], &[])), inherited);
        assert_eq!(
            replaced(inherited, &names(&["1.1.1.1", "::1"], &[])),
            "domain a\nsearch a b\noptions edns0\nnameserver 1.1.1.1\nnameserver ::1\n"
        );
        assert_eq!(
            replaced(inherited, &names(&[], &["x.test", "y.test"])),
            "nameserver 10.0.0.2\noptions edns0\nsearch x.test y.test\n"
        );
        assert_eq!(
            replaced(inherited, &names(&[], &["."])),
            "nameserver 10.0.0.2\noptions edns0\n"
        );
    }
}
