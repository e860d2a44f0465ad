//! Files of objects, those that others put there among them.

use std::ffi::OsStr;
use std::os::unix::fs::symlink;

use bytes::Bytes;
use futures_util::stream;
use proptest::prelude::*;

use super::*;

struct World {
    storage: ObjectStorage,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let storage = ObjectStorage::new(folder.path().join("buckets"));
        storage.create_bucket("bucket").expect("is made");
        Self { storage, folder }
    }

    fn bucket(&self) -> PathBuf {
        self.folder.path().join("buckets/bucket")
    }

    async fn put(&self, key: &str, content: &'static str) -> Result<(), ObjectError> {
        let pieces = stream::iter(
            content
                .as_bytes()
                .chunks(3)
                .map(|it| Ok::<_, io::Error>(Bytes::from(it))),
        );
        let received = self
            .storage
            .receive(pieces, None, None, 1000)
            .await
            .expect("arrives");
        let kept = Kept {
            md5: hex::encode(received.digests.md5),
            ..Kept::default()
        };
        self.storage
            .put(received.arrival, &kept, "bucket", key, Replacing::Anything)
    }

    fn content(&self, key: &str) -> Result<String, ObjectError> {
        let object = self.storage.object("bucket", key)?;
        Ok(String::from_utf8(object.read_at(0, 100)?).expect("is text"))
    }

    fn keys(&self) -> Vec<String> {
        let query = ListedQuery {
            bucket: "bucket".to_owned(),
            max_keys: 1000,
            ..ListedQuery::default()
        };
        let page = self.storage.list(&query).expect("is listed");
        page.objects.into_iter().map(|it| it.key).collect()
    }

    fn uploads(&self) -> usize {
        let entries = fs::read_dir(self.folder.path().join("buckets/.uploads"));
        entries.map_or(0, Iterator::count)
    }
}

#[tokio::test]
async fn an_object_is_a_file_and_a_file_is_an_object() {
    let world = World::new();
    world.put("config/app.env", "A=1").await.expect("is put");
    let path = world.bucket().join("config/app.env");
    assert_eq!(fs::read_to_string(&path).expect("is there"), "A=1");
    let put = world.storage.object("bucket", "config/app.env").expect("is one");

    fs::write(world.bucket().join("hand made.env"), "B=2").expect("is written");
    assert_eq!(world.content("hand made.env").expect("is one"), "B=2");
    assert_eq!(world.keys(), ["config/app.env", "hand made.env"]);

    // What was kept of the object does not hold for what is written over it.
    fs::write(&path, "A=other").expect("is written");
    let changed = world.storage.object("bucket", "config/app.env").expect("is one");
    assert_eq!((changed.size, changed.kept), (7, Kept::default()));
    assert_ne!(changed.etag, put.etag);
    assert_eq!(put.kept.md5, "a5a2929bc80363d4ffe77ca4cf1911b8");
    assert_eq!(world.uploads(), 0);
}

#[tokio::test]
async fn no_key_leads_out_of_its_bucket() {
    let world = World::new();
    fs::write(world.folder.path().join("secret"), "secret").expect("is written");
    for key in [
        "../../secret",
        "/secret",
        "./../../secret",
        "a/../../../secret",
        "..",
        ".",
    ] {
        assert!(matches!(world.content(key), Err(ObjectError::NoSuchKey)), "{key}");
        world.put(key, "mine").await.expect("is put");
        assert_eq!(world.content(key).expect("is one"), "mine", "{key}");
        assert!(world.keys().contains(&key.to_owned()), "{key}");
        world.storage.delete("bucket", key).expect("is removed");
    }
    let secret = fs::read_to_string(world.folder.path().join("secret"));
    assert_eq!(secret.expect("is there"), "secret");
    assert_eq!(fs::read_dir(world.bucket()).expect("is there").count(), 0);

    symlink(world.folder.path(), world.bucket().join("link")).expect("is linked");
    symlink(world.folder.path().join("secret"), world.bucket().join("file")).expect("is linked");
    for key in ["link/secret", "file"] {
        assert!(matches!(world.content(key), Err(ObjectError::NoSuchKey)), "{key}");
    }
    let below = world.put("link/new", "x").await;
    assert!(matches!(below, Err(ObjectError::KeyInTheWay)), "{below:?}");
    assert!(!world.folder.path().join("new").exists());
    assert_eq!(world.keys(), [""; 0]);
    assert!(matches!(
        world.storage.check_bucket("../buckets"),
        Err(ObjectError::NoSuchBucket)
    ));
}

