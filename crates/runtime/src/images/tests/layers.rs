//! What a layer's entries become.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use tar::EntryType;
use tempfile::TempDir;

use super::super::{digest, layer as unpacking};
use super::fixtures::{LayerBuilder, gzip, header, layer, zstd};

struct Unpacked {
    _directory: TempDir,
    path: PathBuf,
}

impl Unpacked {
    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file")
    }

    fn is_whiteout(&self, name: &str) -> bool {
        let found = fs::symlink_metadata(self.path(name)).expect("it is there");
        found.file_type().is_char_device() && found.rdev() == 0
    }

    fn is_opaque(&self, name: &str) -> bool {
        attribute(&self.path(name), "trusted.overlay.opaque").as_deref() == Some(b"y")
    }
}

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 256];
    let length = rustix::fs::lgetxattr(path, name, &mut value[..]).ok()?;
    value.truncate(length);
    Some(value)
}

fn try_unpack(layer: LayerBuilder) -> std::io::Result<Unpacked> {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("files");
    fs::create_dir(&path).expect("a directory");
    unpacking::unpack(&*layer.finish(), &path)?;
    Ok(Unpacked {
        _directory: directory,
        path,
    })
}

fn unpack(layer: LayerBuilder) -> Unpacked {
    try_unpack(layer).expect("the layer is unpacked")
}

fn refusal(layer: LayerBuilder) -> String {
    try_unpack(layer).err().expect("the layer is refused").to_string()
}

