//! Pulling from registries.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;

use super::super::{Image, ImageError, RegistryCredentials, digest};
use super::fixtures::{Blobs, World, config, gzip, layer, zstd};
use super::registry::{Access, Registry};

struct Remote {
    blobs: Blobs,
    config: Vec<u8>,
    manifest: Value,
    /// Digest of the upper layer as stored.
    top_layer: String,
}

fn remote() -> Remote {
    let base = layer().file("base", &"base ".repeat(60_000)).finish();
    let top = layer().file("app", "app").finish();
    let config = config(&[&base, &top], "app");
    let mut blobs = Blobs::default();
    let (base, top) = (gzip(&base), zstd(&top));
    let manifest = blobs.image(&config, &[&base, &top]);
    Remote {
        blobs,
        config,
        manifest,
        top_layer: digest::of(&top),
    }
}

fn digest_of(descriptor: &Value) -> &str {
    descriptor["digest"].as_str().expect("a digest")
}

fn user(password: &str) -> Option<RegistryCredentials> {
    Some(RegistryCredentials {
        username: "user".to_owned(),
        password: password.to_owned(),
    })
}

fn assert_whole(image: &Image, remote: &Remote) {
    assert_eq!(image.id, digest::of(&remote.config));
    assert_eq!(
        fs::metadata(image.layers[0].join("base")).expect("a file").len(),
        300_000
    );
    assert_eq!(
        fs::read_to_string(image.layers[1].join("app")).expect("a file"),
        "app"
    );
}

#[tokio::test]
async fn images_are_pulled_by_tag_and_by_digest() {
    let remote = remote();
    let tags = [("1", digest_of(&remote.manifest))];
    let registry = Registry::serve(Access::Open, remote.blobs.clone(), &tags).await;
    let references = [
        format!("{}/app:1", registry.address),
        format!("{}/app@{}", registry.address, tags[0].1),
    ];
    for reference in references {
        let world = World::new();
        let image = world.images.pull(&reference, None).await.expect("it is pulled");
        assert_whole(&image, &remote);
        assert_eq!(image.manifest_digest.as_deref(), Some(tags[0].1));
        let before = registry.requests("");
        let again = world.images.pull(&reference, None).await.expect("it is there");
        assert_eq!(
            (again.manifest_digest, registry.requests("")),
            (image.manifest_digest, before)
        );
        let [listed] = &world.images.list().expect("it is listed")[..] else {
            panic!("one image")
        };
        assert_eq!(listed.references, [reference]);
        assert_eq!(world.count("unfinished"), 0);
    }
}

#[tokio::test]
async fn the_platform_is_chosen_from_an_index() {
    let mut remote = remote();
    let index = remote.blobs.index(&remote.manifest);
    let tags = [("multi", digest_of(&index))];
    let registry = Registry::serve(Access::Open, remote.blobs.clone(), &tags).await;
    let world = World::new();
    let reference = format!("{}/app:multi", registry.address);
    let image = world.images.pull(&reference, None).await.expect("it is pulled");
    assert_whole(&image, &remote);
    assert_eq!(image.manifest_digest.as_deref(), Some(digest_of(&index)));
    let by_digest = format!("{}/app@{}", registry.address, digest_of(&index));
    let before = registry.requests("");
    world
        .images
        .pull(&by_digest, None)
        .await
        .expect("it is known by its digest");
    assert_eq!(registry.requests(""), before);
}

#[tokio::test]
async fn registries_may_want_tokens_or_passwords() {
    let remote = remote();
    let tags = [("1", digest_of(&remote.manifest))];
    let cases = [
        (Access::Token, None, true),
        (Access::TokenOfUser, user("secret"), true),
        (Access::TokenOfUser, user("wrong"), false),
        (Access::TokenOfUser, None, false),
        (Access::Basic, user("secret"), true),
        (Access::Basic, user("wrong"), false),
        (Access::Basic, None, false),
    ];
    for (access, credentials, is_admitted) in cases {
        let registry = Registry::serve(access, remote.blobs.clone(), &tags).await;
        let world = World::new();
        let reference = format!("{}/app:1", registry.address);
        let result = world.images.pull(&reference, credentials.clone()).await;
        if is_admitted {
            assert_whole(&result.expect("it is pulled"), &remote);
            continue;
        }
        let text = result.expect_err("it is refused").to_string();
        let expected = format!(
            "pull image manifest has been retried 1 time(s): failed to resolve ref {reference}: pull access \
             denied, repository does not exist or may require authorization: server message: "
        );
        assert!(text.starts_with(&expected), "{text}");
        assert!(!text.contains("secret") && !text.contains("wrong"), "{text}");
        world.assert_empty();
    }
}