#[tokio::test]
async fn a_key_and_one_below_it_are_in_each_others_way() {
    let world = World::new();
    world.put("a/b", "1").await.expect("is put");
    assert!(matches!(world.put("a", "2").await, Err(ObjectError::KeyInTheWay)));
    assert!(matches!(
        world.put("a/b/c", "3").await,
        Err(ObjectError::KeyInTheWay)
    ));
    let long = "x".repeat(256);
    assert!(matches!(
        world.put(&long, "4").await,
        Err(ObjectError::PartTooLong)
    ));
    assert!(matches!(world.content("a"), Err(ObjectError::NoSuchKey)));
    world.storage.delete("bucket", "a").expect("is no object");
    assert_eq!(world.keys(), ["a/b"]);
    // What consoles make for a folder.
    world.put("a/", "").await.expect("is put");
    assert_eq!(world.keys(), ["a/", "a/b"]);
    assert_eq!(world.uploads(), 0);
}

#[tokio::test]
async fn what_breaks_off_leaves_nothing() {
    let world = World::new();
    let pieces = [Ok(Bytes::from("abc")), Err(io::Error::other("reset"))];
    let broken = world
        .storage
        .receive(stream::iter(pieces), None, None, 1000)
        .await;
    assert!(matches!(broken, Err(ReceiveError::Broken(_))));
    let pieces = stream::iter([Ok::<_, io::Error>(Bytes::from("abcd"))]);
    let long = world.storage.receive(pieces, None, None, 3).await;
    assert!(matches!(long, Err(ReceiveError::TooLarge(3))));
    assert_eq!(world.uploads(), 0);
    let pieces = stream::iter([Ok::<_, io::Error>(Bytes::from("abc"))]);
    let left = world
        .storage
        .receive(pieces, None, None, 3)
        .await
        .expect("arrives");
    assert_eq!(world.uploads(), 1);
    ObjectStorage::new(world.folder.path().join("buckets"));
    assert_eq!(world.uploads(), 0, "the next start removes it");
    drop(left);
}

#[test]
fn directories_without_objects_are_no_content() {
    let world = World::new();
    fs::create_dir_all(world.bucket().join("a/b/c")).expect("are made");
    assert_eq!(world.keys(), [""; 0]);
    world.storage.delete_bucket("bucket").expect("is empty");
    assert!(matches!(
        world.storage.delete_bucket("bucket"),
        Err(ObjectError::NoSuchBucket)
    ));
    assert_eq!(world.storage.buckets().expect("are listed"), []);
}

proptest! {
    #[test]
    fn parts_of_keys_are_read_back_from_names(key in "[^\u{0}/]{0,20}(/[^/]{0,20}){0,3}") {
        let (folders, file) = keys::encode(&key).expect("is short");
        let mut parts = Vec::new();
        let folders = folders.iter().map(|it| (it, true));
        for (name, is_folder) in folders.chain([(&file, false)]) {
            prop_assert!(!name.is_empty() && !name.contains('/') && !name.contains('\0'));
            prop_assert!(name != "." && name != "..");
            parts.push(keys::decode_part(OsStr::new(name), is_folder).expect("is a part"));
        }
        prop_assert_eq!(parts.join("/"), key);
    }

    #[test]
    fn names_stand_for_one_part_or_none(name in "[^\u{0}/]{1,20}") {
        if let Some(part) = keys::decode_part(OsStr::new(&name), false) {
            let (folders, file) = keys::encode(&part).expect("is short");
            prop_assert!(folders.is_empty());
            prop_assert_eq!(file, name);
        }
    }
}
