//! Lines of syslog. Pure.

use super::options::{Format, SyslogOptions};
use crate::host::{LogLine, OutputStream};

/// Severities: an error, or information.
const ERROR: u8 = 3;
const INFORMATION: u8 = 6;

/// A line with its newline, which ends it on streams.
pub fn line(options: &SyslogOptions, hostname: &str, tag: &str, process_id: u32, line: &LogLine) -> String {
    let severity = match line.stream {
        OutputStream::Stdout => INFORMATION,
        OutputStream::Stderr => ERROR,
    };
    let priority = options.facility * 8 + severity;
    let text = &line.message;
    let time = |format: &str| line.timestamp.strftime(format).to_string();
    match options.format {
        Format::Local => format!(
            "<{priority}>{} {tag}[{process_id}]: {text}\n",
            time("%b %e %H:%M:%S")
        ),
        Format::Rfc3164 => {
            format!(
                "<{priority}>{} {hostname} {tag}[{process_id}]: {text}\n",
                time("%b %e %H:%M:%S")
            )
        }
        Format::Rfc5424 => rfc_5424(
            priority,
            &time("%Y-%m-%dT%H:%M:%SZ"),
            hostname,
            tag,
            process_id,
            text,
        ),
        Format::Rfc5424Micro => rfc_5424(
            priority,
            &time("%Y-%m-%dT%H:%M:%S.%6fZ"),
            hostname,
            tag,
            process_id,
            text,
        ),
    }
}

fn rfc_5424(priority: u8, time: &str, hostname: &str, tag: &str, process_id: u32, text: &str) -> String {
    format!("<{priority}>1 {time} {hostname} {tag} {process_id} {tag} - {text}\n")
}
