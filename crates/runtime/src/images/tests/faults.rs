//! Registries that break off, hang, lie, or are not there; mirrors; and what is asked of a registry again.

use std::time::Duration;

use agent::host::{ImageCleanup, ImagePull, PullBehavior};
use serde_json::Value;
use tokio::net::TcpListener;

use super::super::{ImageError, Images, LayerState, PullProgress, Registries, digest};
use super::fixtures::{Blobs, World, config, docker_archive, gzip, layer};
use super::registry::{Access, Break, Registry};

struct Remote {
    blobs: Blobs,
    manifest: String,
    /// Digest of its layer as transferred.
    layer: String,
    size: u64,
}

/// An image of one layer, large enough to break off in.
fn remote(content: &str) -> Remote {
    let noise: Vec<String> = (0..4_000_u32).map(|it| digest::of(&it.to_be_bytes())).collect();
    let files = layer()
        .file("noise", &noise.join(""))
        .file("app", content)
        .finish();
    let config = config(&[&files], content);
    let mut blobs = Blobs::default();
    let packed = gzip(&files);
    let manifest = blobs.image(&config, &[&packed]);
    Remote {
        manifest: text(&manifest["digest"]),
        layer: digest::of(&packed),
        size: packed.len() as u64,
        blobs,
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn pull(reference: &str, behavior: PullBehavior) -> ImagePull {
    ImagePull {
        reference: reference.to_owned(),
        behavior,
        ..ImagePull::default()
    }
}

fn app(image: &super::super::Image) -> String {
    std::fs::read_to_string(image.layers[0].join("app")).expect("a file")
}

#[tokio::test]
async fn a_layer_that_breaks_off_goes_on_from_there() {
    let remote = remote("app");
    for ranges in [true, false] {
        let registry = Registry::serve(Access::Open, remote.blobs.clone(), &[("1", &remote.manifest)]).await;
        registry.know_ranges(ranges);
        registry.break_off(&remote.layer);
        registry.break_off(&remote.layer);
        let (world, progress) = (World::new(), PullProgress::default());
        let wanted = pull(&format!("{}/app:1", registry.address), PullBehavior::Default);
        let image = world
            .images
            .pull_image(&wanted, &progress)
            .await
            .expect("it is pulled");
        assert_eq!(app(&image), "app");
        assert_eq!(registry.requests(&remote.layer), 3, "ranges: {ranges}");
        let [shown] = &progress.layers()[..] else {
            panic!("one layer")
        };
        assert_eq!(
            (shown.received(), shown.total, shown.state()),
            (remote.size, remote.size, LayerState::Done)
        );
        if ranges {
            assert!(
                registry.sent(&remote.layer) < 2 * remote.size,
                "nothing is sent twice"
            );
        }
    }
}

#[tokio::test]
async fn a_registry_that_lies_about_a_layer_is_named() {
    let mut remote = remote("app");
    let other = gzip(&layer().file("app", "evil").finish());
    let mut padded = other.clone();
    padded.resize(usize::try_from(remote.size).expect("is small"), 0);
    remote.blobs.by_digest.insert(remote.layer.clone(), padded);
    let registry = Registry::serve(Access::Open, remote.blobs, &[("1", &remote.manifest)]).await;
    let world = World::new();
    let pulled = world
        .images
        .pull(&format!("{}/app:1", registry.address), None)
        .await;
    let error = pulled.expect_err("it is a lie").to_string();
    assert!(error.contains("layer"), "{error}");
    assert_eq!((world.count("layers"), world.count("references")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_hangs_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let hanging = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    });
    let world = World::new();
    let reference = format!("{address}/app:1");
    let pulled = world.images.pull(&reference, None);
    let pulled = tokio::time::timeout(Duration::from_secs(120), pulled)
        .await
        .expect("it ends");
    let error = pulled.expect_err("nobody answers").to_string();
    assert!(
        error.contains("failed to resolve ref") && error.contains("app:1"),
        "{error}"
    );
    hanging.abort();
}

#[tokio::test]
async fn a_layer_whose_connection_is_reset_goes_on_from_there() {
    let remote = remote("app");
    let registry = Registry::serve(Access::Open, remote.blobs.clone(), &[("1", &remote.manifest)]).await;
    registry.break_by(Break::Reset, &remote.layer);
    registry.break_by(Break::Reset, &remote.layer);
    let world = World::new();
    let pulled = world
        .images
        .pull(&format!("{}/app:1", registry.address), None)
        .await;
    assert_eq!(app(&pulled.expect("it is pulled")), "app");
    assert_eq!(world.count("unfinished"), 0);
}

#[tokio::test]
async fn a_registry_that_hangs_in_the_middle_of_a_layer_is_asked_again_and_given_up() {
    let remote = remote("app");
    let registry = Registry::serve(Access::Open, remote.blobs.clone(), &[("1", &remote.manifest)]).await;
    let reference = format!("{}/app:1", registry.address);
    // Once, and it goes on from there; always, and it is given up.
    for times in [1, 1000] {
        for _ in 0..times {
            registry.break_by(Break::Hang, &remote.layer);
        }
        let world = World::new();
        let begun = tokio::time::Instant::now();
        let mut pull = std::pin::pin!(world.images.pull(&reference, None));
        let pulled = loop {
            tokio::select! {
                pulled = &mut pull => break pulled,
                () = registry.hung() => {}
            }
            // Only once it hangs: what is on its way takes real time.
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(31)).await;
            tokio::time::resume();
        };
        let took = begun.elapsed();
        if times == 1 {
            assert_eq!(app(&pulled.expect("it is pulled")), "app");
            assert!(took < Duration::from_secs(60), "{took:?}");
        } else {
            let error = pulled.expect_err("it is given up").to_string();
            assert!(
                error.contains("failed to copy") && error.contains(&remote.layer),
                "{error}"
            );
            assert!(took < Duration::from_secs(40 * 60), "{took:?}");
            world.assert_empty();
        }
    }
}

#[tokio::test]
async fn of_an_image_with_one_forged_layer_nothing_stays() {
    let (honest, mut forged) = (remote("honest"), remote("forged"));
    let layers = [layer().file("a", "1").finish(), layer().file("b", "2").finish()];
    let packed = layers.each_ref().map(|it| gzip(it));
    let config = config(&[&layers[0], &layers[1]], "x");
    let manifest = text(&forged.blobs.image(&config, &[&packed[0], &packed[1]])["digest"]);
    let lie = gzip(&layer().file("b", "3").finish());
    let mut blobs = honest.blobs.clone();
    blobs.by_digest.extend(forged.blobs.by_digest);
    blobs.by_digest.insert(digest::of(&packed[1]), lie);
    let tags = [("1", manifest.as_str()), ("2", honest.manifest.as_str())];
    let registry = Registry::serve(Access::Open, blobs, &tags).await;
    let world = World::new();
    let name = |tag: &str| format!("{}/app:{tag}", registry.address);
    let error = world
        .images
        .pull(&name("1"), None)
        .await
        .expect_err("it is a lie");
    assert!(error.to_string().contains("digest"), "{error}");
    world.unpacking_ends().await;
    assert_eq!((world.count("references"), world.count("configs")), (0, 0));
    world.images.pull(&name("2"), None).await.expect("it is pulled");
    let cleanup = ImageCleanup {
        in_use: [name("2")].into(),
        minimum_age: Duration::ZERO,
        most: 9,
        high_water_percent: 100,
    };
    world.images.remove_unused(&cleanup).expect("works");
    assert_eq!(
        world.count("layers"),
        1,
        "the honest layer of the forged image goes with the next cleanup"
    );
}

#[tokio::test]
async fn behaviors_decide_when_a_registry_is_asked_again() {
    let (old, new) = (remote("old"), remote("new"));
    let mut blobs = old.blobs.clone();
    blobs.by_digest.extend(new.blobs.by_digest.clone());
    for (behavior, expected) in [
        (PullBehavior::Default, "new"),
        (PullBehavior::Always, "new"),
        (PullBehavior::Once, "old"),
        (PullBehavior::PreferCached, "old"),
    ] {
        let registry = Registry::serve(Access::Open, blobs.clone(), &[("1", &old.manifest)]).await;
        let world = World::new();
        let wanted = pull(&format!("{}/app:1", registry.address), behavior);
        let none = PullProgress::default();
        let first = world
            .images
            .pull_image(&wanted, &none)
            .await
            .expect("it is pulled");
        assert_eq!(app(&first), "old");
        let blob_requests = registry.requests("/blobs/");
        let again = world
            .images
            .pull_image(&wanted, &none)
            .await
            .expect("it is there");
        assert_eq!(again.id, first.id);
        if behavior != PullBehavior::Always {
            assert_eq!(registry.requests("/blobs/"), blob_requests, "{behavior:?}");
        }
        registry.tag("1", &new.manifest);
        let moved = world
            .images
            .pull_image(&wanted, &none)
            .await
            .expect("it is pulled");
        assert_eq!(app(&moved), expected, "{behavior:?}");
        registry.close();
        let left = world.images.pull_image(&wanted, &none).await;
        assert_eq!(left.is_ok(), behavior != PullBehavior::Always, "{behavior:?}");
    }
}

#[tokio::test]
async fn what_was_loaded_by_hand_is_used_as_it_is() {
    let world = World::new();
    let files = layer().file("app", "loaded").finish();
    let archive = docker_archive(&["127.0.0.1:1/app:1"], &config(&[&files], "x"), &[&files]);
    let file = world.write("image.tar", &archive);
    world.images.load_archive(&file, None).expect("it is loaded");
    let wanted = pull("127.0.0.1:1/app:1", PullBehavior::Default);
    let image = world
        .images
        .pull_image(&wanted, &PullProgress::default())
        .await
        .expect("it is there");
    assert_eq!(app(&image), "loaded");
}

#[tokio::test]
async fn a_mirror_is_asked_first_and_the_registry_if_it_fails() {
    let remote = remote("app");
    let tags = [("1", remote.manifest.as_str())];
    let origin = Registry::serve(Access::Open, remote.blobs.clone(), &tags).await;
    let mirror = Registry::serve(Access::Open, remote.blobs.clone(), &tags).await;
    for is_there in [true, false] {
        let directory = tempfile::tempdir().expect("a folder");
        let registries = Registries {
            mirrors: vec![(origin.address.clone(), mirror.address.clone())],
            ..Registries::default()
        };
        let images = Images::open_with(directory.path(), registries).expect("opens");
        let before = origin.requests("");
        let image = images
            .pull(&format!("{}/app:1", origin.address), None)
            .await
            .expect("it is pulled");
        assert_eq!(app(&image), "app");
        assert_eq!(origin.requests("") == before, is_there);
        mirror.close();
    }
}

#[tokio::test]
async fn the_registry_of_a_reference_may_be_elsewhere() {
    let remote = remote("app");
    let registry = Registry::serve(Access::Basic, remote.blobs.clone(), &[("1", &remote.manifest)]).await;
    let world = World::new();
    let mut wanted = pull(
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1",
        PullBehavior::Default,
    );
    wanted.registry = Some(registry.address.clone());
    let none = PullProgress::default();
    let denied = world
        .images
        .pull_image(&wanted, &none)
        .await
        .expect_err("nobody signs in");
    assert!(matches!(&denied, ImageError::Shared(_)), "{denied:?}");
    assert!(denied.to_string().contains("pull access denied"), "{denied}");
    wanted.credentials = Some(agent::host::ImageCredentials {
        username: "user".to_owned(),
        password: "secret".to_owned(),
    });
    world
        .images
        .pull_image(&wanted, &none)
        .await
        .expect("it is pulled");
    let [listed] = &world.images.list().expect("listed")[..] else {
        panic!("one image")
    };
    assert_eq!(
        listed.references,
        ["123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1"]
    );
}

#[tokio::test]
async fn unused_images_go_the_longest_unused_first_and_none_in_use() {
    let world = World::new();
    let (mut blobs, mut tags) = (Blobs::default(), Vec::new());
    for name in ["a", "b", "c", "d"] {
        let one = remote(name);
        blobs.by_digest.extend(one.blobs.by_digest);
        tags.push((name, one.manifest));
    }
    let tags: Vec<_> = tags.iter().map(|(tag, digest)| (*tag, digest.as_str())).collect();
    let registry = Registry::serve(Access::Open, blobs, &tags).await;
    let name = |tag: &str| format!("{}/app:{tag}", registry.address);
    for (tag, _) in &tags {
        world.images.pull(&name(tag), None).await.expect("it is pulled");
    }
    let cleanup = |in_use: &[&str], most| ImageCleanup {
        in_use: in_use.iter().map(|it| name(it)).collect(),
        minimum_age: Duration::from_secs(3600),
        most,
        high_water_percent: 100,
    };
    let removed = |cleanup: &ImageCleanup| world.images.remove_unused(cleanup).expect("works");
    assert!(removed(&cleanup(&[], 9)).is_empty(), "all are young");
    world.images.uses.wait(7200);
    world.images.pull(&name("c"), None).await.expect("it is there");
    assert_eq!(removed(&cleanup(&["a"], 1)), [name("b")]);
    assert_eq!(removed(&cleanup(&["a"], 9)), [name("d")]);
    let left: Vec<_> = world
        .images
        .list()
        .expect("listed")
        .into_iter()
        .flat_map(|it| it.references)
        .collect();
    assert_eq!(left, [name("a"), name("c")]);
    assert_eq!(world.count("layers"), 2);
    world.images.uses.wait(120);
    let pressed = ImageCleanup {
        high_water_percent: 1,
        ..cleanup(&["a"], 0)
    };
    assert_eq!(removed(&pressed), [name("c")], "the disk is full");
}
