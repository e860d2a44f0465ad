//! Paths and ranges, which are read without anything else.

use proptest::prelude::*;

use super::super::path::{Reference, Target, parameter, parse};
use super::super::range::{Wanted, piece, wanted};

#[test]
fn paths_are_read_from_their_end() {
    let digest = format!("sha256:{}", "0a".repeat(32));
    let name = |text: &str| text.to_owned();
    let table = [
        ("/v2", Some(Target::Base)),
        ("/v2/", Some(Target::Base)),
        ("/v2/a1/tags/list", Some(Target::Tags { name: name("a1") })),
        (
            "/v2/blobs/uploads/manifests/latest",
            Some(Target::Manifest {
                name: name("blobs/uploads"),
                reference: Reference::Tag(name("latest")),
            }),
        ),
        (
            "/v2/team/web/blobs/uploads/",
            Some(Target::Uploads {
                name: name("team/web"),
            }),
        ),
        (
            "/v2/team/web/blobs/uploads",
            Some(Target::Uploads {
                name: name("team/web"),
            }),
        ),
        (
            "/v2/web/blobs/uploads/0-1",
            Some(Target::Upload {
                name: name("web"),
                id: name("0-1"),
            }),
        ),
        ("/v2/blobs/uploads/", None),
        ("/v2/web", None),
        ("/v2/web/manifests/", None),
        ("/v2/web/manifests/a b", None),
        ("/v2/../manifests/a", None),
        ("/v2/Web/manifests/a", None),
        ("/v2x/web/manifests/a", None),
        ("/v2/web/blobs/latest", None),
    ];
    for (path, expected) in table {
        assert_eq!(parse(path), expected, "{path}");
    }
    let blob = parse(&format!("/v2/web/blobs/{digest}"));
    assert_eq!(
        blob,
        Some(Target::Blob {
            name: name("web"),
            digest: digest.clone()
        })
    );
    let manifest = parse(&format!("/v2/web/manifests/{digest}"));
    let reference = Reference::Digest(digest.clone());
    assert_eq!(
        manifest,
        Some(Target::Manifest {
            name: name("web"),
            reference
        })
    );
    let referrers = parse(&format!("/v2/web/referrers/{digest}"));
    assert_eq!(
        referrers,
        Some(Target::Referrers {
            name: name("web"),
            digest
        })
    );
}

#[test]
fn parameters_are_decoded() {
    let query = "digest=sha256%3Aab&from=team%2Fweb&n=&x";
    assert_eq!(parameter(query, "digest").as_deref(), Some("sha256:ab"));
    assert_eq!(parameter(query, "from").as_deref(), Some("team/web"));
    assert_eq!(parameter(query, "n").as_deref(), Some(""));
    assert_eq!((parameter(query, "x"), parameter("", "x")), (None, None));
    assert_eq!(parameter("a=%ff", "a"), None, "no text");
}

#[test]
fn pieces_say_where_they_belong() {
    for (header, expected) in [
        ("0-0", Some((0, 1))),
        ("5-9", Some((5, 5))),
        ("bytes 5-9/100", Some((5, 5))),
        ("9-5", None),
        ("-5", None),
        ("5-", None),
        ("a-b", None),
        ("", None),
        ("0-18446744073709551615", None),
    ] {
        assert_eq!(piece(header), expected, "{header}");
    }
}

proptest! {
    #[test]
    fn a_part_lies_within_the_content(header in "bytes=[0-9]{0,4}-[0-9]{0,4}", size in 0_u64..2000) {
        if let Wanted::Part(first, last) = wanted(Some(&header), size) {
            prop_assert!(first <= last && last < size, "{header} of {size}: {first}-{last}");
        }
    }

    #[test]
    fn no_path_or_query_panics(path in "/v2[/a-z0-9:.%_-]{0,40}", query in "[a-z=&%0-9]{0,20}") {
        let _ = parse(&path);
        let _ = parameter(&query, "a");
    }
}
