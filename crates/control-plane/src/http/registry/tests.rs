//! The protocol as clients speak it, request by request, without sockets.

mod fixture;
mod paths;

use http::StatusCode;
use http::header::{CONTENT_RANGE, CONTENT_TYPE, LINK, LOCATION, RANGE, WWW_AUTHENTICATE};
use serde_json::json;

use self::fixture::{World, digest_of};

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

#[tokio::test]
async fn strangers_are_told_how_to_sign_in() {
    let world = World::new().await;
    for authorization in [None, Some("Basic QVdTOng="), Some("Bearer x"), Some("Basic ???")] {
        let answer = world.send_as(authorization, "GET", "/v2/", &[], "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization:?}");
        let challenge = "Basic realm=\"http://127.0.0.1:4510/\",service=\"ecr.amazonaws.com\"";
        assert_eq!(answer.header(WWW_AUTHENTICATE), challenge);
        assert_eq!(answer.code(), "UNAUTHORIZED");
    }
    assert_eq!(world.send("GET", "/v2/", &[], "").await.status, StatusCode::OK);
    world.clock().advance(std::time::Duration::from_secs(12 * 3600));
    let expired = world.send("GET", "/v2/", &[], "").await;
    assert_eq!(
        (expired.status, &*expired.code()),
        (StatusCode::FORBIDDEN, "DENIED")
    );
}

#[tokio::test]
async fn an_agent_pulls_and_does_not_push() {
    let world = World::new().await;
    let digest = world.blob("layer").await;
    let agent = world.agent_authorization();
    let path = format!("/v2/web/blobs/{digest}");
    let pulled = world.send_as(Some(&agent), "GET", &path, &[], "").await;
    assert_eq!((pulled.status, &*pulled.body), (StatusCode::OK, &b"layer"[..]));
    let pushed = world
        .send_as(Some(&agent), "POST", "/v2/web/blobs/uploads/", &[], "")
        .await;
    assert_eq!(
        (pushed.status, &*pushed.code()),
        (StatusCode::FORBIDDEN, "DENIED")
    );
}

/// Method, path, status and code.
#[tokio::test]
async fn what_is_not_there_is_said_in_the_protocols_words() {
    let world = World::new().await;
    let digest = digest_of("nothing");
    let table = [
        ("GET", "/v2/nowhere/tags/list".to_owned(), 404, "NAME_UNKNOWN"),
        (
            "POST",
            "/v2/nowhere/blobs/uploads/".to_owned(),
            404,
            "NAME_UNKNOWN",
        ),
        ("PUT", "/v2/nowhere/manifests/1".to_owned(), 404, "NAME_UNKNOWN"),
        ("GET", "/v2/UPPER/tags/list".to_owned(), 404, "NAME_INVALID"),
        ("GET", "/v2/_catalog".to_owned(), 404, "NAME_INVALID"),
        ("GET", "/v2/web/blobs/sha256:xyz".to_owned(), 404, "NAME_INVALID"),
        ("GET", format!("/v2/web/blobs/{digest}"), 404, "BLOB_UNKNOWN"),
        ("GET", "/v2/web/manifests/1".to_owned(), 404, "MANIFEST_UNKNOWN"),
        (
            "GET",
            format!("/v2/web/manifests/{digest}"),
            404,
            "MANIFEST_UNKNOWN",
        ),
        (
            "GET",
            "/v2/web/blobs/uploads/none".to_owned(),
            404,
            "BLOB_UPLOAD_UNKNOWN",
        ),
        (
            "PATCH",
            "/v2/web/blobs/uploads/none".to_owned(),
            404,
            "BLOB_UPLOAD_UNKNOWN",
        ),
        (
            "DELETE",
            "/v2/web/blobs/uploads/none".to_owned(),
            404,
            "BLOB_UPLOAD_UNKNOWN",
        ),
        ("DELETE", "/v2/web/manifests/1".to_owned(), 405, "UNSUPPORTED"),
        ("DELETE", format!("/v2/web/blobs/{digest}"), 405, "UNSUPPORTED"),
        ("POST", "/v2/".to_owned(), 405, "UNSUPPORTED"),
        (
            "GET",
            "/v2/web/tags/list?n=x".to_owned(),
            400,
            "PAGINATION_NUMBER_INVALID",
        ),
        ("PUT", "/v2/web/manifests/1".to_owned(), 400, "MANIFEST_INVALID"),
    ];
    for (method, path, status, code) in table {
        let answer = world.send(method, &path, &[], "").await;
        assert_eq!(
            (answer.status.as_u16(), &*answer.code()),
            (status, code),
            "{method} {path}"
        );
    }
    for path in [
        "/v2/nowhere/manifests/1".to_owned(),
        format!("/v2/web/blobs/{digest}"),
    ] {
        let answer = world.send("HEAD", &path, &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (404, 0), "{path}");
    }
}

