//! An IPv4 range.

use std::fmt;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::NetworkError;

/// `base/prefix`, with the host bits of `base` cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cidr {
    base: u32,
    prefix: u8,
}

impl Cidr {
    pub(super) fn new((base, prefix): (Ipv4Addr, u8)) -> Result<Self, NetworkError> {
        if prefix > 32 {
            return Err(NetworkError::InvalidConfig(format!(
                "{base}/{prefix} is no range"
            )));
        }
        Ok(Self {
            base: u32::from(base) & mask(prefix),
            prefix,
        })
    }

    pub(super) fn base(self) -> Ipv4Addr {
        self.base.into()
    }

    pub(super) fn prefix(self) -> u8 {
        self.prefix
    }

    /// How many addresses it has, network and broadcast included.
    pub(super) fn len(self) -> u64 {
        1 << (32 - self.prefix)
    }

    /// The address `offset` above the base; `None` past the end.
    pub(super) fn nth(self, offset: u32) -> Option<Ipv4Addr> {
        (u64::from(offset) < self.len()).then(|| (self.base + offset).into())
    }

    pub(super) fn contains(self, address: Ipv4Addr) -> bool {
        u32::from(address) & mask(self.prefix) == self.base
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self.contains(other.base()) || other.contains(self.base())
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base(), self.prefix)
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Cidr {
        Cidr::new((Ipv4Addr::new(a, b, c, d), prefix)).unwrap()
    }

    #[test]
    fn ranges_overlap_when_one_holds_the_other() {
        assert!(cidr(172, 16, 0, 0, 12).overlaps(cidr(172, 31, 0, 0, 16)));
        assert!(cidr(172, 31, 0, 0, 16).overlaps(cidr(172, 16, 0, 0, 12)));
        assert!(cidr(0, 0, 0, 0, 0).overlaps(cidr(10, 0, 0, 0, 8)));
        assert!(!cidr(172, 30, 0, 0, 16).overlaps(cidr(172, 31, 0, 0, 16)));
    }

    #[test]
    fn host_bits_are_cleared_and_the_end_is_kept() {
        let range = cidr(10, 231, 7, 9, 30);
        assert_eq!(range.to_string(), "10.231.7.8/30");
        assert_eq!(range.nth(3), Some(Ipv4Addr::new(10, 231, 7, 11)));
        assert_eq!(range.nth(4), None);
        assert!(Cidr::new((Ipv4Addr::LOCALHOST, 33)).is_err());
    }
}
