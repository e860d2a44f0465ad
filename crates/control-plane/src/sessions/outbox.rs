//! Messages that an agent has not acknowledged yet: sent again after a while, given up after a few times.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// How long an acknowledgement may take.
const ACK_DEADLINE: Duration = Duration::from_secs(30);
/// How often a message is sent before the session counts as broken.
const ATTEMPTS_MAX: u32 = 4;

struct Waiting {
    text: String,
    sent_at: Instant,
    attempts: u32,
}

/// What has been sent and not acknowledged.
#[derive(Default)]
pub struct Outbox(HashMap<String, Waiting>);

/// The agent does not acknowledge: the session is of no use.
#[derive(Debug, PartialEq, Eq)]
pub struct Unresponsive;

impl Outbox {
    /// Notes a message that is being sent.
    pub fn sent(&mut self, message_id: String, text: String, now: Instant) {
        self.0.insert(
            message_id,
            Waiting {
                text,
                sent_at: now,
                attempts: 1,
            },
        );
    }

    /// An acknowledgement came. Duplicates are harmless.
    pub fn acknowledged(&mut self, message_id: &str) {
        self.0.remove(message_id);
    }

    /// What has to be sent again now.
    ///
    /// # Errors
    /// [`Unresponsive`].
    pub fn due(&mut self, now: Instant) -> Result<Vec<String>, Unresponsive> {
        let mut due = Vec::new();
        for waiting in self
            .0
            .values_mut()
            .filter(|it| now.duration_since(it.sent_at) >= ACK_DEADLINE)
        {
            if waiting.attempts == ATTEMPTS_MAX {
                return Err(Unresponsive);
            }
            waiting.attempts += 1;
            waiting.sent_at = now;
            due.push(waiting.text.clone());
        }
        Ok(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_not_acknowledged_comes_again_and_is_given_up() {
        let mut outbox = Outbox::default();
        outbox.sent("a".into(), "A".into(), Instant::now());
        outbox.sent("b".into(), "B".into(), Instant::now());
        outbox.acknowledged("b");
        assert_eq!(outbox.due(Instant::now()), Ok(Vec::new()));
        for _ in 1..ATTEMPTS_MAX {
            tokio::time::advance(ACK_DEADLINE).await;
            assert_eq!(outbox.due(Instant::now()), Ok(vec!["A".to_owned()]));
        }
        tokio::time::advance(ACK_DEADLINE).await;
        assert_eq!(outbox.due(Instant::now()), Err(Unresponsive));
    }
}
