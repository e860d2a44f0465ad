//! Writes the entries of a layer's archive as overlayfs wants them, and never outside the layer.

mod metadata;
mod place;

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use tar::{Archive, Entry, EntryType};

use self::metadata::Metadata;
use self::place::{Place, Places};

/// Begins the name of an entry that hides one of a lower layer.
const WHITEOUT: &[u8] = b".wh.";
/// Name of an entry that hides all that lower layers have in its directory.
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Begins names that an old union file system kept for itself.
const RESERVED: &[u8] = b".wh..wh.";
/// Copied at once, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// Unpacks an archive below a directory and answers the size of its files, in bytes.
///
/// # Errors
/// If the archive is damaged, an entry leads out of the directory, or a file cannot be written.
pub fn untar(archive: impl Read, directory: &Path) -> io::Result<u64> {
    let mut extraction = Extraction {
        places: Places::open(directory)?,
        directories: Vec::new(),
        buffer: vec![0; BUFFER_BYTES],
        size_bytes: 0,
    };
    let mut archive = Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = entry?;
        extraction.entry(&mut entry).map_err(|error| {
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            io::Error::new(error.kind(), format!("{path}: {error}"))
        })?;
    }
    extraction.finish_directories()?;
    Ok(extraction.size_bytes)
}

struct Extraction {
    places: Places,
    /// Times that are set last, since writing into a directory changes them.
    directories: Vec<(PathBuf, Metadata)>,
    buffer: Vec<u8>,
    size_bytes: u64,
}

