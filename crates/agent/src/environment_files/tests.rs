//! Files of variables as Amazon documents them.

use super::*;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn lines_are_taken_as_they_are() {
    for (text, expected) in [
        ("", &[][..]),
        ("A=1\nB=two words\n", &[("A", "1"), ("B", "two words")]),
        ("A=1\r\nB=2\r\n", &[("A", "1"), ("B", "2")]),
        ("# A=1\n#B=2\n\nC=3", &[("C", "3")]),
        // No quotes, no expansion, no trimming.
        (
            "A=\"1\"\nB='$A'\n C = 3 ",
            &[("A", "\"1\""), ("B", "'$A'"), (" C ", " 3 ")],
        ),
        ("A=b=c\n=d\nE=\nno variable\n", &[("A", "b=c")]),
        ("A=1 # kept", &[("A", "1 # kept")]),
        ("A=1\nA=2\n", &[("A", "2")]),
        ("Ä=ö", &[("Ä", "ö")]),
    ] {
        assert_eq!(variables(text.as_bytes()), Ok(map(expected)), "{text:?}");
    }
}

#[test]
fn what_is_no_text_is_refused() {
    assert_eq!(variables(b"A=\xff"), Err(Unreadable::NoText));
    assert_eq!(variables(b"A=1\nB=\0"), Err(Unreadable::ZeroByte(2)));
    let long = format!("A=1\nB={}", "x".repeat(LINE_BYTES_MAX));
    assert_eq!(variables(long.as_bytes()), Err(Unreadable::LineTooLong(2)));
}

#[test]
fn a_container_s_own_variables_count_more() {
    let files = EnvironmentFiles {
        files: Vec::new(),
        defaults: BTreeSet::from(["AWS_REGION".to_owned()]),
    };
    let mut environment = map(&[("MODE", "own"), ("AWS_REGION", "us-east-1")]);
    let of_files = map(&[("MODE", "file"), ("AWS_REGION", "eu-west-1"), ("NEW", "1")]);
    files.extend(&mut environment, &of_files);
    let expected = map(&[("MODE", "own"), ("AWS_REGION", "eu-west-1"), ("NEW", "1")]);
    assert_eq!(environment, expected);
}
