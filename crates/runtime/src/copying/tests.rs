//! What goes through an archive is the same on the other side, and nothing leads out of the root.

use std::ffi::OsString;
use std::fs;
use std::io::Cursor;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;

use tempfile::TempDir;

use super::place::{Found, Placement, Source, place};
use super::*;

struct Sides {
    folder: TempDir,
}

impl Sides {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        fs::create_dir(folder.path().join("from")).expect("made");
        fs::create_dir(folder.path().join("to")).expect("made");
        Self { folder }
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join(path)
    }

    fn root(&self, side: &str) -> Root {
        Root::open(&self.at(side)).expect("opens")
    }

    fn pack(&self, path: &str, links: Links) -> Result<Vec<u8>, String> {
        let mut archive = Vec::new();
        let packed = pack(&self.root("from"), Path::new(path), links, &mut archive);
        packed.map(|()| archive).map_err(|it| it.to_string())
    }

    fn unpack(&self, archive: &[u8], path: &str, owners: Owners) -> Result<u64, String> {
        let target = Target {
            path: path.into(),
            name: OsString::from("name"),
            contents_only: false,
        };
        let unpacked = unpack(Cursor::new(archive), &self.root("to"), &target, owners);
        unpacked.map_err(|it| it.to_string())
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

#[test]
fn a_directory_comes_out_as_it_went_in() {
    let sides = Sides::new();
    let long = "n".repeat(200);
    fs::create_dir_all(sides.at("from/a/b")).expect("made");
    fs::write(sides.at("from/a/b/file"), "text").expect("written");
    fs::write(sides.at(&format!("from/a/{long}")), "long").expect("written");
    symlink(format!("/{long}"), sides.at("from/a/link")).expect("linked");
    lchown(sides.at("from/a/b/file"), Some(33), Some(44)).expect("given");
    for (path, mode) in [("from/a/b/file", 0o4751), ("from/a/b", 0o500), ("from/a", 0o1777)] {
        fs::set_permissions(sides.at(path), fs::Permissions::from_mode(mode)).expect("set");
    }
    let archive = sides.pack("/a", Links::Kept).expect("packed");
    assert_eq!(sides.unpack(&archive, "/new", Owners::Kept), Ok(0));
    assert_eq!(sides.unpack(&archive, "/", Owners::Root), Ok(0));
    assert_eq!(sides.read(&format!("to/new/{long}")), "long");
    let link = fs::read_link(sides.at("to/new/link")).expect("a link");
    assert_eq!(link, Path::new(&format!("/{long}")));
    for (path, owner, mode) in [
        ("to/new/b/file", (33, 44), 0o4751),
        ("to/name/b/file", (0, 0), 0o4751),
        ("to/new/b", (0, 0), 0o500),
        ("to/new", (0, 0), 0o1777),
    ] {
        let found = fs::metadata(sides.at(path)).expect("is there");
        assert_eq!(
            ((found.uid(), found.gid()), found.mode() & 0o7777),
            (owner, mode),
            "{path}"
        );
    }
    let modified = |path: &str| fs::metadata(sides.at(path)).expect("is there").mtime();
    assert_eq!(modified("to/new/b"), modified("from/a/b"));
    // Over what is there: files are replaced, directories stay as they are.
    fs::set_permissions(sides.at("to/new/b"), fs::Permissions::from_mode(0o711)).expect("set");
    fs::write(sides.at("to/new/b/file"), "other").expect("written");
    fs::write(sides.at("to/new/b/kept"), "kept").expect("written");
    let inner = sides.pack("/a/.", Links::Kept).expect("packed");
    let target = Target {
        path: "/new".into(),
        name: OsString::from("a"),
        contents_only: true,
    };
    unpack(Cursor::new(inner), &sides.root("to"), &target, Owners::Caller).expect("unpacked");
    assert_eq!(
        (sides.read("to/new/b/file"), sides.read("to/new/b/kept")),
        ("text".into(), "kept".into())
    );
    let mode = |path: &str| fs::metadata(sides.at(path)).expect("is there").mode() & 0o7777;
    assert_eq!(
        (mode("to/new/b"), mode("to/new/b/file")),
        (0o711, 0o751),
        "no setuid for the caller"
    );
}

#[test]
fn links_never_lead_out_of_the_root() {
    let sides = Sides::new();
    fs::write(sides.at("secret"), "secret").expect("written");
    fs::create_dir(sides.at("outside")).expect("made");
    let outside = sides.at("outside");
    symlink(&outside, sides.at("to/absolute")).expect("linked");
    symlink("../outside", sides.at("to/relative")).expect("linked");
    symlink("../secret", sides.at("from/link")).expect("linked");
    symlink("/proc/self/root", sides.at("from/magic")).expect("linked");
    fs::create_dir_all(sides.at("from/d/absolute")).expect("made");
    fs::write(sides.at("from/d/absolute/file"), "file").expect("written");
    for path in ["/link", "/magic/etc", "/../secret", "/../../secret"] {
        let refused = sides.pack(path, Links::Followed).expect_err(path);
        assert!(refused.contains("there is no"), "{refused}");
    }
    let archive = sides.pack("/d", Links::Kept).expect("packed");
    // Into a directory where a link has the name of one that is copied.
    let target = Target {
        path: "/".into(),
        name: OsString::from("d"),
        contents_only: true,
    };
    let refused = unpack(Cursor::new(&archive), &sides.root("to"), &target, Owners::Root);
    let refused = refused.expect_err("a link is in the way").to_string();
    assert!(refused.contains("cannot be copied over a file"), "{refused}");
    for path in ["/absolute/x", "/relative/x"] {
        let refused = sides.unpack(&archive, path, Owners::Root).expect_err(path);
        assert!(refused.contains("there is no"), "{refused}");
    }
    let empty = fs::read_dir(&outside).expect("is read").next().is_none();
    assert!(empty, "nothing came there");
}

/// An archive of entries: name, kind, link.
fn archive(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, link) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o755);
        header.set_size(0);
        // By hand: the library does not write what leads out.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        builder.append(&header, std::io::empty()).expect("appended");
    }
    builder.into_inner().expect("finished")
}