impl Extraction {
    fn entry(&mut self, entry: &mut Entry<'_, impl Read>) -> io::Result<()> {
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            return Ok(());
        }
        let path = place::inside(&entry.path_bytes())?;
        let metadata = Metadata::read(entry)?;
        let Some(place) = self.places.find(&path)? else {
            // The layer's top directory.
            let top = self.places.top()?;
            metadata.apply(&top, FileType::Directory)?;
            self.directories.push((path, metadata));
            return Ok(());
        };
        if let Some(hidden) = place.name.as_bytes().strip_prefix(WHITEOUT) {
            return self.whiteout(&place, hidden);
        }
        let file_type = match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => self.file(&place, entry)?,
            EntryType::Directory => self.directory(&place)?,
            EntryType::Symlink => {
                let target = entry
                    .link_name_bytes()
                    .ok_or_else(|| io::Error::other("a link without target"))?;
                let target = target.into_owned();
                self.create(&place, |it| {
                    Ok(rustix::fs::symlinkat(&*target, &it.parent, &it.name)?)
                })?;
                FileType::Symlink
            }
            // Shares what it is linked to with the first name.
            EntryType::Link => return self.hard_link(&place, &path, entry),
            EntryType::Char => self.node(&place, FileType::CharacterDevice, entry)?,
            EntryType::Block => self.node(&place, FileType::BlockDevice, entry)?,
            EntryType::Fifo => self.node(&place, FileType::Fifo, entry)?,
            other => {
                return Err(io::Error::other(format!(
                    "unknown type of entry {:?}",
                    other.as_byte()
                )));
            }
        };
        metadata.apply(&place, file_type)?;
        if file_type == FileType::Directory {
            self.directories.push((path, metadata));
        }
        Ok(())
    }

    fn file(&mut self, place: &Place, entry: &mut Entry<'_, impl Read>) -> io::Result<FileType> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = |it: &Place| {
            Ok(rustix::fs::openat(
                &it.parent,
                &it.name,
                flags,
                Mode::RUSR | Mode::WUSR,
            )?)
        };
        let mut file = fs::File::from(self.create(place, open)?);
        loop {
            let count = entry.read(&mut self.buffer)?;
            if count == 0 {
                break;
            }
            file.write_all(&self.buffer[..count])?;
            self.size_bytes += count as u64;
        }
        Ok(FileType::RegularFile)
    }

    /// A directory may come twice, or replace a whiteout; then the lower one is hidden behind it.
    fn directory(&mut self, place: &Place) -> io::Result<FileType> {
        match place.file_type()? {
            Some(FileType::Directory) => return Ok(FileType::Directory),
            Some(_) => {}
            None => {
                rustix::fs::mkdirat(&place.parent, &place.name, Mode::RWXU)?;
                return Ok(FileType::Directory);
            }
        }
        let was_whiteout = place.is_whiteout()?;
        self.create(place, |it| {
            Ok(rustix::fs::mkdirat(&it.parent, &it.name, Mode::RWXU)?)
        })?;
        if was_whiteout {
            metadata::make_opaque(&place.path())?;
        }
        Ok(FileType::Directory)
    }

    fn hard_link(&mut self, place: &Place, path: &Path, entry: &Entry<'_, impl Read>) -> io::Result<()> {
        let target = entry
            .link_name_bytes()
            .ok_or_else(|| io::Error::other("a link without target"))?;
        let target = place::inside(&target)?;
        if target == path {
            return Ok(());
        }
        let of_top = || io::Error::other("a hard link to a directory");
        let target = self.places.find(&target)?.ok_or_else(of_top)?;
        self.create(place, |it| {
            let none = AtFlags::empty();
            Ok(rustix::fs::linkat(
                &target.parent,
                &target.name,
                &it.parent,
                &it.name,
                none,
            )?)
        })
    }

    fn node(
        &mut self,
        place: &Place,
        file_type: FileType,
        entry: &Entry<'_, impl Read>,
    ) -> io::Result<FileType> {
        let header = entry.header();
        // Archives leave the numbers out where there are none.
        let device = match file_type {
            FileType::Fifo => 0,
            _ => rustix::fs::makedev(
                header.device_major()?.unwrap_or_default(),
                header.device_minor()?.unwrap_or_default(),
            ),
        };
        self.make_node(place, file_type, device)?;
        Ok(file_type)
    }

    fn make_node(&mut self, place: &Place, file_type: FileType, device: u64) -> io::Result<()> {
        let mode = Mode::RUSR | Mode::WUSR;
        self.create(place, |it| {
            Ok(rustix::fs::mknodat(
                &it.parent, &it.name, file_type, mode, device,
            )?)
        })
    }

    /// Hides what lower layers have. What this layer itself has under that name stays.
    fn whiteout(&mut self, place: &Place, hidden: &[u8]) -> io::Result<()> {
        if place.name.as_bytes() == OPAQUE {
            return metadata::make_opaque(&place.parent_path());
        }
        if place.name.as_bytes().starts_with(RESERVED) {
            return Ok(());
        }
        if matches!(hidden, b"" | b"." | b"..") {
            return Err(io::Error::other("it hides nothing"));
        }
        let hidden = place.sibling(hidden);
        match hidden.file_type()? {
            None => self.make_node(&hidden, FileType::CharacterDevice, 0),
            Some(FileType::Directory) => metadata::make_opaque(&hidden.path()),
            Some(_) => Ok(()),
        }
    }

    /// Makes something, in place of what an earlier entry made.
    fn create<T>(&mut self, place: &Place, make: impl Fn(&Place) -> io::Result<T>) -> io::Result<T> {
        match make(place) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.places.remove(place)?;
                make(place)
            }
            result => result,
        }
    }

    fn finish_directories(&mut self) -> io::Result<()> {
        for (path, metadata) in std::mem::take(&mut self.directories) {
            let place = match self.places.find(&path) {
                Ok(Some(place)) => place,
                Ok(None) => self.places.top()?,
                // A later entry replaced one of its parents.
                Err(_) => continue,
            };
            if place.file_type()? == Some(FileType::Directory) {
                metadata.apply_times(&place)?;
            }
        }
        Ok(())
    }
}

/// Writes all that was unpacked to the disk.
///
/// # Errors
/// As `syncfs`.
pub fn sync(directory: &Path) -> io::Result<()> {
    let opened: OwnedFd = fs::File::open(directory)?.into();
    Ok(rustix::fs::syncfs(opened.as_fd())?)
}
