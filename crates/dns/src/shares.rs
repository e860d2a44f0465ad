//! Shares of what there is only so much of, such as connections: nobody gets all of them.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use parking_lot::Mutex;

/// What is shared.
#[derive(Debug)]
pub struct Shares {
    each_max: usize,
    all_max: usize,
    taken: Mutex<HashMap<Ipv4Addr, usize>>,
}

/// A share; given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    shares: Arc<Shares>,
    client: Ipv4Addr,
}

impl Shares {
    /// Each client gets so many at one time, all of them together so many.
    pub fn new(each_max: usize, all_max: usize) -> Arc<Self> {
        Arc::new(Self {
            each_max,
            all_max,
            taken: Mutex::default(),
        })
    }

    /// One more for a client, if there is one.
    pub fn take(self: &Arc<Self>, client: Ipv4Addr) -> Option<Share> {
        let mut taken = self.taken.lock();
        let own = taken.get(&client).copied().unwrap_or(0);
        if own >= self.each_max || taken.values().sum::<usize>() >= self.all_max {
            return None;
        }
        taken.insert(client, own + 1);
        Some(Share {
            shares: Arc::clone(self),
            client,
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.shares.taken.lock();
        let left = taken.get(&self.client).map_or(0, |it| it - 1);
        match left {
            0 => taken.remove(&self.client),
            left => taken.insert(self.client, left),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_all() {
        let [a, b, c] = [1, 2, 3].map(|it| Ipv4Addr::new(10, 0, 0, it));
        let shares = Shares::new(2, 3);
        let held = [shares.take(a), shares.take(a), shares.take(b)];
        assert!(held.iter().all(Option::is_some));
        assert!(shares.take(a).is_none() && shares.take(c).is_none());
        drop(held);
        assert!(shares.take(c).is_some());
        assert!(shares.taken.lock().is_empty());
    }
}
