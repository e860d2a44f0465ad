//! The API as clients speak it.

mod refusals;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fixture::{Fixture, code};

const ECR: &str = "ecr";

async fn world() -> Fixture {
    let fixture = Fixture::new().await;
    fixture
        .ask_of(ECR, "CreateRepository", json!({ "repositoryName": "team/web" }))
        .await;
    fixture
}

/// An input about `team/web`.
fn web(mut input: Value) -> Value {
    input["repositoryName"] = json!("team/web");
    input
}

fn digest_of(content: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(content)))
}

/// Uploads a layer through the API: its digest.
async fn layer(fixture: &Fixture, content: &[u8]) -> String {
    let begun = fixture.ask_of(ECR, "InitiateLayerUpload", web(json!({}))).await;
    let id = &begun["uploadId"];
    let part = json!({
        "uploadId": id, "partFirstByte": 0, "partLastByte": content.len() - 1,
        "layerPartBlob": STANDARD.encode(content),
    });
    fixture.ask_of(ECR, "UploadLayerPart", web(part)).await;
    let complete = web(json!({ "uploadId": id, "layerDigests": [digest_of(content)] }));
    fixture.ask_of(ECR, "CompleteLayerUpload", complete).await;
    digest_of(content)
}

/// Pushes an image of one layer: its digest.
async fn image(fixture: &Fixture, content: &str, tag: Option<&str>) -> String {
    let config = fixture_config(fixture).await;
    let layer = match fixture
        .ask_of(
            ECR,
            "BatchCheckLayerAvailability",
            web(json!({ "layerDigests": [digest_of(content.as_bytes())] })),
        )
        .await["layers"][0]["layerAvailability"]
        .as_str()
    {
        Some("AVAILABLE") => digest_of(content.as_bytes()),
        _ => layer(fixture, content.as_bytes()).await,
    };
    let manifest = json!({
        "schemaVersion": 2,
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config },
        "layers": [{ "digest": layer }],
    });
    let mut put = web(json!({ "imageManifest": manifest.to_string() }));
    if let Some(tag) = tag {
        put["imageTag"] = json!(tag);
    }
    let answer = fixture.ask_of(ECR, "PutImage", put).await;
    answer["image"]["imageId"]["imageDigest"]
        .as_str()
        .expect("is given")
        .to_owned()
}

async fn fixture_config(fixture: &Fixture) -> String {
    let digest = digest_of(b"{}");
    let asked = web(json!({ "layerDigests": [digest] }));
    let answer = fixture.ask_of(ECR, "BatchCheckLayerAvailability", asked).await;
    if answer["layers"][0]["layerAvailability"] == "AVAILABLE" {
        return digest;
    }
    layer(fixture, b"{}").await
}

#[tokio::test]
async fn a_repository_is_described_as_it_was_made() {
    let fixture = world().await;
    let filter = json!({ "filterType": "WILDCARD", "filter": "dev-*" });
    let new = json!({
        "repositoryName": "api", "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [filter],
        "imageScanningConfiguration": { "scanOnPush": true },
        "encryptionConfiguration": { "encryptionType": "KMS", "kmsKey": "alias/x" },
        "tags": [{ "Key": "team", "Value": "api" }],
    });
    let made = fixture.ask_of(ECR, "CreateRepository", new.clone()).await["repository"].clone();
    for member in [
        "repositoryName",
        "imageTagMutability",
        "imageTagMutabilityExclusionFilters",
        "imageScanningConfiguration",
        "encryptionConfiguration",
    ] {
        assert_eq!(made[member], new[member], "{member}");
    }
    assert_eq!(
        made["repositoryArn"],
        "arn:aws:ecr:us-east-1:123456789012:repository/api"
    );
    assert_eq!(made["repositoryUri"], "127.0.0.1:4510/api");
    let (code, message) = fixture
        .refused_of(ECR, "CreateRepository", json!({ "repositoryName": "api" }))
        .await;
    assert_eq!(code, "RepositoryAlreadyExistsException");
    assert_eq!(
        message,
        "The repository with name 'api' already exists in the registry with id '123456789012'"
    );
    let one = fixture
        .ask_of(ECR, "DescribeRepositories", json!({ "maxResults": 1 }))
        .await;
    assert_eq!(one["repositories"], json!([made]));
    let next = json!({ "maxResults": 1, "nextToken": one["nextToken"] });
    let two = fixture.ask_of(ECR, "DescribeRepositories", next).await;
    assert_eq!(two["repositories"][0]["repositoryName"], "team/web");
    assert_eq!(two.get("nextToken"), None);
    let named = json!({ "repositoryNames": ["api"] });
    let named = fixture.ask_of(ECR, "DescribeRepositories", named).await;
    assert_eq!(named["repositories"], json!([made]));
}

