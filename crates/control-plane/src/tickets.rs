//! Tickets: what somebody was allowed waits until that somebody comes on a socket with the token, which is good once.

pub mod tokens;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use domain::Timestamp;
use parking_lot::Mutex;

use tokens::{NoRandomness, digest, is_same, random_text};

/// Tickets that nobody has come with yet.
pub const WAITING_MAX: usize = 1024;
/// How long one may take to come.
const TOKEN_SECONDS: i64 = 60;

/// What a ticket admits to.
pub trait Admitted {
    /// What has a bounded number of places.
    type Room: Clone + Eq + Hash;
    /// So many.
    const PLACES_MAX: usize;
    /// Before the random part of a session's id.
    const SESSION_PREFIX: &'static str;
    /// Hexadecimal digits of the random part, 24 at most.
    const SESSION_DIGITS: usize;

    /// Where it takes a place.
    fn room(&self) -> Self::Room;
}

/// What the one who comes has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The prefix and random digits.
    pub session_id: String,
    /// Good once, and for a minute.
    pub token: String,
}

/// Why there is no ticket, or it is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// All places are taken.
    NoPlace,
    /// Very many wait.
    TooManyWaiting,
    /// The operating system gives no random bytes.
    NoRandomness,
}

impl From<NoRandomness> for Refusal {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

/// All tickets of a kind.
pub struct Tickets<A: Admitted>(Mutex<Table<A>>);

struct Table<A: Admitted> {
    waiting: HashMap<String, Waiting<A>>,
    taken: HashMap<A::Room, usize>,
}

struct Waiting<A> {
    token: [u8; 32],
    until: Timestamp,
    admitted: A,
}

impl<A: Admitted> Default for Tickets<A> {
    fn default() -> Self {
        Self(Mutex::new(Table {
            waiting: HashMap::new(),
            taken: HashMap::new(),
        }))
    }
}

/// A place that is taken; dropped at its end.
pub struct Place<A: Admitted> {
    tickets: Arc<Tickets<A>>,
    room: A::Room,
}

impl<A: Admitted> Drop for Place<A> {
    fn drop(&mut self) {
        let mut table = self.tickets.0.lock();
        if let Some(count) = table.taken.get_mut(&self.room) {
            *count -= 1;
            if *count == 0 {
                table.taken.remove(&self.room);
            }
        }
    }
}

impl<A: Admitted> Tickets<A> {
    /// Rooms with places that are taken.
    #[cfg(test)]
    pub fn rooms(&self) -> usize {
        self.0.lock().taken.len()
    }

    /// Makes a ticket that waits for who asked for it.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn issue(&self, admitted: A, now: Timestamp) -> Result<Issued, Refusal> {
        let name = random_text::<12>()?;
        let issued = Issued {
            session_id: format!("{}{}", A::SESSION_PREFIX, &name[..A::SESSION_DIGITS]),
            token: random_text::<32>()?,
        };
        let mut table = self.0.lock();
        table.waiting.retain(|_, it| it.until > now);
        if table.waiting.len() >= WAITING_MAX {
            return Err(Refusal::TooManyWaiting);
        }
        table.require_place(&admitted.room())?;
        let waiting = Waiting {
            token: digest(&issued.token),
            until: Timestamp::from_second(now.as_second() + TOKEN_SECONDS).unwrap_or(now),
            admitted,
        };
        table.waiting.insert(issued.session_id.clone(), waiting);
        Ok(issued)
    }

    /// Takes a ticket from who knows its token, once. `None`: there is none such, or the token is another one.
    ///
    /// # Errors
    /// [`Refusal::NoPlace`].
    pub fn claim(
        self: &Arc<Self>,
        session_id: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<(A, Place<A>)>, Refusal> {
        let mut table = self.0.lock();
        let found = table.waiting.get(session_id);
        if !found.is_some_and(|it| it.until > now && is_same(&it.token, token)) {
            return Ok(None);
        }
        let Some(Waiting { admitted, .. }) = table.waiting.remove(session_id) else {
            return Ok(None);
        };
        let room = admitted.room();
        table.require_place(&room)?;
        *table.taken.entry(room.clone()).or_default() += 1;
        let tickets = Arc::clone(self);
        Ok(Some((admitted, Place { tickets, room })))
    }
}

impl<A: Admitted> Table<A> {
    fn require_place(&self, room: &A::Room) -> Result<(), Refusal> {
        match self.taken.get(room) {
            Some(count) if *count >= A::PLACES_MAX => Err(Refusal::NoPlace),
            _ => Ok(()),
        }
    }
}
