//! What leads through a tunnel: a neighbour for each host, a route for each address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use futures_util::TryStreamExt;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteHeader};
use rtnetlink::{Handle, RouteMessageBuilder};

use super::super::NetworkError;
use super::OverlayHost;

/// Which MAC address a host has inside of tunnels, and where packets for it go.
pub(super) async fn add_host(handle: &Handle, index: u32, host: OverlayHost) -> Result<(), NetworkError> {
    let neighbours = handle.neighbours();
    let way = neighbours
        .add_bridge(index, &host.mac())
        .destination(IpAddr::V4(host.address))
        .flags(NeighbourFlags::Own)
        .replace();
    way.execute()
        .await
        .map_err(NetworkError::netlink("add the way to a host"))?;
    let neighbour = neighbours
        .add(index, IpAddr::V4(host.inner()))
        .link_layer_address(&host.mac())
        .replace();
    neighbour
        .execute()
        .await
        .map_err(NetworkError::netlink("add a host"))
}

/// The hosts to which a link has ways.
pub(super) async fn hosts(handle: &Handle, index: u32) -> Result<BTreeSet<OverlayHost>, NetworkError> {
    let mut request = handle
        .neighbours()
        .get()
        .set_address_family(AddressFamily::Bridge);
    request.message_mut().header.ifindex = index;
    let mut answers = request.execute();
    let mut found = BTreeSet::new();
    let failed = || NetworkError::netlink("list the ways to hosts");
    while let Some(answer) = answers.try_next().await.map_err(failed())? {
        // Kernels before 4.20 tell of all links.
        if answer.header.ifindex == index {
            found.extend(host_of(&answer));
        }
    }
    Ok(found)
}

/// The host to which a way leads, if we have made it.
fn host_of(way: &NeighbourMessage) -> Option<OverlayHost> {
    let (mut mac, mut address) = (None, None);
    for attribute in &way.attributes {
        match attribute {
            NeighbourAttribute::LinkLayerAddress(bytes) => mac = Some(bytes.as_slice()),
            NeighbourAttribute::Destination(NeighbourAddress::Inet(it)) => address = Some(*it),
            NeighbourAttribute::Destination(NeighbourAddress::Other(bytes)) => {
                address = bytes.first_chunk::<4>().map(|it| Ipv4Addr::from(*it));
            }
            _ => {}
        }
    }
    OverlayHost::found(mac?, address?)
}

/// Forgets a host.
pub(super) async fn remove_host(handle: &Handle, index: u32, host: OverlayHost) -> Result<(), NetworkError> {
    let mut neighbour = NeighbourMessage::default();
    neighbour.header.family = AddressFamily::Inet;
    neighbour.header.ifindex = index;
    let inner = NeighbourAddress::Inet(host.inner());
    neighbour.attributes.push(NeighbourAttribute::Destination(inner));
    let mut way = NeighbourMessage::default();
    way.header.family = AddressFamily::Bridge;
    way.header.ifindex = index;
    way.header.state = NeighbourState::Permanent;
    way.header.flags = NeighbourFlags::Own;
    let mac = NeighbourAttribute::LinkLayerAddress(host.mac().to_vec());
    way.attributes.push(mac);
    for message in [neighbour, way] {
        let removed = handle.neighbours().del(message).execute().await;
        gone(removed.map_err(NetworkError::netlink("remove a host")))?;
    }
    Ok(())
}

/// An address that a host has. `through` is the host's own inside of tunnels: its own route needs no gateway.
pub(super) async fn add_route(
    handle: &Handle,
    index: u32,
    address: Ipv4Addr,
    through: Ipv4Addr,
) -> Result<(), NetworkError> {
    let route = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(address, 32)
        .output_interface(index);
    let route = match address == through {
        true => route.scope(rtnetlink::packet_route::route::RouteScope::Link),
        false => route.gateway(through).onlink(),
    };
    let added = handle.route().add(route.build()).replace().execute().await;
    added.map_err(NetworkError::netlink("add the route to another host"))
}

/// The routes that a link has: by address, the gateway, or the address itself.
pub(super) async fn routes(
    handle: &Handle,
    index: u32,
) -> Result<BTreeMap<Ipv4Addr, Ipv4Addr>, NetworkError> {
    let mut found = BTreeMap::new();
    let mut answers = handle
        .route()
        .get(RouteMessageBuilder::<Ipv4Addr>::new().build())
        .execute();
    let failed = || NetworkError::netlink("list routes");
    while let Some(route) = answers.try_next().await.map_err(failed())? {
        if route.header.table != RouteHeader::RT_TABLE_MAIN {
            continue;
        }
        let (mut destination, mut gateway, mut link) = (None, None, 0);
        for attribute in &route.attributes {
            match attribute {
                RouteAttribute::Destination(RouteAddress::Inet(address)) => destination = Some(*address),
                RouteAttribute::Gateway(RouteAddress::Inet(address)) => gateway = Some(*address),
                RouteAttribute::Oif(index) => link = *index,
                _ => {}
            }
        }
        if let Some(destination) = destination.filter(|_| link == index) {
            found.insert(destination, gateway.unwrap_or(destination));
        }
    }
    Ok(found)
}

/// What is not there need not be removed.
fn gone(removed: Result<(), NetworkError>) -> Result<(), NetworkError> {
    match removed {
        Err(NetworkError::Netlink { source, .. })
            if matches!(source.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) =>
        {
            Ok(())
        }
        other => other,
    }
}
