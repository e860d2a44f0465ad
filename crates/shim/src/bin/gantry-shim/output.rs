//! Takes the output of a container from its pipes to its log files.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use shim::LogLimits;
use shim::log::{self, Ending, Line, MAX_LINE_BYTES, Stream};

use crate::system;

/// The pipes of one container and its log.
pub struct Output {
    pipes: Vec<Pipe>,
    log: Log,
}

struct Pipe {
    end: OwnedFd,
    stream: Stream,
    /// Text since the last newline.
    unfinished: Vec<u8>,
}

struct Log {
    directory: PathBuf,
    limits: LogLimits,
    file: Option<File>,
    /// Positions at which the kept files begin, oldest first.
    starts: Vec<u64>,
    /// Bytes in the newest file.
    length: u64,
}

impl Output {
    /// Reads standard output and standard error from these pipes.
    pub fn new(directory: PathBuf, limits: LogLimits, output: OwnedFd, error: OwnedFd) -> Self {
        let pipe = |end, stream| Pipe {
            end,
            stream,
            unfinished: Vec::new(),
        };
        let log = Log {
            directory,
            limits,
            file: None,
            starts: Vec::new(),
            length: 0,
        };
        Self {
            pipes: vec![pipe(output, Stream::Output), pipe(error, Stream::Error)],
            log,
        }
    }

    /// Reads a terminal in place of the pipes. What comes through it counts as standard output.
    pub fn read_terminal(&mut self, terminal: OwnedFd) {
        self.pipes = vec![Pipe {
            end: terminal,
            stream: Stream::Output,
            unfinished: Vec::new(),
        }];
    }

    /// Reads from the pipes of another output from now on, into the same log.
    pub fn go_on(&mut self, other: Self) {
        self.pipes = other.pipes;
    }

    /// The pipes that are still open.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> + '_ {
        self.pipes.iter().map(|pipe| pipe.end.as_raw_fd())
    }

    /// Reads once from a pipe that is ready.
    pub fn pump(&mut self, descriptor: RawFd, buffer: &mut [u8]) {
        let Some(at) = self
            .pipes
            .iter()
            .position(|pipe| pipe.end.as_raw_fd() == descriptor)
        else {
            return;
        };
        if self.read_once(at, buffer) == Read::Ended {
            self.pipes.remove(at);
        }
    }

    /// Takes what is left once the container has ended, and closes its pipes. A process that got hold of
    /// their other ends elsewhere does not hold this up.
    pub fn finish(&mut self, buffer: &mut [u8]) {
        while !self.pipes.is_empty() {
            while self.read_once(0, buffer) == Read::Some {}
            let mut pipe = self.pipes.remove(0);
            let mut lines = Vec::new();
            pipe.flush(&mut lines);
            self.log.append(&lines);
        }
        self.log.file = None;
    }

    fn read_once(&mut self, at: usize, buffer: &mut [u8]) -> Read {
        let pipe = &mut self.pipes[at];
        let mut lines = Vec::new();
        let read = match system::read(&pipe.end, buffer) {
            Ok(None) => Read::Nothing,
            Ok(Some(0)) | Err(_) => {
                pipe.flush(&mut lines);
                Read::Ended
            }
            Ok(Some(count)) => {
                pipe.split(&buffer[..count], &mut lines);
                Read::Some
            }
        };
        self.log.append(&lines);
        read
    }
}

#[derive(PartialEq)]
enum Read {
    Some,
    Nothing,
    Ended,
}

impl Pipe {
    fn split(&mut self, mut text: &[u8], lines: &mut Vec<u8>) {
        let now = system::now();
        while let Some(newline) = text.iter().position(|byte| *byte == b'\n') {
            let rest = self.cut(&text[..newline], now, lines);
            if self.unfinished.is_empty() {
                self.write(now, Ending::Full, rest, lines);
            } else {
                self.unfinished.extend_from_slice(rest);
                let line = std::mem::take(&mut self.unfinished);
                self.write(now, Ending::Full, &line, lines);
            }
            text = &text[newline + 1..];
        }
        let rest = self.cut(text, now, lines);
        self.unfinished.extend_from_slice(rest);
    }

    /// Writes what exceeds the longest line; the rest fits behind what is unfinished.
    fn cut<'a>(&mut self, mut text: &'a [u8], now: i64, lines: &mut Vec<u8>) -> &'a [u8] {
        while self.unfinished.len() + text.len() > MAX_LINE_BYTES {
            let (head, tail) = text.split_at(MAX_LINE_BYTES - self.unfinished.len());
            let mut line = std::mem::take(&mut self.unfinished);
            line.extend_from_slice(head);
            self.write(now, Ending::Partial, &line, lines);
            text = tail;
        }
        text
    }

    fn flush(&mut self, lines: &mut Vec<u8>) {
        let line = std::mem::take(&mut self.unfinished);
        if !line.is_empty() {
            self.write(system::now(), Ending::Full, &line, lines);
        }
    }

    fn write(&self, nanoseconds: i64, ending: Ending, text: &[u8], lines: &mut Vec<u8>) {
        log::append_line(
            lines,
            Line {
                nanoseconds,
                stream: self.stream,
                ending,
                text,
            },
        );
    }
}

impl Log {
    /// Output that cannot be written (a full disk) is lost; it must not stop the container.
    fn append(&mut self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        if self.length >= self.limits.file_bytes {
            self.file = None;
        }
        match self.starts.last() {
            // Closed at the end of the container, which has been started again.
            Some(start) if self.file.is_none() && self.length < self.limits.file_bytes => {
                let path = self.directory.join(log::file_name(*start));
                self.file = OpenOptions::new().append(true).open(path).ok();
            }
            _ if self.file.is_none() => self.begin_file(),
            _ => {}
        }
        let Some(file) = &mut self.file else { return };
        match file.write_all(lines) {
            Ok(()) => self.length += lines.len() as u64,
            // Half a line must not stay: positions count whole ones.
            Err(_) => drop(file.set_len(self.length)),
        }
    }

    fn begin_file(&mut self) {
        let start = self.starts.last().map_or(0, |last| last + self.length);
        let path = self.directory.join(log::file_name(start));
        let opened = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path);
        let Ok(file) = opened else { return };
        self.file = Some(file);
        self.length = 0;
        self.starts.push(start);
        while self.starts.len() > self.limits.files.max(1) {
            let oldest = self.starts.remove(0);
            drop(fs::remove_file(self.directory.join(log::file_name(oldest))));
        }
    }
}
