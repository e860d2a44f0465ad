//! Keys as paths that stay below their bucket, and names of files as keys.
//!
//! A key is split at its slashes. A part that is no name of a file, or could be taken for another, is written with `%`:
//! `.` as `%2E`, nothing at all as `%`, or `%%` behind the last slash, and `%` itself as `%25`.

use std::ffi::OsStr;
use std::fmt::Write;

/// Longest name of a file, in bytes.
const NAME_BYTES_MAX: usize = 255;
/// The part between two slashes, if it is nothing.
const NO_FOLDER: &str = "%";
/// The part behind the last slash, if it is nothing: another name, since there may be both.
const NO_FILE: &str = "%%";

/// The directories and the file of a key; `None` if a part is too long for a name.
pub fn encode(key: &str) -> Option<(Vec<String>, String)> {
    let mut parts: Vec<&str> = key.split('/').collect();
    let file = encode_part(parts.pop()?, false);
    let folders: Vec<String> = parts.into_iter().map(|it| encode_part(it, true)).collect();
    let is_short = |it: &String| it.len() <= NAME_BYTES_MAX;
    (is_short(&file) && folders.iter().all(is_short)).then_some((folders, file))
}

fn encode_part(part: &str, is_folder: bool) -> String {
    match part {
        "" if is_folder => NO_FOLDER.to_owned(),
        "" => NO_FILE.to_owned(),
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => {
            let mut name = String::with_capacity(part.len());
            for it in part.chars() {
                match it {
                    '%' | '\0'..='\x1f' | '\x7f' => {
                        let _ = write!(name, "%{:02X}", u32::from(it));
                    }
                    _ => name.push(it),
                }
            }
            name
        }
    }
}

/// The part of a key that the name of a directory or file stands for; `None` for a name that no part is written as.
pub fn decode_part(name: &OsStr, is_folder: bool) -> Option<String> {
    let name = name.to_str()?;
    if name == encode_part("", is_folder) {
        return Some(String::new());
    }
    let part = percent_encoding::percent_decode_str(name).decode_utf8().ok()?;
    (encode_part(&part, is_folder) == name).then(|| part.into_owned())
}
