//! What the headers may say that a listener sets in answers.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html>

use crate::load_balancing_attribute::{InvalidValue, number};

#[cfg(test)]
mod tests;

/// Longest value of a header.
const VALUE_MAX: usize = 1024;
/// How long browsers may keep the answer to a preflight request, in seconds.
const AGE_MAX_SECONDS: u32 = 86_400;
/// Methods that other origins may be allowed.
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];

/// Checks the value of a header, whose name is in lower case.
///
/// # Errors
/// What the value must be.
pub(super) fn check(header: &str, value: &str) -> Result<(), InvalidValue> {
    if value.len() > VALUE_MAX || !value.bytes().all(|it| (b' '..=b'~').contains(&it)) {
        return Err(InvalidValue(format!(
            "at most {VALUE_MAX} printable characters of ASCII"
        )));
    }
    match header {
        "x-content-type-options" => one_of(value.eq_ignore_ascii_case("nosniff"), "'nosniff'"),
        "x-frame-options" => one_of(
            is_frame_option(value),
            "'DENY', 'SAMEORIGIN' or 'ALLOW-FROM' with a URI",
        ),
        "access-control-allow-credentials" => one_of(value == "true", "'true'"),
        "access-control-allow-methods" => one_of(
            is_list(value, |it| METHODS.contains(&it)),
            &format!("'*' or a list of {}", METHODS.join(", ")),
        ),
        "access-control-allow-headers" | "access-control-expose-headers" => {
            one_of(is_list(value, is_name), "'*' or a list of names of headers")
        }
        "access-control-max-age" => number(value, 0..=AGE_MAX_SECONDS).map(|_| ()),
        _ => Ok(()),
    }
}

fn one_of(is_one: bool, of: &str) -> Result<(), InvalidValue> {
    match is_one {
        true => Ok(()),
        false => Err(InvalidValue(of.to_owned())),
    }
}

fn is_frame_option(value: &str) -> bool {
    let is = |other: &str| value.eq_ignore_ascii_case(other);
    let from = value.split_once(' ').map(|(word, uri)| (word, uri.trim()));
    let is_from = from.is_some_and(|(word, uri)| {
        word.eq_ignore_ascii_case("ALLOW-FROM") && uri.contains("://") && !uri.contains(' ')
    });
    is("DENY") || is("SAMEORIGIN") || is_from
}

/// Whether it is a star, or words between commas.
fn is_list(value: &str, is_word: impl Fn(&str) -> bool) -> bool {
    value == "*" || value.split(',').all(|it| is_word(it.trim()))
}

fn is_name(word: &str) -> bool {
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it);
    !word.is_empty() && word.bytes().all(is_letter)
}
