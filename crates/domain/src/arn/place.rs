//! What decides the order of most ARNs without looking at their texts.
//!
//! The state keeps its records in trees by ARN. The ARNs of one kind in one cluster begin alike, so each comparison
//! would read both texts, far apart in memory, only to find that the last digits differ. So each ARN carries a number
//! for its beginning, up to the last slash, and the first bytes behind it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use parking_lot::RwLock;

/// Bytes behind the last slash that are carried along.
const BYTES: usize = 6;

/// Longer beginnings get no number: the table stays small, whatever clients send.
const HEAD_BYTES_MAX: usize = 200;

/// Beginnings that are known, in this process; they are never forgotten, so no more than have a number.
static HEADS: RwLock<BTreeMap<Box<str>, u16>> = RwLock::new(BTreeMap::new());

/// Where an ARN is among others with the same beginning.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// 0 for beginnings without a number.
    head: u16,
    /// The rest is 0.
    name: [u8; BYTES],
}

impl Place {
    /// Of the whole text of an ARN.
    pub fn of(text: &str) -> Self {
        let end = text.rfind('/').map_or(0, |at| at + 1);
        let (head, rest) = text.split_at(end);
        let mut name = [0; BYTES];
        for (place, byte) in name.iter_mut().zip(rest.bytes()) {
            *place = byte;
        }
        Self {
            head: number(head),
            name,
        }
    }

    /// How the texts are ordered, if the places say so. Where they do not, the texts may still differ.
    pub fn order(self, other: Self) -> Option<Ordering> {
        let is_same_head = self.head == other.head && self.head != 0;
        let order = self.name.cmp(&other.name);
        (is_same_head && order.is_ne()).then_some(order)
    }
}

fn number(head: &str) -> u16 {
    if head.len() > HEAD_BYTES_MAX {
        return 0;
    }
    if let Some(known) = HEADS.read().get(head) {
        return *known;
    }
    let mut heads = HEADS.write();
    if let Some(known) = heads.get(head) {
        return *known;
    }
    let Some(next) = u16::try_from(heads.len()).ok().and_then(|it| it.checked_add(1)) else {
        return 0;
    };
    heads.insert(head.into(), next);
    next
}
