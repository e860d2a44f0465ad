//! Copies a directory of an image into an empty volume, with owners, modes and times.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode};

/// Copies all that is in `from`, and its own owner and mode, to the directory `to`. Links are copied as they are,
/// never followed.
///
/// # Errors
/// As the file system; what was copied stays.
pub fn copy_directory(from: &Path, to: &Path) -> io::Result<()> {
    // A link to a directory that is open already.
    let mut directories = vec![(from.to_owned(), to.to_owned(), fs::metadata(from)?)];
    let mut copied = Vec::new();
    while let Some((from, to, metadata)) = directories.pop() {
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            let (source, target) = (entry.path(), to.join(entry.file_name()));
            let found = fs::symlink_metadata(&source)?;
            if found.is_dir() {
                fs::create_dir(&target)?;
                directories.push((source, target, found));
            } else {
                copy_file(&source, &target, &found)?;
            }
        }
        copied.push((to, metadata));
    }
    // The innermost come last, and writing to a directory changes its time.
    for (to, metadata) in copied.into_iter().rev() {
        describe(&to, &metadata)?;
    }
    Ok(())
}

fn copy_file(source: &Path, target: &PathBuf, metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    if kind.is_symlink() {
        symlink(fs::read_link(source)?, target)?;
        return lchown(target, Some(metadata.uid()), Some(metadata.gid()));
    }
    if kind.is_file() {
        let mut new = OpenOptions::new();
        let mut to = new.write(true).create_new(true).mode(0o600).open(target)?;
        io::copy(&mut File::open(source)?, &mut to)?;
        return describe(target, metadata);
    }
    let kind = match () {
        () if kind.is_fifo() => FileType::Fifo,
        () if kind.is_char_device() => FileType::CharacterDevice,
        () if kind.is_block_device() => FileType::BlockDevice,
        // Nobody listens on a socket of an image.
        () => return Ok(()),
    };
    rustix::fs::mknodat(CWD, target, kind, Mode::from_raw_mode(0o600), metadata.rdev())?;
    describe(target, metadata)
}

/// The mode comes after the owner, whose change takes bits away.
fn describe(target: &Path, metadata: &Metadata) -> io::Result<()> {
    lchown(target, Some(metadata.uid()), Some(metadata.gid()))?;
    fs::set_permissions(target, fs::Permissions::from_mode(metadata.mode() & 0o7777))?;
    if metadata.is_file() || metadata.is_dir() {
        File::open(target)?.set_modified(metadata.modified()?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_owners_modes_times_and_links() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("a/b"))?;
        fs::create_dir(&to)?;
        fs::write(from.join("a/b/file"), "text")?;
        symlink("/etc/passwd", from.join("a/link"))?;
        lchown(from.join("a/b/file"), Some(33), Some(44))?;
        lchown(&from, Some(7), Some(8))?;
        fs::set_permissions(from.join("a/b/file"), fs::Permissions::from_mode(0o4750))?;
        fs::set_permissions(&from, fs::Permissions::from_mode(0o1777))?;
        copy_directory(&from, &to)?;
        let file = fs::metadata(to.join("a/b/file"))?;
        assert_eq!((file.uid(), file.gid(), file.mode() & 0o7777), (33, 44, 0o4750));
        assert_eq!(file.modified()?, fs::metadata(from.join("a/b/file"))?.modified()?);
        assert_eq!(fs::read_to_string(to.join("a/b/file"))?, "text");
        assert_eq!(fs::read_link(to.join("a/link"))?, Path::new("/etc/passwd"));
        let own = fs::metadata(&to)?;
        assert_eq!((own.uid(), own.gid(), own.mode() & 0o7777), (7, 8, 0o1777));
        Ok(())
    }
}
