//! What others have answered, for as long as they allow and there is room.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::answer::Reply;

/// Answers of one generation; there are two.
const GENERATION_MAX: usize = 4096;
/// Bytes of an answer that is remembered, as others have sent it.
pub const ANSWER_BYTES_MAX: usize = 4096;
/// However long others allow.
const TTL_MAX: u32 = 3600;
/// The same of what is not there.
const NEGATIVE_TTL_MAX: u32 = 900;
/// Others that fail are not asked again at once.
const FAILURE_TTL: u32 = 1;

/// What was asked.
pub type Key = (Name, RecordType);

/// What others have answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The answer.
    pub reply: Reply,
    /// When it came.
    pub came_at: Instant,
    /// Seconds.
    pub ttl: u32,
}

impl Answer {
    /// An answer that came now.
    pub fn new(reply: Reply, now: Instant) -> Self {
        let ttl = ttl(&reply);
        Self {
            reply,
            came_at: now,
            ttl,
        }
    }

    /// As it is answered now: what is left of the time for which it may be remembered.
    pub fn reply_at(&self, now: Instant) -> Reply {
        let age = now.saturating_duration_since(self.came_at).as_secs();
        let age = u32::try_from(age).unwrap_or(u32::MAX);
        let mut reply = self.reply.clone();
        let sections = [&mut reply.answers, &mut reply.authorities, &mut reply.additionals];
        for record in sections.into_iter().flatten() {
            record.ttl = record.ttl.saturating_sub(age);
        }
        reply
    }

    fn is_good_at(&self, now: Instant) -> bool {
        now < self.came_at + Duration::from_secs(u64::from(self.ttl))
    }
}

/// How long an answer may be remembered.
fn ttl(reply: &Reply) -> u32 {
    let authority = reply.authorities.iter().find_map(|it| match &it.data {
        RData::SOA(soa) => Some(it.ttl.min(soa.minimum)),
        _ => None,
    });
    match reply.code {
        ResponseCode::NoError if !reply.answers.is_empty() => {
            let shortest = reply.answers.iter().map(|it: &Record| it.ttl).min();
            shortest.unwrap_or(0).min(TTL_MAX)
        }
        ResponseCode::NoError | ResponseCode::NXDomain => {
            authority.unwrap_or(FAILURE_TTL).min(NEGATIVE_TTL_MAX)
        }
        _ => FAILURE_TTL,
    }
}

/// Two generations: when the younger one is full it becomes the older one, which is dropped.
#[derive(Debug, Default)]
pub struct Cache {
    young: HashMap<Key, Arc<Answer>>,
    old: HashMap<Key, Arc<Answer>>,
}

impl Cache {
    /// What is remembered.
    pub fn get(&mut self, key: &Key, now: Instant) -> Option<Arc<Answer>> {
        if let Some(found) = self.young.get(key) {
            return Some(Arc::clone(found)).filter(|it| it.is_good_at(now));
        }
        let found = self.old.remove(key).filter(|it| it.is_good_at(now))?;
        self.put(key.clone(), Arc::clone(&found));
        Some(found)
    }

    /// Remembers an answer.
    pub fn put(&mut self, key: Key, answer: Arc<Answer>) {
        if answer.ttl == 0 {
            return;
        }
        if self.young.len() >= GENERATION_MAX && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, answer);
    }
}

#[cfg(test)]
mod tests;
