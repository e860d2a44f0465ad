use serde_json::{Value, json};

use super::*;

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

fn parse(document: &Value, given: Option<&str>) -> Result<Manifest, InvalidManifest> {
    Manifest::parse(document.to_string().as_bytes(), given)
}

fn image(media_type: Option<&str>, config_type: &str) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": { "mediaType": config_type, "digest": digest('c'), "size": 1 },
        "layers": [
            { "digest": digest('2'), "size": 1 },
            { "digest": digest('1'), "size": 1 },
            { "digest": digest('2'), "size": 1 },
            { "digest": digest('9'), "size": 1, "urls": ["https://example.com/foreign"] },
        ],
    })
}

#[test]
fn an_image_names_its_configuration_and_layers_once_each() {
    let parsed = parse(&image(Some(DOCKER_MANIFEST), DOCKER_CONFIG), None).expect("is one");
    assert_eq!(parsed.layers, [digest('1'), digest('2'), digest('c')]);
    assert_eq!(parsed.media_type, DOCKER_MANIFEST);
    assert_eq!(parsed.artifact_media_type.as_deref(), Some(DOCKER_CONFIG));
    assert!(parsed.manifests.is_empty());
}

#[test]
fn the_media_type_is_given_said_or_guessed() {
    let oci = "application/vnd.oci.image.config.v1+json";
    let index = json!({ "schemaVersion": 2, "manifests": [{ "digest": digest('1') }] });
    for (document, given, expected) in [
        (image(None, DOCKER_CONFIG), None, DOCKER_MANIFEST),
        (image(None, oci), None, OCI_MANIFEST),
        (image(None, oci), Some(OCI_MANIFEST), OCI_MANIFEST),
        (
            image(None, oci),
            Some("application/vnd.oci.image.manifest.v1+json; charset=utf-8"),
            OCI_MANIFEST,
        ),
        (image(Some(OCI_MANIFEST), oci), None, OCI_MANIFEST),
        (index.clone(), None, OCI_INDEX),
        (index, Some(DOCKER_LIST), DOCKER_LIST),
    ] {
        let parsed = parse(&document, given).expect("is one");
        assert_eq!(parsed.media_type, expected);
    }
}

#[test]
fn an_artifact_says_what_it_is_and_what_it_is_about() {
    let mut artifact = image(Some(OCI_MANIFEST), "application/vnd.oci.empty.v1+json");
    artifact["artifactType"] = json!("application/spdx+json");
    artifact["subject"] = json!({ "digest": digest('5') });
    let parsed = parse(&artifact, None).expect("is one");
    assert_eq!(
        parsed.artifact_media_type.as_deref(),
        Some("application/spdx+json")
    );
    assert_eq!(parsed.subject, Some(digest('5')));
}

#[test]
fn other_documents_are_refused() {
    let mut bad_digest = image(Some(OCI_MANIFEST), "x");
    bad_digest["layers"][0]["digest"] = json!("sha256:../../etc/passwd");
    for (document, given) in [
        (json!({}), None),
        (json!([]), None),
        (json!({ "schemaVersion": 1, "fsLayers": [] }), None),
        (json!({ "schemaVersion": 2 }), None),
        (json!({ "schemaVersion": 2, "manifests": 5 }), None),
        (json!({ "schemaVersion": 2, "layers": [] }), Some(OCI_MANIFEST)),
        (json!({ "schemaVersion": 2, "manifests": [] }), Some(OCI_MANIFEST)),
        (image(None, "x"), Some(OCI_INDEX)),
        (image(Some(OCI_MANIFEST), "x"), Some(DOCKER_MANIFEST)),
        (image(None, "x"), Some("text/plain")),
        (bad_digest, None),
    ] {
        assert!(parse(&document, given).is_err(), "{document} as {given:?}");
    }
    assert!(Manifest::parse(b"\xff", None).is_err());
}