#[test]
fn archives_that_lead_out_or_are_damaged_are_refused() {
    use tar::EntryType::{Block, Directory, Fifo, Link, Regular, Symlink};
    let sides = Sides::new();
    let out = sides.at("outside").display().to_string();
    for (entries, expected) in [
        (&[("other", Directory, "")][..], "outside"),
        (&[("root/x", Regular, "")], "first entry"),
        (
            &[("root", Directory, ""), ("root/../../x", Regular, "")],
            "leads out",
        ),
        (&[("root", Directory, ""), ("/etc/x", Regular, "")], "outside"),
        (
            &[
                ("root", Directory, ""),
                ("root/l", Symlink, &out),
                ("root/l/x", Regular, ""),
            ],
            "a symbolic link or a file is where its directory should be",
        ),
        (
            &[("root", Directory, ""), ("root/h", Link, "/etc/passwd")],
            "unknown type",
        ),
        (
            &[("root", Directory, ""), ("root/a/b", Regular, "")],
            "there is no",
        ),
        (&[], "it is empty"),
    ] {
        let refused = sides.unpack(&archive(entries), "/x", Owners::Root);
        let refused = refused.expect_err(expected);
        assert!(refused.contains(expected), "{refused} is not {expected}");
        drop(fs::remove_dir_all(sides.at("to/x")));
    }
    let left_out = archive(&[
        ("root", Directory, ""),
        ("root/d", Block, ""),
        ("root/p", Fifo, ""),
    ]);
    assert_eq!(sides.unpack(&left_out, "/x", Owners::Root), Ok(2));
    assert!(sides.unpack(b"no archive", "/y", Owners::Root).is_err());
    assert!(!Path::new(&out).exists());
}

#[test]
fn a_name_that_is_too_long_is_not_read_into_memory() {
    let sides = Sides::new();
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(1 << 40);
    header.set_cksum();
    let refused = sides.unpack(header.as_bytes(), "/x", Owners::Root);
    assert_eq!(refused, Err("the archive: a name is too long".to_owned()));
}

#[test]
fn what_is_copied_over_is_a_regular_file() {
    let sides = Sides::new();
    fs::write(sides.at("from/file"), "new").expect("written");
    fs::write(sides.at("to/real"), "a longer text").expect("written");
    symlink("real", sides.at("to/link")).expect("linked");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        sides.at("to/null"),
        rustix::fs::FileType::CharacterDevice,
        rustix::fs::Mode::from_raw_mode(0o666),
        rustix::fs::makedev(1, 3),
    )
    .expect("made");
    let archive = sides.pack("/file", Links::Kept).expect("packed");
    assert_eq!(sides.unpack(&archive, "/link", Owners::Root), Ok(0));
    assert_eq!(sides.read("to/real"), "new");
    assert!(sides.at("to/link").is_symlink());
    let refused = sides
        .unpack(&archive, "/null", Owners::Root)
        .expect_err("a device");
    assert!(refused.contains("no regular file"), "{refused}");
}

#[test]
fn places_are_those_of_docker_cp() {
    use Found::{Directory, File, Nothing};
    use Placement::{As, Contents, Over, Within};
    for (source, found, path, expected) in [
        (Source::File, Nothing, "/a", Some(As)),
        (Source::File, Nothing, "/a/", None),
        (Source::File, Directory, "/a", Some(Within)),
        (Source::File, Directory, "/a/", Some(Within)),
        (Source::File, File, "/a", Some(Over)),
        (Source::File, File, "/a/", None),
        (Source::Directory, Nothing, "/a", Some(As)),
        (Source::Directory, Nothing, "/a/", Some(As)),
        (Source::Directory, Directory, "/a", Some(Within)),
        (Source::Directory, File, "/a", None),
        (Source::Contents, Nothing, "/a", Some(As)),
        (Source::Contents, Directory, "/a", Some(Contents)),
        (Source::Contents, File, "/a", None),
    ] {
        let placed = place(source, found, Path::new(path)).ok();
        assert_eq!(placed, expected, "{source:?} {found:?} {path}");
    }
}
