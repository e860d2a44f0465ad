//! S3 as its clients speak it.

use bytes::Bytes;
use domain::access_key::{AccessKey, Principal};
use domain::clock::Clock as _;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use sha2::{Digest, Sha256};
use wire::sigv4::{ChunkSignatures, Signer};

use super::*;
use crate::fixture::Fixture;

const ROOT: &str = "AKIAIOSFODNN7EXAMPLE";
const AGENT: &str = "AKIAAGENT";

struct World(Fixture);

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|it| it.to_str().ok());
        value.unwrap_or_default()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Status and code of an error.
    fn error(&self) -> (u16, String) {
        let error = S3Error::parse(self.status.as_u16(), &self.body);
        (error.status, error.code)
    }
}

fn error(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

impl World {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        for (id, principal) in [(ROOT, Principal::Root), (AGENT, Principal::Agent)] {
            let key = AccessKey {
                access_key_id: id.to_owned(),
                secret_access_key: "secret".to_owned(),
                account: "123456789012".to_owned(),
                principal,
            };
            let put = fixture.store().transact(move |tx| {
                tx.put(key);
                Ok::<_, ()>(())
            });
            put.await.expect("is put");
        }
        Self(fixture)
    }

    /// With the bucket `bucket`.
    async fn with_bucket() -> Self {
        let world = Self::new().await;
        assert_eq!(world.send("PUT", "/bucket", &[], "").await.status, 200);
        world
    }

    fn signer(key: &str) -> Signer<'_> {
        Signer {
            access_key_id: key,
            secret_access_key: "secret",
            region: "us-east-1",
            service: "s3",
            session_token: None,
        }
    }

    /// Signed by root, the body hashed.
    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.send_as(ROOT, method, path, headers, body).await
    }

    async fn send_as(
        &self,
        key: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut parts = parts(method, path, headers);
        let now = self.0.clock.now();
        sigv4::sign(&Self::signer(key), &mut parts, body.as_bytes(), now);
        self.deliver(parts, body.as_bytes().to_vec()).await
    }

    async fn deliver(&self, parts: Parts, body: Vec<u8>) -> Reply {
        let request = Request::from_parts(parts, Full::new(Bytes::from(body)));
        assert!(serves(&request));
        let (head, body) = answer(self.0.control_plane(), request).await.into_parts();
        let body = body.collect().await.expect("is read").to_bytes();
        Reply {
            status: head.status,
            headers: head.headers,
            body: body.to_vec(),
        }
    }

    async fn keys(&self, query: &str) -> Vec<String> {
        let listed = self
            .send("GET", &format!("/bucket?list-type=2{query}"), &[], "")
            .await;
        assert_eq!(listed.status, 200, "{}", listed.text());
        let text = listed.text();
        let mut keys: Vec<String> = Vec::new();
        for part in text
            .split("<Key>")
            .skip(1)
            .chain(text.split("<CommonPrefixes><Prefix>").skip(1))
        {
            keys.push(part.split('<').next().unwrap_or_default().to_owned());
        }
        keys
    }
}

fn parts(method: &str, path: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "127.0.0.1:4566");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("valid").into_parts().0
}

