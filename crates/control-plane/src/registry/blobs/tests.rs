use super::*;

fn blobs() -> (tempfile::TempDir, Arc<Blobs>) {
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = Arc::new(Blobs::open(folder.path()).expect("opens"));
    (folder, blobs)
}

fn write(folder: &tempfile::TempDir, blobs: &Arc<Blobs>, bytes: &[u8]) -> (String, Pin) {
    let digest = digest_of(bytes);
    let pin = blobs.pin(&digest);
    blobs
        .write(&pin, bytes, &folder.path().join("temporary"))
        .expect("is written");
    (digest, pin)
}

#[test]
fn content_is_read_as_it_was_written_and_only_once_on_the_disk() {
    let (folder, blobs) = blobs();
    for _ in 0..2 {
        let (digest, _pin) = write(&folder, &blobs, b"content");
        let blob = blobs.find(&digest).expect("readable").expect("is there");
        assert_eq!(
            (blob.size, blob.read_at(3, 100).expect("readable")),
            (7, b"tent".to_vec())
        );
        assert!(blob.read_at(7, 100).expect("readable").is_empty());
    }
    assert!(!folder.path().join("temporary").exists());
}

#[test]
fn nothing_but_a_digest_is_a_path() {
    let (_folder, blobs) = blobs();
    for text in ["", "sha256:", "sha256:../../../etc/passwd", "/etc/passwd"] {
        assert!(blobs.find(text).expect("is no error").is_none(), "{text}");
        assert!(!blobs.remove_unless(text, || false).expect("is no error"));
    }
}

#[test]
fn a_file_goes_when_it_is_neither_pinned_nor_held() {
    let (folder, blobs) = blobs();
    let (digest, pin) = write(&folder, &blobs, b"content");
    let second = blobs.pin(&digest);
    drop(pin);
    assert!(
        !blobs.remove_unless(&digest, || false).expect("works"),
        "it is pinned"
    );
    drop(second);
    assert!(
        !blobs.remove_unless(&digest, || true).expect("works"),
        "a record names it"
    );
    let open = blobs.find(&digest).expect("readable").expect("is there");
    assert!(blobs.remove_unless(&digest, || false).expect("works"));
    assert_eq!(open.read_at(0, 9).expect("still readable"), b"content");
    assert!(blobs.find(&digest).expect("works").is_none());
    assert!(
        !blobs.remove_unless(&digest, || false).expect("works"),
        "it is gone"
    );
}

#[test]
fn files_are_listed_by_their_first_byte() {
    let (folder, blobs) = blobs();
    let (digest, _pin) = write(&folder, &blobs, b"content");
    let found: Vec<String> = (0..=255)
        .flat_map(|it| blobs.digests_of(it).expect("readable"))
        .collect();
    assert_eq!(found, [digest]);
}
