//! Loading archives.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tar::EntryType;

use super::super::{ImageError, digest};
use super::fixtures::{Blobs, World, config, docker_archive, folder_of, gzip, layer, named, tar_of, zstd};

fn base() -> Vec<u8> {
    layer().directory("bin", 0o755).file("bin/tool", "tool").finish()
}

fn top() -> Vec<u8> {
    layer().file("app", "app").finish()
}

#[test]
fn docker_archives_are_loaded() {
    let world = World::new();
    let (base, top) = (base(), top());
    let config = config(&[&base, &top], "app");
    let archive = world.write(
        "a.tar",
        &docker_archive(&["web:1", "localhost:5000/web"], &config, &[&base, &top]),
    );
    let loaded = world.images.load_archive(&archive, None).expect("it is loaded");
    let [summary] = loaded.as_slice() else {
        panic!("one image: {loaded:?}")
    };
    assert_eq!(summary.references, ["web:1", "localhost:5000/web:latest"]);
    assert_eq!(summary.id, digest::of(&config));
    assert_eq!(summary.size_bytes, 7);
    assert_eq!(summary.created.as_deref(), Some("2026-01-02T03:04:05Z"));
    let image = world.images.get(&summary.id).expect("it is there");
    assert_eq!(
        fs::read_to_string(image.layers[0].join("bin/tool")).expect("a file"),
        "tool"
    );
    assert_eq!(
        fs::read_to_string(image.layers[1].join("app")).expect("a file"),
        "app"
    );
    let command = image.config.config().as_ref().and_then(|it| it.cmd().clone());
    assert_eq!(command, Some(vec!["app".to_owned()]));
    assert_eq!(world.count("unfinished"), 0);
}

#[test]
fn names_are_replaced_or_supplied() {
    let world = World::new();
    let base = base();
    let config = config(&[&base], "x");
    let named = world.write("named.tar", &docker_archive(&["web:1"], &config, &[&base]));
    let loaded = world
        .images
        .load_archive(&named, Some("other"))
        .expect("it is loaded");
    assert_eq!(loaded[0].references, ["other:latest"]);
    let unnamed = world.write("unnamed.tar", &docker_archive(&[], &config, &[&base]));
    let error = world
        .images
        .load_archive(&unnamed, None)
        .expect_err("it has no name");
    assert!(matches!(error, ImageError::Unnamed(_)), "{error}");
    let loaded = world
        .images
        .load_archive(&unnamed, Some("a/b:c"))
        .expect("it is loaded");
    assert_eq!(loaded[0].references, ["a/b:c"]);
    let error = world
        .images
        .load_archive(&unnamed, Some("NO"))
        .expect_err("no name");
    assert!(matches!(error, ImageError::Reference(_)), "{error}");
}

#[test]
fn compressed_archives_and_doubled_layers_are_loaded() {
    let world = World::new();
    let (base, top) = (base(), top());
    let config = config(&[&base, &top, &base], "x");
    let members = [
        ("c.json".to_owned(), config.clone()),
        (
            "manifest.json".to_owned(),
            serde_json::to_vec(&json!([{
                "Config": "c.json", "RepoTags": ["x"], "Layers": ["a/layer.tar", "b/layer.tar", "c/layer.tar"]
            }]))
            .expect("JSON"),
        ),
    ];
    let mut archive = layer();
    for (name, content) in &members {
        archive = archive.entry(EntryType::Regular, name, 0o644, content);
    }
    // As older versions write a layer that occurs twice.
    let archive = archive
        .entry(EntryType::Regular, "a/layer.tar", 0o644, &base)
        .entry(EntryType::Regular, "b/layer.tar", 0o644, &gzip(&top))
        .link(EntryType::Symlink, "c/layer.tar", "../a/layer.tar")
        .finish();
    for compressed in [gzip(&archive), zstd(&archive)] {
        let path = world.write("a.tar.gz", &compressed);
        let loaded = world.images.load_archive(&path, None).expect("it is loaded");
        let image = world.images.get(&loaded[0].id).expect("it is there");
        assert_eq!(image.layers.len(), 2, "overlayfs takes no layer twice");
        assert!(
            image.layers[0].join("app").exists(),
            "the upper one of two equal layers counts"
        );
    }
}

