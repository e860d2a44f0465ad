//! Owner, mode, extended attributes and times of what a layer holds.

use std::ffi::CString;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use tar::Entry;

use super::place::Place;

/// Begins the keys under which an archive holds extended attributes.
const XATTR_KEY: &str = "SCHILY.xattr.";
/// The attributes that a layer may set. Others belong to the host, above all those of overlayfs itself.
const CAPABILITY: &str = "security.capability";
const OPTIONAL: [&str; 2] = ["user.", "system.posix_acl_"];
const OVERLAY: &str = "user.overlay.";
const PERMISSION_BITS: u32 = 0o7777;
const NANOSECOND_DIGITS: usize = 9;

/// What an entry says beside its content.
pub struct Metadata {
    uid: u32,
    gid: u32,
    mode: u32,
    modified: Timespec,
    attributes: Vec<(String, Vec<u8>)>,
}

impl Metadata {
    /// Of an entry.
    pub fn read(entry: &mut Entry<'_, impl Read>) -> io::Result<Self> {
        let mut modified = None;
        let mut attributes = Vec::new();
        if let Some(extensions) = entry.pax_extensions()? {
            for extension in extensions {
                let extension = extension?;
                let Ok(key) = extension.key() else { continue };
                if key == "mtime" {
                    modified = extension.value().ok().and_then(parse_time);
                } else if let Some(name) = key.strip_prefix(XATTR_KEY)
                    && may_be_set(name)
                {
                    attributes.push((name.to_owned(), extension.value_bytes().to_owned()));
                }
            }
        }
        let header = entry.header();
        let fields = header.as_old();
        let seconds = number(&fields.mtime, header.mtime())?;
        let seconds = i64::try_from(seconds).unwrap_or_default();
        Ok(Self {
            uid: id(number(&fields.uid, header.uid())?)?,
            gid: id(number(&fields.gid, header.gid())?)?,
            mode: number(&fields.mode, header.mode())? & PERMISSION_BITS,
            modified: modified.unwrap_or(Timespec {
                tv_sec: seconds,
                tv_nsec: 0,
            }),
            attributes,
        })
    }

    /// Sets all of it. The owner comes first: changing it clears setuid and capabilities.
    pub fn apply(&self, place: &Place, file_type: FileType) -> io::Result<()> {
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        let (parent, name) = (&place.parent, &place.name);
        rustix::fs::chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        if file_type != FileType::Symlink {
            rustix::fs::chmodat(parent, name, Mode::from_raw_mode(self.mode), AtFlags::empty())?;
        }
        for (key, value) in &self.attributes {
            match rustix::fs::lsetxattr(place.path(), key.as_str(), value, XattrFlags::empty()) {
                // Linux has none of these on links and devices, and some file systems have none at all.
                Err(Errno::NOTSUP | Errno::PERM) if key != CAPABILITY => {}
                result => result?,
            }
        }
        self.apply_times(place)
    }

    /// Sets the times, which for a directory is to be repeated when it is full.
    pub fn apply_times(&self, place: &Place) -> io::Result<()> {
        let times = Timestamps {
            last_access: self.modified,
            last_modification: self.modified,
        };
        Ok(rustix::fs::utimensat(
            &place.parent,
            &place.name,
            &times,
            AtFlags::SYMLINK_NOFOLLOW,
        )?)
    }
}

/// Makes a directory hide what lower layers have in it.
pub fn make_opaque(directory: &Path) -> io::Result<()> {
    Ok(rustix::fs::lsetxattr(
        directory,
        "trusted.overlay.opaque",
        b"y",
        XattrFlags::empty(),
    )?)
}

fn may_be_set(name: &str) -> bool {
    let is_optional = OPTIONAL.iter().any(|it| name.starts_with(it)) && !name.starts_with(OVERLAY);
    (name == CAPABILITY || is_optional) && CString::new(name).is_ok()
}

/// What was read of a field. An empty one counts as 0, as it does for Docker.
fn number<T: Default>(field: &[u8], read: io::Result<T>) -> io::Result<T> {
    if field.iter().all(|it| matches!(it, 0 | b' ')) {
        return Ok(T::default());
    }
    read
}

/// The last number means "leave as it is" to the kernel.
fn id(number: u64) -> io::Result<u32> {
    let id = u32::try_from(number).ok().filter(|it| *it != u32::MAX);
    id.ok_or_else(|| io::Error::other(format!("{number} is no user or group")))
}

/// Parses seconds with a fraction.
fn parse_time(text: &str) -> Option<Timespec> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds = whole.parse::<i64>().ok()?;
    if !fraction.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let digits: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(NANOSECOND_DIGITS)
        .collect();
    let nanoseconds = digits.parse::<i64>().ok()?;
    if whole.starts_with('-') && nanoseconds > 0 {
        return Some(Timespec {
            tv_sec: seconds - 1,
            tv_nsec: 1_000_000_000 - nanoseconds,
        });
    }
    Some(Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_fractions() {
        let check = |text, expected: Option<(i64, i64)>| {
            assert_eq!(
                parse_time(text).map(|it| (it.tv_sec, it.tv_nsec)),
                expected,
                "{text}"
            );
        };
        check("12", Some((12, 0)));
        check("12.5", Some((12, 500_000_000)));
        check("12.0123456789", Some((12, 12_345_678)));
        check("-1.25", Some((-2, 750_000_000)));
        check("1.x", None);
        check("", None);
    }

    #[test]
    fn only_harmless_attributes_are_taken() {
        for name in ["security.capability", "user.note", "system.posix_acl_access"] {
            assert!(may_be_set(name), "{name}");
        }
        for name in [
            "trusted.overlay.redirect",
            "user.overlay.opaque",
            "security.selinux",
            "trusted.x",
        ] {
            assert!(!may_be_set(name), "{name}");
        }
    }
}
