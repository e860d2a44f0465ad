use std::time::Duration;

use domain::repository::{Encryption, ScannedPackage, TagMutability};

use super::*;
use crate::fixture::{World, scope};
use crate::transitions::{NewImage, NewRepository, create_repository, put_image};

fn key() -> RepositoryKey {
    RepositoryKey::new(&scope(), "web")
}

fn world() -> World {
    let world = World::new();
    let made = world.attempt(|tx| {
        let new = NewRepository {
            key: key(),
            tag_mutability: TagMutability::Mutable,
            scan_on_push: false,
            encryption: Encryption {
                kind: "AES256".to_owned(),
                kms_key: None,
            },
            tags: Vec::new(),
        };
        create_repository(tx, new).map_err(|_| ())?;
        for (digest, tag, manifests) in [("image", "1", vec![]), ("index", "all", vec!["image".to_owned()])] {
            let new = NewImage {
                repository: key(),
                digest: digest.to_owned(),
                tag: Some(tag.to_owned()),
                media_type: "m".to_owned(),
                artifact_media_type: None,
                subject: None,
                manifest_bytes: 1,
                layers: Vec::new(),
                manifests,
            };
            put_image(tx, new).map_err(|_| ())?;
        }
        Ok::<_, ()>(())
    });
    made.expect("is new");
    world
}

fn tagged(tag: &str) -> ImageName {
    ImageName {
        digest: None,
        tag: Some(tag.to_owned()),
    }
}

#[test]
fn a_scan_begins_once_a_day_and_ends_as_itself() {
    let world = world();
    let begin = |tag: &'static str| world.attempt(move |tx| begin_scan(tx, &key(), &tagged(tag)));
    assert_eq!(begin("all").err(), Some(ScanRefusal::IsIndex));
    let missing = ScanRefusal::Name(ImageNameRefusal::NotFound);
    assert_eq!(begin("none").err(), Some(missing));
    let begun = begin("1").expect("it begins").scan.clone().expect("a scan");
    assert_eq!(begin("1").err(), Some(ScanRefusal::TooSoon));
    let end = |started_at, name: &str| {
        let packages = vec![ScannedPackage {
            name: name.to_owned(),
            version: "1".to_owned(),
        }];
        let outcome = ScanOutcome::Complete {
            completed_at: begun.started_at,
            packages,
        };
        let ended = world.attempt(move |tx| {
            end_scan(tx, &key(), "image", started_at, outcome);
            Ok::<_, ()>(())
        });
        ended.expect("is noted");
        let image = world.store.read(|state| {
            let image = state.get::<RepositoryImage>(&(key(), "image".to_owned()));
            image.and_then(|it| it.scan.clone())
        });
        image.expect("a scan").outcome
    };
    let other = begun.started_at + Duration::from_secs(1);
    assert_eq!(end(other, "a"), ScanOutcome::InProgress, "another scan");
    assert!(matches!(end(begun.started_at, "a"), ScanOutcome::Complete { .. }));
    assert_eq!(begin("1").err(), Some(ScanRefusal::TooSoon));
    world.clock.advance(Duration::from_secs(24 * 3600));
    assert!(begin("1").is_ok());
}
