//! Digests: `sha256:` and 64 hexadecimal digits, the only ones in use for images.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::ImageError;

const PREFIX: &str = "sha256:";
const HEX_DIGITS: usize = 64;

/// Digest of some bytes.
pub fn of(bytes: &[u8]) -> String {
    text(&Sha256::digest(bytes))
}

/// The digits of a digest, which are safe in a path.
///
/// # Errors
/// [`ImageError::Invalid`] if it is not one.
pub fn hex_part(digest: &str) -> Result<&str, ImageError> {
    let digits = digest.strip_prefix(PREFIX).unwrap_or_default();
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if digits.len() == HEX_DIGITS && digits.bytes().all(is_hex) {
        return Ok(digits);
    }
    Err(ImageError::invalid("digest", digest))
}

/// Checks content against the digest that referred to it.
///
/// # Errors
/// [`ImageError::Digest`] if they differ.
pub fn verify(subject: &str, actual: &str, expected: &str) -> Result<(), ImageError> {
    if actual == expected {
        return Ok(());
    }
    Err(ImageError::Digest {
        subject: subject.to_owned(),
        actual: actual.to_owned(),
        expected: expected.to_owned(),
    })
}

/// Hashes what is read through it.
pub struct Hashing<R> {
    source: R,
    hash: Sha256,
}

impl<R: Read> Hashing<R> {
    /// Hashes from here on.
    pub fn new(source: R) -> Self {
        Self {
            source,
            hash: Sha256::new(),
        }
    }

    /// Digest of all there is, after reading what is left.
    ///
    /// # Errors
    /// As of the source.
    pub fn finish(mut self) -> io::Result<String> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(text(&self.hash.finalize()))
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

fn text(hash: &[u8]) -> String {
    format!("{PREFIX}{}", hex::encode(hash))
}
