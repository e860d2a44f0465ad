//! The network of a task from its payload, and the other namespaces that its containers share.

use std::net::Ipv4Addr;

use api::acs::ElasticNetworkInterface;

use super::super::task::AboutTask;
use super::Refusal;
use crate::host::{Eni, IpcSharing, PidSharing, SandboxNetwork};

/// The network mode with what it needs.
pub fn network(
    mode: Option<&str>,
    interfaces: &[ElasticNetworkInterface],
) -> Result<SandboxNetwork, Refusal> {
    match (mode.unwrap_or_default(), interfaces) {
        ("" | "bridge", []) => Ok(SandboxNetwork::Bridge),
        ("host", []) => Ok(SandboxNetwork::Host),
        ("none", []) => Ok(SandboxNetwork::None),
        ("awsvpc", [interface]) => eni(interface).map(SandboxNetwork::Awsvpc),
        ("awsvpc", []) => Err(Refusal::Malformed(
            "awsvpc without a network interface".to_owned(),
        )),
        ("awsvpc", _) => Err(Refusal::unsupported("more than one network interface")),
        (mode, []) => Err(Refusal::unsupported(format!("network mode {mode}"))),
        (mode, _) => Err(Refusal::Malformed(format!(
            "a network interface in network mode {mode}"
        ))),
    }
}

/// `pidMode`
pub fn pid_sharing(mode: Option<&str>) -> Result<PidSharing, Refusal> {
    match mode.unwrap_or_default() {
        "" => Ok(PidSharing::Container),
        "task" => Ok(PidSharing::Task),
        "host" => Ok(PidSharing::Host),
        other => Err(Refusal::unsupported(format!("pidMode {other}"))),
    }
}

/// `ipcMode`
pub fn ipc_sharing(mode: Option<&str>) -> Result<IpcSharing, Refusal> {
    match mode.unwrap_or_default() {
        "" => Ok(IpcSharing::Container),
        "none" => Ok(IpcSharing::None),
        "task" => Ok(IpcSharing::Task),
        "host" => Ok(IpcSharing::Host),
        other => Err(Refusal::unsupported(format!("ipcMode {other}"))),
    }
}

fn eni(interface: &ElasticNetworkInterface) -> Result<Eni, Refusal> {
    let addresses = interface.ipv4_addresses.as_deref().unwrap_or_default();
    let address = match addresses {
        [only] => only,
        [] => return Err(missing("ipv4Addresses")),
        _ => {
            return Err(Refusal::unsupported(
                "more than one address of a network interface",
            ));
        }
    };
    let cidr = text(interface.vpc_cidr.as_deref(), "vpcCidr")?;
    let gateway = text(
        interface.subnet_gateway_ipv4_address.as_deref(),
        "subnetGatewayIpv4Address",
    )?;
    Ok(Eni {
        vpc_id: text(interface.vpc_id.as_deref(), "vpcId")?.to_owned(),
        vpc_cidr: range(cidr).ok_or_else(|| wrong("vpcCidr", cidr))?,
        address: parse(text(address.private_address.as_deref(), "privateAddress")?)?,
        // Amazon writes it with the prefix length of the subnet.
        gateway: parse(gateway.split('/').next().unwrap_or_default())?,
        mac_address: text(interface.mac_address.as_deref(), "macAddress")?.to_owned(),
    })
}

/// What of a network interface its task is told and nothing else needs.
pub fn about(interface: &ElasticNetworkInterface) -> AboutTask {
    let gateway = interface.subnet_gateway_ipv4_address.as_deref();
    AboutTask {
        subnet_prefix: gateway.and_then(|it| it.split_once('/')?.1.parse().ok()),
        domain_name_servers: interface.domain_name_servers.clone().unwrap_or_default(),
        domain_names: interface.domain_name.clone().unwrap_or_default(),
        private_dns_name: interface.private_dns_name.clone(),
        ..AboutTask::default()
    }
}

fn range(cidr: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, length) = cidr.split_once('/')?;
    let length = length.parse().ok().filter(|it| *it <= 32)?;
    Some((address.parse().ok()?, length))
}

fn parse(address: &str) -> Result<Ipv4Addr, Refusal> {
    address.parse().map_err(|_| wrong("address", address))
}

fn text<'a>(value: Option<&'a str>, name: &str) -> Result<&'a str, Refusal> {
    value.filter(|it| !it.is_empty()).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Refusal {
    Refusal::Malformed(format!("network interface without {name}"))
}

fn wrong(name: &str, value: &str) -> Refusal {
    Refusal::Malformed(format!("network interface with {name} \"{value}\""))
}
