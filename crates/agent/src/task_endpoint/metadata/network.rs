//! The networks of a container.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::super::path::Version;
use super::{insert, text};
use crate::host::{ContainerFacts, Eni, SandboxNetwork};
use crate::tasks::task::{AboutTask, Task};

/// `None` where nothing is known, or version 2 does not say it.
pub fn networks(task: &Task, facts: Option<&ContainerFacts>, version: Version) -> Option<Value> {
    let (mode, address) = match (&task.network, version) {
        (SandboxNetwork::Awsvpc(eni), _) => return Some(json!([interface(eni, &task.about, version)])),
        (_, Version::V2) => return None,
        (SandboxNetwork::Bridge, _) => ("bridge", facts?.bridge_address),
        (SandboxNetwork::Host, _) => ("host", None),
        (SandboxNetwork::None, _) => ("none", None),
    };
    // Docker has an empty text where there is no address of its own.
    let address = address.map(|it| it.to_string()).unwrap_or_default();
    Some(json!([{ "NetworkMode": mode, "IPv4Addresses": [address] }]))
}

fn interface(eni: &Eni, about: &AboutTask, version: Version) -> Value {
    let mut shown = serde_json::Map::new();
    let mut put = |name: &str, value: Option<Value>| insert(&mut shown, name, value);
    put("NetworkMode", Some(json!("awsvpc")));
    put("IPv4Addresses", Some(json!([eni.address])));
    if version == Version::V4 {
        put("AttachmentIndex", Some(json!(0)));
        put("MACAddress", Some(json!(eni.mac_address)));
        let prefix = about.subnet_prefix.filter(|it| *it <= 32);
        let subnet = prefix.map(|it| format!("{}/{it}", base(eni.gateway, it)));
        put("IPv4SubnetCIDRBlock", text(subnet.as_ref()));
        let gateway = prefix.map(|it| format!("{}/{it}", eni.gateway));
        put("SubnetGatewayIpv4Address", text(gateway.as_ref()));
        let list = |all: &[String]| (!all.is_empty()).then(|| json!(all));
        put("DomainNameServers", list(&about.domain_name_servers));
        put("DomainNameSearchList", list(&about.domain_names));
        put("PrivateDNSName", text(about.private_dns_name.as_ref()));
    }
    Value::Object(shown)
}

/// The first address of a range.
fn base(address: Ipv4Addr, prefix: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    Ipv4Addr::from(u32::from(address) & mask)
}