#[test]
fn oci_layouts_are_loaded() {
    let (base, top) = (base(), top());
    let config = config(&[&base, &top], "app");
    let mut blobs = Blobs::default();
    let manifest = blobs.image(&config, &[&zstd(&base), &gzip(&top)]);
    let index = blobs.index(&manifest);
    let check = |top: &Value, as_folder: bool| {
        let world = World::new();
        let members = blobs.layout(&[named(top.clone(), "docker.io/library/web:1")]);
        let path = if as_folder {
            let path = world.directory.path().join("layout");
            folder_of(&path, &members);
            path
        } else {
            world.write("layout.tar", &tar_of(&members))
        };
        let loaded = world.images.load_archive(&path, None).expect("it is loaded");
        assert_eq!(loaded[0].id, digest::of(&config));
        assert_eq!(loaded[0].references, ["web:1"]);
        let wanted = format!("web@{}", top["digest"].as_str().expect("a digest"));
        let image = futures_util::FutureExt::now_or_never(world.images.pull(&wanted, None));
        let image = image
            .expect("nothing is waited for")
            .expect("it is known by its digest");
        assert_eq!(image.manifest_digest.as_deref(), top["digest"].as_str());
        assert_eq!(
            fs::read_to_string(image.layers[1].join("app")).expect("a file"),
            "app"
        );
    };
    for as_folder in [true, false] {
        check(&manifest, as_folder);
        check(&index, as_folder);
    }
}

#[test]
fn images_for_other_platforms_only_are_refused() {
    let world = World::new();
    let mut blobs = Blobs::default();
    let mut manifest = blobs.image(&config(&[], "x"), &[]);
    manifest["platform"] = json!({ "os": "linux", "architecture": "s390x" });
    let path = world.write("a.tar", &tar_of(&blobs.layout(&[named(manifest, "x:1")])));
    let error = world.images.load_archive(&path, None).expect_err("it is refused");
    assert!(matches!(error, ImageError::Platform(_)), "{error}");
    world.assert_empty();
}

fn refused(world: &World, bytes: &[u8]) -> ImageError {
    let path = world.write("bad", bytes);
    let error = world.images.load_archive(&path, None).expect_err("it is refused");
    world.assert_empty();
    error
}

#[test]
fn truncated_archives_leave_nothing() {
    let (base, top) = (base(), layer().file("big", &"content ".repeat(50_000)).finish());
    let config = config(&[&base, &top], "x");
    let whole = docker_archive(&["x"], &config, &[&base, &top]);
    for length in [0, 100, 1000, 5000, whole.len() / 2, whole.len() - 100_000] {
        refused(&World::new(), &whole[..length]);
    }
    let compressed = gzip(&whole);
    for length in [10, compressed.len() / 2, compressed.len() - 10] {
        refused(&World::new(), &compressed[..length]);
    }
    // Each member is whole, but the second layer is not.
    let half = &gzip(&top)[..500];
    let error = refused(&World::new(), &docker_archive(&["x"], &config, &[&base, half]));
    assert!(matches!(error, ImageError::Layer { .. }), "{error}");
}

#[test]
fn content_that_is_not_what_it_claims_is_refused() {
    let (base, top) = (base(), top());
    let config = config(&[&base], "x");
    let error = refused(&World::new(), &docker_archive(&["x"], &config, &[&top]));
    assert!(matches!(error, ImageError::Digest { .. }), "{error}");
    let error = refused(&World::new(), &docker_archive(&["x"], &config, &[&base, &top]));
    assert!(
        error
            .to_string()
            .contains("2 layers, but the configuration has 1"),
        "{error}"
    );
    let mut blobs = Blobs::default();
    let manifest = blobs.image(&config, &[&base]);
    for digest in blobs.by_digest.keys() {
        let mut forged = blobs.clone();
        let first = forged
            .by_digest
            .get_mut(digest)
            .and_then(|it| it.get_mut(0))
            .expect("a byte");
        *first = first.wrapping_add(1);
        refused(
            &World::new(),
            &tar_of(&forged.layout(&[named(manifest.clone(), "x:1")])),
        );
    }
    let escape = layer()
        .raw(EntryType::Regular, "../../../escaped", "", b"x")
        .finish();
    let config = super::fixtures::config(&[&escape], "x");
    let error = refused(&World::new(), &docker_archive(&["x"], &config, &[&escape]));
    assert!(error.to_string().contains("leads out of the layer"), "{error}");
}

#[test]
fn other_files_are_refused() {
    let error = refused(&World::new(), &tar_of(&[("a".to_owned(), b"b".to_vec())]));
    assert!(error.to_string().contains("neither manifest.json"), "{error}");
    for manifest in ["", "{}", "[1]", r#"[{"Config":"../../etc/passwd","Layers":[]}]"#] {
        refused(
            &World::new(),
            &tar_of(&[("manifest.json".to_owned(), manifest.as_bytes().to_vec())]),
        );
    }
    let world = World::new();
    assert!(
        world
            .images
            .load_archive(Path::new("/no/such/file"), None)
            .is_err()
    );
}
