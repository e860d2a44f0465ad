use super::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("valid").into_parts().0
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn key() -> [u8; 32] {
    signing_key(SECRET, "20150830", "us-east-1", "service")
}

fn signer() -> Signer<'static> {
    Signer {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: SECRET,
        region: "us-east-1",
        service: "service",
        session_token: None,
    }
}

/// Clients sign the path without its empty and relative pieces, except for S3, where they are part of a key.
#[test]
fn paths_are_signed_without_relative_pieces() {
    let signature = |service: &str, path: &str| {
        let signer = Signer { service, ..signer() };
        let mut parts = parts("GET", path, &[("host", "h")]);
        sign(&signer, &mut parts, b"", at("2015-08-30T12:36:00Z"));
        read(&parts).expect("complete").signature
    };
    let plain = signature("service", "/a/c/");
    for path in [
        "/a//c/",
        "//a/c/",
        "/./a/c/",
        "/a/b/../c/",
        "/../a/c//",
        "/a/c/./",
    ] {
        assert_eq!(signature("service", path), plain, "{path}");
        assert_ne!(signature("s3", path), signature("s3", "/a/c/"), "{path}");
    }
    for path in ["/a/c", "/a/c/d/", "/c/", "/a/...c/", "/a/b..c/"] {
        assert_ne!(signature("service", path), plain, "{path}");
    }
    for root in ["//", "/a/..", "/a/../", "/..", "/."] {
        assert_eq!(signature("service", root), signature("service", "/"), "{root}");
    }
}

#[test]
fn what_we_sign_verifies_and_nothing_else_does() {
    let signer = signer();
    let now = at("2015-08-30T12:36:00Z");
    let mut signed = parts(
        "POST",
        "/a%20b/c?x=%2F&a=1",
        &[("host", "h:1"), ("content-type", "t"), ("x-amz-target", "A.B")],
    );
    sign(&signer, &mut signed, b"body", now);
    let signature = read(&signed).expect("complete");
    assert_eq!(verify(&signature, &key(), &signed, b"body", now), Ok(()));
    let wrong = |parts: &Parts, body: &[u8], key: &[u8; 32]| {
        let error = verify(&signature, key, parts, body, now).expect_err("does not match");
        assert_eq!(
            (error.json_code, error.query_code),
            ("InvalidSignatureException", "SignatureDoesNotMatch")
        );
    };
    wrong(&signed, b"Body", &key());
    wrong(&signed, b"body", &[0; 32]);
    let mut other = signed.clone();
    other
        .headers
        .insert("x-amz-target", http::HeaderValue::from_static("A.C"));
    wrong(&other, b"body", &key());

    let unsigned = parts("GET", "/acs/ws?clusterArn=a%2Fb", &[("host", "h")]);
    let query = sign_query(&signer, &unsigned, 60, now);
    let presigned = parts("GET", &format!("/acs/ws?{query}"), &[("host", "h")]);
    let signature = read(&presigned).expect("complete");
    assert_eq!(
        verify(&signature, &key(), &presigned, b"", at("2015-08-30T12:37:00Z")),
        Ok(())
    );
    let late = verify(&signature, &key(), &presigned, b"", at("2015-08-30T12:37:01Z")).expect_err("expired");
    assert!(
        late.message
            .starts_with("Signature expired: 20150830T123600Z is now earlier than"),
        "{}",
        late.message
    );
}

#[test]
fn clocks_may_differ_by_five_minutes() {
    let signer = signer();
    let mut signed = parts("POST", "/", &[("host", "h")]);
    sign(&signer, &mut signed, b"", at("2015-08-30T12:36:00Z"));
    let signature = read(&signed).expect("complete");
    let verdict =
        |now: &str| verify(&signature, &key(), &signed, b"", at(now)).map_err(|error| error.message);
    assert_eq!(verdict("2015-08-30T12:41:00Z"), Ok(()));
    assert_eq!(verdict("2015-08-30T12:31:00Z"), Ok(()));
    assert_eq!(
        verdict("2015-08-30T12:41:01Z").expect_err("old"),
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)"
    );
    assert_eq!(
        verdict("2015-08-30T12:30:59Z").expect_err("young"),
        "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)"
    );
}

#[test]
fn what_is_unsigned_or_incomplete_says_so() {
    let date = ("x-amz-date", "20150830T123600Z");
    let code = |headers: &[(&str, &str)]| read(&parts("POST", "/", headers)).expect_err("refused").json_code;
    assert_eq!(code(&[]), "MissingAuthenticationTokenException");
    assert_eq!(
        code(&[date, ("authorization", "Bearer x")]),
        "IncompleteSignatureException"
    );
    assert_eq!(
        code(&[date, ("authorization", "AWS4-HMAC-SHA256 Credential=a")]),
        "IncompleteSignatureException"
    );
    let full = "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request, SignedHeaders=host;x-amz-date, Signature=00";
    assert_eq!(
        code(&[("authorization", full)]),
        "IncompleteSignatureException",
        "no date"
    );
    for day in ["20150829", "", "2015", "2015083", "20150830T", "20150830T123600Z"] {
        assert_eq!(
            code(&[date, ("authorization", &full.replace("20150830", day))]),
            "InvalidSignatureException",
            "{day:?}"
        );
    }
    for time in [
        "20150830T123600",
        "20150830 123600Z",
        "2015083+T12360Z",
        "20151330T123600Z",
    ] {
        assert_eq!(
            code(&[("x-amz-date", time), ("authorization", full)]),
            "IncompleteSignatureException",
            "{time:?}"
        );
    }
    assert!(read(&parts("POST", "/", &[date, ("authorization", full)])).is_ok());
}

/// Else whoever stands between could add a target, or another token, to a signed request.
#[test]
fn amazon_headers_must_be_signed() {
    let signer = signer();
    let now = at("2015-08-30T12:36:00Z");
    let mut signed = parts("POST", "/", &[("host", "h")]);
    sign(&signer, &mut signed, b"", now);
    assert!(read(&signed).is_ok());
    let mut traced = signed.clone();
    let value = http::HeaderValue::from_static("Root=1");
    traced.headers.insert("x-amzn-trace-id", value);
    assert!(read(&traced).is_ok(), "proxies add this one");
    signed
        .headers
        .insert("x-amz-target", http::HeaderValue::from_static("A.C"));
    let error = read(&signed).expect_err("added");
    assert_eq!(error.json_code, "InvalidSignatureException");
    assert!(error.message.contains("x-amz-target"), "{}", error.message);

    let unsigned = parts("GET", "/ws", &[("host", "h")]);
    let query = sign_query(&signer, &unsigned, 60, now);
    let headers = [("host", "h"), ("x-amz-target", "A.C")];
    let presigned = parts("GET", &format!("/ws?{query}"), &headers);
    assert_eq!(
        read(&presigned).expect_err("added").json_code,
        "InvalidSignatureException"
    );
}
