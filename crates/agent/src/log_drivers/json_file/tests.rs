//! The files as a reader of Docker's finds them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::time::Duration;

use flate2::read::GzDecoder;
use jiff::Timestamp;

use super::writer::Files;
use super::{JsonFileOptions, cleanup, format, take};
use crate::host::{ContainerSpec, LogLine, OutputStream};
use crate::log_drivers::options::Options;

const ID: &str = "ea32192c8553fbff06c9340478a2ff089b2bb5646fb718b4ee206641c9086d66";

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn options(pairs: &[(&str, &str)]) -> Result<Option<JsonFileOptions>, String> {
    let taken = take(&mut Options(map(pairs)), &ContainerSpec::default());
    taken.map_err(|it| it.to_string())
}

fn asked(pairs: &[(&str, &str)]) -> JsonFileOptions {
    options(pairs).expect("valid").expect("asks for files")
}

#[test]
fn files_are_written_for_what_only_they_have() {
    for plain in [
        vec![],
        vec![("max-size", "1m"), ("max-file", "3")],
        vec![("compress", "false"), ("labels", "")],
    ] {
        assert_eq!(options(&plain), Ok(None), "{plain:?}");
    }
    for (pairs, expected) in [
        (vec![("compress", "true")], "compress cannot be true"),
        (
            vec![("compress", "true"), ("max-size", "1m")],
            "compress cannot be true",
        ),
        (vec![("compress", "maybe")], "compress"),
        (vec![("env-regex", "(")], "env-regex"),
        (vec![("tag", "{{.Other}}")], "log tag"),
    ] {
        let refused = options(&pairs).expect_err(expected);
        assert!(refused.contains(expected), "{refused}");
    }
    let all = asked(&[("max-size", "1m"), ("max-file", "2"), ("compress", "true")]);
    assert!(all.compresses && all.limits.files == Some(2));
}

#[test]
fn a_line_has_the_attributes_that_were_asked_for() {
    let options = asked(&[
        ("labels", "tier, none"),
        ("env", "MODE"),
        ("env-regex", "^AWS_"),
        ("tag", "web/{{.ID}}"),
    ]);
    let labels = map(&[("tier", "front"), ("other", "x")]);
    let environment = map(&[("MODE", "fast"), ("AWS_REGION", "here"), ("SECRET", "x")]);
    let attributes = format::attributes(&options, &labels, &environment, ID);
    let line = LogLine {
        timestamp: Timestamp::UNIX_EPOCH + Duration::from_nanos(1_500_000_001),
        message: "a \"b\"".to_owned(),
        stream: OutputStream::Stderr,
        position: 0,
    };
    assert_eq!(
        String::from_utf8_lossy(&format::line(&line, &attributes)),
        concat!(
            r#"{"log":"a \"b\"\n","stream":"stderr","attrs":{"AWS_REGION":"here","MODE":"fast","tag":"web/ea32192c8553","#,
            r#""tier":"front"},"time":"1970-01-01T00:00:01.500000001Z"}"#,
            "\n"
        )
    );
    assert!(!String::from_utf8_lossy(&format::line(&line, &map(&[]))).contains("attrs"));
}

#[test]
fn full_files_are_kept_as_many_as_asked_for() -> io::Result<()> {
    for compress in ["true", "false"] {
        let folder = tempfile::tempdir()?;
        let options = asked(&[
            ("max-size", "10"),
            ("max-file", "3"),
            ("compress", compress),
            ("env", "A"),
        ]);
        let files = Files::new(folder.path(), &options, ID);
        let lines: Vec<Vec<u8>> = (0..7).map(|it| format!("line{it}\n").into_bytes()).collect();
        // As after a restart of the agent in between.
        files.write(&lines[..3])?;
        files.write(&lines[3..])?;
        let read = |end: &str| -> io::Result<String> {
            let name = format!("{ID}/{ID}-json.log{end}");
            let mut text = String::new();
            match end.ends_with(".gz") {
                true => {
                    GzDecoder::new(fs::File::open(folder.path().join(name))?).read_to_string(&mut text)?
                }
                false => fs::File::open(folder.path().join(name))?.read_to_string(&mut text)?,
            };
            Ok(text)
        };
        let gz = if compress == "true" { ".gz" } else { "" };
        assert_eq!(read("")?, "line6\n");
        assert_eq!(read(&format!(".1{gz}"))?, "line4\nline5\n");
        assert_eq!(read(&format!(".2{gz}"))?, "line2\nline3\n");
        assert_eq!(fs::read_dir(folder.path().join(ID))?.count(), 3);
    }
    Ok(())
}

#[test]
fn files_go_some_hours_after_their_container() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let options = asked(&[("env", "A")]);
    for id in ["running", "ended"] {
        Files::new(folder.path(), &options, id).write(&[b"line\n".to_vec()])?;
    }
    let written = fs::metadata(folder.path().join("ended/ended-json.log"))?.modified()?;
    let in_use = BTreeSet::from(["running".to_owned()]);
    let left = |hours: u64| -> io::Result<usize> {
        let now = written + Duration::from_secs(hours * 60 * 60);
        cleanup::clean(folder.path(), &in_use, now)?;
        Ok(fs::read_dir(folder.path())?.count())
    };
    assert_eq!((left(0)?, left(2)?, left(4)?, left(400)?), (2, 2, 1, 1));
    cleanup::clean(&folder.path().join("none"), &in_use, written)
}
