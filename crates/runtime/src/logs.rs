//! Reads the record of a container's output by position.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use agent::host::{LogChunk, LogLine, OutputStream};
use jiff::Timestamp;
use shim::log::{self, MAX_LINE_BYTES, Stream};

/// Smallest amount read at once, so that the longest line always fits.
const MIN_READ_BYTES: usize = MAX_LINE_BYTES + 64;
/// Read at most from the end of a file for its last lines.
const MAX_END_BYTES: u64 = 64 * 1024;
/// Times that a file may vanish between finding and opening it.
const MAX_ROTATIONS: usize = 8;

/// Whole lines from `position` on. What was rotated away is skipped.
///
/// # Errors
/// If the files cannot be read.
pub fn read(directory: &Path, position: u64, max_bytes: usize) -> io::Result<LogChunk> {
    let mut position = position;
    for _ in 0..MAX_ROTATIONS {
        let starts = file_starts(directory)?;
        let Some(oldest) = starts.first() else { break };
        position = position.max(*oldest);
        let start = starts
            .iter()
            .rev()
            .find(|it| **it <= position)
            .copied()
            .unwrap_or(*oldest);
        let chunk = match read_file(directory, start, position, max_bytes) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            result => result?,
        };
        let next_file = starts.iter().find(|it| **it > start);
        match next_file {
            // This file is finished, so whatever is left of it is no line.
            Some(next) if chunk.lines.is_empty() && chunk.next_position <= *next => position = *next,
            _ => return Ok(chunk),
        }
    }
    Ok(LogChunk {
        lines: Vec::new(),
        next_position: position,
    })
}

/// The last lines, oldest first.
///
/// # Errors
/// If the files cannot be read.
pub fn read_end(directory: &Path, count: usize) -> io::Result<Vec<LogLine>> {
    let mut lines = Vec::new();
    for start in file_starts(directory)?.into_iter().rev() {
        let length = match fs::metadata(directory.join(log::file_name(start))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            it => it?.len(),
        };
        // What is cut at the beginning is no line and is dropped below.
        let from = length.saturating_sub(MAX_END_BYTES);
        let mut chunk = read_file(directory, start, start + from, MAX_END_BYTES as usize)?.lines;
        chunk.append(&mut lines);
        lines = chunk;
        if lines.len() >= count || from > 0 {
            break;
        }
    }
    let surplus = lines.len().saturating_sub(count);
    lines.drain(..surplus);
    Ok(lines)
}

fn file_starts(directory: &Path) -> io::Result<Vec<u64>> {
    let mut starts = Vec::new();
    for entry in fs::read_dir(directory)? {
        starts.extend(log::parse_file_name(&entry?.file_name().to_string_lossy()));
    }
    starts.sort_unstable();
    Ok(starts)
}

fn read_file(directory: &Path, start: u64, position: u64, max_bytes: usize) -> io::Result<LogChunk> {
    let mut file = File::open(directory.join(log::file_name(start)))?;
    file.seek(SeekFrom::Start(position - start))?;
    let mut bytes = Vec::new();
    file.take(max_bytes.max(MIN_READ_BYTES) as u64)
        .read_to_end(&mut bytes)?;
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let mut next = position;
    let lines = bytes[..whole]
        .split_inclusive(|byte| *byte == b'\n')
        .filter_map(|line| {
            let position = next;
            next += line.len() as u64;
            let line = log::parse_line(line.strip_suffix(b"\n")?)?;
            Some(LogLine {
                timestamp: Timestamp::from_nanosecond(i128::from(line.nanoseconds)).ok()?,
                message: String::from_utf8_lossy(line.text).into_owned(),
                stream: match line.stream {
                    Stream::Output => OutputStream::Stdout,
                    Stream::Error => OutputStream::Stderr,
                },
                position,
            })
        });
    Ok(LogChunk {
        lines: lines.collect(),
        next_position: position + whole as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use shim::log::{Ending, Line};

    fn file(directory: &Path, start: u64, texts: &[&str]) -> u64 {
        let mut bytes = Vec::new();
        for text in texts {
            let line = Line {
                nanoseconds: 1,
                stream: Stream::Output,
                ending: Ending::Full,
                text: text.as_bytes(),
            };
            log::append_line(&mut bytes, line);
        }
        drop(fs::write(directory.join(log::file_name(start)), &bytes));
        start + bytes.len() as u64
    }

    fn texts(chunk: &LogChunk) -> Vec<&str> {
        chunk.lines.iter().map(|line| line.message.as_str()).collect()
    }

    #[test]
    fn reading_goes_on_over_rotations_and_skips_what_is_gone() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        assert_eq!(read(folder.path(), 0, 100)?, LogChunk::default());
        let second = file(folder.path(), 0, &["a", "b"]);
        let end = file(folder.path(), second, &["c"]);
        let first = read(folder.path(), 0, 100)?;
        assert_eq!((texts(&first), first.next_position), (vec!["a", "b"], second));
        let next = read(folder.path(), first.next_position, 100)?;
        assert_eq!((texts(&next), next.next_position), (vec!["c"], end));
        let begins: Vec<u64> = first
            .lines
            .iter()
            .chain(&next.lines)
            .map(|it| it.position)
            .collect();
        assert_eq!(begins, [0, second / 2, second]);
        assert_eq!(
            read(folder.path(), end, 100)?,
            LogChunk {
                lines: vec![],
                next_position: end
            }
        );
        fs::remove_file(folder.path().join(log::file_name(0)))?;
        assert_eq!(texts(&read(folder.path(), 5, 100)?), ["c"]);
        Ok(())
    }

    #[test]
    fn the_last_lines_come_from_the_last_files() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        assert_eq!(read_end(folder.path(), 3)?, []);
        let second = file(folder.path(), 0, &["a", "b"]);
        file(folder.path(), second, &["c"]);
        let last = |count| {
            let lines = read_end(folder.path(), count)?;
            Ok::<_, io::Error>(lines.into_iter().map(|it| it.message).collect::<Vec<_>>())
        };
        assert_eq!(last(2)?, ["b", "c"]);
        assert_eq!(last(20)?, ["a", "b", "c"]);
        let long = "x".repeat(MAX_END_BYTES as usize);
        let third = file(folder.path(), second, &["c", &long, "d", "e"]);
        assert!(third > MAX_END_BYTES);
        assert_eq!(last(20)?, ["d", "e"], "what is cut is no line");
        Ok(())
    }

    #[test]
    fn half_a_line_waits_for_its_end() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let end = file(folder.path(), 0, &["whole"]);
        let path = folder.path().join(log::file_name(0));
        let mut bytes = fs::read(&path)?;
        bytes.extend_from_slice(b"1.000000001 o F hal");
        fs::write(&path, bytes)?;
        let chunk = read(folder.path(), 0, 1000)?;
        assert_eq!((texts(&chunk), chunk.next_position), (vec!["whole"], end));
        assert_eq!(read(folder.path(), end, 1000)?.next_position, end);
        Ok(())
    }
}
