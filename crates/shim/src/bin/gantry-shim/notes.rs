//! Catches the errors that libcontainer only logs: they say more than those it returns.

use std::fmt::{Debug, Write as _};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// More than this is left off a note, in bytes.
const MAX_NOTE_BYTES: usize = 1024;

static STOPPED: AtomicBool = AtomicBool::new(false);

struct Notes {
    file: File,
}

/// Writes each error that is logged from now on, in this process and its children, as a line to a pipe.
pub fn write_errors_to(pipe: OwnedFd) -> io::Result<()> {
    crate::system::set_nonblocking(&pipe)?;
    tracing::subscriber::set_global_default(Notes {
        file: File::from(pipe),
    })
    .map_err(io::Error::other)
}

/// Closes this process's end of the pipe, so that its reader sees the end.
pub fn stop() {
    STOPPED.store(true, Ordering::Relaxed);
    tracing::dispatcher::get_default(|dispatch| {
        if let Some(notes) = dispatch.downcast_ref::<Notes>() {
            use std::os::fd::AsRawFd;
            // SAFETY: nothing uses the descriptor after `STOPPED` is set, and the process ends without
            // dropping its subscriber.
            unsafe { libc::close(notes.file.as_raw_fd()) };
        }
    });
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::ERROR)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if STOPPED.load(Ordering::Relaxed) {
            return;
        }
        let mut note = Note::default();
        event.record(&mut note);
        let mut line = format!("{}{}", note.message, note.fields).replace('\n', " ");
        line.truncate(line.floor_char_boundary(MAX_NOTE_BYTES));
        line.push('\n');
        // A full pipe loses notes, nothing else.
        drop((&self.file).write_all(line.as_bytes()));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Note {
    message: String,
    fields: String,
}

impl Visit for Note {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string cannot fail.
        let _written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
