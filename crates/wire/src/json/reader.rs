//! A pull parser of JSON that visits shapes directly, without a tree in between.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::shape::{DecodeError, ValueReader};

/// Deepest nesting; AWS models need about ten.
const DEPTH_MAX: usize = 64;

/// Where a document is being read.
pub struct JsonReader<'a> {
    bytes: &'a [u8],
    /// As much of it as is UTF-8: checked once, so that taking a string costs nothing.
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> JsonReader<'a> {
    /// At the start of a document.
    pub fn new(bytes: &'a [u8]) -> Self {
        let text =
            std::str::from_utf8(bytes).or_else(|error| std::str::from_utf8(&bytes[..error.valid_up_to()]));
        Self {
            bytes,
            text: text.unwrap_or_default(),
            at: 0,
            depth: 0,
        }
    }

    /// Checks that nothing follows.
    ///
    /// # Errors
    /// Something does.
    pub fn end(&mut self) -> Result<(), DecodeError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected("the end")),
        }
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn unexpected(&mut self, wanted: &str) -> DecodeError {
        let found = match self.peek() {
            None => "the end of the document".to_owned(),
            Some(byte) => format!("{:?} at byte {}", char::from(byte), self.at),
        };
        DecodeError::serialization(format!("expected {wanted}, found {found}"))
    }

    fn expect(&mut self, byte: u8) -> Result<(), DecodeError> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected(&format!("{:?}", char::from(byte))));
        }
        self.at += 1;
        Ok(())
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.peek();
        let is_there = self.bytes[self.at..].starts_with(word.as_bytes());
        if is_there {
            self.at += word.len();
        }
        is_there
    }

    fn text(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a string"));
        }
        self.at += 1;
        let start = self.at;
        match self.pass_plain() {
            Some(b'"') => {
                let text = self.utf_8(start)?;
                self.at += 1;
                Ok(Cow::Borrowed(text))
            }
            Some(b'\\') => self.escaped(start).map(Cow::Owned),
            Some(_) => Err(self.unexpected("no control character in a string")),
            None => Err(self.unexpected("the end of a string")),
        }
    }

    /// Passes what stands for itself in a string; gives the byte that does not.
    fn pass_plain(&mut self) -> Option<u8> {
        let (words, _) = self.bytes[self.at..].as_chunks::<8>();
        for word in words {
            let found = specials(u64::from_le_bytes(*word));
            if found != 0 {
                self.at += found.trailing_zeros() as usize / 8;
                return self.bytes.get(self.at).copied();
            }
            self.at += 8;
        }
        let rest = &self.bytes[self.at..];
        let plain = rest.iter().position(|it| specials(u64::from(*it) | PLAIN) != 0);
        self.at += plain.unwrap_or(rest.len());
        rest.get(plain?).copied()
    }

    fn utf_8(&self, start: usize) -> Result<&'a str, DecodeError> {
        self.text
            .get(start..self.at)
            .ok_or_else(|| DecodeError::serialization(format!("the string at byte {start} is not UTF-8")))
    }

    fn escaped(&mut self, start: usize) -> Result<String, DecodeError> {
        let mut text = self.utf_8(start)?.to_owned();
        loop {
            let run = self.at;
            let end = self.pass_plain();
            text.push_str(self.utf_8(run)?);
            match end {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(_) => return Err(self.unexpected("no control character in a string")),
                None => return Err(self.unexpected("the end of a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, DecodeError> {
        let escape = self.bytes.get(self.at).copied();
        self.at += 1;
        Ok(match escape {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'u') => return self.unicode(),
            _ => {
                return Err(DecodeError::serialization(format!(
                    "bad escape at byte {}",
                    self.at
                )));
            }
        })
    }

    fn unicode(&mut self) -> Result<char, DecodeError> {
        let first = self.hex_4()?;
        let code = match first {
            0xd800..=0xdbff if self.bytes[self.at..].starts_with(b"\\u") => {
                self.at += 2;
                let second = self.hex_4()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(DecodeError::serialization("half of a surrogate pair"));
                }
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| DecodeError::serialization("half of a surrogate pair"))
    }

    fn hex_4(&mut self) -> Result<u32, DecodeError> {
        let digits = self
            .bytes
            .get(self.at..self.at + 4)
            .and_then(|it| std::str::from_utf8(it).ok());
        let digits = digits.filter(|it| it.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = digits.and_then(|it| u32::from_str_radix(it, 16).ok());
        self.at += 4;
        code.ok_or_else(|| DecodeError::serialization(format!("bad escape at byte {}", self.at)))
    }

    /// The text of a number: by the grammar of JSON, which is narrower than Rust's.
    fn number(&mut self) -> Result<&'a str, DecodeError> {
        self.peek();
        let start = self.at;
        self.at += usize::from(self.bytes.get(start) == Some(&b'-'));
        let first = self.at;
        let digits = self.digits();
        // 007 is no number, 0 is.
        let mut is_valid = digits == 1 || (digits > 1 && self.bytes[first] != b'0');
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            is_valid &= self.digits() > 0;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            is_valid &= self.digits() > 0;
        }
        if !is_valid {
            self.at = start;
            return Err(self.unexpected("a number"));
        }
        self.utf_8(start)
    }

    /// Passes digits and counts them.
    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at - start
    }

    fn skip(&mut self) -> Result<(), DecodeError> {
        match self.peek() {
            Some(b'"') => self.text().map(|_| ()),
            Some(b'{') => self.object(&mut |_, _| Ok(false)),
            Some(b'[') => self.list(&mut Self::skip),
            _ if self.take_word("true") || self.take_word("false") || self.take_word("null") => Ok(()),
            _ => self.number().map(|_| ()),
        }
    }

    fn enter(&mut self) -> Result<(), DecodeError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(DecodeError::serialization(format!(
                "nested deeper than {DEPTH_MAX}"
            )));
        }
        Ok(())
    }
}

