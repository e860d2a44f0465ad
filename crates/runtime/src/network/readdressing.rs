//! Load balancers whose addresses change: what runs behind them goes on, and so do connections to addresses that stay.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::attachments::{Attachments, mappings};
use super::links::{self, UPLINK_INDEX};
use super::preserving::Preserving;
use super::records::{Attachment, Interface, Kind};
use super::{NetworkError, netns};

/// Which addresses a load balancer has, and which it is to have. Its first one is its name in the kernel's tables, so it
/// stays first as long as it is one of them.
struct Change {
    first: Ipv4Addr,
    others: Vec<Ipv4Addr>,
    gone: Vec<Ipv4Addr>,
}

impl Change {
    /// `None` if nothing changes.
    fn of(known: (Ipv4Addr, &[Ipv4Addr]), wanted: (Ipv4Addr, &[Ipv4Addr])) -> Option<Self> {
        let all = |(first, others): (Ipv4Addr, &[Ipv4Addr])| -> BTreeSet<Ipv4Addr> {
            others.iter().copied().chain([first]).collect()
        };
        let (before, after) = (all(known), all(wanted));
        if before == after {
            return None;
        }
        let first = match after.contains(&known.0) {
            true => known.0,
            false => wanted.0,
        };
        Some(Self {
            first,
            others: after.iter().copied().filter(|it| *it != first).collect(),
            gone: before.difference(&after).copied().collect(),
        })
    }
}

impl Attachments {
    /// Gives a load balancer that is attached other addresses in its VPC. Ports of the host, and clients whose addresses
    /// it keeps, are to be told again: they know its first address.
    ///
    /// # Errors
    /// [`NetworkError::AttachedOtherwise`] if it is something else or in another VPC, or what the kernel refused; the
    /// call may then be repeated.
    pub(super) async fn readdress(
        &self,
        attachment: &mut Attachment,
        wanted: &Interface,
        more: &[Ipv4Addr],
    ) -> Result<(), NetworkError> {
        let key = attachment.key.clone();
        let (interface, others) = match &attachment.kind {
            Kind::LoadBalancer {
                interface, others, ..
            } if interface.vpc_id == wanted.vpc_id => (interface, others),
            _ => return Err(NetworkError::AttachedOtherwise(key)),
        };
        let first = interface.address;
        let Some(change) = Change::of((first, others), (wanted.address, more)) else {
            return Ok(());
        };
        self.add_addresses(attachment, &change).await?;
        if change.gone.contains(&first) {
            self.forget_first(attachment).await?;
        }
        self.take_addresses(attachment, &change.gone).await?;
        if let Kind::LoadBalancer {
            interface, others, ..
        } = &mut attachment.kind
        {
            (interface.address, *others) = (change.first, change.others);
        }
        self.records.save(attachment)?;
        match Preserving::of(&attachment.kind) {
            Some(one) => self.judge(&wanted.vpc_id, one).await,
            None => Ok(()),
        }
    }

    /// The record comes first: what is made is found again.
    async fn add_addresses(&self, attachment: &mut Attachment, change: &Change) -> Result<(), NetworkError> {
        let Kind::LoadBalancer {
            interface, others, ..
        } = &mut attachment.kind
        else {
            return Ok(());
        };
        let wanted = || change.others.iter().copied().chain([change.first]);
        let new = wanted().filter(|it| *it != interface.address && !others.contains(it));
        let new: Vec<Ipv4Addr> = new.collect();
        others.extend(new);
        let (vpc_id, first) = (interface.vpc_id.clone(), interface.address);
        self.records.save(attachment)?;
        let vpc = netns::open(self.records.vpc_namespace(&vpc_id)).await?;
        let way = links::way_to(&vpc.handle, first).await?;
        let (index, _) = way.ok_or_else(|| NetworkError::InvalidKey(attachment.key.clone()))?;
        let own = netns::open(self.records.namespace(&attachment.key)).await?;
        // Those that are there too: an earlier call may not have come so far.
        for address in wanted() {
            links::add_host_route(&vpc.handle, index, address).await?;
            links::add_address(&own.handle, UPLINK_INDEX, address, 32).await?;
        }
        Ok(())
    }

    /// What leads to the first address, or knows the load balancer by it.
    async fn forget_first(&self, attachment: &mut Attachment) -> Result<(), NetworkError> {
        self.stop_preserving(&attachment.kind).await?;
        if let Some((address, ports)) = attachment.kind.published() {
            let ports = mappings(ports);
            self.host.unpublish(address, &ports)?;
            self.ports.release(&ports);
        }
        if let Kind::LoadBalancer {
            ports, preserving, ..
        } = &mut attachment.kind
        {
            ports.clear();
            *preserving = None;
        }
        self.records.save(attachment)
    }

    /// Nothing leads to these any more, and their connections are over.
    async fn take_addresses(&self, attachment: &Attachment, gone: &[Ipv4Addr]) -> Result<(), NetworkError> {
        if gone.is_empty() {
            return Ok(());
        }
        self.forget_addresses(attachment, gone.to_vec()).await?;
        let own = netns::open(self.records.namespace(&attachment.key)).await?;
        for address in gone {
            links::remove_address(&own.handle, *address).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, 0, last)
    }

    #[test]
    fn the_first_address_stays_first_as_long_as_it_is_there() {
        let change = |known: &[u8], wanted: &[u8]| {
            let all = |them: &[u8]| them.iter().map(|it| at(*it)).collect::<Vec<_>>();
            let (known, wanted) = (all(known), all(wanted));
            let change = Change::of((known[0], &known[1..]), (wanted[0], &wanted[1..]))?;
            Some((change.first, change.others, change.gone))
        };
        assert_eq!(change(&[2, 3], &[3, 2]), None, "in whatever order");
        assert_eq!(change(&[2], &[1, 2]), Some((at(2), vec![at(1)], vec![])));
        assert_eq!(change(&[2, 3], &[1, 2]), Some((at(2), vec![at(1)], vec![at(3)])));
        assert_eq!(change(&[2, 3], &[3, 4]), Some((at(3), vec![at(4)], vec![at(2)])));
        assert_eq!(change(&[2], &[5, 4]), Some((at(5), vec![at(4)], vec![at(2)])));
    }
}
