//! Messages of the forward protocol, in MessagePack. Pure.
//!
//! <https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1>: forward mode, `[tag, [[time, record]…], option]`.

use rmp::encode;

use super::FluentdOptions;
use crate::host::{LogLine, OutputStream};

/// Type of times with nanoseconds.
const EVENT_TIME: i8 = 0;

/// A message to send.
pub struct Message {
    /// As it goes over the wire.
    pub bytes: Vec<u8>,
    /// What the collector is to acknowledge.
    pub chunk: Option<String>,
}

/// One message of these lines.
pub fn message(
    options: &FluentdOptions,
    tag: &str,
    runtime_id: &str,
    lines: &[LogLine],
    chunk: Option<String>,
) -> Message {
    let mut bytes = Vec::with_capacity(64 + lines.iter().map(|it| it.message.len() + 160).sum::<usize>());
    // Writing to memory cannot fail.
    let _ = write(&mut bytes, options, tag, runtime_id, lines, chunk.as_deref());
    Message { bytes, chunk }
}

type Written = Result<(), encode::ValueWriteError<std::io::Error>>;

fn write(
    out: &mut Vec<u8>,
    options: &FluentdOptions,
    tag: &str,
    runtime_id: &str,
    lines: &[LogLine],
    chunk: Option<&str>,
) -> Written {
    encode::write_array_len(out, 3)?;
    encode::write_str(out, tag)?;
    encode::write_array_len(out, lines.len() as u32)?;
    for line in lines {
        encode::write_array_len(out, 2)?;
        write_time(out, options, line)?;
        write_record(out, options, runtime_id, line)?;
    }
    encode::write_map_len(out, 1 + u32::from(chunk.is_some()))?;
    encode::write_str(out, "size")?;
    encode::write_uint(out, lines.len() as u64)?;
    if let Some(chunk) = chunk {
        encode::write_str(out, "chunk")?;
        encode::write_str(out, chunk)?;
    }
    Ok(())
}

fn write_time(out: &mut Vec<u8>, options: &FluentdOptions, line: &LogLine) -> Written {
    let seconds = line.timestamp.as_second();
    if !options.has_nanoseconds {
        return encode::write_sint(out, seconds).map(drop);
    }
    encode::write_ext_meta(out, 8, EVENT_TIME)?;
    out.extend_from_slice(&u32::try_from(seconds).unwrap_or(0).to_be_bytes());
    let nanoseconds = u32::try_from(line.timestamp.subsec_nanosecond()).unwrap_or(0);
    out.extend_from_slice(&nanoseconds.to_be_bytes());
    Ok(())
}

/// The fields that Docker's driver writes.
fn write_record(out: &mut Vec<u8>, options: &FluentdOptions, runtime_id: &str, line: &LogLine) -> Written {
    let source = match line.stream {
        OutputStream::Stdout => "stdout",
        OutputStream::Stderr => "stderr",
    };
    let name = format!("/{}", options.container);
    let own = [
        ("container_id", runtime_id),
        ("container_name", name.as_str()),
        ("source", source),
        ("log", line.message.as_str()),
    ];
    let more = options
        .fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    encode::write_map_len(out, (own.len() + options.fields.len()) as u32)?;
    for (name, value) in own.into_iter().chain(more) {
        encode::write_str(out, name)?;
        encode::write_str(out, value)?;
    }
    Ok(())
}

/// Whether bytes hold `{"ack": chunk}` from the collector.
pub fn is_acknowledgement(bytes: &[u8], chunk: &str) -> bool {
    let mut expected = Vec::new();
    let written = encode::write_map_len(&mut expected, 1)
        .and_then(|_| encode::write_str(&mut expected, "ack"))
        .and_then(|()| encode::write_str(&mut expected, chunk));
    written.is_ok() && bytes == expected
}