#[tokio::test]
async fn an_object_is_answered_as_it_was_put() {
    let world = World::with_bucket().await;
    let headers = [
        ("content-type", "text/plain"),
        ("cache-control", "no-store"),
        ("x-amz-meta-origin", "test"),
        ("x-amz-checksum-crc32", "DUoRhQ=="),
    ];
    let put = world
        .send("PUT", "/bucket/config/app%20one.env", &headers, "hello world")
        .await;
    assert_eq!(put.status, 200, "{}", put.text());
    assert_eq!(put.header("etag"), "\"5eb63bbbe01eeed093cb22bb8f5acdc3\"");
    assert_eq!(put.header("x-amz-checksum-crc32"), "DUoRhQ==");
    let got = world
        .send(
            "GET",
            "/bucket/config/app%20one.env",
            &[("x-amz-checksum-mode", "ENABLED")],
            "",
        )
        .await;
    assert_eq!((got.status.as_u16(), &*got.text()), (200, "hello world"));
    for (name, value) in headers {
        assert_eq!(got.header(name), value, "{name}");
    }
    assert_eq!(got.header("etag"), put.header("etag"));
    assert_eq!(got.header("content-length"), "11");
    let head = world.send("HEAD", "/bucket/config/app%20one.env", &[], "").await;
    assert_eq!((head.status.as_u16(), &*head.text()), (200, ""));
    assert_eq!(head.header("content-length"), "11");
    assert!(head.header("last-modified").ends_with(" GMT"));

    let range = |range: &'static str| {
        let world = &world;
        async move {
            world
                .send("GET", "/bucket/config/app%20one.env", &[("range", range)], "")
                .await
        }
    };
    let part = range("bytes=6-8").await;
    assert_eq!((part.status.as_u16(), &*part.text()), (206, "wor"));
    assert_eq!(part.header("content-range"), "bytes 6-8/11");
    assert_eq!(range("bytes=-5").await.text(), "world");
    assert_eq!(range("bytes=11-").await.error(), error(416, "InvalidRange"));

    let removed = world
        .send("DELETE", "/bucket/config/app%20one.env", &[], "")
        .await;
    assert_eq!(removed.status, 204);
    let gone = world.send("GET", "/bucket/config/app%20one.env", &[], "").await;
    assert_eq!(gone.error(), error(404, "NoSuchKey"));
    assert!(
        gone.text().contains("<Key>config/app one.env</Key>"),
        "{}",
        gone.text()
    );
    let again = world
        .send("DELETE", "/bucket/config/app%20one.env", &[], "")
        .await;
    assert_eq!(again.status, 204);
    let gone = world.send("DELETE", "/bucket", &[], "").await;
    assert_eq!(gone.status, 204, "no directory is left: {}", gone.text());
}

#[tokio::test]
async fn buckets_are_made_listed_and_removed() {
    let world = World::new().await;
    let empty = world.send("GET", "/", &[], "").await;
    assert_eq!(empty.status, 200, "{}", empty.text());
    for name in ["bucket-b", "bucket-a"] {
        let made = world.send("PUT", &format!("/{name}"), &[], "").await;
        assert_eq!(
            (made.status.as_u16(), made.header("location")),
            (200, &*format!("/{name}"))
        );
    }
    let again = world.send("PUT", "/bucket-a", &[], "").await;
    assert_eq!(again.status, 200, "as on Amazon, in us-east-1");
    let listed = world.send("GET", "/", &[], "").await.text();
    let at = |name: &str| listed.find(&format!("<Name>{name}</Name>"));
    assert!(
        at("bucket-a") < at("bucket-b") && at("bucket-a").is_some(),
        "{listed}"
    );
    let head = world.send("HEAD", "/bucket-a", &[], "").await;
    assert_eq!(head.header("x-amz-bucket-region"), "us-east-1");
    assert_eq!(world.send("HEAD", "/other", &[], "").await.status, 404);
    world.send("PUT", "/bucket-a/x", &[], "1").await;
    let full = world.send("DELETE", "/bucket-a", &[], "").await;
    assert_eq!(full.error(), error(409, "BucketNotEmpty"));
    assert_eq!(world.send("DELETE", "/bucket-b", &[], "").await.status, 204);
    let gone = world.send("DELETE", "/bucket-b", &[], "").await;
    assert_eq!(gone.error(), error(404, "NoSuchBucket"));
    let missing = world.send("PUT", "/bucket-b/x", &[], "1").await;
    assert_eq!(missing.error(), error(404, "NoSuchBucket"));
    for name in ["No", "a_b", "..%2F..%2Fetc", ".uploads"] {
        let invalid = world.send("PUT", &format!("/{name}"), &[], "").await;
        assert_eq!(invalid.error(), error(400, "InvalidBucketName"), "{name}");
    }
    let elsewhere = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    let elsewhere = world.send("PUT", "/bucket-c", &[], elsewhere).await;
    assert_eq!(
        elsewhere.error(),
        error(400, "IllegalLocationConstraintException")
    );
}

