//! AWS's test suite of Signature Version 4: each request that it signs is verified as the server does it.
//!
//! The suite is not kept here: `cargo xtask test` fetches the source distribution of botocore, which has it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use http::request::Parts;
use jiff::Timestamp;
use wire::sigv4;

/// Names the folder of the suite; `cargo xtask test` sets it.
const VARIABLE: &str = "GANTRY_SIGV4_SUITE";
/// Where `cargo xtask test` puts it.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/sigv4-suite");
/// The secret of the suite's key.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// When all of its requests are signed.
const SIGNED_AT: &str = "2015-08-30T12:36:00Z";
/// `<case> — <reason>`, a line each: requests that the server refuses.
const SKIPPED: &str = include_str!("skipped.txt");
/// Most headers of a request of the suite.
const HEADERS_MAX: usize = 16;

/// Folders of cases below this one, by their names.
fn cases(folder: &Path) -> BTreeMap<String, PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| {
        panic!(
            "{}: {error}: `cargo xtask test` fetches the suite",
            folder.display()
        )
    });
    let folders = entries
        .map(|it| it.expect("an entry").path())
        .filter(|it| it.is_dir());
    let mut found = BTreeMap::new();
    for folder in folders {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        if folder.join(format!("{name}.sreq")).exists() {
            found.insert(name, folder);
        } else {
            found.append(&mut cases(&folder));
        }
    }
    found
}

/// The signed request of a case, as a server reads it from its connection. One of the suite's signed requests has the
/// signature of another, so that the signature is taken from the file that has it alone.
fn request(name: &str, folder: &Path) -> Result<(Parts, Vec<u8>), String> {
    let file = |extension: &str| std::fs::read(folder.join(format!("{name}.{extension}"))).expect("a file");
    let mut text = file("sreq");
    text.extend_from_slice(b"\n\n");
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    let status = parsed.parse(&text).map_err(|error| error.to_string())?;
    let httparse::Status::Complete(length) = status else {
        return Err("the head does not end".to_owned());
    };
    let (method, path) = (parsed.method.expect("a method"), parsed.path.expect("a path"));
    let mut request = http::Request::builder().method(method).uri(path);
    for header in parsed.headers.iter() {
        if !header.name.eq_ignore_ascii_case("authorization") {
            request = request.header(header.name, header.value);
        }
    }
    let request = request.header("authorization", file("authz").trim_ascii());
    let (parts, ()) = request.body(()).map_err(|error| error.to_string())?.into_parts();
    // Two line feeds were added, of which some may have ended the head.
    let body = text[length..].trim_ascii_end().to_vec();
    Ok((parts, body))
}

fn verify(name: &str, folder: &Path) -> Result<(), String> {
    let (parts, body) = request(name, folder)?;
    let signature = sigv4::read(&parts).map_err(|error| error.message)?;
    let key = sigv4::signing_key(SECRET, &signature.date, &signature.region, &signature.service);
    let at: Timestamp = SIGNED_AT.parse().expect("a time");
    let verified = sigv4::verify(&signature, &key, &parts, &body, at);
    if verified.is_ok() {
        let other = sigv4::verify(&signature, &key, &parts, b"another body", at);
        assert!(other.is_err(), "{name}: any body verifies");
    }
    verified.map_err(|error| error.message)
}

/// The list of what is skipped may only get shorter: a case of it that verifies fails the test too.
#[test]
fn signed_requests_of_the_suite_verify() {
    let lines = SKIPPED.lines().filter(|it| !it.is_empty());
    let mut skipped: BTreeMap<&str, &str> = lines
        .map(|line| line.split_once(" — ").expect("a skipped case has a reason"))
        .collect();
    let folder = std::env::var_os(VARIABLE).map_or_else(|| PathBuf::from(FOLDER), PathBuf::from);
    let mut faults = Vec::new();
    let mut passed = 0;
    for (name, folder) in cases(&folder) {
        match (verify(&name, &folder), skipped.remove(name.as_str())) {
            (Ok(()), None) => passed += 1,
            (Err(_), Some(_)) => {}
            (Ok(()), Some(_)) => faults.push(format!("{name} verifies: take it off the list")),
            (Err(error), None) => faults.push(format!("{name} — {error}")),
        }
    }
    let unknown = skipped.keys();
    faults.extend(unknown.map(|name| format!("{name} is on the list, but no case")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(passed >= 31, "only {passed} cases passed");
}
