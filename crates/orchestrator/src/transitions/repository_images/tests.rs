use domain::repository::{Encryption, TagMutability};

use super::*;
use crate::fixture::{World, scope};
use crate::transitions::{NewRepository, create_repository};

fn key(name: &str) -> RepositoryKey {
    RepositoryKey::new(&scope(), name)
}

/// A world with a repository that has the layers `l1` (10 bytes) and `l2` (20 bytes).
fn world(tag_mutability: TagMutability) -> World {
    let world = World::new();
    let made = world.attempt(move |tx| {
        let encryption = Encryption {
            kind: "AES256".to_owned(),
            kms_key: None,
        };
        let new = NewRepository {
            key: key("web"),
            tag_mutability,
            scan_on_push: false,
            encryption,
            tags: Vec::new(),
        };
        create_repository(tx, new).map_err(|_| RepositoryNotFound)?;
        put_layer(tx, &key("web"), "l1", 10)?;
        put_layer(tx, &key("web"), "l2", 20)
    });
    made.expect("is new");
    world
}

fn image(digest: &str, tag: Option<&str>, layers: &[&str], manifests: &[&str]) -> NewImage {
    let owned = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect();
    NewImage {
        repository: key("web"),
        digest: digest.to_owned(),
        tag: tag.map(str::to_owned),
        media_type: "m".to_owned(),
        artifact_media_type: None,
        subject: None,
        manifest_bytes: 1,
        layers: owned(layers),
        manifests: owned(manifests),
    }
}

fn put(world: &World, new: NewImage) -> Result<Arc<RepositoryImage>, PutImageRefusal> {
    world.attempt(move |tx| put_image(tx, new))
}

fn tags(world: &World) -> Vec<(String, String)> {
    world.store.read(|state| {
        let tags = state.tags_of_repository(&key("web"));
        tags.map(|(tag, digest)| (tag.to_owned(), digest.to_owned()))
            .collect()
    })
}

fn name(digest: Option<&str>, tag: Option<&str>) -> ImageName {
    ImageName {
        digest: digest.map(str::to_owned),
        tag: tag.map(str::to_owned),
    }
}

#[test]
fn an_image_is_taken_when_all_that_it_names_is_there() {
    let world = world(TagMutability::Mutable);
    let missing = put(&world, image("m", None, &["l1", "l3"], &[]));
    assert_eq!(
        missing,
        Err(PutImageRefusal::LayersNotFound(vec!["l3".to_owned()]))
    );
    let pushed = put(&world, image("m", Some("1"), &["l1", "l2"], &[])).expect("is whole");
    assert_eq!((pushed.size_bytes, &*pushed.tags), (30, &["1".to_owned()][..]));
    assert_eq!(
        put(&world, image("m", Some("1"), &["l1", "l2"], &[])),
        Err(PutImageRefusal::Exists)
    );
    assert_eq!(
        put(&world, image("m", None, &[], &[])),
        Err(PutImageRefusal::Exists)
    );
    let missing = put(&world, image("i", None, &[], &["m", "n"]));
    assert_eq!(
        missing,
        Err(PutImageRefusal::ImagesNotFound(vec!["n".to_owned()]))
    );
    let index = put(&world, image("i", Some("all"), &[], &["m"])).expect("is whole");
    assert_eq!(index.size_bytes, 30);
    let nowhere = NewImage {
        repository: key("other"),
        ..image("m", None, &[], &[])
    };
    assert_eq!(put(&world, nowhere), Err(PutImageRefusal::RepositoryNotFound));
}

#[test]
fn a_tag_is_one_images_at_a_time() {
    let world = world(TagMutability::Mutable);
    put(&world, image("a", Some("latest"), &["l1"], &[])).expect("is whole");
    put(&world, image("a", Some("1"), &[], &[])).expect("another tag");
    put(&world, image("b", Some("latest"), &["l2"], &[])).expect("is whole");
    let pairs = [("1", "a"), ("latest", "b")].map(|(tag, digest)| (tag.to_owned(), digest.to_owned()));
    assert_eq!(tags(&world), pairs);
}

#[test]
fn a_tag_stays_where_it_is_if_it_may_not_move() {
    let world = world(TagMutability::ImmutableWithExclusion(vec!["dev*".to_owned()]));
    for tag in ["1", "dev"] {
        put(&world, image("a", Some(tag), &["l1"], &[])).expect("is free");
    }
    let refused = put(&world, image("b", Some("1"), &["l1"], &[]));
    assert_eq!(refused, Err(PutImageRefusal::TagImmutable("1".to_owned())));
    put(&world, image("b", Some("dev"), &["l1"], &[])).expect("may move");
}

#[test]
fn with_its_last_tag_goes_the_image_but_not_out_of_an_index() {
    let world = world(TagMutability::Mutable);
    for tag in ["1", "2"] {
        put(&world, image("a", Some(tag), &["l1"], &[])).expect("is whole");
    }
    put(&world, image("i", None, &[], &["a"])).expect("is whole");
    let delete = |it: ImageName| world.attempt(move |tx| delete_image(tx, &key("web"), &it));
    let unknown = delete(name(None, Some("3")));
    assert_eq!(unknown, Err(DeleteImageRefusal::Name(ImageNameRefusal::NotFound)));
    let mismatch = delete(name(Some("i"), Some("1")));
    assert_eq!(
        mismatch,
        Err(DeleteImageRefusal::Name(ImageNameRefusal::TagDoesNotMatchDigest))
    );
    assert_eq!(
        delete(ImageName::default()),
        Err(DeleteImageRefusal::Name(ImageNameRefusal::Missing))
    );
    assert_eq!(
        delete(name(None, Some("1"))),
        Ok(vec![name(Some("a"), Some("1"))])
    );
    assert_eq!(
        delete(name(Some("a"), None)),
        Err(DeleteImageRefusal::ReferencedByManifestList)
    );
    assert_eq!(delete(name(Some("i"), None)), Ok(vec![name(Some("i"), None)]));
    assert_eq!(
        delete(name(None, Some("2"))),
        Ok(vec![name(Some("a"), Some("2"))])
    );
    assert!(tags(&world).is_empty());
    assert!(
        !world
            .store
            .read(|state| state.is_needed_in_repository(&key("web"), "l1"))
    );
}

#[test]
fn layers_are_mounted_and_forgotten_when_no_image_needs_them() {
    let world = world(TagMutability::Mutable);
    put(&world, image("a", None, &["l1"], &[])).expect("is whole");
    let mount = |to: &str, digest: &str| {
        let (to, digest) = (key(to), digest.to_owned());
        world.attempt(move |tx| mount_layer(tx, &key("web"), &to, &digest))
    };
    assert_eq!(mount("other", "l1"), Err(MountLayerRefusal::RepositoryNotFound));
    assert_eq!(mount("web", "l9"), Err(MountLayerRefusal::LayerNotFound));
    mount("web", "l1").expect("is there");
    let forget = |before| {
        world.write(move |tx| Ok::<_, RepositoryNotFound>(forget_layers(tx, &key("web"), before, 10)))
    };
    assert_eq!(forget(Timestamp::MIN), 0, "they are young");
    assert_eq!(forget(Timestamp::MAX), 1, "the image keeps the other");
    assert!(
        world
            .store
            .read(|state| state.is_blob_held("l1") && !state.is_blob_held("l2"))
    );
}
