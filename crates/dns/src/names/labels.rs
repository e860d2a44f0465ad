//! Names as they are compared: a name and all that it is below are parts of the same few bytes.

use hickory_proto::rr::Name;

/// A name has 255 bytes at most, with the root's label.
const BYTES_MAX: usize = 254;
/// A label has 63 bytes at most; greater numbers before one have other meanings.
const LABEL_MAX: u8 = 63;

/// The labels of a name, each after its length, in lower case; without the root's, which all have.
#[derive(Clone, Debug)]
pub struct Labels {
    bytes: [u8; BYTES_MAX],
    length: usize,
}

impl Labels {
    /// Those of a name.
    pub fn of(name: &Name) -> Self {
        let mut labels = Self {
            bytes: [0; BYTES_MAX],
            length: 0,
        };
        for label in name {
            let end = labels.length + 1 + label.len();
            // both always hold, as a name is never longer
            let (Ok(length), Some(room)) = (
                u8::try_from(label.len()),
                labels.bytes.get_mut(labels.length..end),
            ) else {
                break;
            };
            room[0] = length;
            room[1..].copy_from_slice(label);
            labels.length = end;
        }
        labels.bytes.make_ascii_lowercase();
        labels
    }

    /// Those of a name that is written at the beginning of some bytes, without pointers, and how many bytes it takes
    /// there. `None` if there is no such name.
    pub fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut length = 0;
        loop {
            match *bytes.get(length)? {
                0 => break,
                label @ 1..=LABEL_MAX => length += 1 + usize::from(label),
                _ => return None,
            }
        }
        let mut labels = Self {
            bytes: [0; BYTES_MAX],
            length,
        };
        let room = labels.bytes.get_mut(..length)?;
        room.copy_from_slice(&bytes[..length]);
        // lengths are less than any letter
        room.make_ascii_lowercase();
        Some((labels, length + 1))
    }

    /// What names are found by.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// The name, then each that it is below, without the root.
    pub fn and_above(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.as_bytes();
        std::iter::from_fn(move || {
            let this = rest;
            let label = usize::from(*this.first()?);
            rest = &this[1 + label..];
            Some(this)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::names::absolute;

    #[test]
    fn a_name_leads_up() {
        let labels = Labels::of(&absolute("A.bc.Test").expect("a name"));
        let all: Vec<&[u8]> = labels.and_above().collect();
        assert_eq!(
            all,
            [b"\x01a\x02bc\x04test".as_slice(), b"\x02bc\x04test", b"\x04test"]
        );
        assert_eq!(Labels::of(&Name::root()).and_above().count(), 0);
    }

    #[test]
    fn what_is_no_name_is_not_read() {
        for bytes in [
            b"".as_slice(),
            b"\x01",
            b"\x01a",
            b"\x02a\0",
            b"\xc0\x0c",
            b"\x01a\xc0\x0c",
            b"\x40",
        ] {
            assert!(Labels::read(bytes).is_none(), "{bytes:?}");
        }
        let longest = [[1, b'x'].repeat(127), vec![0]].concat();
        assert_eq!(Labels::read(&longest).map(|it| it.1), Some(255));
        let longer = [[1, b'x'].repeat(126), vec![2, b'x', b'x', 0]].concat();
        assert!(Labels::read(&longer).is_none());
    }

    proptest! {
        #[test]
        fn both_ways_lead_to_the_same(labels in proptest::collection::vec("[a-cA-C*_\\x00-\\x20@-\\[]{1,20}", 0..6)) {
            let name = Name::from_labels(labels.iter().map(String::as_bytes)).expect("a name");
            let bytes: Vec<u8> = name.iter().flat_map(|it| [&[it.len() as u8], it].concat()).chain([0, 7]).collect();
            let (read, length) = Labels::read(&bytes).expect("a name");
            let made = Labels::of(&name);
            prop_assert_eq!(read.as_bytes(), made.as_bytes());
            prop_assert_eq!(length, bytes.len() - 1);
            prop_assert_eq!(read.and_above().count(), labels.len());
        }
    }
}
