//! Messages of DNS: what is asked, and the bytes of the answer within what the client can take.

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Record, RecordType};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};

use crate::answer::Reply;

/// Length of the header.
const HEADER: usize = 12;
/// What every client takes over UDP.
pub const UDP_MIN: u16 = 512;
/// The longest answer over UDP: larger ones would be sent in fragments, which get lost.
pub const UDP_MAX: u16 = 1232;
/// The longest over TCP.
pub const TCP_MAX: u16 = u16::MAX;

/// What arrived.
#[derive(Debug)]
pub enum Request {
    /// A question.
    Question(Box<Question>),
    /// Something else, and the answer to it.
    Refused(Vec<u8>),
    /// Nothing that may be answered, such as an answer.
    Nothing,
}

/// A question.
#[derive(Clone, Debug)]
pub struct Question {
    /// What is asked.
    pub query: Query,
    /// Whether others may be asked.
    pub is_recursion_desired: bool,
    id: u16,
    is_checking_disabled: bool,
    /// How much the client takes over UDP, if it speaks EDNS.
    payload: Option<u16>,
}

/// Reads what arrived.
pub fn read(packet: &[u8]) -> Request {
    let Some(header) = packet.first_chunk::<HEADER>() else {
        return Request::Nothing;
    };
    let is_answer = header[2] & 0x80 != 0;
    if is_answer {
        return Request::Nothing;
    }
    let Ok(message) = Message::from_vec(packet) else {
        return Request::Refused(refusal(header, ResponseCode::FormErr));
    };
    if message.metadata.op_code != OpCode::Query {
        return Request::Refused(refusal(header, ResponseCode::NotImp));
    }
    let [query] = message.queries.as_slice() else {
        return Request::Refused(refusal(header, ResponseCode::FormErr));
    };
    let edns = message.edns.as_ref();
    let question = Question {
        query: query.clone(),
        is_recursion_desired: message.metadata.recursion_desired,
        id: message.metadata.id,
        is_checking_disabled: message.metadata.checking_disabled,
        payload: edns.map(|it| it.max_payload().max(UDP_MIN)),
    };
    let refused = match (edns.map(Edns::version), query.query_class, query.query_type) {
        (Some(1..), ..) => Some(ResponseCode::BADVERS),
        (_, DNSClass::IN | DNSClass::ANY, RecordType::AXFR | RecordType::IXFR) => Some(ResponseCode::Refused),
        (_, DNSClass::IN | DNSClass::ANY, _) => None,
        _ => Some(ResponseCode::Refused),
    };
    match refused {
        Some(code) => Request::Refused(write(&question, Reply::code(code), UDP_MIN)),
        None => Request::Question(Box::new(question)),
    }
}

/// A header that only says why.
fn refusal(header: &[u8; HEADER], code: ResponseCode) -> Vec<u8> {
    let mut answer = vec![0; HEADER];
    answer[..2].copy_from_slice(&header[..2]);
    // operation and "recursion desired" as asked
    answer[2] = 0x80 | (header[2] & 0x79);
    answer[3] = code.low();
    answer
}

impl Question {
    /// How much of an answer the client takes over UDP.
    pub fn udp_limit(&self) -> u16 {
        self.payload.unwrap_or(UDP_MIN).min(UDP_MAX)
    }
}

/// The bytes of an answer, at most `limit`. What does not fit is left out: first what nobody has asked for, then
/// records, and then it says so.
pub fn write(question: &Question, reply: Reply, limit: u16) -> Vec<u8> {
    let mut message = Message::new(question.id, MessageType::Response, OpCode::Query);
    message.metadata.authoritative = reply.is_authoritative;
    message.metadata.recursion_desired = question.is_recursion_desired;
    message.metadata.recursion_available = true;
    message.metadata.checking_disabled = question.is_checking_disabled;
    message.metadata.response_code = reply.code;
    message.queries = vec![question.query.clone()];
    message.answers = reply.answers;
    message.authorities = reply.authorities;
    message.additionals = reply.additionals;
    if question.payload.is_some() {
        let mut edns = Edns::new();
        edns.set_max_payload(UDP_MAX);
        message.edns = Some(edns);
    }
    loop {
        if let Some(bytes) = fitting(&message, limit) {
            return bytes;
        }
        if !message.additionals.is_empty() {
            message.additionals.clear();
        } else if !message.answers.is_empty() {
            message.metadata.truncation = true;
            halve(&mut message.answers);
        } else if !message.authorities.is_empty() {
            message.metadata.truncation = true;
            message.authorities.clear();
        } else {
            // A question alone always fits, unless its name is none.
            return refusal_of(question);
        }
    }
}

fn halve(records: &mut Vec<Record>) {
    records.truncate(records.len() / 2);
}

fn fitting(message: &Message, limit: u16) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::from(limit.min(UDP_MIN)));
    message.emit(&mut BinEncoder::new(&mut bytes)).ok()?;
    (bytes.len() <= usize::from(limit)).then_some(bytes)
}

fn refusal_of(question: &Question) -> Vec<u8> {
    let mut header = [0; HEADER];
    header[..2].copy_from_slice(&question.id.to_be_bytes());
    refusal(&header, ResponseCode::ServFail)
}

#[cfg(test)]
mod tests;
