//! Bodies in `aws-chunked`: chunks with their lengths, each signed or not, and headers behind them.
//!
//! ```text
//!  <hex length>[;chunk-signature=<hex>]\r\n <bytes> \r\n … 0[;chunk-signature=<hex>]\r\n [name:value\r\n]… \r\n
//! ```

use sha2::{Digest, Sha256};

use crate::sigv4::ChunkSignatures;

/// Longest line: a length with its signature, or a header.
const LINE_MAX: usize = 4096;
/// Most headers behind the chunks.
const TRAILERS_MAX: usize = 16;
/// The header behind the chunks with the signature of the others.
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// A body is not in this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkedError {
    /// Not chunks at all, or not to their end.
    #[error("the body is not in aws-chunked")]
    Malformed,
    /// A chunk, or the headers behind them, is signed otherwise.
    #[error("a chunk's signature does not match")]
    Signature,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Length,
    Bytes(u64),
    /// The line's end behind the bytes of a chunk.
    Gap,
    Trailer,
    End,
}

/// Reads a body piece by piece.
pub struct Decoder {
    next: Next,
    line: Vec<u8>,
    signatures: Option<ChunkSignatures>,
    /// Of the chunk that is being read: its hash and its signature.
    hash: Sha256,
    signature: String,
    has_signed_trailer: bool,
    trailers: Vec<(String, String)>,
}

impl Decoder {
    /// Of chunks that are not signed.
    pub fn unsigned() -> Self {
        Self {
            next: Next::Length,
            line: Vec::new(),
            signatures: None,
            hash: Sha256::new(),
            signature: String::new(),
            has_signed_trailer: false,
            trailers: Vec::new(),
        }
    }

    /// Of chunks that are signed.
    pub fn signed(signatures: ChunkSignatures) -> Self {
        Self {
            signatures: Some(signatures),
            ..Self::unsigned()
        }
    }

    /// Of chunks that are signed, with signed headers behind them.
    pub fn signed_with_trailer(signatures: ChunkSignatures) -> Self {
        Self {
            has_signed_trailer: true,
            ..Self::signed(signatures)
        }
    }

    /// Reads on; what is content is added to `out`. Nothing of it may be used before [`Decoder::finish`].
    ///
    /// # Errors
    /// [`ChunkedError`]; the body is worth nothing then.
    pub fn push(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> Result<(), ChunkedError> {
        while !input.is_empty() {
            input = match self.next {
                Next::Bytes(left) => {
                    let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                    let (content, rest) = input.split_at(count);
                    if self.signatures.is_some() {
                        self.hash.update(content);
                    }
                    out.extend_from_slice(content);
                    self.next = match left - count as u64 {
                        0 => Next::Gap,
                        left => Next::Bytes(left),
                    };
                    rest
                }
                // Anything behind the end is no content.
                Next::End => return Err(ChunkedError::Malformed),
                Next::Length | Next::Gap | Next::Trailer => self.push_line(input)?,
            };
        }
        Ok(())
    }

    /// The headers behind the chunks, with names in small letters.
    ///
    /// # Errors
    /// The end has not come.
    pub fn finish(self) -> Result<Vec<(String, String)>, ChunkedError> {
        match self.next {
            Next::End => Ok(self.trailers),
            _ => Err(ChunkedError::Malformed),
        }
    }

    fn push_line<'a>(&mut self, input: &'a [u8]) -> Result<&'a [u8], ChunkedError> {
        let end = input.iter().position(|it| *it == b'\n');
        let (part, rest) = input.split_at(end.map_or(input.len(), |it| it + 1));
        if self.line.len() + part.len() > LINE_MAX {
            return Err(ChunkedError::Malformed);
        }
        self.line.extend_from_slice(part);
        if end.is_none() {
            return Ok(rest);
        }
        let line = String::from_utf8(std::mem::take(&mut self.line)).map_err(|_| ChunkedError::Malformed)?;
        self.take_line(line.trim_end_matches(['\r', '\n']))?;
        Ok(rest)
    }

    fn take_line(&mut self, line: &str) -> Result<(), ChunkedError> {
        match self.next {
            Next::Length => self.begin_chunk(line),
            Next::Gap if line.is_empty() => {
                self.end_chunk()?;
                self.next = Next::Length;
                Ok(())
            }
            Next::Trailer => self.take_trailer(line),
            _ => Err(ChunkedError::Malformed),
        }
    }

    fn begin_chunk(&mut self, line: &str) -> Result<(), ChunkedError> {
        let (length, extension) = line.split_once(';').unwrap_or((line, ""));
        let is_hex = (1..=16).contains(&length.len()) && length.bytes().all(|it| it.is_ascii_hexdigit());
        let length = u64::from_str_radix(length, 16).ok().filter(|_| is_hex);
        let length = length.ok_or(ChunkedError::Malformed)?;
        let signature = extension.strip_prefix("chunk-signature=").unwrap_or_default();
        signature.clone_into(&mut self.signature);
        self.hash = Sha256::new();
        if length > 0 {
            self.next = Next::Bytes(length);
            return Ok(());
        }
        self.end_chunk()?;
        self.next = Next::Trailer;
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), ChunkedError> {
        let Some(signatures) = &mut self.signatures else {
            return Ok(());
        };
        let hash = hex::encode(std::mem::take(&mut self.hash).finalize());
        match signatures.is_next_chunk(&hash, &self.signature) {
            true => Ok(()),
            false => Err(ChunkedError::Signature),
        }
    }

    fn take_trailer(&mut self, line: &str) -> Result<(), ChunkedError> {
        if line.is_empty() {
            // Some clients put an empty line before the signature of the others.
            if !self.has_signed_trailer {
                self.next = Next::End;
            }
            return Ok(());
        }
        let (name, value) = line.split_once(':').ok_or(ChunkedError::Malformed)?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name != TRAILER_SIGNATURE {
            if self.trailers.len() == TRAILERS_MAX {
                return Err(ChunkedError::Malformed);
            }
            self.trailers.push((name, value.to_owned()));
            return Ok(());
        }
        let all = self.trailers.iter();
        let signed: String = all.map(|(name, value)| format!("{name}:{value}\n")).collect();
        let signatures = self.signatures.as_mut().ok_or(ChunkedError::Malformed)?;
        if !signatures.is_trailer(&signed, value) {
            return Err(ChunkedError::Signature);
        }
        self.has_signed_trailer = false;
        Ok(())
    }
}
