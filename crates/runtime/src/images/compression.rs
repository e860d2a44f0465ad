//! Plain, gzip or zstd: told apart by the first bytes, since media types are often wrong.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

/// Read at once from the compressed side, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// First frame of archives that carry a table of contents for lazy pulling.
const ZSTD_SKIPPABLE: &[u8] = &[0x2a, 0x4d, 0x18];
const BZIP2: &[u8] = b"BZh";
const XZ: &[u8] = &[0xfd, b'7', b'z', b'X', b'Z'];
/// As much as is needed to tell.
const MAGIC_BYTES: u64 = 6;

/// The content of a stream, decompressed.
///
/// # Errors
/// If it cannot be read, or its compression is not one of those that OCI names.
pub fn decompressed<'a>(mut source: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut start = Vec::new();
    source.by_ref().take(MAGIC_BYTES).read_to_end(&mut start)?;
    let is = |magic: &[u8]| start.starts_with(magic);
    let is_zstd = is(ZSTD) || start.get(1..4) == Some(ZSTD_SKIPPABLE);
    let (is_gzip, is_other) = (is(GZIP), is(BZIP2) || is(XZ));
    let whole = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(start).chain(source));
    match () {
        () if is_gzip => Ok(Box::new(MultiGzDecoder::new(whole))),
        () if is_zstd => Ok(Box::new(zstd::Decoder::with_buffer(whole)?)),
        () if is_other => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "its compression is not supported: only gzip and zstd are",
        )),
        () => Ok(Box::new(whole)),
    }
}

/// Whether a file starts like a compressed one.
pub fn is_compressed(start: &[u8]) -> bool {
    start.starts_with(GZIP) || start.starts_with(ZSTD) || start.starts_with(BZIP2) || start.starts_with(XZ)
}
