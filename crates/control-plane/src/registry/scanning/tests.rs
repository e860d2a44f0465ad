use std::io::Write;

use super::*;

/// An archive of files; a name that ends with a slash is a directory.
fn layer(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, path, content.as_bytes())
            .expect("appended");
    }
    builder.into_inner().expect("finished")
}

fn found(layers: &[Vec<u8>]) -> Result<Vec<String>, String> {
    let mut files = Interesting::default();
    for layer in layers {
        files.add_layer(layer.as_slice()).map_err(|it| it.to_string())?;
    }
    let packages = packages::installed(&files).map_err(|it| it.to_string())?;
    Ok(packages.into_iter().map(|it| it.name).collect())
}

const ONE: &str = "Package: one\nVersion: 1\n";
const TWO: &str = "Package: two\nVersion: 1\n";

#[test]
fn later_layers_replace_and_hide_files_of_earlier_ones() {
    let status = |text: &str| layer(&[("./var/lib/dpkg/status", text)]);
    let part = |name: &str, text: &str| layer(&[(&format!("var/lib/dpkg/status.d/{name}"), text)]);
    for (what, layers, expected) in [
        ("replaced", vec![status(ONE), status(TWO)], vec!["two"]),
        (
            "parts",
            vec![part("a", ONE), part("b", TWO), part("a.md5sums", "x")],
            vec!["one", "two"],
        ),
        (
            "one hidden",
            vec![part("a", ONE), part("b", TWO), part(".wh.a", "")],
            vec!["two"],
        ),
        (
            "a directory hidden",
            vec![
                part("a", ONE),
                layer(&[("var/lib/.wh.dpkg", ""), ("lib/apk/db/installed", "P:x\nV:1\n")]),
            ],
            vec!["x"],
        ),
        (
            "all but its own hidden",
            vec![
                part("a", ONE),
                layer(&[
                    ("var/lib/dpkg/status.d/b", TWO),
                    ("var/lib/dpkg/status.d/.wh..wh..opq", ""),
                ]),
            ],
            vec!["two"],
        ),
    ] {
        let names = found(&layers).expect(what);
        assert_eq!(names, expected, "{what}");
    }
}

#[test]
fn layers_may_be_compressed() {
    let plain = layer(&[("var/lib/dpkg/status", ONE)]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).expect("written");
    let gzip = gzip.finish().expect("finished");
    let zstd = zstd::stream::encode_all(plain.as_slice(), 1).expect("encoded");
    for compressed in [plain, gzip, zstd] {
        assert_eq!(found(&[compressed]), Ok(vec!["one".to_owned()]));
    }
}

#[test]
fn an_image_without_a_list_is_refused_in_amazons_words() {
    for (layers, reason) in [
        (vec![layer(&[("bin/sh", "x")])], "no list of packages"),
        (vec![layer(&[("var/lib/rpm/rpmdb.sqlite", "x")])], "RPM"),
        (vec![], "no list of packages"),
    ] {
        let refused = found(&layers).expect_err("no list");
        assert!(
            refused.starts_with(UNSUPPORTED) && refused.contains(reason),
            "{refused}"
        );
    }
    assert!(found(&[b"\x1f\x8bnothing".to_vec()]).is_err());
}
