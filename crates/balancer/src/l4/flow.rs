//! Which target a flow goes to.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::choice;
use crate::group::{Group, Members};
use crate::plan::Stickiness;
use crate::plan::rule::Action;
use crate::site::{Serving, Site};
use crate::target::InFlight;

/// A flow's place.
pub(super) struct Chosen {
    pub(super) group: Arc<Group>,
    pub(super) members: Arc<Members>,
    pub(super) in_flight: InFlight,
}

impl Chosen {
    /// The client's address and port, if the target is to see them.
    pub(super) fn preserved(&self, peer: SocketAddr) -> Option<SocketAddr> {
        let client = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let range = self.members.plan.preserves_clients_in?;
        match (client.ip(), self.in_flight.target().address().ip()) {
            (IpAddr::V4(_), IpAddr::V4(target)) => range.contains(target).then_some(client),
            _ => None,
        }
    }
}

/// Chooses a target for a flow, none of those that were tried already.
pub(super) fn choose(
    site: &Site,
    serving: &Serving,
    peer: SocketAddr,
    tried: &[SocketAddr],
) -> Option<Chosen> {
    let group = group(site, serving)?;
    let members = group.members();
    let zone = serving.only_zone(&members, &site.zone);
    let in_flight = match members.plan.resilience {
        Some(_) => {
            let shared = &site.shared;
            group.pick_other(zone, tried, &shared.dice, shared.now_ms())?
        }
        None => {
            let hash = key(peer, site.address, &members.plan.stickiness);
            group.pick_by_hash(zone, hash, tried)?
        }
    };
    Some(Chosen {
        group,
        members,
        in_flight,
    })
}

fn group(site: &Site, serving: &Serving) -> Option<Arc<Group>> {
    let Action::Forward { groups, .. } = &serving.plan.default_action else {
        return None;
    };
    let index = choice::weighted(groups.iter().map(|(_, weight)| *weight), &site.shared.dice)?;
    serving.groups.get(&groups[index].0).cloned()
}

/// The key of a flow: its addresses and ports, or the client's address alone if it shall stay with a target.
fn key(peer: SocketAddr, local: SocketAddr, stickiness: &Stickiness) -> u64 {
    // its keys are fixed: the same flow has the same key in any process of this build
    let mut hasher = DefaultHasher::new();
    match stickiness {
        Stickiness::SourceIp => peer.ip().hash(&mut hasher),
        _ => (peer, local).hash(&mut hasher),
    }
    hasher.finish()
}