#[test]
fn files_keep_their_metadata() {
    let mut setuid = header(EntryType::Regular, 0o4755, 0);
    setuid.set_uid(1234);
    setuid.set_gid(70_000);
    let capability: &[u8] = &[1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let unpacked = unpack(
        layer()
            .entry(EntryType::Directory, "./", 0o711, b"")
            .directory("bin", 0o750)
            .attributes(&[
                ("SCHILY.xattr.security.capability", capability),
                ("mtime", b"1000000000.5"),
            ])
            .header("bin/tool", setuid)
            .attributes(&[("SCHILY.xattr.trusted.overlay.redirect", b"/etc")])
            .file("bin/data", "x")
            .link(EntryType::Symlink, "bin/link", "/no/such/file")
            .link(EntryType::Link, "hard", "./bin/data"),
    );
    let tool = fs::metadata(unpacked.path("bin/tool")).expect("it is there");
    assert_eq!(
        (tool.mode() & 0o7777, tool.uid(), tool.gid()),
        (0o4755, 1234, 70_000)
    );
    assert_eq!((tool.mtime(), tool.mtime_nsec()), (1_000_000_000, 500_000_000));
    assert_eq!(
        attribute(&unpacked.path("bin/tool"), "security.capability").as_deref(),
        Some(capability)
    );
    assert_eq!(
        attribute(&unpacked.path("bin/data"), "trusted.overlay.redirect"),
        None
    );
    let data = fs::metadata(unpacked.path("bin/data")).expect("it is there");
    assert_eq!(
        (data.nlink(), data.ino()),
        (2, fs::metadata(unpacked.path("hard")).expect("it is").ino())
    );
    assert_eq!(
        fs::read_link(unpacked.path("bin/link")).expect("a link"),
        Path::new("/no/such/file")
    );
    let bin = fs::metadata(unpacked.path("bin")).expect("it is there");
    assert_eq!(
        (bin.mode() & 0o7777, bin.mtime()),
        (0o750, 1_000_000_000),
        "set after it was filled"
    );
    assert_eq!(
        fs::metadata(unpacked.path("")).expect("it is there").mode() & 0o7777,
        0o711
    );
}

#[test]
fn empty_numbers_count_as_zero() {
    let mut empty = header(EntryType::Regular, 0o644, 0);
    let fields = empty.as_old_mut();
    (fields.uid, fields.gid, fields.mtime) = ([0; 8], [b' '; 8], [0; 12]);
    let unpacked = unpack(layer().header("file", empty));
    let file = fs::metadata(unpacked.path("file")).expect("it is there");
    assert_eq!(
        (file.uid(), file.gid(), file.mtime(), file.mode() & 0o777),
        (0, 0, 0, 0o644)
    );
    let mut wrong = header(EntryType::Regular, 0o644, 0);
    wrong.as_old_mut().uid = *b"nonsense";
    assert!(refusal(layer().header("file", wrong)).contains("not a number"));
}

#[test]
fn devices_and_pipes_are_made() {
    let mut null = header(EntryType::Char, 0o666, 0);
    null.set_device_major(1)
        .and_then(|()| null.set_device_minor(3))
        .expect("numbers");
    let unpacked = unpack(
        layer()
            .header("dev/null", null)
            .entry(EntryType::Fifo, "pipe", 0o600, b""),
    );
    let null = fs::metadata(unpacked.path("dev/null")).expect("it is there");
    assert!(null.file_type().is_char_device());
    assert_eq!(
        (null.rdev(), null.mode() & 0o777),
        (rustix::fs::makedev(1, 3), 0o666)
    );
    assert!(
        fs::metadata(unpacked.path("pipe"))
            .expect("it is there")
            .file_type()
            .is_fifo()
    );
    assert_eq!(
        fs::metadata(unpacked.path("dev")).expect("it is there").mode() & 0o777,
        0o755
    );
}

#[test]
fn whiteouts_become_those_of_overlayfs() {
    let unpacked = unpack(
        layer()
            .directory("etc", 0o755)
            .file("etc/.wh.gone", "")
            .file("var/.wh..wh..opq", "")
            .file("var/new", "x")
            .file(".wh..wh.plnk", "")
            // Replaced: the directory of the lower layer is gone, whichever entry comes first.
            .directory("one", 0o755)
            .file(".wh.one", "")
            .file(".wh.two", "")
            .directory("two", 0o755)
            .file("three", "new")
            .file(".wh.three", ""),
    );
    assert!(unpacked.is_whiteout("etc/gone"));
    assert!(unpacked.is_opaque("var"));
    assert!(!unpacked.is_opaque("etc"));
    assert!(unpacked.is_opaque("one"));
    assert!(unpacked.is_opaque("two"));
    assert_eq!(unpacked.text("three"), "new");
    let names = fs::read_dir(unpacked.path("")).expect("it is listed");
    assert!(
        names
            .flatten()
            .all(|it| !it.file_name().as_encoded_bytes().starts_with(b".wh."))
    );
}

#[test]
fn later_entries_replace_earlier_ones() {
    let unpacked = unpack(
        layer()
            .file("a", "old")
            .file("a", "new")
            .file("d/x/y", "old")
            .file("d", "a file now")
            .link(EntryType::Symlink, "l", "a")
            .file("l", "no link any more"),
    );
    assert_eq!(unpacked.text("a"), "new", "it was not written through the link");
    assert_eq!(unpacked.text("d"), "a file now");
    assert_eq!(unpacked.text("l"), "no link any more");
}

#[test]
fn links_inside_the_layer_may_be_parents() {
    let unpacked = unpack(
        layer()
            .directory("usr/lib", 0o755)
            .link(EntryType::Symlink, "lib", "usr/lib")
            .file("lib/x", "content"),
    );
    assert_eq!(unpacked.text("usr/lib/x"), "content");
}

#[test]
fn nothing_is_written_outside_of_the_layer() {
    let outside = TempDir::new().expect("a temporary directory");
    let target = outside.path().to_str().expect("text");
    let kinds = [EntryType::Regular, EntryType::Directory, EntryType::Fifo];
    for kind in kinds {
        assert!(refusal(layer().raw(kind, "../escaped", "", b"")).contains("leads out of the layer"));
        assert!(refusal(layer().raw(kind, "a/../../escaped", "", b"")).contains("leads out of the layer"));
        let through_link = layer()
            .link(EntryType::Symlink, "out", target)
            .raw(kind, "out/escaped", "", b"");
        assert!(refusal(through_link).contains("leads out of the layer"));
        let through_parent = layer()
            .link(EntryType::Symlink, "up", "../..")
            .raw(kind, "up/escaped", "", b"");
        assert!(refusal(through_parent).contains("leads out of the layer"));
    }
    let whiteout = layer()
        .link(EntryType::Symlink, "out", target)
        .file("out/.wh.x", "");
    assert!(refusal(whiteout).contains("leads out of the layer"));
    let opaque = layer()
        .link(EntryType::Symlink, "out", target)
        .file("out/.wh..wh..opq", "");
    assert!(refusal(opaque).contains("leads out of the layer"));
    assert!(refusal(layer().file(".wh...", "")).contains("hides nothing"));
    let hard = layer().raw(EntryType::Link, "passwd", "../../../../etc/passwd", b"");
    assert!(refusal(hard).contains("leads out of the layer"));
    let hard = layer()
        .link(EntryType::Symlink, "etc", "/etc")
        .raw(EntryType::Link, "p", "etc/passwd", b"");
    assert!(refusal(hard).contains("leads out of the layer"));
    assert_eq!(fs::read_dir(outside.path()).expect("it is listed").count(), 0);

    let absolute = unpack(layer().raw(EntryType::Regular, "/etc/inside", "", b"x"));
    assert_eq!(
        absolute.text("etc/inside"),
        "x",
        "an absolute path means one in the layer"
    );
}

#[test]
fn compression_is_told_by_the_content() {
    let plain = layer().file("a", &"content ".repeat(200_000)).finish();
    let twice = [gzip(&plain[..1000]), gzip(&plain[1000..])].concat();
    for blob in [plain.clone(), gzip(&plain), zstd(&plain), twice] {
        let directory = TempDir::new().expect("a temporary directory");
        let unpacked = unpacking::unpack(&*blob, directory.path()).expect("it is unpacked");
        assert_eq!(unpacked.diff_id, digest::of(&plain));
        assert_eq!(unpacked.blob_digest, digest::of(&blob));
        assert_eq!(unpacked.size_bytes, 1_600_000);
    }
    let directory = TempDir::new().expect("a temporary directory");
    let error = unpacking::unpack(&b"BZh91AY&SY"[..], directory.path()).expect_err("it is refused");
    assert!(error.to_string().contains("only gzip and zstd"), "{error}");
}

#[test]
fn damaged_layers_are_refused() {
    let plain = layer().file("a", &"content ".repeat(100_000)).finish();
    for blob in [plain.clone(), gzip(&plain), zstd(&plain)] {
        let directory = TempDir::new().expect("a temporary directory");
        assert!(unpacking::unpack(&blob[..blob.len() / 2], directory.path()).is_err());
    }
    let directory = TempDir::new().expect("a temporary directory");
    assert!(unpacking::unpack(&[7; 4096][..], directory.path()).is_err());
}
