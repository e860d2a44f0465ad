//! The user's terminal: raw while a session lasts, as it was before afterwards.

use std::io::{IsTerminal, Read};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::sync::mpsc;
use wire::data_channel::TerminalSize;

/// Read at once from the keyboard or a pipe.
const READ_BYTES: usize = 1024;
/// Pieces of input that may wait: a pipe that is faster than the session waits.
const INPUT_BOUND: usize = 16;
/// What the stock plug-in says where there is no terminal.
const SIZE_WITHOUT_TERMINAL: TerminalSize = TerminalSize { cols: 300, rows: 100 };
/// Ctrl-D, which is how a terminal says that there is no more.
const END_OF_INPUT: u8 = 4;

/// The terminal is raw as long as this lives.
pub struct Raw {
    before: Option<Termios>,
}

impl Raw {
    /// Makes standard input raw, if it is a terminal.
    pub fn new() -> Self {
        let before = tcgetattr(std::io::stdin()).ok();
        if let Some(before) = &before {
            let mut raw = before.clone();
            raw.make_raw();
            // If it cannot be changed, the session still works, line by line.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &raw);
        }
        Self { before }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// Whether a person looks on.
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Size of the terminal that shows the output.
pub fn size() -> TerminalSize {
    match tcgetwinsize(std::io::stdout()) {
        Ok(it) if it.ws_col > 0 && it.ws_row > 0 => TerminalSize {
            cols: u32::from(it.ws_col),
            rows: u32::from(it.ws_row),
        },
        _ => SIZE_WITHOUT_TERMINAL,
    }
}

/// Reads standard input beside the session. Its thread ends with the process: nothing wakes it from a read.
pub fn input() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(INPUT_BOUND);
    std::thread::spawn(move || {
        let mut buffer = [0; READ_BYTES];
        let mut last = b'\n';
        loop {
            match std::io::stdin().read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(count) => {
                    last = buffer[count - 1];
                    if sender.blocking_send(buffer[..count].to_vec()).is_err() {
                        return;
                    }
                }
            }
        }
        drop(sender.blocking_send(end_of_input(last)));
    });
    receiver
}

/// Behind a line that is not ended, the first Ctrl-D only hands the line over.
fn end_of_input(last: u8) -> Vec<u8> {
    match last {
        b'\n' | b'\r' => vec![END_OF_INPUT],
        _ => vec![END_OF_INPUT; 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_line_is_ended_too() {
        assert_eq!(end_of_input(b'\n'), [4]);
        assert_eq!(end_of_input(b'\r'), [4]);
        assert_eq!(end_of_input(b'x'), [4, 4]);
    }
}