#[tokio::test]
async fn layers_are_uploaded_in_parts() {
    let fixture = world().await;
    let begun = fixture.ask_of(ECR, "InitiateLayerUpload", web(json!({}))).await;
    let part = |first: usize, last: usize, content: &str| {
        web(json!({
            "uploadId": begun["uploadId"], "partFirstByte": first, "partLastByte": last,
            "layerPartBlob": STANDARD.encode(content),
        }))
    };
    let one = fixture.ask_of(ECR, "UploadLayerPart", part(0, 2, "one")).await;
    assert_eq!(one["lastByteReceived"], 2);
    for wrong in [
        part(0, 2, "one"),
        part(3, 9, "two"),
        part(4, 3, ""),
        part(7, 9, "two"),
    ] {
        let refused = fixture.refused_of(ECR, "UploadLayerPart", wrong).await;
        assert_eq!(code(refused), "InvalidLayerPartException");
    }
    fixture.ask_of(ECR, "UploadLayerPart", part(3, 5, "two")).await;
    let digest = digest_of(b"onetwo");
    let complete = web(json!({ "uploadId": begun["uploadId"], "layerDigests": [digest] }));
    fixture.ask_of(ECR, "CompleteLayerUpload", complete).await;
    let asked = web(json!({ "layerDigests": [digest, digest_of(b"no"), "x"] }));
    let checked = fixture.ask_of(ECR, "BatchCheckLayerAvailability", asked).await;
    assert_eq!(checked["layers"][0]["layerAvailability"], "AVAILABLE");
    assert_eq!(checked["layers"][0]["layerSize"], 6);
    assert_eq!(checked["layers"][1]["layerAvailability"], "UNAVAILABLE");
    assert_eq!(checked["failures"][0]["failureCode"], "InvalidLayerDigest");
    let begun = fixture.ask_of(ECR, "InitiateLayerUpload", web(json!({}))).await;
    let again = |digest: &str| web(json!({ "uploadId": begun["uploadId"], "layerDigests": [digest] }));
    let refused = fixture
        .refused_of(ECR, "CompleteLayerUpload", again(&digest))
        .await;
    assert_eq!(code(refused), "LayerAlreadyExistsException");
    let refused = fixture
        .refused_of(ECR, "CompleteLayerUpload", again(&digest_of(b"x")))
        .await;
    assert_eq!(code(refused), "UploadNotFoundException", "it is over");
    let begun = fixture.ask_of(ECR, "InitiateLayerUpload", web(json!({}))).await;
    let empty = web(json!({ "uploadId": begun["uploadId"], "layerDigests": [digest_of(b"x")] }));
    let refused = fixture.refused_of(ECR, "CompleteLayerUpload", empty).await;
    assert_eq!(code(refused), "EmptyUploadException");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table, or one story")]
async fn images_are_listed_described_and_given_as_they_were_pushed() {
    let fixture = world().await;
    let tagged = image(&fixture, "tagged", Some("1.0")).await;
    let untagged = image(&fixture, "untagged", None).await;
    let details = fixture
        .ask_of(
            ECR,
            "DescribeImages",
            web(json!({ "imageIds": [{ "imageTag": "1.0" }] })),
        )
        .await;
    let details = &details["imageDetails"][0];
    assert_eq!(
        (&details["imageDigest"], &details["imageTags"]),
        (&json!(tagged), &json!(["1.0"]))
    );
    assert_eq!(details["imageSizeInBytes"], "tagged".len() + 2);
    assert_eq!(
        details["imageManifestMediaType"],
        "application/vnd.oci.image.manifest.v1+json"
    );
    assert_eq!(
        details["artifactMediaType"],
        "application/vnd.oci.image.config.v1+json"
    );
    assert!(
        details["imagePushedAt"]
            .as_f64()
            .is_some_and(|it| it >= 1_700_000_000.0)
    );
    for (filter, expected) in [
        (
            "TAGGED",
            vec![json!({ "imageDigest": tagged, "imageTag": "1.0" })],
        ),
        ("UNTAGGED", vec![json!({ "imageDigest": untagged })]),
    ] {
        let input = web(json!({ "filter": { "tagStatus": filter } }));
        let listed = fixture.ask_of(ECR, "ListImages", input.clone()).await;
        assert_eq!(listed["imageIds"], json!(expected), "{filter}");
        let described = fixture.ask_of(ECR, "DescribeImages", input).await;
        assert_eq!(
            described["imageDetails"].as_array().map(Vec::len),
            Some(1),
            "{filter}"
        );
    }
    let first = fixture
        .ask_of(ECR, "ListImages", web(json!({ "maxResults": 1 })))
        .await;
    let next = web(json!({ "maxResults": 1, "nextToken": first["nextToken"] }));
    let second = fixture.ask_of(ECR, "ListImages", next).await;
    assert_ne!(first["imageIds"], second["imageIds"]);
    let ids = json!([{ "imageTag": "1.0" }, { "imageTag": "none" }, {}, { "imageTag": "1.0", "imageDigest": untagged }]);
    let got = fixture
        .ask_of(ECR, "BatchGetImage", web(json!({ "imageIds": ids })))
        .await;
    let manifest = got["images"][0]["imageManifest"].as_str().expect("is given");
    assert_eq!(digest_of(manifest.as_bytes()), tagged);
    let failures = got["failures"].as_array().expect("is a list").iter();
    let codes: Vec<_> = failures.map(|it| it["failureCode"].clone()).collect();
    assert_eq!(
        codes,
        [
            "ImageNotFound",
            "MissingDigestAndTag",
            "ImageTagDoesNotMatchDigest"
        ]
    );
    let other = web(json!({ "imageIds": [{ "imageTag": "1.0" }], "acceptedMediaTypes": ["text/plain"] }));
    let got = fixture.ask_of(ECR, "BatchGetImage", other).await;
    assert_eq!(
        (
            got["images"].as_array().map(Vec::len),
            got["failures"].as_array().map(Vec::len)
        ),
        (Some(0), Some(1))
    );
}

#[tokio::test]
async fn images_are_deleted_by_tag_and_the_repository_with_them() {
    let fixture = world().await;
    let digest = image(&fixture, "one", Some("1")).await;
    let manifest = json!({ "schemaVersion": 2, "manifests": [{ "digest": digest }] }).to_string();
    let index = fixture
        .ask_of(ECR, "PutImage", web(json!({ "imageManifest": manifest })))
        .await;
    let index = &index["image"]["imageId"]["imageDigest"];
    let delete = |id: Value| web(json!({ "imageIds": [id] }));
    let kept = fixture
        .ask_of(ECR, "BatchDeleteImage", delete(json!({ "imageDigest": digest })))
        .await;
    assert_eq!(
        kept["failures"][0]["failureCode"],
        "ImageReferencedByManifestList"
    );
    let (code, message) = fixture.refused_of(ECR, "DeleteRepository", web(json!({}))).await;
    assert_eq!(code, "RepositoryNotEmptyException");
    assert_eq!(
        message,
        "The repository with name 'team/web' in registry with id '123456789012' cannot be deleted because it still \
         contains images"
    );
    fixture
        .ask_of(ECR, "BatchDeleteImage", delete(json!({ "imageDigest": index })))
        .await;
    let gone = fixture
        .ask_of(ECR, "BatchDeleteImage", delete(json!({ "imageTag": "1" })))
        .await;
    assert_eq!(
        gone["imageIds"],
        json!([{ "imageDigest": digest, "imageTag": "1" }])
    );
    image(&fixture, "two", Some("2")).await;
    let deleted = fixture
        .ask_of(ECR, "DeleteRepository", web(json!({ "force": true })))
        .await;
    assert_eq!(deleted["repository"]["repositoryName"], "team/web");
    let none = fixture.ask_of(ECR, "DescribeRepositories", json!({})).await;
    assert_eq!(none["repositories"], json!([]));
}

#[tokio::test]
async fn pushing_what_is_there_is_refused_as_on_amazon() {
    let fixture = world().await;
    let digest = image(&fixture, "one", Some("1")).await;
    let got = fixture
        .ask_of(
            ECR,
            "BatchGetImage",
            web(json!({ "imageIds": [{ "imageTag": "1" }] })),
        )
        .await;
    let manifest = got["images"][0]["imageManifest"].clone();
    let put = |tag: &str, digest: &str| {
        web(json!({ "imageManifest": manifest, "imageTag": tag, "imageDigest": digest }))
    };
    let again = fixture.refused_of(ECR, "PutImage", put("1", &digest)).await;
    assert_eq!(code(again), "ImageAlreadyExistsException");
    let other = fixture
        .refused_of(ECR, "PutImage", put("2", &digest_of(b"x")))
        .await;
    assert_eq!(code(other), "ImageDigestDoesNotMatchException");
    fixture.ask_of(ECR, "PutImage", put("2", &digest)).await;
    fixture
        .ask_of(
            ECR,
            "PutImageTagMutability",
            web(json!({ "imageTagMutability": "IMMUTABLE" })),
        )
        .await;
    let config = fixture_config(&fixture).await;
    let manifest = json!({ "schemaVersion": 2, "config": { "digest": config }, "layers": [] }).to_string();
    let moved = web(json!({ "imageManifest": manifest, "imageTag": "2" }));
    let (code, message) = fixture.refused_of(ECR, "PutImage", moved).await;
    assert_eq!(code, "ImageTagAlreadyExistsException");
    assert!(
        message.ends_with("cannot be overwritten because the tag is immutable."),
        "{message}"
    );
}

#[tokio::test]
async fn a_preview_says_what_a_policy_would_expire() {
    let fixture = world().await;
    let old = image(&fixture, "old", Some("1")).await;
    fixture.clock.advance(std::time::Duration::from_secs(60));
    image(&fixture, "new", Some("2")).await;
    let text = json!({ "rules": [{
        "rulePriority": 7, "action": { "type": "expire" },
        "selection": { "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1 },
    }]})
    .to_string();
    fixture
        .ask_of(
            ECR,
            "PutLifecyclePolicy",
            web(json!({ "lifecyclePolicyText": text })),
        )
        .await;
    let kept = fixture.ask_of(ECR, "GetLifecyclePolicy", web(json!({}))).await;
    assert_eq!(kept["lifecyclePolicyText"], json!(text));
    let started = fixture
        .ask_of(ECR, "StartLifecyclePolicyPreview", web(json!({})))
        .await;
    assert_eq!(started["status"], "IN_PROGRESS");
    let preview = fixture
        .ask_of(ECR, "GetLifecyclePolicyPreview", web(json!({})))
        .await;
    assert_eq!(
        (&preview["status"], &preview["summary"]["expiringImageTotalCount"]),
        (&json!("COMPLETE"), &json!(1))
    );
    let result = &preview["previewResults"][0];
    assert_eq!(
        (&result["imageDigest"], &result["appliedRulePriority"]),
        (&json!(old), &json!(7))
    );
    assert_eq!(result["action"]["type"], "EXPIRE");
    let deleted = fixture.ask_of(ECR, "DeleteLifecyclePolicy", web(json!({}))).await;
    assert_eq!(deleted["lifecyclePolicyText"], json!(text));
}

#[tokio::test]
async fn policies_tags_and_scanning_are_kept() {
    let fixture = world().await;
    let text = r#"{"Version":"2012-10-17","Statement":[]}"#;
    fixture
        .ask_of(ECR, "SetRepositoryPolicy", web(json!({ "policyText": text })))
        .await;
    let kept = fixture.ask_of(ECR, "GetRepositoryPolicy", web(json!({}))).await;
    assert_eq!(kept["policyText"], text);
    let deleted = fixture
        .ask_of(ECR, "DeleteRepositoryPolicy", web(json!({})))
        .await;
    assert_eq!(deleted["policyText"], text);
    let arn = "arn:aws:ecr:us-east-1:123456789012:repository/team/web";
    let tags = json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }]);
    fixture
        .ask_of(ECR, "TagResource", json!({ "resourceArn": arn, "tags": tags }))
        .await;
    fixture
        .ask_of(
            ECR,
            "UntagResource",
            json!({ "resourceArn": arn, "tagKeys": ["a"] }),
        )
        .await;
    let tags = fixture
        .ask_of(ECR, "ListTagsForResource", json!({ "resourceArn": arn }))
        .await;
    assert_eq!(tags["tags"], json!([{ "Key": "b", "Value": "2" }]));
    let scanning = web(json!({ "imageScanningConfiguration": { "scanOnPush": true } }));
    fixture
        .ask_of(ECR, "PutImageScanningConfiguration", scanning)
        .await;
    let described = fixture.ask_of(ECR, "DescribeRepositories", json!({})).await;
    assert_eq!(
        described["repositories"][0]["imageScanningConfiguration"]["scanOnPush"],
        true
    );
    let registry = fixture.ask_of(ECR, "DescribeRegistry", json!({})).await;
    assert_eq!(registry["registryId"], "123456789012");
}
