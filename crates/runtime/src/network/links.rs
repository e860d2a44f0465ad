//! Links, addresses and routes, a message or two each.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsRawFd;

use futures_util::TryStreamExt;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::address::AddressAttribute;
use rtnetlink::packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute};
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteHeader, RouteScope, RouteType};
use rtnetlink::{
    Handle, LinkBridge, LinkBridgePort, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder,
};

use super::NetworkError;
use super::cidr::Cidr;

/// Every namespace has `lo` as its first link.
pub(super) const LOOPBACK_INDEX: u32 = 1;
/// And the one we give it as its second.
pub(super) const UPLINK_INDEX: u32 = 2;
/// The kernel's table of addresses that are one's own.
const LOCAL_TABLE: u32 = 255;
/// What containers call their link.
pub(super) const TASK_INTERFACE: &str = "eth0";

/// A pair of links: one end here, up, the other born in another namespace. The kernel takes no pair whose other end
/// is to be up from the start.
pub(super) struct Pair<'a> {
    /// Name of the end here, at most 15 bytes.
    pub(super) name: String,
    /// Index of the end here; `None` lets the kernel choose.
    pub(super) index: Option<u32>,
    /// Index of the bridge that the end here joins.
    pub(super) bridge: Option<u32>,
    /// Namespace of the other end; there it has index [`UPLINK_INDEX`].
    pub(super) peer_namespace: &'a File,
    pub(super) peer_name: &'a str,
    /// MAC address of the other end; `None` takes a random one.
    pub(super) peer_mac: Option<[u8; 6]>,
}

pub(super) async fn add_pair(handle: &Handle, pair: Pair<'_>) -> Result<(), NetworkError> {
    let mut peer = LinkMessageBuilder::<LinkUnspec>::new()
        .name(pair.peer_name)
        .index(UPLINK_INDEX)
        .setns_by_fd(pair.peer_namespace.as_raw_fd());
    if let Some(mac) = pair.peer_mac {
        peer = peer.address(mac.to_vec());
    }
    let mut link = LinkMessageBuilder::<LinkVeth>::new_with_info_kind(InfoKind::Veth)
        .name(pair.name)
        .set_info_data(InfoData::Veth(InfoVeth::Peer(peer.build())))
        .up();
    if let Some(index) = pair.index {
        link = link.index(index);
    }
    if let Some(bridge) = pair.bridge {
        link = link.controller(bridge);
    }
    handle
        .link()
        .add(link.build())
        .execute()
        .await
        .map_err(NetworkError::netlink("add a veth pair"))
}

/// Adds a bridge. A MAC address of its own keeps it from taking one of its ports, which come and go.
pub(super) async fn add_bridge(handle: &Handle, name: &str, mac: [u8; 6]) -> Result<(), NetworkError> {
    let bridge = LinkBridge::new(name).address(mac.to_vec()).up().build();
    handle
        .link()
        .add(bridge)
        .execute()
        .await
        .map_err(NetworkError::netlink("add a bridge"))
}

/// Lets a port of a bridge send back where it came from: a container that asks for its own published port.
pub(super) async fn set_hairpin(handle: &Handle, name: &str) -> Result<(), NetworkError> {
    let port = LinkBridgePort::new(0).name(name).hairpin(true).build();
    handle
        .link()
        .set_port(port)
        .execute()
        .await
        .map_err(NetworkError::netlink("set up a bridge port"))
}

pub(super) async fn set_up(handle: &Handle, index: u32) -> Result<(), NetworkError> {
    let link = LinkUnspec::new_with_index(index).up().build();
    handle
        .link()
        .set(link)
        .execute()
        .await
        .map_err(NetworkError::netlink("set a link up"))
}

/// Sets a link up, with packets of so many bytes at most.
pub(super) async fn set_up_with_mtu(handle: &Handle, index: u32, mtu: u32) -> Result<(), NetworkError> {
    let link = LinkUnspec::new_with_index(index).mtu(mtu).up().build();
    handle
        .link()
        .set(link)
        .execute()
        .await
        .map_err(NetworkError::netlink("set a link up"))
}

