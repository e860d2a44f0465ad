//! The static rules of the host, loaded through `nft` in one transaction. Tasks only add map elements. Those of VPCs are
//! made by `filters`.
//!
//! The table is our own, so the rules of others stay as they are. What another table drops stays dropped:
//! a host whose forward chain drops by default (Docker's does) must accept the bridge and the VPC links there.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::Duration;

use agent::host::TransportProtocol;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::NetworkError;
use super::cidr::Cidr;
use super::endpoint;
use super::names::Names;
use super::nfnetlink::Publication;
use super::overlay::PORT as TUNNEL_PORT;
use super::resolvers;

/// Name of the set of other hosts whose tunnels end here.
const HOSTS: &str = "hosts";
/// Name of the map of published ports.
pub(super) const PORTS: &str = "ports";

/// A transaction takes milliseconds; a host with very many rules perhaps a second.
const NFT_DEADLINE: Duration = Duration::from_secs(10);

/// The table of the host, with the ports that are published already. Loading it replaces what was there at once.
///
/// What containers on the bridge send to the endpoint of tasks is led to the bridge's own address, whose ports nobody
/// else reaches but the host itself. The resolver of both is there too.
pub(super) fn host(names: &Names, bridge: Cidr, uplinks: Cidr, publications: &[Publication]) -> String {
    let table = names.table();
    let device = names.bridge();
    let vpc_links = names.vpc_link_pattern();
    let elements = elements(publications);
    let gateway = bridge.nth(1).unwrap_or(bridge.base());
    let (to_own, to_resolver, own_ports) = to_own(&device, gateway);
    format!(
        r#"add table ip {table}
delete table ip {table}
table ip {table} {{
  map {PORTS} {{
    type inet_proto . inet_service : ipv4_addr . inet_service
    {elements}
  }}
  # Publishing on loopback needs route_localnet, which must not open loopback to containers.
  chain guard {{
    type filter hook prerouting priority raw; policy accept;
    iifname "{device}" ip daddr 127.0.0.0/8 drop
    iifname "{vpc_links}" ip daddr 127.0.0.0/8 drop
    iifname != {{ "{device}", "lo" }} ip daddr {gateway} meta l4proto {{ tcp, udp }} th dport {{ {own_ports} }} drop
  }}
  chain arriving {{
    type nat hook prerouting priority dstnat; policy accept;
{to_own}    fib daddr type local dnat ip to meta l4proto . th dport map @{PORTS}
  }}
  chain own {{
    type nat hook output priority -100; policy accept;
    {to_resolver}
    fib daddr type local dnat ip to meta l4proto . th dport map @{PORTS}
  }}
  set {HOSTS} {{
    type ipv4_addr
  }}
  # Whoever could send here would be inside of a VPC.
  chain tunnelled {{
    type filter hook input priority filter; policy accept;
    udp dport {TUNNEL_PORT} ip saddr != @{HOSTS} drop
  }}
  # VPCs meet nobody but through their host's published ports.
  chain through {{
    type filter hook forward priority filter; policy accept;
    iifname "{vpc_links}" oifname "{vpc_links}" drop
    # Nobody here sends what looks like a tunnel of this host.
    iifname "{vpc_links}" udp dport {TUNNEL_PORT} drop
    iifname "{device}" udp dport {TUNNEL_PORT} drop
    iifname "{vpc_links}" oifname "{device}" ct status dnat accept
    iifname "{vpc_links}" oifname "{device}" ct state new drop
  }}
  # Tasks of VPCs have nothing to do with what listens on the host. Load balancers reach the ports that are targets at
  # the host's end of their VPC's link, where the VPC lets nobody else send anything.
  chain services {{
    type filter hook input priority filter; policy accept;
    iifname != "{vpc_links}" accept
    ct state established,related accept
    ip daddr {uplinks} accept
    drop
  }}
  chain leaving {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname "{device}" ip saddr 127.0.0.0/8 masquerade
    # By the address of the link, VPCs know that it is the host itself who sends.
    oifname "{vpc_links}" fib saddr type local masquerade
    # Back through the bridge: else the answer would take the short way and not be translated back.
    oifname "{device}" ip saddr {bridge} ct status dnat masquerade
    oifname != {{ "{device}", "lo" }} ip saddr {bridge} masquerade
    oifname != "{vpc_links}" ip saddr {uplinks} masquerade
  }}
}}
"#
    )
}

