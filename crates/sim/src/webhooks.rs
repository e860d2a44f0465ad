//! Webhooks of a world: they answer as the dice fall, after a while, and some never do.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use control_plane::WebhookClient;
use orchestrator::transitions::WebhookAnswer;
use serde_json::Value;

use crate::dice::Dice;

/// First of the streams of chance; each control plane has the next.
const STREAM: u64 = 1 << 32;

/// Answers the webhooks that one control plane calls.
pub struct FakeWebhooks(Mutex<Dice>);

impl FakeWebhooks {
    /// Those that the control plane of that number calls.
    pub fn new(seed: u64, number: u64) -> Self {
        Self(Mutex::new(Dice::new(seed, STREAM + number)))
    }

    fn decide(&self) -> (Duration, WebhookAnswer) {
        let mut dice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match dice.weighted(&[6, 3, 2, 1]) {
            0 => WebhookAnswer::Succeeded,
            1 => WebhookAnswer::InProgress {
                wait: dice.millis(1_000, 20_000),
                details: None,
            },
            2 => WebhookAnswer::Failed("hookStatus is FAILED.".to_owned()),
            // Longer than anybody waits.
            _ => return (Duration::from_secs(15 * 60), WebhookAnswer::Succeeded),
        };
        (dice.millis(5, 3_000), answer)
    }
}

impl WebhookClient for FakeWebhooks {
    async fn call(&self, _: &str, _: &Value) -> WebhookAnswer {
        let (after, answer) = self.decide();
        tokio::time::sleep(after).await;
        answer
    }
}
