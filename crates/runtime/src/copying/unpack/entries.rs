//! Paths of the entries of an archive, long ones too: GNU's entries before the one they are about.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use tar::{Entry, EntryType};

use super::super::{CopyError, ROOT_NAME};

/// Longest name, in bytes: what is longer is none.
const NAME_BYTES_MAX: u64 = 64 * 1024;

/// The archive is not as it has to be.
pub fn damaged(text: &str) -> CopyError {
    CopyError::Archive(io::Error::other(text.to_owned()))
}

/// Long names that the next entry has.
#[derive(Default)]
pub struct Names {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Names {
    /// Path below the first entry, and target of a link. `None`: it tells the name of the next entry.
    ///
    /// # Errors
    /// A path that leads out, or too long.
    pub fn of<R: Read>(
        &mut self,
        entry: &mut Entry<'_, R>,
    ) -> Result<Option<(PathBuf, Option<PathBuf>)>, CopyError> {
        match entry.header().entry_type() {
            EntryType::GNULongName => self.path = Some(long(entry)?),
            EntryType::GNULongLink => self.link = Some(long(entry)?),
            _ => {
                let path = match self.path.take() {
                    Some(path) => path,
                    None => entry.header().path_bytes().into_owned(),
                };
                let link = match self.link.take() {
                    Some(link) => Some(link),
                    None => entry.header().link_name_bytes().map(|it| it.into_owned()),
                };
                let link = link.map(|it| PathBuf::from(OsStr::from_bytes(&it)));
                return Ok(Some((below(&path)?, link)));
            }
        }
        Ok(None)
    }
}

fn long<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, CopyError> {
    if entry.size() > NAME_BYTES_MAX {
        return Err(damaged("a name is too long"));
    }
    let mut name = Vec::new();
    entry.read_to_end(&mut name).map_err(CopyError::Archive)?;
    if name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

/// Only plain names below the first entry.
fn below(path: &[u8]) -> Result<PathBuf, CopyError> {
    let mut components = Path::new(OsStr::from_bytes(path)).components();
    if components.next() != Some(Component::Normal(OsStr::new(ROOT_NAME))) {
        return Err(damaged("an entry is outside of what is copied"));
    }
    components
        .map(|it| match it {
            Component::Normal(name) => Ok(name),
            _ => Err(damaged("an entry leads out of what is copied")),
        })
        .collect()
}
