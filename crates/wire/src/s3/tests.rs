//! Requests, answers and errors of S3, and Amazon's published signatures.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::sigv4::{self, ChunkSignatures};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const SCOPE: &str = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";

fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("valid").into_parts().0
}

fn now() -> Timestamp {
    "2013-05-24T00:00:00Z".parse().expect("a time")
}

fn key() -> [u8; 32] {
    sigv4::signing_key(SECRET, "20130524", "us-east-1", "s3")
}

/// Verifies a request as S3 does; gives its signature.
fn verified(
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    signed: &str,
    signature: &str,
) -> sigv4::Signature {
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders={signed},Signature={signature}");
    let mut all = headers.to_vec();
    all.push(("authorization", &authorization));
    let parts = parts(method, uri, &all);
    let payload = Payload::of(&parts.headers, false).expect("is one");
    let signature = sigv4::read(&parts).expect("complete");
    let verdict = sigv4::verify_head(&signature, &key(), &parts, payload.words(), now());
    assert_eq!(verdict, Ok(()), "{method} {uri}");
    signature
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
#[test]
fn published_signatures_verify() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let host = ("host", "examplebucket.s3.amazonaws.com");
    let date = ("x-amz-date", "20130524T000000Z");
    verified(
        "GET",
        "/test.txt",
        &[
            host,
            ("range", "bytes=0-9"),
            ("x-amz-content-sha256", empty),
            date,
        ],
        "host;range;x-amz-content-sha256;x-amz-date",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
    verified(
        "PUT",
        "/test%24file.text",
        &[
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            host,
            (
                "x-amz-content-sha256",
                "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            ),
            date,
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ],
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    );
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>
fn published_chunks() -> (Vec<u8>, ChunkSignatures) {
    let signature = verified(
        "PUT",
        "/examplebucket/chunkObject.txt",
        &[
            ("host", "s3.amazonaws.com"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
            ("content-length", "66824"),
        ],
        "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    );
    let chunks = [
        (
            65536,
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        ),
        (
            1024,
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        ),
        (
            0,
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ),
    ];
    let mut body = Vec::new();
    for (length, signature) in chunks {
        body.extend(format!("{length:x};chunk-signature={signature}\r\n").into_bytes());
        body.extend(vec![b'a'; length]);
        body.extend(b"\r\n");
    }
    (body, ChunkSignatures::new(&signature, &key()))
}

#[test]
fn published_chunks_verify_and_changed_ones_do_not() {
    let (body, signatures) = published_chunks();
    assert_eq!(body.len(), 66824);
    let mut decoder = Decoder::signed(signatures.clone());
    let mut out = Vec::new();
    for piece in body.chunks(1000) {
        decoder.push(piece, &mut out).expect("verifies");
    }
    assert_eq!(decoder.finish(), Ok(Vec::new()));
    assert!(out.len() == 66560 && out.iter().all(|it| *it == b'a'));
    for at in [100, 66000] {
        let mut changed = body.clone();
        changed[at] = b'b';
        let pushed = Decoder::signed(signatures.clone()).push(&changed, &mut Vec::new());
        assert_eq!(pushed, Err(ChunkedError::Signature), "{at}");
    }
    let mut decoder = Decoder::signed(signatures);
    decoder
        .push(&body[..body.len() - 90], &mut Vec::new())
        .expect("so far");
    assert_eq!(decoder.finish(), Err(ChunkedError::Malformed));
}

#[test]
fn unsigned_chunks_have_headers_behind_them() {
    let body = b"5\r\nhello\r\n1\r\n!\r\n0\r\nX-Amz-Checksum-Crc32: nEfoDQ==\r\n\r\n";
    let read = |step: usize| {
        let (mut decoder, mut out) = (Decoder::unsigned(), Vec::new());
        for piece in body.chunks(step) {
            decoder.push(piece, &mut out)?;
        }
        Ok::<_, ChunkedError>((out, decoder.finish()?))
    };
    for step in 1..=body.len() {
        let trailers = vec![("x-amz-checksum-crc32".to_owned(), "nEfoDQ==".to_owned())];
        assert_eq!(read(step), Ok((b"hello!".to_vec(), trailers)), "{step}");
    }
    for body in [
        "",
        "5\r\nhello\r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "x\r\n",
        "-1\r\n",
        "0\r\n\r\nmore",
        "0\r\nno header\r\n\r\n",
        "00000000000000005\r\n",
    ] {
        let (mut decoder, mut out) = (Decoder::unsigned(), Vec::new());
        let pushed = decoder.push(body.as_bytes(), &mut out);
        let read = pushed.and_then(|()| decoder.finish());
        assert_eq!(read, Err(ChunkedError::Malformed), "{body:?}");
    }
}

proptest! {
    #[test]
    fn chunks_are_read_however_they_arrive(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..6),
        step in 1_usize..40,
    ) {
        let mut body = Vec::new();
        for it in &chunks {
            body.extend(format!("{:X}\r\n", it.len()).into_bytes());
            body.extend(it);
            body.extend(b"\r\n");
        }
        body.extend(b"0\r\n\r\n");
        let (mut decoder, mut out) = (Decoder::unsigned(), Vec::new());
        for piece in body.chunks(step) {
            decoder.push(piece, &mut out).expect("is one");
        }
        prop_assert_eq!(decoder.finish(), Ok(Vec::new()));
        prop_assert_eq!(out, chunks.concat());
    }

    #[test]
    fn any_bytes_are_chunks_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let (mut decoder, mut out) = (Decoder::unsigned(), Vec::new());
        let _ = decoder.push(&body, &mut out);
        prop_assert!(out.len() <= body.len());
    }

    #[test]
    fn paths_of_objects_lead_back_to_them(key in "[^\u{0}]{1,40}") {
        let path = object_path("bucket", &key);
        let read = target("127.0.0.1:4566", &path, "127.0.0.1").expect("is one");
        prop_assert_eq!(read.key, Some(key));
    }
}

#[test]
fn buckets_are_in_the_path_or_the_host() {
    let read = |host: &str, path: &str| {
        let it = target(host, path, "gantry.example").expect("is one");
        (it.bucket.unwrap_or_default(), it.key.unwrap_or_default())
    };
    let both = |bucket: &str, key: &str| (bucket.to_owned(), key.to_owned());
    assert_eq!(read("127.0.0.1:4566", "/"), both("", ""));
    assert_eq!(read("127.0.0.1:4566", "/bucket"), both("bucket", ""));
    assert_eq!(read("127.0.0.1:4566", "/bucket/"), both("bucket", ""));
    assert_eq!(
        read("localhost:4566", "/bucket/a%20b/c.env"),
        both("bucket", "a b/c.env")
    );
    assert_eq!(
        read("bucket.localhost:4566", "/a/b.env"),
        both("bucket", "a/b.env")
    );
    assert_eq!(read("a.bucket.gantry.example", "/x"), both("a.bucket", "x"));
    assert_eq!(read("gantry.example", "/x/y"), both("x", "y"));
    assert_eq!(read("127.0.0.1", "/bucket//a"), both("bucket", "/a"));
    let long = target("h", &format!("/bucket/{}", "k".repeat(1025)), "h").expect_err("too long");
    assert_eq!(long.code, "KeyTooLongError");
    assert_eq!(
        target("h", "/bucket/%FF", "h").expect_err("no text").code,
        "InvalidURI"
    );
}

#[test]
fn operations_are_found_and_the_rest_is_not_implemented() {
    let find = |method: Method, path: &str, query: &str| {
        let target = target("127.0.0.1", path, "127.0.0.1").expect("is one");
        let found = operation(&method, &target, &sigv4::query_pairs(query));
        found.map(Operation::as_str).map_err(|it| it.code)
    };
    for (method, path, query, expected) in [
        (Method::GET, "/", "", Ok("ListBuckets")),
        (Method::PUT, "/bucket", "", Ok("CreateBucket")),
        (
            Method::GET,
            "/bucket",
            "list-type=2&prefix=&delimiter=%2F",
            Ok("ListObjectsV2"),
        ),
        (Method::GET, "/bucket", "location", Ok("GetBucketLocation")),
        (Method::GET, "/bucket/a", "x-id=GetObject", Ok("GetObject")),
        (
            Method::GET,
            "/bucket/a",
            "X-Amz-Signature=0&X-Amz-Date=1",
            Ok("GetObject"),
        ),
        (Method::DELETE, "/bucket/a", "", Ok("DeleteObject")),
        (Method::GET, "/bucket", "", Err("NotImplemented")),
        (Method::GET, "/bucket", "acl", Err("NotImplemented")),
        (Method::PUT, "/bucket", "versioning", Err("NotImplemented")),
        (Method::POST, "/bucket", "delete", Err("NotImplemented")),
        (Method::POST, "/bucket/a", "uploads", Err("NotImplemented")),
        (
            Method::PUT,
            "/bucket/a",
            "partNumber=1&uploadId=x",
            Err("NotImplemented"),
        ),
        (Method::GET, "/bucket/a", "versionId=1", Err("NotImplemented")),
        (Method::PATCH, "/bucket/a", "", Err("MethodNotAllowed")),
    ] {
        let found = find(method.clone(), path, query);
        assert_eq!(
            found.as_deref().map_err(String::as_str),
            expected.as_ref().map(|it| &**it).map_err(|it| *it),
            "{method} {path}?{query}"
        );
    }
}

#[test]
fn bodies_are_what_their_header_says() {
    let of = |words: &str| {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static(sigv4::PAYLOAD_HASH),
            HeaderValue::from_str(words).expect("a value"),
        )]);
        Payload::of(&headers, false).map(|it| it.words().to_owned())
    };
    for words in [
        "UNSIGNED-PAYLOAD",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ] {
        assert_eq!(of(words).as_deref(), Ok(words));
    }
    assert_eq!(of("none").expect_err("is none").code, "InvalidArgument");
    let unknown = of("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD").expect_err("is not built");
    assert_eq!((unknown.status, &*unknown.code), (501, "NotImplemented"));
    assert_eq!(Payload::of(&HeaderMap::new(), true), Ok(Payload::Unsigned));
    assert!(Payload::of(&HeaderMap::new(), false).is_err());
}

