use super::*;
use crate::fixture::{World, scope};
use crate::transitions::{NewImage, put_image, put_layer};

fn new(name: &str) -> NewRepository {
    NewRepository {
        key: RepositoryKey::new(&scope(), name),
        tag_mutability: TagMutability::Mutable,
        scan_on_push: false,
        encryption: Encryption {
            kind: "AES256".to_owned(),
            kms_key: None,
        },
        tags: vec![Pair::new("team", "web")],
    }
}

#[test]
fn a_name_is_taken_until_its_repository_is_deleted() {
    let world = World::new();
    let create = || world.attempt(|tx| create_repository(tx, new("web")));
    let key = create().expect("is new").key.clone();
    assert_eq!(create(), Err(CreateRepositoryRefusal::Exists));
    let at = key.clone();
    let deleted = world.attempt(move |tx| delete_repository(tx, &at, DeleteImages::Refuse));
    assert!(matches!(deleted, Ok(Deletion::Done(_))), "{deleted:?}");
    let at = key.clone();
    let again = world.attempt(move |tx| delete_repository(tx, &at, DeleteImages::Delete));
    assert_eq!(again, Err(DeleteRepositoryRefusal::NotFound));
    create().expect("is free again");
}

#[test]
fn only_force_deletes_images_and_nothing_is_held_any_more() {
    let world = World::new();
    let key = world
        .attempt(|tx| create_repository(tx, new("web")))
        .expect("is new")
        .key
        .clone();
    let at = key.clone();
    world
        .attempt(move |tx| put_layer(tx, &at, "sha256:l", 5))
        .expect("there");
    let image = NewImage {
        repository: key.clone(),
        digest: "sha256:m".to_owned(),
        tag: None,
        media_type: "m".to_owned(),
        artifact_media_type: None,
        subject: None,
        manifest_bytes: 2,
        layers: vec!["sha256:l".to_owned()],
        manifests: Vec::new(),
    };
    world.attempt(move |tx| put_image(tx, image)).expect("is whole");
    let held = || {
        world
            .store
            .read(|state| ["sha256:l", "sha256:m"].map(|it| state.is_blob_held(it)))
    };
    assert_eq!(held(), [true, true]);
    let at = key.clone();
    let refused = world.attempt(move |tx| delete_repository(tx, &at, DeleteImages::Refuse));
    assert_eq!(refused, Err(DeleteRepositoryRefusal::NotEmpty));
    let at = key.clone();
    let deleted = world.attempt(move |tx| delete_repository(tx, &at, DeleteImages::Delete));
    assert!(matches!(deleted, Ok(Deletion::Done(_))), "{deleted:?}");
    assert_eq!(held(), [false, false]);
}

#[test]
fn a_large_repository_is_deleted_bit_by_bit() {
    let world = World::new();
    let key = world
        .attempt(|tx| create_repository(tx, new("web")))
        .expect("is new")
        .key
        .clone();
    let at = key.clone();
    let filled = world.attempt(move |tx| {
        (0..=DELETED_AT_ONCE).try_for_each(|number| put_layer(tx, &at, &format!("sha256:{number}"), 1))
    });
    filled.expect("there");
    let delete = || {
        let at = key.clone();
        world.attempt(move |tx| delete_repository(tx, &at, DeleteImages::Refuse))
    };
    assert_eq!(delete(), Ok(Deletion::Begun));
    assert!(matches!(delete(), Ok(Deletion::Done(_))));
}

#[test]
fn tags_are_replaced_by_key_and_bounded() {
    let world = World::new();
    let key = world
        .attempt(|tx| create_repository(tx, new("web")))
        .expect("is new")
        .key
        .clone();
    let tag = |pairs: Vec<Pair>| {
        let at = key.clone();
        world.attempt(move |tx| tag_repository(tx, &at, pairs))
    };
    tag(vec![Pair::new("team", "api"), Pair::new("a", "b")]).expect("fits");
    let many = (0..TAGS_MAX).map(|number| Pair::new(number.to_string(), "x"));
    assert_eq!(tag(many.collect()), Err(RepositoryTagRefusal::TooMany));
    let at = key.clone();
    let untagged = world.attempt(move |tx| untag_repository(tx, &at, &["a".to_owned(), "?".to_owned()]));
    untagged.expect("is there");
    let at = key.clone();
    let tags = world
        .store
        .read(move |state| state.get::<Repository>(&at).map(|it| it.tags.clone()));
    assert_eq!(tags, Some(vec![Pair::new("team", "api")]));
}
