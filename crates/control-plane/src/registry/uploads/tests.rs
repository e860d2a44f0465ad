use domain::Scope;
use futures_util::stream;

use super::*;
use crate::registry::blobs::digest_of;

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).expect("in range")
}

fn key() -> RepositoryKey {
    RepositoryKey::new(&Scope::new("123456789012", "us-east-1"), "web")
}

struct World {
    folder: tempfile::TempDir,
    uploads: Uploads,
    blobs: Arc<Blobs>,
}

fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    World {
        uploads: Uploads::open(folder.path()).expect("opens"),
        blobs: Arc::new(Blobs::open(folder.path()).expect("opens")),
        folder,
    }
}

impl World {
    async fn append(&self, upload: &Upload, offset: Offset, pieces: &[&str]) -> Result<u64, UploadError> {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|it| match *it {
                "broken" => Err("reset by peer"),
                piece => Ok(Bytes::from(piece.to_owned())),
            })
            .collect();
        self.uploads.append(upload, offset, stream::iter(pieces)).await
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.path().join("uploads"))
            .expect("is there")
            .count()
    }
}

#[tokio::test]
async fn what_arrived_in_pieces_is_one_content() {
    let world = world();
    let upload = world.uploads.begin(&key(), now()).expect("begins");
    assert_eq!(
        world
            .append(&upload, Offset::At(0), &["con", "te"])
            .await
            .expect("fits"),
        5
    );
    assert_eq!(
        world.append(&upload, Offset::End, &["nt"]).await.expect("fits"),
        7
    );
    let digest = digest_of(b"content");
    let (_pin, size) = world
        .uploads
        .finish(&upload, &world.blobs, &digest)
        .await
        .expect("is whole");
    drop(upload);
    assert_eq!((size, world.files()), (7, 0));
    assert!(world.blobs.find(&digest).expect("readable").is_some());
}

#[tokio::test]
async fn a_transfer_that_broke_goes_on_where_it_was() {
    let world = world();
    let upload = world.uploads.begin(&key(), now()).expect("begins");
    let broken = world.append(&upload, Offset::End, &["con", "broken"]).await;
    assert!(matches!(broken, Err(UploadError::Broken(_))), "{broken:?}");
    let again = world.uploads.find(&key(), &upload.id, now()).expect("is open");
    assert_eq!(again.size().await.expect("is free"), 3);
    let wrong = world.append(&again, Offset::At(2), &["xx"]).await;
    assert!(matches!(wrong, Err(UploadError::WrongOffset(3))), "{wrong:?}");
    world
        .append(&again, Offset::At(3), &["tent"])
        .await
        .expect("fits");
    let digest = digest_of(b"content");
    world
        .uploads
        .finish(&again, &world.blobs, &digest)
        .await
        .expect("is whole");
}

#[tokio::test]
async fn an_upload_that_ends_badly_leaves_nothing() {
    let world = world();
    let upload = world.uploads.begin(&key(), now()).expect("begins");
    world.append(&upload, Offset::End, &["lie"]).await.expect("fits");
    let wanted = digest_of(b"content");
    let finished = world.uploads.finish(&upload, &world.blobs, &wanted).await;
    assert!(
        matches!(&finished, Err(UploadError::DigestMismatch(actual)) if *actual == digest_of(b"lie")),
        "{finished:?}"
    );
    let empty = world.uploads.begin(&key(), now()).expect("begins");
    let finished = world.uploads.finish(&empty, &world.blobs, &wanted).await;
    assert!(matches!(finished, Err(UploadError::Empty)), "{finished:?}");
    for gone in [&upload, &empty] {
        assert!(matches!(
            world.uploads.find(&key(), &gone.id, now()),
            Err(UploadError::NotFound)
        ));
    }
    drop((upload, empty));
    assert_eq!(world.files(), 0);
    assert!(world.blobs.find(&wanted).expect("readable").is_none());
}

#[tokio::test]
async fn uploads_belong_to_their_repository_and_expire_when_idle() {
    let world = world();
    let upload = world.uploads.begin(&key(), now()).expect("begins");
    let other = RepositoryKey::new(&key().scope, "other");
    assert!(world.uploads.find(&other, &upload.id, now()).is_err());
    let id = upload.id.clone();
    drop(upload);
    let later = now() + IDLE_MAX - SignedDuration::from_secs(1);
    assert_eq!(world.uploads.expire(later), 0);
    drop(world.uploads.find(&key(), &id, later).expect("is open"));
    assert_eq!(world.uploads.expire(now() + IDLE_MAX), 0, "somebody asked for it");
    assert_eq!((world.files(), world.uploads.expire(later + IDLE_MAX)), (1, 1));
    assert_eq!(world.files(), 0);
}

#[tokio::test]
async fn open_uploads_are_bounded_and_a_restart_drops_them() {
    let world = world();
    let open: Vec<_> = (0..UPLOADS_MAX)
        .map(|_| world.uploads.begin(&key(), now()))
        .collect();
    assert!(open.iter().all(Result::is_ok));
    assert!(matches!(
        world.uploads.begin(&key(), now()),
        Err(UploadError::TooMany)
    ));
    Uploads::open(world.folder.path()).expect("opens");
    assert_eq!(world.files(), 0);
}