#[test]
fn names_of_buckets_follow_the_rules() {
    for name in ["abc", "my-bucket", "a.b.c", "0123", &"a".repeat(63)] {
        assert!(is_bucket_name(name), "{name}");
    }
    for name in [
        "",
        "ab",
        "Abc",
        "a_b",
        "-abc",
        "abc-",
        ".abc",
        "a..b",
        "../x",
        "10.0.0.1",
        "xn--abc",
        "abc-s3alias",
        "a/b",
        ".hidden",
        &"a".repeat(64),
    ] {
        assert!(!is_bucket_name(name), "{name}");
    }
}

#[test]
fn errors_are_read_as_they_are_written() {
    let error = S3Error::no_such_key("a&b<c>");
    let document = error.xml("/bucket/a&b", "id");
    assert!(document.contains("<Key>a&amp;b&lt;c&gt;</Key>"), "{document}");
    let read = S3Error::parse(404, document.as_bytes());
    assert_eq!(
        (read.status, &*read.code, &*read.message),
        (404, "NoSuchKey", "The specified key does not exist.")
    );
    let quoted = S3Error::new(400, "X", "it's \"a\" & b");
    assert_eq!(
        S3Error::parse(400, quoted.xml("", "").as_bytes()).message,
        "it's \"a\" & b"
    );
    assert_eq!(S3Error::parse(502, b"bad gateway").code, "");
}

