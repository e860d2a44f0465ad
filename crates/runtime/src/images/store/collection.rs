//! Removing names, and then what no name leads to any more.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::super::ImageError;
use super::lock::Lock;
use super::{Store, distinct_layers, entries, in_use, parse_config, read, short_id, sync_directory};

/// What became free when a name was removed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Freed {
    /// Images that no other name leads to, now gone.
    pub images: Vec<String>,
    /// Layers deleted.
    pub layers: usize,
    /// Layers that no image needs any more but containers still run on; deleted when they are gone.
    pub layers_in_use: usize,
}

impl Store {
    /// Removes a name and what only it needed. Blocks.
    ///
    /// # Errors
    /// [`ImageError::NotFound`], [`ImageError::Busy`], or if files cannot be removed.
    pub fn remove(&self, reference: &str) -> Result<Freed, ImageError> {
        let lock = Lock::exclusive(&self.directory)?;
        let (freed, garbage) = self.remove_locked(lock, reference)?;
        garbage.delete()?;
        Ok(freed)
    }

    /// The same if nobody is at work; `None` if somebody is. Its files are deleted by the caller.
    ///
    /// # Errors
    /// As [`Store::remove`].
    pub fn remove_if_free(&self, reference: &str) -> Result<Option<Garbage>, ImageError> {
        let Some(lock) = Lock::exclusive_if_free(&self.directory)? else {
            return Ok(None);
        };
        let (_, garbage) = self.remove_locked(lock, reference)?;
        Ok(Some(garbage))
    }

    fn remove_locked(&self, lock: Lock, reference: &str) -> Result<(Freed, Garbage), ImageError> {
        let path = self.reference_path(reference);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ImageError::NotFound(reference.to_owned()));
            }
            result => result.map_err(ImageError::io(&path))?,
        }
        sync_directory(&self.references())?;
        self.collect(lock)
    }

    /// Removes what crashes and failed pulls left, unless somebody else is at work. Blocks.
    ///
    /// # Errors
    /// If files cannot be removed.
    pub fn sweep(&self) -> Result<(), ImageError> {
        match Lock::exclusive_if_free(&self.directory)? {
            None => Ok(()),
            Some(lock) => self.collect(lock)?.1.delete(),
        }
    }

    fn collect(&self, lock: Lock) -> Result<(Freed, Garbage), ImageError> {
        // Nobody adds anything now, so all that is unfinished was given up.
        let mut garbage = entries(&self.unfinished())?;
        let mut freed = Freed::default();
        let named: HashSet<_> = self.all_references()?.into_iter().map(|it| it.image_id).collect();
        let mut needed = HashSet::new();
        for path in entries(&self.configs())? {
            let id = format!("sha256:{}", file_name(&path));
            if !named.contains(&id) {
                fs::remove_file(&path).map_err(ImageError::io(&path))?;
                freed.images.push(id);
                continue;
            }
            let Some(bytes) = read(&path)? else { continue };
            for diff_id in distinct_layers(&parse_config(&bytes)?) {
                needed.insert(short_id(diff_id)?.to_owned());
            }
        }
        let layers = entries(&self.layers())?;
        let unneeded: Vec<_> = layers
            .iter()
            .map(|it| file_name(it))
            .filter(|it| !needed.contains(*it))
            .collect();
        if !unneeded.is_empty() {
            let mounted =
                in_use::mounted(&unneeded, &self.layers()).map_err(ImageError::io(Path::new("/proc")))?;
            for name in unneeded {
                if mounted.contains(name) {
                    freed.layers_in_use += 1;
                    continue;
                }
                let (path, hidden) = (self.layers().join(name), self.unfinished_path());
                fs::rename(&path, &hidden).map_err(ImageError::io(&path))?;
                garbage.push(hidden);
                freed.layers += 1;
            }
        }
        // Deleting takes its time, and others need not wait for it.
        drop(lock);
        Ok((freed, Garbage(garbage)))
    }
}

/// What nobody sees any more, and is still on the disk.
#[derive(Debug)]
pub struct Garbage(Vec<PathBuf>);

impl Garbage {
    /// Deletes it. Blocks, for long if it is much.
    ///
    /// # Errors
    /// If files cannot be removed.
    pub fn delete(self) -> Result<(), ImageError> {
        self.0.iter().try_for_each(delete)
    }
}

/// Another process may be deleting the same.
fn delete(path: &PathBuf) -> Result<(), ImageError> {
    let deleted = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match deleted {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ImageError::io(path)(error)),
        _ => Ok(()),
    }
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|it| it.to_str()).unwrap_or_default()
}