/// Bytes that packets may have on the link that has an address; `None` if no link has it.
pub(super) async fn mtu_at(handle: &Handle, address: Ipv4Addr) -> Result<Option<u32>, NetworkError> {
    let mut answers = handle
        .address()
        .get()
        .set_address_filter(IpAddr::V4(address))
        .execute();
    let failed = NetworkError::netlink("look for an address");
    let Some(answer) = answers.try_next().await.map_err(failed)? else {
        return Ok(None);
    };
    let mut links = handle.link().get().match_index(answer.header.index).execute();
    let failed = NetworkError::netlink("read a link");
    let link = links.try_next().await.map_err(failed)?;
    let attributes = link.into_iter().flat_map(|it| it.attributes);
    let mut mtus = attributes.filter_map(|it| match it {
        LinkAttribute::Mtu(mtu) => Some(mtu),
        _ => None,
    });
    Ok(mtus.next())
}

/// Removes a link. One that is gone is no error: it may have gone with the namespace of its other end.
pub(super) async fn remove(handle: &Handle, index: u32) -> Result<(), NetworkError> {
    let removed = handle.link().del(index).execute().await;
    match removed.map_err(NetworkError::netlink("remove a link")) {
        Err(NetworkError::Netlink { source, .. }) if source.raw_os_error() == Some(libc::ENODEV) => Ok(()),
        result => result,
    }
}