#[test]
fn errors_of_all_services_have_their_own_names_here() {
    let code = |error: &crate::error::CommonError| {
        let error = S3Error::of_common(error);
        (error.status, error.code)
    };
    let unsigned = sigv4::read(&parts("GET", "/", &[])).expect_err("is not");
    assert_eq!(code(&unsigned), (403, "AccessDenied".to_owned()));
    assert_eq!(
        code(&sigv4::unknown_key()),
        (403, "InvalidAccessKeyId".to_owned())
    );
    assert_eq!(code(&sigv4::expired_token()), (400, "ExpiredToken".to_owned()));
    let invalid = sigv4::invalid("no".to_owned());
    assert_eq!(code(&invalid), (403, "SignatureDoesNotMatch".to_owned()));
}

#[test]
fn a_page_of_objects_is_written() {
    let query = ListedQuery {
        bucket: "bucket".to_owned(),
        prefix: "a b/".to_owned(),
        delimiter: Some("/".to_owned()),
        max_keys: 2,
        is_url_encoded: true,
        ..ListedQuery::default()
    };
    let page = ListedPage {
        objects: vec![ListedObject {
            key: "a b/x+y.env".to_owned(),
            modified_at: now(),
            etag: "\"e\"".to_owned(),
            size: 3,
            checksum: Some("CRC32"),
        }],
        common_prefixes: vec!["a b/c/".to_owned()],
        next_token: Some("t".to_owned()),
    };
    assert_eq!(
        list_objects(&query, &page, "123456789012"),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Name>bucket</Name><Prefix>a%20b/</Prefix><Delimiter>/</Delimiter><NextContinuationToken>t</NextContinuationToken>\
         <KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
         <Contents><Key>a%20b/x%2By.env</Key><LastModified>2013-05-24T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag>\
         <ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>3</Size>\
         <StorageClass>STANDARD</StorageClass></Contents><CommonPrefixes><Prefix>a%20b/c/</Prefix></CommonPrefixes>\
         </ListBucketResult>"
    );
}

#[test]
fn the_region_of_a_new_bucket_is_read() {
    let region = |body: &str| wanted_region(body.as_bytes()).map_err(|it| it.code);
    assert_eq!(region(""), Ok(None));
    let configured = "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    assert_eq!(region(configured), Ok(Some("eu-west-1".to_owned())));
    let tagged = "<CreateBucketConfiguration><Tags/></CreateBucketConfiguration>";
    assert_eq!(region(tagged), Err("NotImplemented".to_owned()));
    for body in ["<Other/>x<", "<CreateBucketConfiguration>", "<Other></Other>"] {
        assert_eq!(region(body), Err("MalformedXML".to_owned()), "{body}");
    }
}
