//! Images found before, by the name they were asked for. Each is checked against its file in the store,
//! so that what another process loads or removes is seen at once.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::Image;

/// More names than a host uses. When they are reached, all are forgotten.
const MAX_IMAGES: usize = 1024;

/// What tells one version of a file from another. Files of the store are replaced, never rewritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    changed: (i64, i64),
    size: u64,
}

impl Stamp {
    /// Of a file; `None` if it is not there.
    pub fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        let changed = (found.ctime(), found.ctime_nsec());
        Some(Self {
            inode: found.ino(),
            changed,
            size: found.len(),
        })
    }
}

#[derive(Debug)]
struct Known {
    path: PathBuf,
    stamp: Stamp,
    image: Image,
}

/// Images by name.
#[derive(Debug, Default)]
pub struct Cache {
    known: Mutex<HashMap<String, Arc<Known>>>,
}

impl Cache {
    /// The image of a name, if its file is as it was.
    pub fn get(&self, name: &str) -> Option<Image> {
        let known = self.known.lock().get(name).cloned()?;
        (Stamp::of(&known.path)? == known.stamp).then(|| known.image.clone())
    }

    /// Keeps an image under a name. The stamp must be older than the reading of the file.
    pub fn insert(&self, name: &str, path: PathBuf, stamp: Stamp, image: Image) {
        let mut known = self.known.lock();
        if known.len() >= MAX_IMAGES {
            known.clear();
        }
        known.insert(name.to_owned(), Arc::new(Known { path, stamp, image }));
    }
}
