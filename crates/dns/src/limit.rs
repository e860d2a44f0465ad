//! How much one client may ask: it is told by its address, which on links of tasks cannot be another's.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Instant;

/// Clients that are told apart at one time; a VPC of /16 has more addresses, but few ask within a second.
const CLIENTS_MAX: usize = 8192;
/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;
/// Those that are silent are looked for so often, in nanoseconds.
const SWEEP: u64 = SECOND / 10;

/// Counts the queries of clients.
#[derive(Debug)]
pub struct Limit {
    per_second: u64,
    clients: HashMap<Ipv4Addr, Bucket>,
    /// Shared by those for whom there is no room.
    others: Bucket,
    began: Instant,
    /// When those that are silent may be looked for again.
    sweep_at: u64,
}

/// What a client may still ask, as the time at which it may ask everything again.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    full_at: u64,
}

impl Limit {
    /// Each client may ask so much within a second, all of it at once too.
    pub fn new(per_second: u32, now: Instant) -> Self {
        Self {
            per_second: u64::from(per_second.max(1)),
            clients: HashMap::new(),
            others: Bucket::default(),
            began: now,
            sweep_at: 0,
        }
    }

    /// Whether a client may ask once more; if so, it has.
    pub fn take(&mut self, client: Ipv4Addr, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.began);
        let now = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX / 2);
        let cost = SECOND / self.per_second;
        let bucket = match self.clients.get_mut(&client) {
            Some(bucket) => bucket,
            None => self.bucket_of_new(client, now),
        };
        let full_at = bucket.full_at.max(now) + cost;
        if full_at > now + SECOND {
            return false;
        }
        bucket.full_at = full_at;
        true
    }

    fn bucket_of_new(&mut self, client: Ipv4Addr, now: u64) -> &mut Bucket {
        if self.clients.len() >= CLIENTS_MAX && now >= self.sweep_at {
            self.clients.retain(|_, it| it.full_at > now);
            self.sweep_at = now + SWEEP;
        }
        match self.clients.len() < CLIENTS_MAX {
            true => self.clients.entry(client).or_default(),
            false => &mut self.others,
        }
    }
}

#[cfg(test)]
mod tests;
