//! A repository, an image and a layer with every field filled in.

use domain::Timestamp;
use domain::repository::{
    Encryption, ImageScan, LifecyclePolicyText, Repository, RepositoryImage, RepositoryKey, RepositoryLayer,
    ScanOutcome, ScannedPackage, TagMutability,
};

use crate::records::{scope, tags};

fn key() -> RepositoryKey {
    RepositoryKey::new(&scope(), "team/web")
}

fn digest(digit: &str) -> String {
    format!("sha256:{}", digit.repeat(64))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("in range")
}

pub fn repository() -> Repository {
    let policy = LifecyclePolicyText {
        text: r#"{"rules":[]}"#.into(),
        evaluated_at: Some(at(3)),
    };
    Repository {
        key: key(),
        created_at: at(0),
        tag_mutability: TagMutability::ImmutableWithExclusion(vec!["dev-*".into()]),
        scan_on_push: true,
        encryption: Encryption {
            kind: "KMS".into(),
            kms_key: Some("arn:aws:kms:us-east-1:123456789012:key/1".into()),
        },
        policy: Some("{}".into()),
        lifecycle_policy: Some(policy.clone()),
        lifecycle_preview: Some(policy),
        tags: tags(),
    }
}

pub fn image() -> RepositoryImage {
    RepositoryImage {
        repository: key(),
        digest: digest("0"),
        media_type: "application/vnd.oci.image.index.v1+json".into(),
        artifact_media_type: Some("application/vnd.example".into()),
        subject: Some(digest("1")),
        manifest_bytes: 700,
        size_bytes: 2_000_000,
        pushed_at: at(1),
        tags: vec!["1.0".into(), "latest".into()],
        layers: vec![digest("2")],
        manifests: vec![digest("3")],
        scan: Some(ImageScan {
            started_at: at(3),
            outcome: ScanOutcome::Complete {
                completed_at: at(4),
                packages: vec![ScannedPackage {
                    name: "musl".into(),
                    version: "1.2.5-r0".into(),
                }],
            },
        }),
    }
}

pub fn layer() -> RepositoryLayer {
    RepositoryLayer {
        repository: key(),
        digest: digest("2"),
        size_bytes: 1_999_000,
        uploaded_at: at(2),
    }
}