#[tokio::test]
async fn what_does_not_arrive_whole_is_no_object() {
    let world = World::with_bucket().await;
    for (headers, expected) in [
        ([("x-amz-checksum-crc32", "AAAAAA==")], error(400, "BadDigest")),
        (
            [("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")],
            error(400, "BadDigest"),
        ),
        ([("content-md5", "x")], error(400, "InvalidDigest")),
        ([("content-length", "67108865")], error(400, "EntityTooLarge")),
        ([("content-length", "4")], error(400, "IncompleteBody")),
        ([("x-amz-acl", "public-read")], error(501, "NotImplemented")),
        ([("x-amz-copy-source", "/bucket/y")], error(501, "NotImplemented")),
        (
            [("x-amz-server-side-encryption", "aws:kms")],
            error(501, "NotImplemented"),
        ),
        ([("x-amz-storage-class", "GLACIER")], error(501, "NotImplemented")),
    ] {
        let put = world.send("PUT", "/bucket/x", &headers, "hello").await;
        assert_eq!(put.error(), expected, "{headers:?}");
    }
    let mut tampered = parts("PUT", "/bucket/x", &[]);
    let now = world.0.clock.now();
    sigv4::sign(&World::signer(ROOT), &mut tampered, b"hello", now);
    let put = world.deliver(tampered, b"other".to_vec()).await;
    assert_eq!(put.error(), error(400, "XAmzContentSHA256Mismatch"));
    assert_eq!(world.keys("").await, [""; 0]);

    let first = world
        .send("PUT", "/bucket/x", &[("if-none-match", "*")], "1")
        .await;
    assert_eq!(first.status, 200);
    let second = world
        .send("PUT", "/bucket/x", &[("if-none-match", "*")], "2")
        .await;
    assert_eq!(second.error(), error(412, "PreconditionFailed"));
    assert_eq!(world.send("GET", "/bucket/x", &[], "").await.text(), "1");
    let same = world
        .send("GET", "/bucket/x", &[("if-none-match", first.header("etag"))], "")
        .await;
    assert_eq!((same.status.as_u16(), &*same.text()), (304, ""));
}

#[tokio::test]
async fn bodies_come_in_chunks_too() {
    let world = World::with_bucket().await;
    // What is signed of a body is what its header says: signed here by hand.
    let signed = |words: &'static str, headers: &[(&str, &str)]| {
        let mut all = headers.to_vec();
        all.extend([
            ("x-amz-decoded-content-length", "5"),
            ("content-encoding", "aws-chunked"),
        ]);
        let mut parts = parts("PUT", "/bucket/x", &all);
        sigv4::sign_head(&World::signer(ROOT), &mut parts, words, world.0.clock.now());
        parts
    };
    let trailer = [("x-amz-trailer", "x-amz-checksum-crc32")];
    let words = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    let body =
        |checksum: &str| format!("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:{checksum}\r\n\r\n").into_bytes();
    let put = world.deliver(signed(words, &trailer), body("NhCmhg==")).await;
    assert_eq!(put.status, 200, "{}", put.text());
    let got = world.send("GET", "/bucket/x", &[], "").await;
    assert_eq!((&*got.text(), got.header("content-encoding")), ("hello", ""));
    let wrong = world.deliver(signed(words, &trailer), body("AAAAAA==")).await;
    assert_eq!(wrong.error(), error(400, "BadDigest"));
    let cut = world
        .deliver(signed(words, &trailer), b"5\r\nhello\r\n".to_vec())
        .await;
    assert_eq!(cut.error(), error(400, "IncompleteBody"));

    let words = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    let parts = signed(words, &[]);
    let signature = sigv4::read(&parts).expect("is signed");
    let date = &signature.date;
    let key = sigv4::signing_key("secret", date, "us-east-1", "s3");
    let chunks = ChunkSignatures::new(&signature, &key);
    let sealed = |content: &str| {
        let mut chunks = chunks.clone();
        let mut body = Vec::new();
        for (sent, signed) in [(content, "hello"), ("", "")] {
            let hash = hex::encode(Sha256::digest(signed));
            let next = chunks.next_chunk(&hash);
            let length = sent.len();
            body.extend(format!("{length:x};chunk-signature={next}\r\n{sent}\r\n").into_bytes());
        }
        body
    };
    let put = world.deliver(parts, sealed("hello")).await;
    assert_eq!(put.status, 200, "{}", put.text());
    let changed = world.deliver(signed(words, &[]), sealed("jello")).await;
    assert_eq!(changed.error(), error(403, "SignatureDoesNotMatch"));
    assert_eq!(world.send("GET", "/bucket/x", &[], "").await.text(), "hello");
}

