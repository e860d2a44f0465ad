use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use agent::host::{DirectoryCreation, FileOwner, FileSystemVolume};

use super::FileSystems;
use crate::volumes::VolumeSource;

const CREATION: DirectoryCreation = DirectoryCreation {
    owner: FileOwner { uid: 1000, gid: 1001 },
    permissions: 0o2775,
};

fn volume(directory: &str, creation: Option<DirectoryCreation>) -> FileSystemVolume {
    FileSystemVolume {
        name: "data".to_owned(),
        file_system_id: "fs-1".to_owned(),
        dns_name: "fs-1.efs.us-east-1.amazonaws.com".to_owned(),
        directory: PathBuf::from(directory),
        creation,
        ..FileSystemVolume::default()
    }
}

struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("efs/fs-1/there")).expect("is made");
        fs::create_dir(folder.path().join("outside")).expect("is made");
        Self { folder }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("efs/fs-1")
    }

    fn prepare(&self, volume: &FileSystemVolume) -> Result<VolumeSource, String> {
        let all = FileSystems::new(self.folder.path().join("efs"));
        let prepared = all.prepare(volume, &self.folder.path().join("task"));
        prepared.map(|it| it.source).map_err(|it| it.to_string())
    }
}

#[test]
fn a_directory_is_found_and_waits_for_the_containers() {
    let world = World::new();
    let source = world.prepare(&volume("/there", None)).expect("is there");
    let target = world.folder.path().join("task/data");
    assert!(target.is_dir());
    let expected = VolumeSource::Shared {
        root: world.root(),
        below: PathBuf::from("/there"),
        target,
        owner: None,
    };
    assert_eq!(source, expected);
}

#[test]
fn what_is_missing_is_said_in_amazons_words() {
    let world = World::new();
    let text = world.prepare(&volume("/missing", None)).expect_err("is missing");
    assert_eq!(
        text,
        "failed to invoke EFS utils commands to set up EFS volumes: stderr: b'mount.nfs4: mounting \
         fs-1.efs.us-east-1.amazonaws.com:/missing failed, reason given by server: No such file or directory' : \
         unsuccessful EFS utils command execution; code: 32"
    );
    let refused = FileSystemVolume {
        refusal: Some("stderr: no".to_owned()),
        ..volume("/there", None)
    };
    let text = world.prepare(&refused).expect_err("is refused");
    assert_eq!(
        text,
        "failed to invoke EFS utils commands to set up EFS volumes: stderr: no"
    );
    for id in ["..", "", "a/b", "fs-2"] {
        let other = FileSystemVolume {
            file_system_id: id.to_owned(),
            ..volume("/", None)
        };
        assert!(world.prepare(&other).is_err(), "{id}");
    }
}

#[test]
fn links_and_steps_back_do_not_lead_out() {
    let world = World::new();
    symlink(world.folder.path().join("outside"), world.root().join("link")).expect("is made");
    symlink("../../outside", world.root().join("up")).expect("is made");
    for path in ["/link", "/up", "/../../outside", "/there/../../../outside"] {
        assert!(world.prepare(&volume(path, None)).is_err(), "{path}");
        let made = world.prepare(&volume(path, Some(CREATION)));
        assert!(made.is_err() || path.starts_with("/.."), "{path}");
    }
    let outside = fs::read_dir(world.folder.path().join("outside")).expect("is there");
    assert_eq!(outside.count(), 0);
    // The root's parent is the root itself.
    assert!(world.prepare(&volume("/../there", None)).is_ok());
}

#[test]
fn a_missing_directory_is_made_as_the_access_point_says() {
    let world = World::new();
    world
        .prepare(&volume("/there/a/b", Some(CREATION)))
        .expect("is made");
    let facts = |path: &Path| {
        let it = fs::metadata(path).expect("is there");
        (it.uid(), it.gid(), it.permissions().mode() & 0o7777)
    };
    let root = world.root();
    assert_eq!(facts(&root.join("there/a")), (1000, 1001, 0o2775));
    assert_eq!(facts(&root.join("there/a/b")), (1000, 1001, 0o2775));
    assert_eq!(facts(&root.join("there")).0, 0, "what was there stays as it is");
    let other = DirectoryCreation {
        permissions: 0o700,
        ..CREATION
    };
    world.prepare(&volume("/there/a", Some(other))).expect("is there");
    assert_eq!(facts(&root.join("there/a")).2, 0o2775);
}