#[tokio::test]
async fn a_blob_is_pushed_whole_in_pieces_or_mounted() {
    let world = World::new().await;
    let digest = digest_of("whole");
    let path = format!("/v2/web/blobs/uploads/?digest={}", digest.replace(':', "%3A"));
    let pushed = world.send("POST", &path, &[], "whole").await;
    assert_eq!(pushed.status, StatusCode::CREATED);
    assert_eq!(pushed.header(LOCATION), format!("/v2/web/blobs/{digest}"));

    let begun = world.send("POST", "/v2/web/blobs/uploads/", &[], "").await;
    assert_eq!(begun.status, StatusCode::ACCEPTED);
    let upload = begun.header(LOCATION);
    for (range, piece, status, received) in [
        ("0-2", "one", 202, "0-2"),
        ("0-2", "one", 416, "0-2"),
        ("9-11", "two", 416, "0-2"),
        ("3-9", "two", 400, ""),
        ("3-5", "two", 202, "0-5"),
    ] {
        let length = piece.len().to_string();
        let headers = [("content-range", range), ("content-length", &*length)];
        let answer = world.send("PATCH", &upload, &headers, piece).await;
        assert_eq!(
            (answer.status.as_u16(), &*answer.header(RANGE)),
            (status, received),
            "{range}"
        );
    }
    let status = world.send("GET", &upload, &[], "").await;
    assert_eq!(
        (status.status, &*status.header(RANGE)),
        (StatusCode::NO_CONTENT, "0-5")
    );
    let digest = digest_of("onetwothree");
    let finished = world
        .send("PUT", &format!("{upload}?digest={digest}"), &[], "three")
        .await;
    assert_eq!(finished.status, StatusCode::CREATED);
    assert_eq!(
        world.send("GET", &upload, &[], "").await.status,
        StatusCode::NOT_FOUND
    );

    let mount = |from: &str, digest: &str| format!("/v2/api/blobs/uploads/?mount={digest}&from={from}");
    let mounted = world.send("POST", &mount("web", &digest), &[], "").await;
    assert_eq!(mounted.status, StatusCode::CREATED);
    let got = world.send("GET", &mounted.header(LOCATION), &[], "").await;
    assert_eq!(&*got.body, b"onetwothree");
    for path in [mount("web", &digest_of("no")), mount("nowhere", &digest)] {
        assert_eq!(
            world.send("POST", &path, &[], "").await.status,
            StatusCode::ACCEPTED,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_blob_that_lies_about_its_digest_leaves_nothing() {
    let world = World::new().await;
    let wanted = digest_of("truth");
    let path = format!("/v2/web/blobs/uploads/?digest={wanted}");
    let pushed = world.send("POST", &path, &[], "lie").await;
    assert_eq!(
        (pushed.status, &*pushed.code()),
        (StatusCode::BAD_REQUEST, "DIGEST_INVALID")
    );
    let upload = world
        .send("POST", "/v2/web/blobs/uploads/", &[], "")
        .await
        .header(LOCATION);
    let finished = world
        .send("PUT", &format!("{upload}?digest={wanted}"), &[], "lie")
        .await;
    assert_eq!(&*finished.code(), "DIGEST_INVALID");
    let no_digest = world
        .send("POST", "/v2/web/blobs/uploads/?digest=md5:1", &[], "lie")
        .await;
    assert_eq!(&*no_digest.code(), "DIGEST_INVALID");
    let cancelled = world
        .send("POST", "/v2/web/blobs/uploads/", &[], "")
        .await
        .header(LOCATION);
    assert_eq!(
        world.send("DELETE", &cancelled, &[], "").await.status,
        StatusCode::NO_CONTENT
    );
    let head = world
        .send("HEAD", &format!("/v2/web/blobs/{wanted}"), &[], "")
        .await;
    assert_eq!(head.status, StatusCode::NOT_FOUND);
    assert_eq!(world.files_of_uploads(), 0);
}

#[tokio::test]
async fn parts_of_a_blob_are_read() {
    let world = World::new().await;
    let digest = world.blob("0123456789").await;
    let path = format!("/v2/web/blobs/{digest}");
    for (range, status, content_range, body) in [
        ("", 200, "", "0123456789"),
        ("bytes=2-4", 206, "bytes 2-4/10", "234"),
        ("bytes=7-", 206, "bytes 7-9/10", "789"),
        ("bytes=-3", 206, "bytes 7-9/10", "789"),
        ("bytes=8-99", 206, "bytes 8-9/10", "89"),
        ("bytes=0-1,4-5", 200, "", "0123456789"),
        ("pages=1-2", 200, "", "0123456789"),
    ] {
        let headers = [("range", range)];
        let answer = world
            .send("GET", &path, &headers[..usize::from(!range.is_empty())], "")
            .await;
        let seen = (
            answer.status.as_u16(),
            answer.header(CONTENT_RANGE),
            answer.text(),
        );
        assert_eq!(
            seen,
            (status, content_range.to_owned(), body.to_owned()),
            "{range}"
        );
        assert_eq!(
            answer.header(http::header::CONTENT_LENGTH),
            body.len().to_string()
        );
    }
    let beyond = world.send("GET", &path, &[("range", "bytes=10-")], "").await;
    assert_eq!(
        (beyond.status.as_u16(), &*beyond.header(CONTENT_RANGE)),
        (416, "bytes */10")
    );
    let head = world.send("HEAD", &path, &[], "").await;
    assert_eq!(
        (&*head.header(http::header::CONTENT_LENGTH), head.body.len()),
        ("10", 0)
    );
}

#[tokio::test]
async fn a_large_blob_is_read_as_it_was_pushed() {
    let world = World::new().await;
    let content: String = (0..200_000).map(|number| format!("{number:06}")).collect();
    let digest = world.blob(&content).await;
    let got = world
        .send("GET", &format!("/v2/web/blobs/{digest}"), &[], "")
        .await;
    assert_eq!(digest_of(&got.text()), digest);
}

#[tokio::test]
async fn a_manifest_is_taken_when_its_blobs_are_there_and_read_as_it_was_pushed() {
    let world = World::new().await;
    let config = world.blob("{}").await;
    let layer = digest_of("layer");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2 },
        "layers": [{ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": 5 }],
    })
    .to_string();
    let headers = [("content-type", OCI_MANIFEST)];
    let missing = world
        .send("PUT", "/v2/web/manifests/1", &headers, &manifest)
        .await;
    assert_eq!(
        (missing.status.as_u16(), &*missing.code()),
        (400, "MANIFEST_BLOB_UNKNOWN")
    );
    world.blob("layer").await;
    let digest = digest_of(&manifest);
    for _ in 0..2 {
        let pushed = world
            .send("PUT", "/v2/web/manifests/1", &headers, &manifest)
            .await;
        assert_eq!(pushed.status, StatusCode::CREATED);
        assert_eq!(pushed.header(LOCATION), format!("/v2/web/manifests/{digest}"));
    }
    for reference in ["1", &digest] {
        let path = format!("/v2/web/manifests/{reference}");
        let got = world.send("GET", &path, &[], "").await;
        assert_eq!(
            (got.text(), &*got.header(CONTENT_TYPE)),
            (manifest.clone(), OCI_MANIFEST)
        );
        let head = world.send("HEAD", &path, &[], "").await;
        let length = head.header(http::header::CONTENT_LENGTH);
        assert_eq!((head.body.len(), length), (0, manifest.len().to_string()));
        assert_eq!(head.header(super::blobs::CONTENT_DIGEST), digest);
    }
    let wrong = format!("/v2/web/manifests/{}", digest_of("other"));
    let answer = world.send("PUT", &wrong, &headers, &manifest).await;
    assert_eq!((answer.status.as_u16(), &*answer.code()), (400, "DIGEST_INVALID"));
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{ "digest": digest }] });
    let headers = [("content-type", OCI_INDEX)];
    let pushed = world
        .send("PUT", "/v2/web/manifests/all", &headers, &index.to_string())
        .await;
    assert_eq!(pushed.status, StatusCode::CREATED);
    let absent = json!({ "schemaVersion": 2, "manifests": [{ "digest": digest_of("x") }] });
    let answer = world
        .send("PUT", "/v2/web/manifests/x", &headers, &absent.to_string())
        .await;
    assert_eq!(&*answer.code(), "MANIFEST_BLOB_UNKNOWN");
}

