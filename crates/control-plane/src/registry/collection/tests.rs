use domain::repository::{Encryption, RepositoryLayer, TagMutability};
use orchestrator::transitions::NewRepository;
use serde_json::json;
use store::{ManualClock, memory_store};

use super::*;
use crate::registry::{Offset, blobs::digest_of};
use crate::registry::{PushedImage, complete, push_image};

struct World {
    _folder: tempfile::TempDir,
    registry: Arc<Registry>,
    store: Store,
    clock: Arc<ManualClock>,
    progress: Progress,
}

fn key() -> RepositoryKey {
    RepositoryKey::new(&domain::Scope::new("123456789012", "us-east-1"), "web")
}

async fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, clock) = memory_store(Timestamp::from_second(1_700_000_000).expect("in range"));
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
    store
        .transact(|tx| transitions::create_repository(tx, new))
        .await
        .expect("is new");
    World {
        registry: Arc::new(Registry::open(folder.path(), [0; 32]).expect("opens")),
        _folder: folder,
        store,
        clock,
        progress: Progress::default(),
    }
}

impl World {
    async fn layer(&self, content: &'static str) -> String {
        let uploads = self.registry.uploads();
        let upload = uploads.begin(&key(), self.now()).expect("begins");
        let stream = futures_util::stream::iter([Ok::<_, String>(bytes::Bytes::from(content))]);
        uploads
            .append(&upload, Offset::End, stream)
            .await
            .expect("arrives");
        let digest = digest_of(content.as_bytes());
        complete(&self.registry, &self.store, &key(), &upload, &digest)
            .await
            .expect("is whole");
        digest
    }

    async fn image(&self, config: &str, tag: Option<&str>) -> String {
        let manifest =
            json!({ "schemaVersion": 2, "config": { "digest": config }, "layers": [] }).to_string();
        let repository = key();
        let pushed = PushedImage {
            repository: &repository,
            manifest: manifest.as_bytes(),
            media_type: Some("application/vnd.oci.image.manifest.v1+json"),
            digest: None,
            tag,
        };
        push_image(&self.registry, &self.store, pushed)
            .await
            .expect("is whole")
            .digest
            .clone()
    }

    fn now(&self) -> Timestamp {
        use domain::clock::Clock;
        self.clock.now()
    }

    /// As many rounds as look at everything.
    async fn rounds(&mut self) -> Collected {
        let mut all = Collected::default();
        for _ in 0..=256 / FOLDERS_A_ROUND {
            let now = self.now();
            let one = round(&self.registry, &self.store, &mut self.progress, now).await;
            all.images += one.images;
            all.layers += one.layers;
            all.files += one.files;
            all.uploads += one.uploads;
        }
        all
    }

    fn has(&self, digest: &str) -> bool {
        self.registry.blobs().find(digest).expect("readable").is_some()
    }
}

#[tokio::test]
async fn a_layer_without_an_image_stays_for_a_day() {
    let mut world = world().await;
    let (kept, idle) = (world.layer("kept").await, world.layer("idle").await);
    let image = world.image(&kept, Some("1")).await;
    assert_eq!(world.rounds().await, Collected::default());
    world
        .clock
        .advance((LAYER_GRACE + SignedDuration::from_secs(1)).unsigned_abs());
    let collected = world.rounds().await;
    assert_eq!((collected.layers, collected.files), (1, 1));
    assert!(world.has(&kept) && world.has(&image) && !world.has(&idle));
}

#[tokio::test]
async fn what_another_repository_has_stays_on_the_disk() {
    let mut world = world().await;
    let digest = world.layer("shared").await;
    let other = RepositoryLayer {
        repository: RepositoryKey::new(&key().scope, "other"),
        digest: digest.clone(),
        size_bytes: 6,
        uploaded_at: Timestamp::MAX,
    };
    let put = world.store.transact(move |tx| {
        tx.put(other);
        Ok::<_, RepositoryNotFound>(())
    });
    put.await.expect("is put");
    world
        .clock
        .advance((LAYER_GRACE + SignedDuration::from_secs(1)).unsigned_abs());
    let collected = world.rounds().await;
    assert_eq!((collected.layers, collected.files), (1, 0));
    assert!(world.has(&digest));
}

#[tokio::test]
async fn a_lifecycle_policy_expires_images_once_an_hour() {
    let mut world = world().await;
    let config = world.layer("config").await;
    let text = json!({ "rules": [{
        "rulePriority": 1,
        "selection": { "tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1 },
        "action": { "type": "expire" },
    }]});
    let change = RepositoryChange::LifecyclePolicy(Some(text.to_string()));
    let changed = world
        .store
        .transact(|tx| transitions::change_repository(tx, &key(), change))
        .await;
    changed.expect("is there");
    let image = world.image(&config, None).await;
    assert_eq!(world.rounds().await.images, 0, "it is young");
    world.clock.advance(Duration::from_secs(25 * 3600));
    let collected = world.rounds().await;
    assert_eq!((collected.images, world.has(&image)), (1, false));
    let evaluated = world.store.read(|state| {
        let policy = state.get::<Repository>(&key())?.lifecycle_policy.clone()?;
        policy.evaluated_at
    });
    assert_eq!(evaluated, Some(world.now()));
}
