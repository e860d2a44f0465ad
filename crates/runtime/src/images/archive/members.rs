//! The files in an archive, found by name.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::super::ImageError;
use super::super::compression::{decompressed, is_compressed};
use super::super::store::Store;
use super::MAX_DOCUMENT_BYTES;

/// Links that may follow each other.
const MAX_LINKS: usize = 8;
/// Copied at once, in bytes.
const BUFFER_BYTES: usize = 1024 * 1024;

/// A folder, or a tar whose members were listed.
pub enum Members {
    /// A folder.
    Folder(PathBuf),
    /// A tar.
    Tar(Arc<File>, HashMap<PathBuf, Listed>),
}

/// A member of a tar.
pub enum Listed {
    /// Its content.
    Content {
        /// Where it begins.
        offset: u64,
        /// Its length, in bytes.
        length: u64,
    },
    /// Stands for another member.
    Link(PathBuf),
}

/// Content of a member.
pub struct Member {
    file: Arc<File>,
    offset: u64,
    left: u64,
}

impl Read for Member {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = self.file.read_at(&mut buffer[..wanted], self.offset)?;
        if count == 0 && wanted > 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the archive ends too early",
            ));
        }
        self.offset += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

impl Members {
    /// Lists the members. A compressed archive is decompressed into the store's directory first.
    pub fn open(path: &Path, store: &Store) -> Result<Self, ImageError> {
        if path.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        let failed = || ImageError::io(path);
        let mut file = File::open(path).map_err(failed())?;
        let mut start = [0; 8];
        let count = file.read_at(&mut start, 0).map_err(failed())?;
        if is_compressed(&start[..count]) {
            let mut plain = store.unnamed_file()?;
            decompress(file, &mut plain).map_err(failed())?;
            file = plain;
        }
        let members = list(&mut file).map_err(failed())?;
        Ok(Self::Tar(Arc::new(file), members))
    }

    /// Whether there is such a member.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::Folder(path) => path.join(name).is_file(),
            Self::Tar(_, members) => members.contains_key(Path::new(name)),
        }
    }

    /// Content of a member.
    pub fn open_member(&self, name: &str) -> Result<Member, ImageError> {
        let missing = || ImageError::invalid("image archive", format!("{name} is missing"));
        let wanted = plain(Path::new(name)).ok_or_else(missing)?;
        let (folder_file, members) = match self {
            Self::Folder(path) => {
                let path = path.join(wanted);
                let file = File::open(&path).map_err(ImageError::io(&path))?;
                let left = file.metadata().map_err(ImageError::io(&path))?.len();
                return Ok(Member {
                    file: Arc::new(file),
                    offset: 0,
                    left,
                });
            }
            Self::Tar(file, members) => (file, members),
        };
        let mut wanted = &wanted;
        for _ in 0..MAX_LINKS {
            match members.get(wanted).ok_or_else(missing)? {
                Listed::Link(target) => wanted = target,
                Listed::Content { offset, length } => {
                    return Ok(Member {
                        file: folder_file.clone(),
                        offset: *offset,
                        left: *length,
                    });
                }
            }
        }
        Err(missing())
    }

    /// A small member, whole.
    pub fn document(&self, name: &str) -> Result<Vec<u8>, ImageError> {
        let member = self.open_member(name)?;
        if member.left > MAX_DOCUMENT_BYTES {
            return Err(ImageError::invalid(
                name,
                format!("{} bytes are too many", member.left),
            ));
        }
        let mut bytes = Vec::new();
        member
            .take(MAX_DOCUMENT_BYTES)
            .read_to_end(&mut bytes)
            .map_err(ImageError::io(Path::new(name)))?;
        Ok(bytes)
    }
}

fn decompress(file: File, plain: &mut File) -> io::Result<()> {
    let mut source = decompressed(file)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = source.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        plain.write_all(&buffer[..count])?;
    }
    plain.seek(SeekFrom::Start(0)).map(drop)
}

fn list(file: &mut File) -> io::Result<HashMap<PathBuf, Listed>> {
    let end = file.metadata()?.len();
    let mut members = HashMap::new();
    let mut archive = tar::Archive::new(file);
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let Some(path) = plain(&entry.path()?) else {
            continue;
        };
        let kind = entry.header().entry_type();
        let listed = if kind.is_file() {
            let (offset, length) = (entry.raw_file_position(), entry.size());
            if offset.checked_add(length).is_none_or(|it| it > end) {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the archive ends too early",
                ));
            }
            Listed::Content { offset, length }
        } else if let Some(target) = entry
            .link_name()?
            .filter(|_| kind.is_symlink() || kind.is_hard_link())
        {
            let base = path
                .parent()
                .filter(|_| kind.is_symlink())
                .unwrap_or(Path::new(""));
            let Some(target) = plain(&base.join(target)) else {
                continue;
            };
            Listed::Link(target)
        } else {
            continue;
        };
        members.insert(path, listed);
    }
    Ok(members)
}

/// A path without `.` and `..`; `None` if it leads out of the archive.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !plain.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(plain)
}