#[tokio::test]
async fn tags_are_listed_page_by_page_and_stay_where_they_must() {
    let world = World::new().await;
    let config = world.blob("{}").await;
    let manifest = |number: u32| {
        let config = json!({ "digest": config });
        json!({ "schemaVersion": 2, "config": config, "annotations": { "n": number.to_string() } })
            .to_string()
    };
    let headers = [("content-type", OCI_MANIFEST)];
    for tag in ["b", "a", "c"] {
        world
            .send("PUT", &format!("/v2/web/manifests/{tag}"), &headers, &manifest(1))
            .await;
    }
    let first = world.send("GET", "/v2/web/tags/list?n=2", &[], "").await;
    assert_eq!(first.json(), json!({ "name": "web", "tags": ["a", "b"] }));
    assert_eq!(first.header(LINK), "</v2/web/tags/list?n=2&last=b>; rel=\"next\"");
    let second = world.send("GET", "/v2/web/tags/list?n=2&last=b", &[], "").await;
    assert_eq!(
        (second.json()["tags"].clone(), &*second.header(LINK)),
        (json!(["c"]), "")
    );
    let mutability = json!({ "repositoryName": "web", "imageTagMutability": "IMMUTABLE" });
    world.api("PutImageTagMutability", mutability).await;
    let refused = world
        .send("PUT", "/v2/web/manifests/a", &headers, &manifest(2))
        .await;
    assert_eq!((refused.status.as_u16(), &*refused.code()), (400, "TAG_INVALID"));
    assert!(refused.text().contains(
        "The image tag 'a' already exists in the 'web' repository and cannot be overwritten because the tag is \
         immutable."
    ));
    let again = world
        .send("PUT", "/v2/web/manifests/a", &headers, &manifest(1))
        .await;
    assert_eq!(again.status, StatusCode::CREATED, "nothing moves");
}

