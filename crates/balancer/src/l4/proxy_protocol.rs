//! The header of the PROXY protocol, version 2, which tells a target who its client is.

use std::net::{IpAddr, SocketAddr};

#[cfg(test)]
mod tests;

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2, a connection on behalf of another.
const PROXY: u8 = 0x21;
const OVER_IPV4: u8 = 0x10;
const OVER_IPV6: u8 = 0x20;

/// What is passed on.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(super) enum Transport {
    Stream = 1,
    Datagrams = 2,
}

/// The header for what comes from `client` to `local`.
pub(super) fn header(transport: Transport, client: SocketAddr, local: SocketAddr) -> Vec<u8> {
    let mut header = SIGNATURE.to_vec();
    header.push(PROXY);
    match (client.ip().to_canonical(), local.ip().to_canonical()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            header.push(OVER_IPV4 | transport as u8);
            header.extend_from_slice(&12u16.to_be_bytes());
            header.extend_from_slice(&from.octets());
            header.extend_from_slice(&to.octets());
        }
        (from, to) => {
            header.push(OVER_IPV6 | transport as u8);
            header.extend_from_slice(&36u16.to_be_bytes());
            header.extend_from_slice(&as_ipv6(from));
            header.extend_from_slice(&as_ipv6(to));
        }
    }
    header.extend_from_slice(&client.port().to_be_bytes());
    header.extend_from_slice(&local.port().to_be_bytes());
    header
}

fn as_ipv6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(it) => it.to_ipv6_mapped().octets(),
        IpAddr::V6(it) => it.octets(),
    }
}