#[tokio::test]
async fn a_missing_image_is_named() {
    let registry = Registry::serve(Access::Open, Blobs::default(), &[]).await;
    let world = World::new();
    let reference = format!("{}/app:nope", registry.address);
    let error = world
        .images
        .pull(&reference, None)
        .await
        .expect_err("there is none");
    let expected = format!(
        "pull image manifest has been retried 1 time(s): failed to resolve ref {reference}: {reference}: not found"
    );
    assert_eq!(error.to_string(), expected);
    let error = world.images.pull("Not A Name", None).await.expect_err("no name");
    assert!(matches!(error, ImageError::Reference(_)), "{error}");
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_given_up_soon() {
    // Bound, so that nobody else has the port, but not listening any more.
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address")
    };
    let world = World::new();
    let begun = Instant::now();
    let error = world
        .images
        .pull(&format!("{address}/app:1"), None)
        .await
        .expect_err("nobody is there");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let text = error.to_string();
    assert!(
        text.contains("failed to do request") && text.contains("refused"),
        "{text}"
    );
}

#[tokio::test]
async fn many_tasks_pull_once() {
    let remote = remote();
    let tags = [("1", digest_of(&remote.manifest))];
    let registry = Registry::serve(Access::Open, remote.blobs.clone(), &tags).await;
    let world = World::new();
    let reference = format!("{}/app:1", registry.address);
    let pulls = (0..50).map(|_| world.images.pull(&reference, None));
    for image in join_all(pulls).await {
        assert_whole(&image.expect("it is pulled"), &remote);
    }
    assert_eq!(registry.requests("/manifests/"), 1);
    assert_eq!(registry.requests(&remote.top_layer), 1);
}

#[tokio::test]
async fn images_share_layers_that_are_being_pulled() {
    let base = layer().file("base", &"base ".repeat(60_000)).finish();
    let stored = gzip(&base);
    let mut blobs = Blobs::default();
    let one = blobs.image(&config(&[&base], "one"), &[&stored]);
    let two = blobs.image(&config(&[&base], "two"), &[&stored]);
    let tags = [("one", digest_of(&one)), ("two", digest_of(&two))];
    let registry = Registry::serve(Access::Open, blobs.clone(), &tags).await;
    let world = World::new();
    let references = ["one", "two"].map(|tag| format!("{}/app:{tag}", registry.address));
    let pulled = join_all(references.iter().map(|it| world.images.pull(it, None))).await;
    for image in pulled {
        image.expect("it is pulled");
    }
    assert_eq!(registry.requests(&digest::of(&stored)), 1);
    assert_eq!((world.count("layers"), world.count("configs")), (1, 2));
}

#[tokio::test]
async fn a_broken_transfer_is_tried_again() {
    let remote = remote();
    let tags = [("1", digest_of(&remote.manifest))];
    let registry = Registry::serve(Access::Open, remote.blobs.clone(), &tags).await;
    registry.break_off(&remote.top_layer);
    let world = World::new();
    let reference = format!("{}/app:1", registry.address);
    let image = world.images.pull(&reference, None).await.expect("it is pulled");
    assert_whole(&image, &remote);
    assert_eq!(registry.requests(&remote.top_layer), 2);
    assert_eq!(world.count("unfinished"), 0);
}

#[tokio::test]
async fn forged_content_is_refused() {
    let remote = remote();
    let tags = [("1", digest_of(&remote.manifest))];
    for forged in remote.blobs.by_digest.keys() {
        let mut blobs = remote.blobs.clone();
        let bytes = blobs.by_digest.get_mut(forged).expect("a blob");
        let last = bytes.len() - 2;
        bytes[last] = bytes[last].wrapping_add(1);
        let registry = Registry::serve(Access::Open, blobs, &tags).await;
        let world = World::new();
        let by_digest = format!("{}/app@{}", registry.address, tags[0].1);
        world
            .images
            .pull(&by_digest, None)
            .await
            .expect_err("it is refused");
        assert_eq!((world.count("references"), world.count("configs")), (0, 0));
        world.unpacking_ends().await;
    }
}

#[tokio::test]
async fn a_pull_that_is_given_up_leaves_nothing_unfinished() {
    let remote = remote();
    let tags = [("1", digest_of(&remote.manifest))];
    let registry = Registry::serve(Access::Open, remote.blobs.clone(), &tags).await;
    let world = World::new();
    let reference = format!("{}/app:1", registry.address);
    {
        let mut pull = Box::pin(world.images.pull(&reference, None));
        while registry.requests("/blobs/") < 2 {
            assert!(futures_util::poll!(&mut pull).is_pending());
            tokio::task::yield_now().await;
        }
    }
    world.unpacking_ends().await;
    let image = world.images.pull(&reference, None).await.expect("it is pulled");
    assert_whole(&image, &remote);
}