/// The index of a link; `None` if there is no such link.
pub(super) async fn index_of(handle: &Handle, name: &str) -> Result<Option<u32>, NetworkError> {
    let mut links = handle.link().get().match_name(name).execute();
    match links
        .try_next()
        .await
        .map_err(NetworkError::netlink("look for a link"))
    {
        Ok(link) => Ok(link.map(|link| link.header.index)),
        Err(NetworkError::Netlink { source, .. }) if source.raw_os_error() == Some(libc::ENODEV) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The highest index of a link in the namespace.
pub(super) async fn highest_index(handle: &Handle) -> Result<u32, NetworkError> {
    let mut links = handle.link().get().execute();
    let mut highest = UPLINK_INDEX;
    while let Some(link) = links
        .try_next()
        .await
        .map_err(NetworkError::netlink("list links"))?
    {
        highest = highest.max(link.header.index);
    }
    Ok(highest)
}

/// Names of all links of the namespace.
pub(super) async fn names(handle: &Handle) -> Result<BTreeSet<String>, NetworkError> {
    let mut found = BTreeSet::new();
    let mut links = handle.link().get().execute();
    while let Some(link) = links
        .try_next()
        .await
        .map_err(NetworkError::netlink("list links"))?
    {
        for attribute in link.attributes {
            if let LinkAttribute::IfName(name) = attribute {
                found.insert(name);
            }
        }
    }
    Ok(found)
}

/// Adds an address; one that is there is left as it is.
pub(super) async fn add_address(
    handle: &Handle,
    index: u32,
    address: Ipv4Addr,
    prefix: u8,
) -> Result<(), NetworkError> {
    let request = handle.address().add(index, IpAddr::V4(address), prefix).replace();
    request
        .execute()
        .await
        .map_err(NetworkError::netlink("add an address"))
}

/// Takes an address away, whichever link has it.
pub(super) async fn remove_address(handle: &Handle, address: Ipv4Addr) -> Result<(), NetworkError> {
    let mut answers = handle
        .address()
        .get()
        .set_address_filter(IpAddr::V4(address))
        .execute();
    let failed = NetworkError::netlink("remove an address");
    while let Some(answer) = answers.try_next().await.map_err(&failed)? {
        handle.address().del(answer).execute().await.map_err(&failed)?;
    }
    Ok(())
}

/// All IPv4 addresses of the namespace.
pub(super) async fn addresses(handle: &Handle) -> Result<Vec<Ipv4Addr>, NetworkError> {
    let mut found = Vec::new();
    let mut answers = handle.address().get().execute();
    while let Some(answer) = answers
        .try_next()
        .await
        .map_err(NetworkError::netlink("list addresses"))?
    {
        for attribute in answer.attributes {
            if let AddressAttribute::Local(IpAddr::V4(address)) = attribute {
                found.push(address);
            }
        }
    }
    Ok(found)
}

/// Everything through `gateway`, even if no range of the link holds it.
pub(super) async fn add_default_route(
    handle: &Handle,
    index: u32,
    gateway: Ipv4Addr,
) -> Result<(), NetworkError> {
    let route = RouteMessageBuilder::<Ipv4Addr>::new()
        .gateway(gateway)
        .output_interface(index)
        .onlink()
        .build();
    replace_route(handle, route, "add the default route").await
}

/// One address behind a link.
pub(super) async fn add_host_route(
    handle: &Handle,
    index: u32,
    address: Ipv4Addr,
) -> Result<(), NetworkError> {
    let route = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(address, 32)
        .output_interface(index)
        .scope(RouteScope::Link)
        .build();
    replace_route(handle, route, "add the route of a task").await
}

/// Takes the route of one address behind a link away. One that leads elsewhere stays, and one that is gone is no error.
pub(super) async fn remove_host_route(
    handle: &Handle,
    index: u32,
    address: Ipv4Addr,
) -> Result<(), NetworkError> {
    let route = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(address, 32)
        .output_interface(index)
        // Of whatever scope it is.
        .scope(RouteScope::NoWhere)
        .build();
    let removed = handle.route().del(route).execute().await;
    match removed.map_err(NetworkError::netlink("remove the route of an address")) {
        Err(NetworkError::Netlink { source, .. })
            if matches!(source.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) =>
        {
            Ok(())
        }
        other => other,
    }
}

/// A range behind a gateway.
pub(super) async fn add_range_route(
    handle: &Handle,
    range: Cidr,
    gateway: Ipv4Addr,
    index: u32,
) -> Result<(), NetworkError> {
    let route = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(range.base(), range.prefix())
        .gateway(gateway)
        .output_interface(index)
        .build();
    replace_route(handle, route, "add the route of a VPC").await
}

/// A range behind a gateway that has a route already.
pub(super) async fn add_route_by(
    handle: &Handle,
    range: Cidr,
    gateway: Ipv4Addr,
) -> Result<(), NetworkError> {
    let route = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(range.base(), range.prefix())
        .gateway(gateway)
        .build();
    replace_route(handle, route, "add the route of a range").await
}

/// All addresses of a range are this namespace's own: whoever listens at one of them is reached.
pub(super) async fn add_local_route(handle: &Handle, range: Cidr) -> Result<(), NetworkError> {
    let route = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(range.base(), range.prefix())
        .output_interface(LOOPBACK_INDEX)
        .table_id(LOCAL_TABLE)
        .scope(RouteScope::Host)
        .kind(RouteType::Local)
        .build();
    replace_route(handle, route, "take a range as one's own").await
}

/// What is in the range and has no route of its own is nowhere, instead of going out by the default route.
pub(super) async fn add_unreachable_route(handle: &Handle, range: Cidr) -> Result<(), NetworkError> {
    let route = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(range.base(), range.prefix())
        .kind(RouteType::Unreachable)
        .build();
    replace_route(handle, route, "close the range of a VPC").await
}

pub(super) async fn replace_route(
    handle: &Handle,
    route: rtnetlink::packet_route::route::RouteMessage,
    what: &'static str,
) -> Result<(), NetworkError> {
    handle
        .route()
        .add(route)
        .replace()
        .execute()
        .await
        .map_err(NetworkError::netlink(what))
}

/// Index and name of the link behind which that one address is; `None` if it has no route of its own.
pub(super) async fn way_to(
    handle: &Handle,
    address: Ipv4Addr,
) -> Result<Option<(u32, String)>, NetworkError> {
    let Some(index) = index_towards(handle, address).await? else {
        return Ok(None);
    };
    let mut links = handle.link().get().match_index(index).execute();
    let found = links.try_next().await;
    let link = found.map_err(NetworkError::netlink("look for a link"))?;
    let name = link.and_then(|it| {
        it.attributes.into_iter().find_map(|it| match it {
            LinkAttribute::IfName(name) => Some(name),
            _ => None,
        })
    });
    Ok(name.map(|name| (index, name)))
}

/// The index of the link by which the kernel would send to an address; `None` if nothing leads there.
pub(super) async fn link_towards(handle: &Handle, address: Ipv4Addr) -> Result<Option<u32>, NetworkError> {
    let question = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(address, 32)
        .build();
    let mut answers = handle.route().get(question).execute();
    let answer = match answers
        .try_next()
        .await
        .map_err(NetworkError::netlink("ask for the way to an address"))
    {
        Err(NetworkError::Netlink { source, .. })
            if matches!(
                source.raw_os_error(),
                Some(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::EACCES | libc::EINVAL)
            ) =>
        {
            return Ok(None);
        }
        answer => answer?,
    };
    let attributes = answer.into_iter().flat_map(|it| it.attributes);
    let mut links = attributes.filter_map(|it| match it {
        RouteAttribute::Oif(index) => Some(index),
        _ => None,
    });
    Ok(links.next())
}

async fn index_towards(handle: &Handle, address: Ipv4Addr) -> Result<Option<u32>, NetworkError> {
    let mut routes = handle
        .route()
        .get(RouteMessageBuilder::<Ipv4Addr>::new().build())
        .execute();
    let mut found = None;
    while let Some(route) = routes
        .try_next()
        .await
        .map_err(NetworkError::netlink("list routes"))?
    {
        let header = &route.header;
        if header.table != RouteHeader::RT_TABLE_MAIN || header.destination_prefix_length != 32 {
            continue;
        }
        let destination = RouteAttribute::Destination(RouteAddress::Inet(address));
        if !route.attributes.contains(&destination) {
            continue;
        }
        // The answers are read to their end: another question follows.
        found = found.or(route.attributes.iter().find_map(|it| match it {
            RouteAttribute::Oif(index) => Some(*index),
            _ => None,
        }));
    }
    Ok(found)
}

/// The first route of the main table, by other links than `except`, that shares addresses with `range`.
/// The default route does not count.
pub(super) async fn overlapping_route(
    handle: &Handle,
    range: Cidr,
    except: u32,
) -> Result<Option<Cidr>, NetworkError> {
    let mut routes = handle
        .route()
        .get(RouteMessageBuilder::<Ipv4Addr>::new().build())
        .execute();
    while let Some(route) = routes
        .try_next()
        .await
        .map_err(NetworkError::netlink("list routes"))?
    {
        let header = &route.header;
        if header.address_family != AddressFamily::Inet
            || header.table != RouteHeader::RT_TABLE_MAIN
            || header.destination_prefix_length == 0
        {
            continue;
        }
        let mut destination = None;
        let mut link = 0;
        for attribute in &route.attributes {
            match attribute {
                RouteAttribute::Destination(RouteAddress::Inet(address)) => destination = Some(*address),
                RouteAttribute::Oif(index) => link = *index,
                _ => {}
            }
        }
        let Some(destination) = destination else { continue };
        let destination = Cidr::new((destination, header.destination_prefix_length))?;
        if link != except && destination.overlaps(range) {
            return Ok(Some(destination));
        }
    }
    Ok(None)
}

/// The MAC address that Docker would give a container of that address.
pub(super) fn mac_of(address: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = address.octets();
    [0x02, 0x42, a, b, c, d]
}
