//! An object that is there, and what is kept of it beside its content: in an extended attribute of its file, so that
//! both are replaced at once. For a file that was written by other means since, the attribute no longer holds.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use domain::Timestamp;
use rustix::fs::XattrFlags;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::checksums::Algorithm;

/// The attribute.
const ATTRIBUTE: &str = "user.gantry.object";
/// Longest attribute, in bytes: what the client says of an object is bounded well below.
const ATTRIBUTE_BYTES_MAX: usize = 16 * 1024;

/// What is kept of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// MD5 in hex.
    pub md5: String,
    /// `content-type` and the like.
    pub headers: BTreeMap<String, String>,
    /// Without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// Checksum that the client sent, in base64.
    pub checksum: Option<(Algorithm, String)>,
}

/// The same as it is written, with the file for which it holds.
#[derive(Serialize, Deserialize)]
struct Attribute<T> {
    size: u64,
    /// In nanoseconds, as text: more than a number of JSON is sure to hold.
    modified: String,
    kept: T,
}

/// An object that can be read.
pub struct Object {
    file: File,
    /// In bytes.
    pub size: u64,
    /// When it was written.
    pub modified_at: Timestamp,
    /// With its quotes.
    pub etag: String,
    /// What is kept of it.
    pub kept: Kept,
}

impl Kept {
    /// Writes it to a file whose content is there.
    ///
    /// # Errors
    /// Of the disk: also where the file system has no extended attributes.
    pub fn write(&self, file: &File) -> io::Result<()> {
        let (size, modified) = version(&file.metadata()?);
        let text = serde_json::to_vec(&Attribute {
            size,
            modified,
            kept: self,
        })?;
        rustix::fs::fsetxattr(file, ATTRIBUTE, &text, XattrFlags::empty()).map_err(|error| match error {
            Errno::NOTSUP => io::Error::other("the file system of the buckets has no extended attributes"),
            other => other.into(),
        })
    }

    fn read(file: &File, metadata: &Metadata) -> Option<Self> {
        let mut text = vec![0; ATTRIBUTE_BYTES_MAX];
        // There is none where somebody has put the file there.
        let length = rustix::fs::fgetxattr(file, ATTRIBUTE, &mut text[..]).ok()?;
        let read: Attribute<Self> = serde_json::from_slice(text.get(..length)?).ok()?;
        ((read.size, read.modified) == version(metadata)).then_some(read.kept)
    }
}

impl Object {
    /// What there is of a file.
    ///
    /// # Errors
    /// Of the disk.
    pub fn read(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let kept = Kept::read(&file, &metadata);
        let etag = match &kept {
            Some(kept) => format!("\"{}\"", kept.md5),
            None => etag_of_version(&metadata),
        };
        let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
        let nanoseconds = i32::try_from(nanoseconds).unwrap_or(0);
        Ok(Self {
            size: metadata.len(),
            modified_at: Timestamp::new(seconds, nanoseconds).unwrap_or(Timestamp::UNIX_EPOCH),
            etag,
            kept: kept.unwrap_or_default(),
            file,
        })
    }

    /// A piece of its content, at most so long. Blocks.
    ///
    /// # Errors
    /// Of the disk.
    pub fn read_at(&self, position: u64, most: usize) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; most];
        let count = self.file.read_at(&mut piece, position)?;
        piece.truncate(count);
        Ok(piece)
    }
}

/// What changes with the content: size and time of the last change.
fn version(metadata: &Metadata) -> (u64, String) {
    let nanoseconds = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    (metadata.len(), nanoseconds.to_string())
}

/// Of a file that somebody has put there: another one for another content. The form is one that clients do not take
/// for an MD5.
fn etag_of_version(metadata: &Metadata) -> String {
    let (size, modified) = version(metadata);
    let hash = Sha256::digest(format!("{}/{size}/{modified}", metadata.ino()));
    format!("\"{}-1\"", hex::encode(&hash[..16]))
}