#[tokio::test]
async fn keys_are_listed_in_order_page_by_page() {
    let world = World::with_bucket().await;
    let keys = [
        "a.b",
        "a/1",
        "a/2/x",
        "a0",
        "b//c",
        "b/",
        "c%2F",
        "..%2F..%2Fx",
        "%2E",
    ];
    for key in keys {
        let put = world.send("PUT", &format!("/bucket/{key}"), &[], "1").await;
        assert_eq!(put.status, 200, "{key}: {}", put.text());
    }
    let all = [".", "../../x", "a.b", "a/1", "a/2/x", "a0", "b/", "b//c", "c/"];
    // "c%2F" is "c/".
    assert_eq!(world.keys("").await, all);
    assert_eq!(world.keys("&prefix=a/").await, ["a/1", "a/2/x"]);
    assert_eq!(world.keys("&prefix=a/2").await, ["a/2/x"]);
    assert_eq!(world.keys("&start-after=a/1").await, all[4..]);
    assert_eq!(world.keys("&delimiter=/&prefix=a").await, ["a.b", "a0", "a/"]);
    assert_eq!(
        world.keys("&delimiter=/").await,
        [".", "a.b", "a0", "../", "a/", "b/", "c/"]
    );
    assert_eq!(world.keys("&max-keys=0").await, [""; 0]);
    for (delimiter, expected) in [("", all.len()), ("&delimiter=/", 7)] {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let query = format!("/bucket?list-type=2&max-keys=2{delimiter}{token}");
            let text = world.send("GET", &query, &[], "").await.text();
            found.extend(world.keys(&format!("&max-keys=2{delimiter}{token}")).await);
            let Some((_, rest)) = text.split_once("<NextContinuationToken>") else {
                break;
            };
            token = format!(
                "&continuation-token={}",
                rest.split('<').next().unwrap_or_default()
            );
        }
        let mut unique = found.clone();
        unique.sort();
        unique.dedup();
        assert_eq!((found.len(), unique.len()), (expected, expected), "{found:?}");
    }
    let token = world
        .send("GET", "/bucket?list-type=2&continuation-token=x", &[], "")
        .await;
    assert_eq!(token.error(), error(400, "InvalidArgument"));
    let old = world.send("GET", "/bucket", &[], "").await;
    assert_eq!(old.error(), error(501, "NotImplemented"));
}

#[tokio::test]
async fn only_who_may_gets_an_answer() {
    let world = World::with_bucket().await;
    let agent = world.send_as(AGENT, "GET", "/bucket/x", &[], "").await;
    assert_eq!(agent.error(), error(403, "AccessDenied"));
    let nobody = world.send_as("AKIANOBODY", "GET", "/bucket/x", &[], "").await;
    assert_eq!(nobody.error(), error(403, "InvalidAccessKeyId"));
    let mut moved = parts("GET", "/bucket/x", &[]);
    let now = world.0.clock.now();
    sigv4::sign(&World::signer(ROOT), &mut moved, b"", now);
    moved.uri = "/bucket/y".parse().expect("a path");
    let moved = world.deliver(moved, Vec::new()).await;
    assert_eq!(moved.error(), error(403, "SignatureDoesNotMatch"));
    let other = world
        .send(
            "HEAD",
            "/bucket",
            &[("x-amz-expected-bucket-owner", "210987654321")],
            "",
        )
        .await;
    assert_eq!(other.status, 403);

    world.send("PUT", "/bucket/x", &[], "hello").await;
    let unsigned = parts("GET", "/bucket/x", &[]);
    let query = sigv4::sign_query(&World::signer(ROOT), &unsigned, 60, now);
    let presigned = parts("GET", &format!("/bucket/x?{query}"), &[]);
    assert_eq!(world.deliver(presigned, Vec::new()).await.text(), "hello");
    let old = parts("GET", "/bucket/x?AWSAccessKeyId=a&Signature=b&Expires=1", &[]);
    let old = world.deliver(old, Vec::new()).await;
    assert_eq!(old.error(), error(400, "InvalidRequest"));
    let plain = Request::builder().uri("/bucket/x").body(()).expect("valid");
    assert!(!serves(&plain));
}

#[tokio::test]
async fn every_checksum_is_made_and_kept() {
    let world = World::with_bucket().await;
    for (name, value) in [
        ("x-amz-checksum-crc32", "y/Q5Jg=="),
        ("x-amz-checksum-crc32c", "4waSgw=="),
        ("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
        ("x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
        (
            "x-amz-checksum-sha256",
            "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
        ),
    ] {
        let put = world
            .send("PUT", "/bucket/x", &[(name, value)], "123456789")
            .await;
        assert_eq!(put.status, 200, "{name}: {}", put.text());
        let head = [("x-amz-checksum-mode", "ENABLED")];
        let head = world.send("HEAD", "/bucket/x", &head, "").await;
        assert_eq!(head.header(name), value);
    }
}
