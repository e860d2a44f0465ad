//! The disk is full while an image is pulled.

use test_support::disk::Disk;

use super::super::{Images, digest};
use super::fixtures::{Blobs, World, config, gzip, layer};
use super::registry::{Access, Registry};

/// MiB of the disk, less than the layer has.
const SMALL: u32 = 2;

#[tokio::test]
async fn a_pull_that_finds_no_room_says_so_and_leaves_nothing() {
    let noise: Vec<String> = (0..48_000_u32).map(|it| digest::of(&it.to_be_bytes())).collect();
    let large = layer().file("noise", &noise.join("")).finish();
    let base = layer().file("base", "there is room for it").finish();
    let small = layer().file("app", "small").finish();
    let mut blobs = Blobs::default();
    let mut add = |layers: &[&[u8]], name: &str| {
        let packed: Vec<_> = layers.iter().map(|it| gzip(it)).collect();
        let packed: Vec<&[u8]> = packed.iter().map(Vec::as_slice).collect();
        let manifest = blobs.image(&config(layers, name), &packed);
        manifest["digest"].as_str().expect("a digest").to_owned()
    };
    let (large, small) = (add(&[&base, &large], "large"), add(&[&small], "small"));
    let tags = [("large", large.as_str()), ("small", small.as_str())];
    let registry = Registry::serve(Access::Open, blobs, &tags).await;
    let name = |tag: &str| format!("{}/app:{tag}", registry.address);
    let mut world = World::new();
    let disk = Disk::mount(&world.store(), SMALL).expect("a disk");
    world.images = Images::open(&world.store()).expect("the store opens");

    let error = world
        .images
        .pull(&name("large"), None)
        .await
        .expect_err("there is no room");
    assert!(error.to_string().contains("No space left on device"), "{error}");
    assert!(error.to_string().contains("failed to extract layer"), "{error}");
    assert_eq!(registry.requests("/blobs/"), 3, "asking again does not help");
    world.assert_empty();
    world
        .images
        .pull(&name("small"), None)
        .await
        .expect("its room is free again");

    world.images.remove(&name("small")).expect("it is removed");
    disk.fill().expect("it is filled");
    let error = world
        .images
        .pull(&name("small"), None)
        .await
        .expect_err("not a byte is left");
    assert!(error.to_string().contains("No space left on device"), "{error}");
    disk.free().expect("there is room");
    world.assert_empty();
    world
        .images
        .pull(&name("small"), None)
        .await
        .expect("it is pulled");
}
