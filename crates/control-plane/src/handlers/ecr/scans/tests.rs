use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fixture::{Fixture, code, text};

const ECR: &str = "ecr";

/// Pushes an image with one layer of these files, and gives its digest.
async fn push(fixture: &Fixture, tag: &str, files: &[(&str, &str)]) -> String {
    let mut layer = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        layer
            .append_data(&mut header, path, content.as_bytes())
            .expect("appended");
    }
    let config = upload(fixture, tag.as_bytes()).await;
    let layer = upload(fixture, &layer.into_inner().expect("finished")).await;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2 },
        "layers": [{ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": 1 }],
    });
    let input = json!({ "repositoryName": "web", "imageManifest": manifest.to_string(), "imageTag": tag });
    let put = fixture.ask_of(ECR, "PutImage", input).await;
    text(&put["image"]["imageId"]["imageDigest"])
}

async fn upload(fixture: &Fixture, content: &[u8]) -> String {
    use base64::Engine;
    let digest = format!("sha256:{}", hex::encode(Sha256::digest(content)));
    let begun = fixture
        .ask_of(ECR, "InitiateLayerUpload", json!({ "repositoryName": "web" }))
        .await;
    let part = json!({
        "repositoryName": "web", "uploadId": begun["uploadId"], "partFirstByte": 0, "partLastByte": content.len() - 1,
        "layerPartBlob": base64::engine::general_purpose::STANDARD.encode(content),
    });
    fixture.ask_of(ECR, "UploadLayerPart", part).await;
    let end = json!({ "repositoryName": "web", "uploadId": begun["uploadId"], "layerDigests": [digest] });
    fixture.ask_of(ECR, "CompleteLayerUpload", end).await;
    digest
}

async fn repository(scan_on_push: bool) -> Fixture {
    let fixture = Fixture::new().await;
    let input = json!({
        "repositoryName": "web", "imageScanningConfiguration": { "scanOnPush": scan_on_push },
    });
    fixture.ask_of(ECR, "CreateRepository", input).await;
    fixture
}

fn tagged(tag: &str) -> Value {
    json!({ "repositoryName": "web", "imageId": { "imageTag": tag } })
}

/// What is found of an image, when its scan is over.
async fn scanned(fixture: &Fixture, tag: &str) -> Value {
    let waiting = async {
        loop {
            let found = fixture
                .ask_of(ECR, "DescribeImageScanFindings", tagged(tag))
                .await;
            if found["imageScanStatus"]["status"] != "IN_PROGRESS" {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    let waiting = tokio::time::timeout(Duration::from_secs(30), waiting);
    waiting.await.expect("it is over in time")
}

const LIST: &str = "P:musl\nV:1.2.5-r0\n\nP:busybox\nV:1.36.1-r2\n\nP:zlib\nV:1.3-r0\n";

#[tokio::test]
async fn the_packages_of_an_image_are_its_findings_and_say_what_they_are_not() {
    let fixture = repository(false).await;
    let digest = push(&fixture, "1", &[("lib/apk/db/installed", LIST)]).await;
    let (code, _) = fixture
        .refused_of(ECR, "DescribeImageScanFindings", tagged("1"))
        .await;
    assert_eq!(code, "ScanNotFoundException");
    let started = fixture.ask_of(ECR, "StartImageScan", tagged("1")).await;
    assert_eq!(started["imageScanStatus"]["status"], "IN_PROGRESS");
    assert_eq!(
        started["imageId"],
        json!({ "imageDigest": digest, "imageTag": "1" })
    );
    let found = scanned(&fixture, "1").await;
    assert_eq!(found["imageScanStatus"]["status"], "COMPLETE");
    assert_eq!(
        found["imageScanFindings"]["findingSeverityCounts"],
        json!({ "INFORMATIONAL": 3 })
    );
    let first = &found["imageScanFindings"]["findings"][0];
    assert_eq!(
        (&first["name"], &first["severity"]),
        (&json!("busybox 1.36.1-r2"), &json!("INFORMATIONAL"))
    );
    for text in [&first["description"], &found["imageScanStatus"]["description"]] {
        assert!(
            text.as_str()
                .is_some_and(|it| it.contains("No vulnerability database was consulted")),
            "{text}"
        );
    }
    let images = fixture
        .ask_of(ECR, "DescribeImages", json!({ "repositoryName": "web" }))
        .await;
    let image = &images["imageDetails"][0];
    assert_eq!(image["imageScanStatus"]["status"], "COMPLETE");
    assert_eq!(
        image["imageScanFindingsSummary"]["findingSeverityCounts"]["INFORMATIONAL"],
        3
    );
    let page = |more: Value| {
        let mut input = tagged("1");
        let more = more.as_object().expect("an object").clone();
        input.as_object_mut().expect("an object").extend(more);
        fixture.ask_of(ECR, "DescribeImageScanFindings", input)
    };
    let first = page(json!({ "maxResults": 2 })).await;
    let second = page(json!({ "maxResults": 2, "nextToken": first["nextToken"] })).await;
    let count = |it: &Value| it["imageScanFindings"]["findings"].as_array().map(Vec::len);
    assert_eq!(
        (count(&first), count(&second), &second["nextToken"]),
        (Some(2), Some(1), &Value::Null)
    );
    let refused = fixture.refused_of(ECR, "StartImageScan", tagged("1")).await;
    assert_eq!(refused.0, "LimitExceededException");
    assert!(
        refused
            .1
            .starts_with("The scan quota per image has been exceeded."),
        "{}",
        refused.1
    );
    fixture.clock.advance(Duration::from_secs(24 * 3600));
    fixture.ask_of(ECR, "StartImageScan", tagged("1")).await;
    scanned(&fixture, "1").await;
}

#[tokio::test]
async fn images_are_scanned_as_they_come_where_that_is_wanted() {
    let fixture = repository(true).await;
    push(&fixture, "1", &[("lib/apk/db/installed", LIST)]).await;
    assert_eq!(
        scanned(&fixture, "1").await["imageScanStatus"]["status"],
        "COMPLETE"
    );
    push(&fixture, "2", &[("bin/sh", "x")]).await;
    let failed = scanned(&fixture, "2").await;
    assert_eq!(failed["imageScanStatus"]["status"], "FAILED");
    let reason = text(&failed["imageScanStatus"]["description"]);
    assert!(reason.starts_with("UnsupportedImageError: "), "{reason}");
    assert_eq!(failed["imageScanFindings"], Value::Null);
}

#[tokio::test]
async fn what_is_not_there_or_no_image_is_not_scanned() {
    let fixture = repository(false).await;
    let digest = push(&fixture, "1", &[("bin/sh", "x")]).await;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1 }],
    });
    let input = json!({ "repositoryName": "web", "imageManifest": index.to_string(), "imageTag": "all" });
    fixture.ask_of(ECR, "PutImage", input).await;
    for (input, expected) in [
        (tagged("all"), "UnsupportedImageTypeException"),
        (tagged("none"), "ImageNotFoundException"),
        (
            json!({ "repositoryName": "web", "imageId": {} }),
            "InvalidParameterException",
        ),
        (
            json!({ "repositoryName": "no", "imageId": { "imageTag": "1" } }),
            "RepositoryNotFoundException",
        ),
    ] {
        let refused = fixture.refused_of(ECR, "StartImageScan", input).await;
        assert_eq!(code(refused), expected);
    }
    let configuration = fixture
        .ask_of(ECR, "GetRegistryScanningConfiguration", json!({}))
        .await;
    assert_eq!(configuration["scanningConfiguration"]["scanType"], "BASIC");
}
