//! Safety: what has to hold after every commit, whoever made it.
//!
//! The oracle keeps records of its own, made of the commits alone, and asks no index of the store.

mod addresses;
mod bounds;
mod daemons;
mod events;
mod ledger;
mod life;
mod registrations;
mod replica;
mod rollout;
mod stages;
mod targets;
mod task_sets;
mod tokens;
mod waiting;

use store::Commit;

pub use bounds::{fewest, most};
pub use replica::{Replica, is_wanted};
pub use targets::is_served;
pub use task_sets::computed;

/// Looks at every commit.
#[derive(Default)]
pub struct Oracle {
    /// All records, as commits have left them.
    pub replica: Replica,
    tokens: tokens::Tokens,
    events: events::Events,
}

impl Oracle {
    /// Follows a commit.
    ///
    /// # Errors
    /// What it breaks, in words.
    pub fn follow(&mut self, commit: &Commit) -> Result<(), String> {
        self.replica.apply(commit)?;
        let after = &self.replica;
        life::check(commit)?;
        ledger::check(commit, after)?;
        addresses::check(commit, after)?;
        bounds::check(commit, after)?;
        rollout::check(commit, after)?;
        daemons::check(commit, after)?;
        task_sets::check(commit, after)?;
        stages::check(commit, after)?;
        targets::check(commit, after)?;
        registrations::check(commit, after)?;
        waiting::check(commit, after)?;
        self.events.check(commit)?;
        self.tokens.check(commit)
    }
}