#[tokio::test]
async fn what_is_about_an_image_is_found() {
    let world = World::new().await;
    let config = world.blob("{}").await;
    let subject = digest_of("an image");
    let about = json!({
        "schemaVersion": 2, "artifactType": "application/spdx+json",
        "config": { "digest": config }, "subject": { "digest": subject },
    });
    let path = format!("/v2/web/manifests/{}", digest_of(&about.to_string()));
    let pushed = world
        .send(
            "PUT",
            &path,
            &[("content-type", OCI_MANIFEST)],
            &about.to_string(),
        )
        .await;
    assert_eq!(
        &*pushed.header(http::HeaderName::from_static("oci-subject")),
        subject
    );
    for (filter, count) in [
        ("", 1),
        ("?artifactType=application%2Fspdx%2Bjson", 1),
        ("?artifactType=x", 0),
    ] {
        let found = world
            .send("GET", &format!("/v2/web/referrers/{subject}{filter}"), &[], "")
            .await;
        let manifests = found.json()["manifests"].as_array().map(Vec::len);
        assert_eq!(manifests, Some(count), "{filter}");
    }
}

#[tokio::test]
async fn the_address_of_a_layer_is_good_for_that_layer_only() {
    let world = World::new().await;
    let (one, other) = (world.blob("one").await, world.blob("other").await);
    let asked = json!({ "repositoryName": "web", "layerDigest": one });
    let answer = world.api("GetDownloadUrlForLayer", asked).await;
    let url = answer["downloadUrl"].as_str().expect("is given").to_owned();
    let path = url.strip_prefix("http://127.0.0.1:4510").expect("is here");
    let got = world.send_as(None, "GET", path, &[], "").await;
    assert_eq!((got.status, got.text()), (StatusCode::OK, "one".to_owned()));
    let query = path.split_once('?').expect("has a token").1;
    for (method, path) in [
        ("GET", format!("/v2/web/blobs/{other}?{query}")),
        ("GET", format!("/v2/web/tags/list?{query}")),
        ("POST", format!("/v2/web/blobs/uploads/?{query}")),
    ] {
        let refused = world.send_as(None, method, &path, &[], "").await;
        assert_eq!(&*refused.code(), "DENIED", "{path}");
    }
}
