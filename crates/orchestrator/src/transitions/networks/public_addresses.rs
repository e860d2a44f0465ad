//! Public addresses: given out of one range, to elastic addresses and to tasks of all accounts alike.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;
use store::{State, Tx};

/// The first and the last address of a range that are given: not that of the network nor that of all its hosts.
fn ends(range: Ipv4Net) -> (u32, u32) {
    let (first, last) = (u32::from(range.network()), u32::from(range.broadcast()));
    match range.prefix_len() {
        31 | 32 => (first, last),
        _ => (first + 1, last - 1),
    }
}

/// How many addresses of a range can be given.
pub fn public_address_count(range: Ipv4Net) -> u64 {
    let (first, last) = ends(range);
    u64::from(last - first) + 1
}

/// Whether an address of the range can be given: nobody has it.
pub fn is_free_public_address(state: &State, range: Ipv4Net, address: Ipv4Addr) -> bool {
    let (first, last) = ends(range);
    (first..=last).contains(&u32::from(address)) && !state.public_addresses_in_use().contains(&address)
}

/// An address of the range that nobody has, in no account; none once all are given. The search begins a little further
/// with each commit: an address rests before it is given again.
pub fn free_public_address(tx: &Tx<'_>, range: Ipv4Net) -> Option<Ipv4Addr> {
    let (first, last) = ends(range);
    // Less than 2^32, as the range has no more.
    let step = u32::try_from(tx.commit_id().0 % public_address_count(range)).ok()?;
    let start = first + step;
    let state = tx.state();
    gap(state, start..=last).or_else(|| gap(state, first..=start))
}

/// One for a task. Tasks leave an eighth of the range to elastic addresses, whose allocation fails without one.
pub fn public_address_of_task(tx: &Tx<'_>, range: Ipv4Net) -> Option<Ipv4Addr> {
    let count = public_address_count(range);
    let left = count.saturating_sub(tx.state().public_addresses_in_use().len() as u64);
    free_public_address(tx, range).filter(|_| left > count / 8)
}

/// The first address in a stretch that nobody has. Walks over those before it that somebody has.
fn gap(state: &State, stretch: RangeInclusive<u32>) -> Option<Ipv4Addr> {
    let (first, last) = (Ipv4Addr::from(*stretch.start()), Ipv4Addr::from(*stretch.end()));
    let mut used = state.public_addresses_in_use().range(first..=last).peekable();
    let mut all = stretch.map(Ipv4Addr::from);
    all.find(|it| used.next_if_eq(&it).is_none())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use domain::Scope;
    use domain::elastic_address::ElasticAddress;

    use super::*;
    use crate::fixture::World;

    fn range(text: &str) -> Ipv4Net {
        text.parse().expect("a range")
    }

    fn elastic(address: Ipv4Addr) -> ElasticAddress {
        ElasticAddress {
            id: format!("eipalloc-{address}"),
            scope: Scope::new("123456789012", "us-east-1"),
            address,
            association: None,
            tags: Vec::new(),
        }
    }

    /// All that a range gives, one after the other, each in a commit of its own.
    fn given(world: &World, range: Ipv4Net) -> Vec<Ipv4Addr> {
        let give = || {
            world.write(move |tx| {
                let address = free_public_address(tx, range);
                address.map(|it| tx.put(elastic(it)));
                Ok::<_, Infallible>(address)
            })
        };
        std::iter::from_fn(give).collect()
    }

    #[test]
    fn tasks_leave_some_to_elastic_addresses() {
        let world = World::new();
        let range = range("203.0.113.64/27");
        let give = || {
            world.write(move |tx| {
                let address = public_address_of_task(tx, range);
                address.map(|it| tx.put(elastic(it)));
                Ok::<_, Infallible>(address)
            })
        };
        assert_eq!(std::iter::from_fn(give).count(), 27, "of 30");
        assert_eq!(given(&world, range).len(), 3);
    }

    #[test]
    fn each_is_given_once_and_none_but_those_of_hosts() {
        for (text, count) in [
            ("203.0.113.8/32", 1),
            ("203.0.113.8/31", 2),
            ("203.0.113.8/30", 2),
            ("203.0.113.64/27", 30),
            ("255.255.255.0/24", 254),
        ] {
            let (world, range) = (World::new(), range(text));
            let mut all = given(&world, range);
            all.sort_unstable();
            let expected: Vec<Ipv4Addr> = match range.prefix_len() {
                32 => vec![range.addr()],
                _ => range.hosts().collect(),
            };
            assert_eq!(all, expected, "{text}");
            assert_eq!(public_address_count(range), count, "{text}");
        }
        assert_eq!(public_address_count(range("0.0.0.0/0")), (1 << 32) - 2);
    }

    #[test]
    fn one_that_is_given_back_is_found_wherever_the_search_begins() {
        let (world, range) = (World::new(), range("203.0.113.0/28"));
        let all = given(&world, range);
        for address in all {
            let id = elastic(address).id;
            let is_free = world.write(move |tx| {
                tx.delete::<ElasticAddress>(&id);
                Ok::<_, Infallible>(is_free_public_address(tx.state(), range, address))
            });
            assert!(is_free, "{address}");
            assert_eq!(given(&world, range), [address]);
        }
    }

    #[test]
    fn what_is_outside_the_range_is_never_free() {
        let world = World::new();
        let is_free = |address: [u8; 4]| {
            let range = range("203.0.113.0/30");
            world
                .store
                .read(|state| is_free_public_address(state, range, address.into()))
        };
        assert!(is_free([203, 0, 113, 1]) && is_free([203, 0, 113, 2]));
        assert!(!is_free([203, 0, 113, 0]) && !is_free([203, 0, 113, 3]) && !is_free([203, 0, 113, 4]));
    }
}
