//! Names of buckets, and how long keys may be.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>

use std::net::Ipv4Addr;

/// Longest key, in bytes of UTF-8.
pub const KEY_BYTES_MAX: usize = 1024;
/// What names must not begin with.
const PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
/// What names must not end with.
const SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// Whether a bucket may be called so: it is also safe as the name of a directory.
pub fn is_bucket_name(name: &str) -> bool {
    let is_letter_or_digit = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name
            .chars()
            .all(|it| is_letter_or_digit(it) || matches!(it, '.' | '-'))
        && name.starts_with(is_letter_or_digit)
        && name.ends_with(is_letter_or_digit)
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
        && !PREFIXES.iter().any(|it| name.starts_with(it))
        && !SUFFIXES.iter().any(|it| name.ends_with(it))
}
