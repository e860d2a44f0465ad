//! The addresses of the host's bridge: which are free.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use parking_lot::Mutex;

use super::NetworkError;
use super::cidr::Cidr;

/// The bridge itself has the first address after that of the network.
const BRIDGE_OFFSET: u32 = 1;
const FIRST_OFFSET: u32 = 2;

/// The addresses in use.
pub(super) struct Addresses {
    range: Cidr,
    taken: Mutex<Taken>,
}

struct Taken {
    addresses: BTreeSet<Ipv4Addr>,
    /// Where the search goes on: an address just freed may still be on a link that the kernel is taking down,
    /// so it comes round last.
    next: u32,
}

impl Addresses {
    pub(super) fn new(range: Cidr) -> Self {
        Self {
            range,
            taken: Mutex::new(Taken {
                addresses: BTreeSet::new(),
                next: FIRST_OFFSET,
            }),
        }
    }

    /// The address of the bridge, the containers' gateway.
    pub(super) fn gateway(&self) -> Ipv4Addr {
        self.range.nth(BRIDGE_OFFSET).unwrap_or(self.range.base())
    }

    /// The range of the bridge.
    pub(super) fn range(&self) -> Cidr {
        self.range
    }

    pub(super) fn prefix(&self) -> u8 {
        self.range.prefix()
    }

    pub(super) fn take(&self) -> Result<Ipv4Addr, NetworkError> {
        let mut taken = self.taken.lock();
        let end = self.end();
        for _ in FIRST_OFFSET..end {
            let offset = taken.next;
            taken.next = if offset + 1 >= end {
                FIRST_OFFSET
            } else {
                offset + 1
            };
            let Some(address) = self.range.nth(offset) else {
                break;
            };
            if taken.addresses.insert(address) {
                return Ok(address);
            }
        }
        Err(NetworkError::NoFreeAddress {
            base: self.range.base(),
            prefix: self.range.prefix(),
        })
    }

    /// Takes what an earlier run of the agent had given away.
    pub(super) fn take_again(&self, address: Ipv4Addr) {
        let mut taken = self.taken.lock();
        taken.addresses.insert(address);
        if self.range.contains(address) {
            let offset = u32::from(address) - u32::from(self.range.base());
            let next = taken.next.max(offset.saturating_add(1));
            taken.next = if next >= self.end() { FIRST_OFFSET } else { next };
        }
    }

    /// The offset of the last address, that of broadcasts.
    fn end(&self) -> u32 {
        u32::try_from(self.range.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn release(&self, address: Ipv4Addr) {
        self.taken.lock().addresses.remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_round_last_and_end_some_day() {
        let range = Cidr::new((Ipv4Addr::new(10, 231, 0, 0), 29)).unwrap();
        let addresses = Addresses::new(range);
        assert_eq!(addresses.gateway(), Ipv4Addr::new(10, 231, 0, 1));
        let taken: Vec<u8> = (0..5).map(|_| addresses.take().unwrap().octets()[3]).collect();
        assert_eq!(taken, [2, 3, 4, 5, 6]);
        assert!(matches!(
            addresses.take(),
            Err(NetworkError::NoFreeAddress { .. })
        ));
        addresses.release(Ipv4Addr::new(10, 231, 0, 4));
        assert_eq!(addresses.take().unwrap(), Ipv4Addr::new(10, 231, 0, 4));
    }

    #[test]
    fn an_address_of_an_earlier_run_is_not_given_away_again() {
        let addresses = Addresses::new(Cidr::new((Ipv4Addr::new(10, 231, 0, 0), 29)).unwrap());
        addresses.take_again(Ipv4Addr::new(10, 231, 0, 6));
        for expected in [2, 3, 4, 5] {
            assert_eq!(addresses.take().unwrap().octets()[3], expected);
        }
        assert!(addresses.take().is_err());
    }
}
