//! Tasks of two hosts: ours over VXLAN, beside the links that Docker Swarm lays for an overlay network.
//!
//! Hosts are network namespaces of this machine with a cable between them. A Swarm of two managers cannot be made so, for
//! its engines share what they should not; so its links are laid as it lays them: the containers on a bridge in a
//! namespace of its own, with a VXLAN link whose tunnel is the host's, and nothing learned.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::hosts::Host;
use super::places::Place;
use super::traffic::Road;
use crate::install::{self, run, say};

const FIRST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SECOND: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// The tasks of ours have these last numbers.
const NUMBERS: [u8; 2] = [5, 6];

/// Prints the table.
pub fn measure(root: &Path) -> Result<()> {
    let program = build(root)?;
    let scratch = tempfile::tempdir()?;
    let ours = [
        gantry(&program, &scratch.path().join("first"), NUMBERS, [FIRST, SECOND])?,
        gantry(
            &program,
            &scratch.path().join("second"),
            [NUMBERS[1], NUMBERS[0]],
            [SECOND, FIRST],
        )?,
    ];
    ours[0].connect(FIRST, &ours[1], SECOND)?;
    let task =
        |host: &Host| Place::bound_to(&PathBuf::from(format!("/proc/{}/root{}", host.id(), host.said)));
    let bare = [Host::empty()?, Host::empty()?];
    bare[0].connect(FIRST, &bare[1], SECOND)?;
    let swarm = [Swarm::on(&bare[0], 0)?, Swarm::on(&bare[1], 1)?];
    let roads = [
        Road {
            name: "Gantry",
            client: task(&ours[0])?,
            server: task(&ours[1])?,
            address: Ipv4Addr::new(172, 31, 0, NUMBERS[1]),
        },
        Road {
            name: "links of Swarm's overlay",
            client: swarm[0].container.place()?,
            server: swarm[1].container.place()?,
            address: Swarm::address(1),
        },
        Road {
            name: "the cable alone",
            client: bare[0].place()?,
            server: bare[1].place()?,
            address: SECOND,
        },
    ];
    super::compare("tasks of two hosts", &roads)
}

/// Builds ours, or takes the build beside the program that `GANTRY_BENCH_BINARY` names.
fn build(root: &Path) -> Result<PathBuf> {
    if let Some(other) = std::env::var_os("GANTRY_BENCH_BINARY") {
        return Ok(PathBuf::from(other).with_file_name("examples/overlay_host"));
    }
    say("Building a host of ours");
    run(Command::new("cargo").current_dir(root).args([
        "build",
        "--release",
        "--package",
        "runtime",
        "--example",
        "overlay_host",
    ]))?;
    Ok(install::target_folder(root).join("release/examples/overlay_host"))
}

fn gantry(program: &Path, folder: &Path, numbers: [u8; 2], hosts: [Ipv4Addr; 2]) -> Result<Host> {
    let mut command = Command::new(program);
    command.arg(folder);
    for (number, host) in numbers.iter().zip(hosts) {
        command.arg(number.to_string()).arg(host.to_string());
    }
    Host::running(command)
}

/// What a Swarm lays on a host.
struct Swarm {
    container: Host,
    _sandbox: Host,
}

impl Swarm {
    fn address(host: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, 1, host + 2)
    }

    /// MAC addresses are known from the addresses, so that neighbours can be told beforehand.
    fn mac(host: u8) -> String {
        format!("02:42:0a:00:01:{:02x}", host + 2)
    }

    /// On the first or the second host.
    fn on(host: &Host, number: u8) -> Result<Self> {
        let (sandbox, container) = (Host::empty()?, Host::empty()?);
        let other = 1 - number;
        let theirs = [FIRST, SECOND][usize::from(other)];
        let (own_mac, other_mac) = (Self::mac(number), Self::mac(other));
        let (own, remote) = (Self::address(number), Self::address(other));
        // the tunnel stays where it was made: in the host
        host.ip(&format!(
            "link add vxlan0 netns {} type vxlan id 4097 dstport 4789 nolearning proxy l2miss l3miss",
            sandbox.id()
        ))?;
        sandbox.ip(&format!(
            "link add br0 type bridge
             link set vxlan0 mtu 1450 master br0 up
             link add veth0 mtu 1450 master br0 type veth peer name eth0 netns {}
             link set veth0 up
             link set br0 up
             bridge fdb replace {other_mac} dev vxlan0 self dst {theirs}
             neighbour replace {remote} lladdr {other_mac} dev vxlan0 nud permanent",
            container.id()
        ))?;
        container.ip(&format!(
            "link set eth0 address {own_mac} mtu 1450 up
             address add {own}/24 dev eth0"
        ))?;
        Ok(Self {
            container,
            _sandbox: sandbox,
        })
    }
}
