//! Plain questions, as nearly all are, answered from bytes to bytes: no message is made of either.
//!
//! What is answered is decided where it is for all questions. What is not plain, or whose answer is not, is left to
//! [`message`](crate::message) and [`answer`](crate::answer), which say the same of the rest.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, RecordType};
use rand::Rng;

use crate::answer::chosen;
use crate::message::{UDP_MAX, UDP_MIN};
use crate::names::{Labels, Names, Says, Seen, Set, Zone};

const HEADER: usize = 12;
const CLASS_IN: [u8; 2] = [0, 1];
/// Type and class of a question.
const KIND_BYTES: usize = 4;
/// A pointer to the name of the question, which begins after the header.
const ASKED_NAME: u16 = 0xc000 | HEADER as u16;
const POINTER: u16 = 0xc000;

const IS_ANSWER: u8 = 0x80;
const IS_AUTHORITATIVE: u8 = 0x04;
const IS_RECURSION_DESIRED: u8 = 0x01;
const IS_RECURSION_AVAILABLE: u8 = 0x80;
const IS_CHECKING_DISABLED: u8 = 0x10;
/// That of an answer, and the operation: 0 for a question.
const KIND_OF_MESSAGE: u8 = 0xf8;

/// A question of one name, without pointers, of the class of the Internet; with EDNS without options, or without EDNS.
#[derive(Debug)]
pub struct Plain<'a> {
    header: &'a [u8; HEADER],
    /// Name, type and class as they came.
    question: &'a [u8],
    name: Labels,
    kind: RecordType,
    /// How much the client takes over UDP, if it speaks EDNS.
    payload: Option<u16>,
}

/// Reads a question; `None` if it is not plain.
pub fn read(packet: &[u8]) -> Option<Plain<'_>> {
    let (header, rest) = packet.split_first_chunk::<HEADER>()?;
    let [_, _, flags, _, 0, 1, 0, 0, 0, 0, 0, additionals] = *header else {
        return None;
    };
    if flags & KIND_OF_MESSAGE != 0 {
        return None;
    }
    let (name, length) = Labels::read(rest)?;
    let (question, rest) = rest.split_at_checked(length + KIND_BYTES)?;
    let (kind, class) = question[length..].split_first_chunk::<2>()?;
    let kind = RecordType::from(u16::from_be_bytes(*kind));
    if class != CLASS_IN || matches!(kind, RecordType::AXFR | RecordType::IXFR) {
        return None;
    }
    let payload = match (additionals, rest) {
        (0, []) => None,
        // the root's name, type OPT, how much is taken, a code, version 0, flags, and no options
        (1, &[0, 0, 41, high, low, _, 0, _, _, 0, 0]) => Some(u16::from_be_bytes([high, low])),
        _ => return None,
    };
    Some(Plain {
        header,
        question,
        name,
        kind,
        payload,
    })
}

impl Plain<'_> {
    /// How much of an answer the client takes over UDP.
    pub fn udp_limit(&self) -> u16 {
        self.payload.unwrap_or(UDP_MIN).clamp(UDP_MIN, UDP_MAX)
    }

    /// Appends the answer to `out`, if it is one of addresses or that there is nothing, and has at most `limit` bytes;
    /// else says `false`, and appends nothing.
    pub fn answer(
        &self,
        names: &Names,
        vpc_id: &str,
        limit: u16,
        dice: &mut impl Rng,
        out: &mut Vec<u8>,
    ) -> bool {
        let Seen::In(zone) = names.seen(vpc_id, &self.name) else {
            return false;
        };
        let start = out.len();
        let is_written = match zone.says(&self.name, self.kind) {
            Says::Records(sets) => self.addresses(sets, dice, out),
            Says::Nothing => self.denial(zone, ResponseCode::NoError, out),
            Says::Unknown => self.denial(zone, ResponseCode::NXDomain, out),
            Says::Alias(_) => false,
        };
        let is_right = is_written && out.len() - start <= usize::from(limit);
        if !is_right {
            out.truncate(start);
        }
        is_right
    }

    fn addresses(&self, sets: &[Set], dice: &mut impl Rng, out: &mut Vec<u8>) -> bool {
        if !matches!(self.kind, RecordType::A | RecordType::AAAA) {
            return false;
        }
        let mut wanted = sets.iter().filter(|it| it.is_wanted(self.kind));
        if wanted.any(|set| set.has_aliases()) {
            // whoever follows aliases draws lots: drawn twice, they would come less often
            return false;
        }
        let start = out.len();
        self.head(ResponseCode::NoError, 0, out);
        let mut count: u16 = 0;
        for set in sets.iter().filter(|it| it.is_wanted(self.kind)) {
            for data in chosen(set, dice) {
                out.extend_from_slice(&ASKED_NAME.to_be_bytes());
                out.extend_from_slice(&u16::from(set.kind).to_be_bytes());
                out.extend_from_slice(&CLASS_IN);
                out.extend_from_slice(&set.ttl.to_be_bytes());
                match data {
                    RData::A(it) => with_length(&it.octets(), out),
                    RData::AAAA(it) => with_length(&it.octets(), out),
                    _ => return false,
                }
                count += 1;
            }
        }
        out[start + 6..start + 8].copy_from_slice(&count.to_be_bytes());
        self.tail(out);
        true
    }

    fn denial(&self, zone: &Zone, code: ResponseCode, out: &mut Vec<u8>) -> bool {
        let Some(authority) = zone.written_start_of_authority() else {
            return false;
        };
        let above = self.name.as_bytes().len() - zone.apex_bytes();
        // a name has 255 bytes at most
        let origin = POINTER | (HEADER + above) as u16;
        self.head(code, 1, out);
        out.extend_from_slice(&origin.to_be_bytes());
        out.extend_from_slice(authority);
        self.tail(out);
        true
    }

    fn head(&self, code: ResponseCode, authorities: u8, out: &mut Vec<u8>) {
        let [id_high, id_low, flags, more_flags, ..] = *self.header;
        out.extend_from_slice(&[
            id_high,
            id_low,
            IS_ANSWER | IS_AUTHORITATIVE | (flags & IS_RECURSION_DESIRED),
            IS_RECURSION_AVAILABLE | (more_flags & IS_CHECKING_DISABLED) | code.low(),
            0,
            1,
            0,
            0,
            0,
            authorities,
            0,
            u8::from(self.payload.is_some()),
        ]);
        out.extend_from_slice(self.question);
    }

    fn tail(&self, out: &mut Vec<u8>) {
        if self.payload.is_some() {
            let [high, low] = UDP_MAX.to_be_bytes();
            out.extend_from_slice(&[0, 0, 41, high, low, 0, 0, 0, 0, 0, 0]);
        }
    }
}

/// The data of a record, which has no more than 255 bytes.
fn with_length(data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(data.len() as u16).to_be_bytes());
    out.extend_from_slice(data);
}

#[cfg(test)]
mod tests;
