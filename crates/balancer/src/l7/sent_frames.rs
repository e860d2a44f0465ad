//! What goes out on a connection of HTTP/2, frame by frame: answers are told apart from what only keeps it alive.

/// Bytes of the head of a frame.
const HEAD: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;

/// Where in the frames the next byte is.
#[derive(Default)]
pub(super) struct SentFrames {
    head: [u8; HEAD],
    /// Bytes of the head that have gone.
    filled: usize,
    /// Bytes of the frame that are still to come behind its head.
    left: usize,
}

impl SentFrames {
    /// Takes note of bytes that have gone, and says whether some of them were of an answer.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) -> bool {
        let mut is_of_answer = false;
        while !bytes.is_empty() {
            if self.filled < HEAD {
                let (head, rest) = bytes.split_at(bytes.len().min(HEAD - self.filled));
                self.head[self.filled..self.filled + head.len()].copy_from_slice(head);
                self.filled += head.len();
                bytes = rest;
                let [a, b, c, ..] = self.head;
                self.left = u32::from_be_bytes([0, a, b, c]) as usize;
            }
            let (payload, rest) = bytes.split_at(bytes.len().min(self.left));
            let [_, _, _, kind, ..] = self.head;
            is_of_answer |= matches!(kind, DATA | HEADERS) && !payload.is_empty();
            self.left -= payload.len();
            bytes = rest;
            if self.filled == HEAD && self.left == 0 {
                self.filled = 0;
            }
        }
        is_of_answer
    }
}

#[cfg(test)]
mod tests {
    use super::SentFrames;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0, 0, payload.len() as u8, kind, 0, 0, 0, 0, 1];
        frame.extend_from_slice(payload);
        frame
    }

    #[test]
    fn answers_are_told_apart_however_they_are_cut() {
        let cases = [
            (vec![], false),
            (frame(6, b"12345678"), false),
            (frame(4, b""), false),
            (
                [frame(4, b""), frame(6, b"12345678"), frame(8, b"1234")].concat(),
                false,
            ),
            (frame(0, b""), false),
            (frame(0, b"x"), true),
            (
                [frame(4, b""), frame(1, b"head"), frame(6, b"12345678")].concat(),
                true,
            ),
        ];
        for (bytes, expected) in cases {
            for piece in 1..=bytes.len().max(1) {
                let mut frames = SentFrames::default();
                let found = bytes
                    .chunks(piece)
                    .fold(false, |found, it| frames.pass(it) | found);
                assert_eq!(found, expected, "{bytes:?} in pieces of {piece}");
            }
        }
    }
}