/// Rules that lead containers on the bridge to the endpoint of tasks and the resolver; the one of these for the host itself,
/// which asks the resolver too; and the ports of the bridge that all this is for. A task may have published the port at
/// which names are asked, so another one is listened at.
fn to_own(device: &str, gateway: Ipv4Addr) -> (String, String, String) {
    let endpoint = endpoint::ADDRESS;
    let (asked, own) = (resolvers::PORT, resolvers::HOST_PORT);
    let to_resolver =
        format!("ip daddr {gateway} meta l4proto {{ tcp, udp }} th dport {asked} dnat to {gateway}:{own}");
    let mut rules = format!("    iifname \"{device}\" {to_resolver}\n");
    let mut ports = [endpoint::INTROSPECTION_PORT, resolvers::HOST_PORT]
        .map(|it| it.to_string())
        .to_vec();
    for (port, _, own) in endpoint::PORTS {
        let _ = writeln!(
            rules,
            "    iifname \"{device}\" ip daddr {endpoint} tcp dport {port} dnat to {gateway}:{own}"
        );
        ports.push(own.to_string());
    }
    (rules, to_resolver, ports.join(", "))
}

/// Other hosts whose tunnels are let in from now on.
pub(super) fn hosts(names: &Names, addresses: &BTreeSet<Ipv4Addr>) -> String {
    change_hosts("add", names, addresses)
}

/// Hosts, all of which were let in, whose tunnels are let in no more.
pub(super) fn gone_hosts(names: &Names, addresses: &BTreeSet<Ipv4Addr>) -> String {
    change_hosts("delete", names, addresses)
}

fn change_hosts(change: &str, names: &Names, addresses: &BTreeSet<Ipv4Addr>) -> String {
    // nft takes no empty list of elements.
    if addresses.is_empty() {
        return String::new();
    }
    let table = names.table();
    let list: Vec<String> = addresses.iter().map(Ipv4Addr::to_string).collect();
    let list = list.join(", ");
    format!("{change} element ip {table} {HOSTS} {{ {list} }}\n")
}

/// Starts `nft` in the network namespace of the calling thread.
pub(super) fn spawn() -> Result<Child, NetworkError> {
    Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => NetworkError::NftMissing,
            _ => NetworkError::Rules(format!("cannot run nft: {error}")),
        })
}

/// Has a started `nft` load a script.
pub(super) async fn load(child: Child, script: &str) -> Result<(), NetworkError> {
    timeout(NFT_DEADLINE, feed(child, script))
        .await
        .map_err(|_| NetworkError::Deadline("nft"))?
}

async fn feed(mut child: Child, script: &str) -> Result<(), NetworkError> {
    let failed = |error: std::io::Error| NetworkError::Rules(error.to_string());
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(script.as_bytes()).await.map_err(failed)?;
    }
    let output = child.wait_with_output().await.map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    Err(NetworkError::Rules(
        String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    ))
}

/// nft takes no empty list of elements.
fn elements(publications: &[Publication]) -> String {
    if publications.is_empty() {
        return String::new();
    }
    let mut list = String::from("elements = {");
    for Publication {
        protocol,
        host_port,
        address,
        container_port,
    } in publications
    {
        let protocol = match protocol {
            TransportProtocol::Tcp => "tcp",
            TransportProtocol::Udp => "udp",
        };
        // Writing to a string cannot fail.
        let _ = write!(list, " {protocol} . {host_port} : {address} . {container_port},");
    }
    list.push_str(" }");
    list
}