/// Seven bytes that stand for themselves, above one that is asked about.
const PLAIN: u64 = u64::from_le_bytes(*b"\0       ");

/// Marks the high bit of each byte that ends a plain run: quotes, backslashes, control characters. The lowest mark is
/// exact; marks above it may come from a borrow.
fn specials(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let below = |word: u64, bound: u8| word.wrapping_sub(ONES * u64::from(bound)) & !word & (ONES * 0x80);
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, 0x20) | equal(b'"') | equal(b'\\')
}

fn not_a_number(text: &str) -> DecodeError {
    DecodeError::serialization(format!("{text:?} is not a number"))
}

impl ValueReader for JsonReader<'_> {
    fn take_null(&mut self) -> bool {
        self.take_word("null")
    }

    fn string(&mut self) -> Result<String, DecodeError> {
        self.text().map(Cow::into_owned)
    }

    fn boolean(&mut self) -> Result<bool, DecodeError> {
        if self.take_word("true") {
            return Ok(true);
        }
        if self.take_word("false") {
            Ok(false)
        } else {
            Err(self.unexpected("true or false"))
        }
    }

    fn integer(&mut self) -> Result<i64, DecodeError> {
        let text = self.number()?;
        if let Ok(value) = text.parse() {
            return Ok(value);
        }
        // Some clients write whole numbers as 3.0 or 3e0.
        let value: f64 = text.parse().map_err(|_| not_a_number(text))?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and in range, as just checked"
        )]
        let whole = (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64);
        whole.ok_or_else(|| DecodeError::serialization(format!("{text} is not a whole number in range")))
    }

    fn double(&mut self) -> Result<f64, DecodeError> {
        let text = self.number()?;
        let value: f64 = text.parse().map_err(|_| not_a_number(text))?;
        if value.is_finite() {
            Ok(value)
        } else {
            Err(DecodeError::serialization(format!(
                "{text} is out of the range of a Double"
            )))
        }
    }

    fn timestamp(&mut self) -> Result<Timestamp, DecodeError> {
        if self.peek() == Some(b'"') {
            let text = self.text()?;
            return text
                .parse()
                .map_err(|_| DecodeError::serialization(format!("{text:?} is not a time")));
        }
        let seconds = self.double()?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and from_millisecond checks the range"
        )]
        let millis = (seconds * 1000.0).round() as i64;
        Timestamp::from_millisecond(millis)
            .map_err(|_| DecodeError::serialization(format!("{seconds} is not a time in range")))
    }

    fn blob(&mut self) -> Result<Vec<u8>, DecodeError> {
        let text = self.text()?;
        STANDARD
            .decode(text.as_bytes())
            .map_err(|_| DecodeError::serialization("a blob is not base64"))
    }

    fn document(&mut self) -> Result<String, DecodeError> {
        self.peek();
        let start = self.at;
        self.skip()?;
        self.utf_8(start).map(str::to_owned)
    }

    fn list(
        &mut self,
        item: &mut dyn FnMut(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.expect(b'[').map_err(|_| self.unexpected("a list"))?;
        self.enter()?;
        if !self.take(b']') {
            loop {
                item(self)?;
                if !self.take(b',') {
                    break;
                }
            }
            self.expect(b']')?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn object(
        &mut self,
        entry: &mut dyn FnMut(&str, &mut Self) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        self.expect(b'{').map_err(|_| self.unexpected("an object"))?;
        self.enter()?;
        if !self.take(b'}') {
            loop {
                let name = self.text()?;
                self.expect(b':')?;
                if !entry(&name, self)? {
                    self.skip()?;
                }
                if !self.take(b',') {
                    break;
                }
            }
            self.expect(b'}')?;
        }
        self.depth -= 1;
        Ok(())
    }
}
