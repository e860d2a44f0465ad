//! Which agent sessions there are: one for each container instance, the newest.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::ContainerInstanceArn;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// The sessions that are open.
#[derive(Default)]
pub struct Sessions {
    open: Mutex<HashMap<ContainerInstanceArn, (u64, CancellationToken)>>,
    last: AtomicU64,
}

/// A session's place in the registry.
pub struct Place {
    number: u64,
    /// Ends the session: the server stops, or a newer session took its place.
    pub end: CancellationToken,
}

impl Sessions {
    /// Opens a session; an older one of the same container instance ends.
    pub fn open(&self, instance: &ContainerInstanceArn, shutdown: &CancellationToken) -> Place {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let end = shutdown.child_token();
        let older = self.open.lock().insert(instance.clone(), (number, end.clone()));
        if let Some((_, older)) = older {
            older.cancel();
        }
        Place { number, end }
    }

    /// Closes a session. Returns whether it was the newest: then nobody is connected any more.
    pub fn close(&self, instance: &ContainerInstanceArn, place: &Place) -> bool {
        let mut open = self.open.lock();
        let is_newest = open
            .get(instance)
            .is_some_and(|(number, _)| *number == place.number);
        if is_newest {
            open.remove(instance);
        }
        is_newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ClusterArn, Scope};

    #[test]
    fn the_newest_session_of_an_instance_stays() {
        let instance = ClusterArn::of(&Scope::new("1", "us-east-1"), "lab").member("i");
        let (sessions, shutdown) = (Sessions::default(), CancellationToken::new());
        let first = sessions.open(&instance, &shutdown);
        let second = sessions.open(&instance, &shutdown);
        assert!(first.end.is_cancelled() && !second.end.is_cancelled());
        assert!(!sessions.close(&instance, &first));
        assert!(sessions.close(&instance, &second));
    }
}
