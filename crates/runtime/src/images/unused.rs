//! Removing images that nobody has used for a while, as Amazon's agent does.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use agent::host::ImageCleanup;
use parking_lot::Mutex;

use super::store::Origin;
use super::{ImageError, Images, reference};

/// Whatever the age asked for: a task may be between the pull and the start of its container.
const YOUNGEST: Duration = Duration::from_secs(60);

/// When images were last used, by normalized name: as time since the store was opened.
#[derive(Debug)]
pub struct Uses {
    opened_at: Instant,
    /// Seconds by which it is later than the clock says; tests let hours pass.
    ahead_seconds: AtomicU64,
    last: Mutex<HashMap<String, Duration>>,
}

impl Default for Uses {
    fn default() -> Self {
        Self {
            opened_at: Instant::now(),
            ahead_seconds: AtomicU64::new(0),
            last: Mutex::default(),
        }
    }
}

impl Uses {
    fn now(&self) -> Duration {
        self.opened_at.elapsed() + Duration::from_secs(self.ahead_seconds.load(Ordering::Relaxed))
    }

    /// Lets time pass.
    #[cfg(test)]
    pub fn wait(&self, seconds: u64) {
        self.ahead_seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Looks an image up, and notes that it is used if it is there: nothing is removed in between.
    pub fn noting<T>(
        &self,
        name: &str,
        find: impl FnOnce() -> Result<Option<T>, ImageError>,
    ) -> Result<Option<T>, ImageError> {
        let mut last = self.last.lock();
        let found = find()?;
        if found.is_some() {
            last.insert(name.to_owned(), self.now());
        }
        Ok(found)
    }
}

impl Images {
    /// Removes names that came from a registry and were not used for a while, the longest unused first, with what
    /// only they needed, and what failed pulls left. Answers the names. Blocks.
    ///
    /// # Errors
    /// If the store cannot be read or written.
    pub fn remove_unused(&self, cleanup: &ImageCleanup) -> Result<Vec<String>, ImageError> {
        if cleanup.most > 0 || self.is_pressed(cleanup.high_water_percent) {
            self.store.sweep()?;
        }
        let in_use = cleanup.in_use.iter().filter_map(|it| reference::parse(it).ok());
        let in_use: BTreeSet<String> = in_use.map(|it| reference::normalized(&it)).collect();
        let pulled = self.store.all_references()?.into_iter();
        let pulled = pulled.filter(|it| it.origin == Origin::Pulled && !in_use.contains(&it.reference));
        let mut names: Vec<(Duration, String)> = pulled
            .map(|it| (self.last_use(&it.reference), it.reference))
            .collect();
        names.sort();
        let mut removed = Vec::new();
        for (_, name) in names {
            let is_pressed = self.is_pressed(cleanup.high_water_percent);
            if removed.len() >= cleanup.most && !is_pressed {
                break;
            }
            let age = if is_pressed {
                YOUNGEST
            } else {
                cleanup.minimum_age.max(YOUNGEST)
            };
            if self.remove_if_older(&name, age)? {
                removed.push(name);
            }
        }
        Ok(removed)
    }

    /// What was used before the store was opened is not known: it counts as used then.
    fn last_use(&self, name: &str) -> Duration {
        self.uses.last.lock().get(name).copied().unwrap_or_default()
    }

    fn remove_if_older(&self, name: &str, age: Duration) -> Result<bool, ImageError> {
        // Nobody begins to use it while it is decided; deleting its files can wait.
        let mut last = self.uses.last.lock();
        let used_at = last.get(name).copied().unwrap_or_default();
        if self.uses.now().saturating_sub(used_at) < age {
            return Ok(false);
        }
        let Some(garbage) = self.store.remove_if_free(name)? else {
            return Ok(false);
        };
        last.remove(name);
        drop(last);
        garbage.delete()?;
        Ok(true)
    }

    /// Whether more of the disk is used than may be.
    fn is_pressed(&self, high_water_percent: u8) -> bool {
        let is_beyond = |used: u64| used >= u64::from(high_water_percent);
        high_water_percent < 100 && used_percent(self.store.directory()).is_some_and(is_beyond)
    }
}

/// As `df` has it: what only root may use counts as used.
fn used_percent(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    let used = found.f_blocks.saturating_sub(found.f_bfree);
    let all = used + found.f_bavail;
    (all > 0).then(|| used * 100 / all)
}
