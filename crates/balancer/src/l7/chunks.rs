//! Where a body of chunks ends: read strictly, since whoever reads it otherwise sees another request.

#[cfg(test)]
mod tests;

/// A line of a chunk's size, or all trailers, may be this long, in bytes.
const LINE_MAX: usize = 4 * 1024;

/// Not a body of chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadChunk;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before any digit of a size.
    SizeStart,
    Size,
    Extension,
    /// After the carriage return of a line with a size.
    SizeEnd,
    Data(u64),
    DataReturn,
    DataFeed,
    /// At the start of a trailer's line.
    TrailerStart,
    Trailer,
    TrailerEnd,
    /// After the carriage return of the empty line.
    LastFeed,
}

/// A body of chunks as far as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Chunks {
    at: At,
    size: u64,
    line: usize,
    has_trailers: bool,
}

/// What was read of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Read {
    /// How many bytes belong to the body.
    pub(crate) used: usize,
    /// How many of them come before its trailers, or the empty line that ends these.
    pub(crate) before_trailers: usize,
    /// Whether the body ended there.
    pub(crate) is_over: bool,
}

impl Default for Chunks {
    fn default() -> Self {
        Self {
            at: At::SizeStart,
            size: 0,
            line: 0,
            has_trailers: false,
        }
    }
}

impl Chunks {
    /// Whether there are any trailers, as far as it was read.
    pub(crate) fn has_trailers(&self) -> bool {
        self.has_trailers
    }

    /// Reads on: how many of `bytes` belong to the body, and whether it ended there.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<(usize, bool), BadChunk> {
        self.read(bytes).map(|it| (it.used, it.is_over))
    }

    /// Reads on.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<Read, BadChunk> {
        let mut trailers = self.has_trailers.then_some(0);
        let mut index = 0;
        while index < bytes.len() {
            if let At::Data(left) = self.at {
                let part = (bytes.len() - index).min(usize::try_from(left).unwrap_or(usize::MAX));
                index += part;
                let left = left - part as u64;
                self.at = if left == 0 { At::DataReturn } else { At::Data(left) };
                continue;
            }
            let is_over = self.step(bytes[index])?;
            if self.has_trailers {
                trailers.get_or_insert(index);
            }
            index += 1;
            if is_over {
                return Ok(Read {
                    used: index,
                    before_trailers: trailers.unwrap_or(index),
                    is_over,
                });
            }
        }
        Ok(Read {
            used: index,
            before_trailers: trailers.unwrap_or(index),
            is_over: false,
        })
    }

    /// Takes a byte outside data; whether the body ended with it.
    fn step(&mut self, byte: u8) -> Result<bool, BadChunk> {
        self.line += 1;
        if self.line > LINE_MAX {
            return Err(BadChunk);
        }
        self.at = match (self.at, byte) {
            (At::SizeStart | At::Size, digit) if digit.is_ascii_hexdigit() => {
                let digit = char::from(digit).to_digit(16).unwrap_or(0);
                let size = self
                    .size
                    .checked_mul(16)
                    .and_then(|it| it.checked_add(u64::from(digit)));
                self.size = size.ok_or(BadChunk)?;
                At::Size
            }
            (At::Size, b'\r') => At::SizeEnd,
            (At::Size, b';') => At::Extension,
            (At::Extension, b'\r') => At::SizeEnd,
            (At::Extension, byte) if byte == b'\t' || (0x20..0x7F).contains(&byte) => At::Extension,
            (At::SizeEnd, b'\n') => {
                self.line = 0;
                match std::mem::take(&mut self.size) {
                    0 => At::TrailerStart,
                    size => At::Data(size),
                }
            }
            (At::DataReturn, b'\r') => At::DataFeed,
            (At::DataFeed, b'\n') => {
                self.line = 0;
                At::SizeStart
            }
            (At::TrailerStart, b'\r') => At::LastFeed,
            (At::TrailerStart, byte) if super::head::is_token(byte) => {
                self.has_trailers = true;
                At::Trailer
            }
            (At::Trailer, b'\r') => At::TrailerEnd,
            (At::Trailer, byte) if byte == b'\t' || byte >= 0x20 => At::Trailer,
            (At::TrailerEnd, b'\n') => At::TrailerStart,
            (At::LastFeed, b'\n') => return Ok(true),
            _ => return Err(BadChunk),
        };
        Ok(false)
    }
}
