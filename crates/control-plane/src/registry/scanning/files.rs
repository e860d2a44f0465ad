//! The files of an image that tell what is installed, as its layers leave them in the end.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Component;

use tar::Archive;

/// Lists of packages, and directories of such lists or databases.
const FILES: [&str; 3] = [DPKG, "lib/apk/db/installed", "usr/lib/apk/db/installed"];
const DIRECTORIES: [&str; 3] = [DPKG_PARTS, "var/lib/rpm/", "usr/lib/sysimage/rpm/"];
/// The list of Debian's package manager.
pub const DPKG: &str = "var/lib/dpkg/status";
/// The same in parts, as images without the package manager have it.
pub const DPKG_PARTS: &str = "var/lib/dpkg/status.d/";
/// Longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Most bytes of all of them.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most bytes of an unpacked layer: an archive that unpacks to more is not read.
const LAYER_BYTES_MAX: u64 = 32 * 1024 * 1024 * 1024;
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// The files by their paths without the first slash.
#[derive(Default)]
pub struct Interesting {
    files: BTreeMap<String, Vec<u8>>,
}

impl Interesting {
    /// A file.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// The files whose paths begin so.
    pub fn below<'a>(&'a self, head: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let all = self.files.range(head.to_owned()..);
        all.take_while(move |(path, _)| path.starts_with(head))
            .map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// Reads the next layer: an archive, compressed or not.
    ///
    /// # Errors
    /// It is damaged or too long.
    pub fn add_layer(&mut self, layer: impl Read) -> io::Result<()> {
        let mut layer = BufReader::new(layer);
        let head = layer.fill_buf()?;
        let plain: Box<dyn Read> = if head.starts_with(&[0x1f, 0x8b]) {
            Box::new(flate2::bufread::MultiGzDecoder::new(layer))
        } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Box::new(zstd::stream::read::Decoder::with_buffer(layer)?)
        } else {
            Box::new(layer)
        };
        // What a layer hides is of those below it, whatever the order of its entries.
        let below = std::mem::take(&mut self.files);
        let mut hidden = Vec::new();
        let mut archive = Archive::new(plain.take(LAYER_BYTES_MAX));
        // As they are: entries that extend others would be read into memory whole, and no path here is that long.
        for entry in archive.entries()?.raw(true) {
            let mut entry = entry?;
            let Some(path) = plain_path(&entry.path_bytes()) else {
                continue;
            };
            let (parent, name) = path
                .rsplit_once('/')
                .map_or(("", &*path), |(parent, name)| (parent, name));
            let slash = if parent.is_empty() { "" } else { "/" };
            if name == OPAQUE {
                hidden.push(format!("{parent}{slash}"));
            } else if let Some(name) = name.strip_prefix(WHITEOUT) {
                hidden.push(format!("{parent}{slash}{name}"));
            } else if entry.header().entry_type().is_file() && is_interesting(&path) {
                if entry.size() > FILE_BYTES_MAX {
                    return Err(io::Error::other(format!("{path} is too long to be read")));
                }
                let mut content = Vec::new();
                entry.read_to_end(&mut content)?;
                self.files.insert(path, content);
            }
        }
        for (path, content) in below {
            let is_hidden = |it: &String| {
                it.is_empty() || path == *it || path.starts_with(&format!("{}/", it.trim_end_matches('/')))
            };
            if !hidden.iter().any(is_hidden) {
                self.files.entry(path).or_insert(content);
            }
        }
        match self.files.values().map(Vec::len).sum::<usize>() {
            ..=BYTES_MAX => Ok(()),
            _ => Err(io::Error::other("its lists of packages are too long to be read")),
        }
    }
}

fn is_interesting(path: &str) -> bool {
    FILES.contains(&path) || DIRECTORIES.iter().any(|it| path.starts_with(it))
}

/// Without the dots and slashes at its beginning; `None` for what leads out or is no text.
fn plain_path(path: &[u8]) -> Option<String> {
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => parts.push(name.to_str()?),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}
