//! The record of a container's output: files of lines, named by the position at which they begin.
//!
//! A line is `<seconds>.<nanoseconds> <o|e> <F|P> <text>`: when it was read, from which stream, whether a
//! newline ended it (`F`) or it was cut (`P`), and the text. Positions count bytes from the first line on
//! and go on over rotations, so a reader that knows one can always read on.

/// Longest text of a line; longer ones are cut, as Docker does.
pub const MAX_LINE_BYTES: usize = 16 * 1024;
/// Size at which a new file is begun, unless a container says another.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// Files kept, unless a container says another number; the oldest is removed when one more is begun.
pub const MAX_FILES: usize = 2;

/// Which stream of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Whether the text of a line ends where the container ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By a newline, or by the end of the stream.
    Full,
    /// Cut at [`MAX_LINE_BYTES`].
    Partial,
}

/// A line read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// When it was read, nanoseconds since 1970.
    pub nanoseconds: i64,
    /// From where.
    pub stream: Stream,
    /// How it ends.
    pub ending: Ending,
    /// Its text, as the container wrote it.
    pub text: &'a [u8],
}

/// Name of the file that begins at a position; names sort as positions do.
pub fn file_name(position: u64) -> String {
    format!("{position:020}")
}

/// The position at which a file begins, if it is one.
pub fn parse_file_name(name: &str) -> Option<u64> {
    (name.len() == 20).then(|| name.parse().ok()).flatten()
}

/// Appends a line to `into`. The text must not contain a newline.
pub fn append_line(into: &mut Vec<u8>, line: Line<'_>) {
    let stream = match line.stream {
        Stream::Output => b'o',
        Stream::Error => b'e',
    };
    let ending = match line.ending {
        Ending::Full => b'F',
        Ending::Partial => b'P',
    };
    append_decimal(into, line.nanoseconds.div_euclid(1_000_000_000), 1);
    into.push(b'.');
    append_decimal(into, line.nanoseconds.rem_euclid(1_000_000_000), 9);
    into.extend_from_slice(&[b' ', stream, b' ', ending, b' ']);
    into.extend_from_slice(line.text);
    into.push(b'\n');
}

/// Without `format!`, whose machinery the shim would have to keep in memory.
fn append_decimal(into: &mut Vec<u8>, value: i64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut rest = value.unsigned_abs();
    let mut at = digits.len();
    while rest > 0 || digits.len() - at < width {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    into.extend_from_slice(&digits[at..]);
}

/// Reads a line without its newline; `None` if it is none.
pub fn parse_line(line: &[u8]) -> Option<Line<'_>> {
    let mut parts = line.splitn(4, |byte| *byte == b' ');
    let (time, stream, ending, text) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (seconds, fraction) = std::str::from_utf8(time).ok()?.split_once('.')?;
    let seconds: i64 = seconds.parse().ok()?;
    let fraction: i64 = fraction.parse().ok()?;
    let stream = match stream {
        b"o" => Stream::Output,
        b"e" => Stream::Error,
        _ => return None,
    };
    let ending = match ending {
        b"F" => Ending::Full,
        b"P" => Ending::Partial,
        _ => return None,
    };
    let nanoseconds = seconds.checked_mul(1_000_000_000)?.checked_add(fraction)?;
    Some(Line {
        nanoseconds,
        stream,
        ending,
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_as_they_were_written() {
        let mut file = Vec::new();
        let written = [
            Line {
                nanoseconds: 1,
                stream: Stream::Output,
                ending: Ending::Full,
                text: b"",
            },
            Line {
                nanoseconds: 1_700_000_000_000_000_042,
                stream: Stream::Error,
                ending: Ending::Partial,
                text: b" two  spaces \xff",
            },
        ];
        for line in written {
            append_line(&mut file, line);
        }
        assert!(file.starts_with(b"0.000000001 o F \n1700000000.000000042 e P "));
        let read: Vec<_> = file.split(|byte| *byte == b'\n').filter_map(parse_line).collect();
        assert_eq!(read, written);
    }

    #[test]
    fn file_names_sort_by_position_and_nothing_else_is_one() {
        assert!(file_name(9) < file_name(10));
        assert_eq!(parse_file_name(&file_name(u64::MAX)), Some(u64::MAX));
        assert_eq!(parse_file_name("7"), None);
    }
}
