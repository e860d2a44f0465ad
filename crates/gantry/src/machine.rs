//! This machine as the one host of a Gantry: what it is allowed to make there, and under which names.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use runtime::images::Registries;
use runtime::network::{Network, NetworkConfig};
use runtime::{LinuxHost, LinuxHostConfig};

use crate::data_dir::{self, DataDir};

/// Refuses to go on as anyone but root: namespaces, cgroups and networks are made.
pub fn ensure_root(command: &str) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("containers need root: run `sudo gantry {command}`");
    }
    Ok(())
}

/// Opens the host. The directory must exist.
pub async fn open(
    data_dir: &DataDir,
    file_systems: PathBuf,
    registries: Registries,
) -> Result<Arc<LinuxHost>> {
    let config = LinuxHostConfig {
        cgroup_parent: instance(data_dir)?,
        network: Some(network(data_dir)?),
        registries,
        file_systems: Some(file_systems),
        balancer: None,
    };
    let host = LinuxHost::open(data_dir.path(), config).await;
    host.context("this machine cannot run containers")
}

/// Takes down bridge, rules and what else of networks is left. No task may be there any more.
pub async fn remove_network(data_dir: &DataDir) -> Result<()> {
    Network::open(network(data_dir)?).await?.remove_all().await?;
    Ok(())
}

fn network(data_dir: &DataDir) -> Result<NetworkConfig> {
    let mut config = NetworkConfig::new(data_dir.path().join("network"));
    let path = canonical(data_dir)?;
    if path != Path::new(data_dir::DEFAULT) {
        config.bridge_cidr = bridge_of(&path);
    }
    config.instance = instance(data_dir)?;
    Ok(config)
}

/// Name of what a Gantry makes outside its directory. Each directory has a name of its own, so that several can
/// be served side by side.
fn instance(data_dir: &DataDir) -> Result<String> {
    let path = canonical(data_dir)?;
    if path == Path::new(data_dir::DEFAULT) {
        return Ok("gantry".to_owned());
    }
    Ok(instance_of(&path))
}

fn canonical(data_dir: &DataDir) -> Result<PathBuf> {
    let path = data_dir.path();
    path.canonicalize()
        .with_context(|| format!("cannot find {}", path.display()))
}

/// As short as names of links must be.
fn instance_of(path: &Path) -> String {
    format!("g{:07x}", hash(path) & 0x0fff_ffff)
}

/// A /22 of 10.240.0.0/12, which neither the default VPC nor the default bridge touches.
fn bridge_of(path: &Path) -> (Ipv4Addr, u8) {
    let index = u32::try_from(hash(path) >> 32).unwrap_or_default() % 1024;
    (
        Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 240, 0, 0)) + index * 1024),
        22,
    )
}

/// FNV-1a: the same in every version, since what an earlier one made must be found again.
fn hash(path: &Path) -> u64 {
    let bytes = path.as_os_str().as_encoded_bytes().iter();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_have_names_and_ranges_of_their_own() {
        let (one, two) = (Path::new("/tmp/one"), Path::new("/tmp/two"));
        assert_ne!(instance_of(one), instance_of(two));
        assert_ne!(bridge_of(one), bridge_of(two));
        assert_eq!(instance_of(one).len(), 8);
        let (address, _) = bridge_of(one);
        assert_eq!(address.octets()[0], 10);
        assert!(address.octets()[1] >= 240);
        assert_eq!(u32::from(address) % 1024, 0, "no host bits");
    }
}
