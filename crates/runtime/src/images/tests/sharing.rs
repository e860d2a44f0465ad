//! What images share, what removing frees, and several at work at once.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use futures_util::FutureExt;

use super::super::{Image, ImageError, Images};
use super::fixtures::{World, config, docker_archive, layer};

/// Loads an image of the given layers, each a file of that name.
fn load(world: &World, images: &Images, tag: &str, layers: &[&str]) -> String {
    let layers: Vec<_> = layers.iter().map(|it| layer().file(it, it).finish()).collect();
    let layers: Vec<_> = layers.iter().map(Vec::as_slice).collect();
    let archive = docker_archive(&[tag], &config(&layers, tag), &layers);
    let path = world.write(&format!("{:016x}.tar", rand::random::<u64>()), &archive);
    images.load_archive(&path, None).expect("it is loaded")[0]
        .id
        .clone()
}

fn pull(images: &Images, reference: &str) -> Result<Image, ImageError> {
    images
        .pull(reference, None)
        .now_or_never()
        .expect("the store has it")
}

#[test]
fn layers_are_shared_and_go_with_the_last_image() {
    let world = World::new();
    let images = &world.images;
    let one = load(&world, images, "one", &["base", "a"]);
    let two = load(&world, images, "two", &["base", "b"]);
    assert_eq!(world.count("layers"), 3);
    let (first, second) = (images.get(&one).expect("one"), images.get(&two).expect("two"));
    assert_eq!(first.layers[0], second.layers[0]);

    let freed = images.remove("one").expect("it is removed");
    assert_eq!(
        (freed.images, freed.layers, freed.layers_in_use),
        (vec![one.clone()], 1, 0)
    );
    assert_eq!(world.count("layers"), 2);
    assert!(matches!(images.get(&one), Err(ImageError::NotFound(_))));
    assert!(second.layers.iter().all(|it| it.exists()));
    let error = images.remove("one").expect_err("it is gone");
    assert_eq!(error.to_string(), "No such image: docker.io/library/one:latest");

    images
        .remove("docker.io/library/two:latest")
        .expect("it is removed");
    world.assert_empty();
}

#[test]
fn a_name_can_move_and_an_image_can_have_many() {
    let world = World::new();
    let images = &world.images;
    let old = load(&world, images, "app", &["old"]);
    assert_eq!(pull(images, "app").expect("it is there").id, old);
    let archive_of_old = docker_archive(
        &["kept"],
        &config(&[&layer().file("old", "old").finish()], "app"),
        &[&layer().file("old", "old").finish()],
    );
    let path = world.write("kept.tar", &archive_of_old);
    images.load_archive(&path, None).expect("it is loaded");
    let listed = images.list().expect("it is listed");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].references, ["app:latest", "kept:latest"]);

    let new = load(&world, images, "app", &["new"]);
    assert_eq!(
        pull(images, "app").expect("it is there").id,
        new,
        "what was known is outdated"
    );
    assert_eq!(pull(images, "kept").expect("it is there").id, old);
    let freed = images.remove("kept").expect("it is removed");
    assert_eq!((freed.images, freed.layers), (vec![old], 1));
}

#[test]
fn what_another_process_does_is_seen_at_once() {
    let world = World::new();
    let other = Images::open(&world.store()).expect("the store opens twice");
    let id = load(&world, &other, "app:1", &["a"]);
    assert_eq!(pull(&world.images, "app:1").expect("it is there").id, id);
    let id = load(&world, &other, "app:1", &["b"]);
    assert_eq!(pull(&world.images, "app:1").expect("it is there").id, id);
    other.remove("app:1").expect("it is removed");
    assert!(world.images.list().expect("it is listed").is_empty());
    assert!(matches!(world.images.get(&id), Err(ImageError::NotFound(_))));
}

#[test]
fn many_load_at_once() {
    let world = World::new();
    let others: Vec<_> = (0..4)
        .map(|_| Images::open(&world.store()).expect("it opens"))
        .collect();
    let ids: Vec<_> = thread::scope(|scope| {
        let world = &world;
        let load = |images| scope.spawn(move || load(world, images, "app", &["base", "middle", "top"]));
        let threads: Vec<_> = others.iter().map(load).collect();
        threads
            .into_iter()
            .map(|it| it.join().expect("it is loaded"))
            .collect()
    });
    assert!(ids.iter().all(|it| *it == ids[0]));
    assert_eq!(
        (
            world.count("layers"),
            world.count("configs"),
            world.count("unfinished")
        ),
        (3, 1, 0)
    );
    assert_eq!(pull(&world.images, "app").expect("it is there").layers.len(), 3);
}

#[test]
fn what_a_crash_left_is_swept() {
    let world = World::new();
    load(&world, &world.images, "app", &["base"]);
    let unfinished = world.store().join("unfinished/0123");
    fs::create_dir_all(unfinished.join("files/x")).expect("a directory");
    fs::create_dir_all(
        world
            .store()
            .join("layers/00000000000000000000000000000000/files"),
    )
    .expect("a directory");
    let again = Images::open(&world.store()).expect("it opens");
    assert_eq!((world.count("unfinished"), world.count("layers")), (0, 1));
    assert!(pull(&again, "app").is_ok());
}

#[test]
fn layers_below_a_mount_stay() {
    let world = World::new();
    let id = load(&world, &world.images, "app", &["base"]);
    let image = world.images.get(&id).expect("it is there");
    let directory = world.directory.path();
    for name in ["upper", "work", "root"] {
        fs::create_dir(directory.join(name)).expect("a directory");
    }
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        image.layers[0].display(),
        directory.join("upper").display(),
        directory.join("work").display(),
    );
    // In a mount namespace of its own, as containers have.
    let script = format!(
        "mount -t overlay overlay -o {options} {root} && : > {root}/ready && exec sleep 60",
        root = directory.join("root").display(),
    );
    let mut container = std::process::Command::new("unshare")
        .args(["-m", "sh", "-c", &script])
        .spawn()
        .expect("a process");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !directory.join("upper/ready").exists() {
        assert!(Instant::now() < deadline, "the root is mounted");
        thread::yield_now();
    }
    let freed = world.images.remove("app").expect("it is removed");
    let kept = world.count("layers");
    container.kill().and_then(|()| container.wait()).expect("it ends");
    assert_eq!((freed.layers, freed.layers_in_use, kept), (0, 1, 1));
    load(&world, &world.images, "other", &["other"]);
    let freed = world.images.remove("other").expect("it is removed");
    assert_eq!(
        (freed.layers, freed.layers_in_use),
        (2, 0),
        "nothing runs on it any more"
    );
    world.assert_empty();
}

#[test]
fn an_image_that_is_present_is_found_in_no_time() {
    let world = World::new();
    load(&world, &world.images, "app", &["base"]);
    pull(&world.images, "app").expect("it is there");
    let fastest = (0..200).map(|_| {
        let begun = Instant::now();
        pull(&world.images, "app").expect("it is there");
        begun.elapsed()
    });
    let fastest = fastest.min().expect("a time");
    assert!(fastest < Duration::from_micros(100), "{fastest:?}");
}
