//! Signatures of the chunks of a body that is signed while it is sent: each one is made over the one before.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>

use subtle::ConstantTimeEq;

use super::{Signature, hmac, sha256_hex};

/// What is signed of a chunk.
const CHUNK: &str = "AWS4-HMAC-SHA256-PAYLOAD";
/// What is signed of the trailing headers.
const TRAILER: &str = "AWS4-HMAC-SHA256-TRAILER";

/// Follows the chain of signatures of one body.
#[derive(Clone)]
pub struct ChunkSignatures {
    key: [u8; 32],
    amz_date: String,
    scope: String,
    previous: String,
}

impl ChunkSignatures {
    /// Begins with the signature of the request, which must have been verified with this key.
    pub fn new(signature: &Signature, signing_key: &[u8; 32]) -> Self {
        Self {
            key: *signing_key,
            amz_date: signature.amz_date.clone(),
            scope: signature.scope(),
            previous: signature.signature.clone(),
        }
    }

    /// The signature of the next chunk, of which this is the SHA-256 in hex.
    pub fn next_chunk(&mut self, hash: &str) -> String {
        let text = format!("{}\n{hash}", sha256_hex(b""));
        self.next(CHUNK, &text)
    }

    /// Whether a chunk was to come next and is signed so.
    pub fn is_next_chunk(&mut self, hash: &str, signature: &str) -> bool {
        is_same(&self.next_chunk(hash), signature)
    }

    /// The same of the trailing headers, as `name:value` with a line feed behind each.
    pub fn is_trailer(&mut self, headers: &str, signature: &str) -> bool {
        let hash = sha256_hex(headers.as_bytes());
        is_same(&self.next(TRAILER, &hash), signature)
    }

    fn next(&mut self, kind: &str, text: &str) -> String {
        let Self {
            amz_date,
            scope,
            previous,
            ..
        } = &self;
        let to_sign = format!("{kind}\n{amz_date}\n{scope}\n{previous}\n{text}");
        self.previous = hex::encode(hmac(&self.key, to_sign.as_bytes()));
        self.previous.clone()
    }
}

fn is_same(expected: &str, given: &str) -> bool {
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}
