//! Follows the output of one container: reads it by position, gives it to a log driver, and saves how far that got.
//!
//! The position is saved after what was accepted, so a restart loses nothing and repeats at most what was just on its
//! way.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ids::Ids;
use tokio_util::sync::CancellationToken;

use crate::backoff::{Backoff, random};
use crate::host::{Host, LogLine};
use crate::tasks::record::Records;

/// Bytes read from the host at a time.
const READ_BYTES: usize = 512 * 1024;
/// Pause while there is output: it is gathered so long, and Amazon's 5 s are beaten.
const BUSY_PAUSE: Duration = Duration::from_millis(250);
/// Longest pause while there is none.
const IDLE_PAUSE: Duration = Duration::from_secs(1);
/// Attempts at reading in a row.
const READ_ATTEMPTS: u32 = 8;
/// Pauses between attempts, at reading as at shipping.
pub const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(10),
    factor: 2.0,
    jitter: 0.2,
};

/// Where output is shipped. It returns once lines are accepted, or given up.
#[async_trait]
pub trait Sink: Send {
    /// Takes lines in order of their positions; may be called with none, now and then.
    async fn put(&mut self, lines: Vec<LogLine>);
    /// Nothing follows.
    async fn finish(&mut self);
    /// Where the first line begins that was taken and is still held back.
    fn held_back(&self) -> Option<u64>;
}

/// The output of one container.
pub struct Source {
    /// Whose output is read.
    pub host: Arc<dyn Host>,
    /// Where the position is kept.
    pub records: Records,
    /// For pauses.
    pub ids: Arc<Ids>,
    /// Its task.
    pub task_id: String,
    /// Its name.
    pub container: String,
    /// Its index in the task.
    pub index: usize,
    /// There will be no more output.
    pub finish: CancellationToken,
    /// Stop in between; another agent goes on.
    pub shutdown: CancellationToken,
}

impl Source {
    /// Ships output until it has ended.
    pub async fn ship(self, mut sink: Box<dyn Sink>) {
        let mut position = self.records.log_position(&self.task_id, self.index).await;
        let mut saved = position;
        let mut pause = BUSY_PAUSE;
        let mut failures = 0;
        loop {
            // Read before the output is: what is written until then is then all.
            let is_last = self.finish.is_cancelled();
            match self.read(position).await {
                Ok(chunk) => {
                    failures = 0;
                    let advance = chunk.next_position.saturating_sub(position);
                    position = chunk.next_position;
                    sink.put(chunk.lines).await;
                    if advance == 0 && is_last {
                        sink.finish().await;
                    }
                    saved = self.save(saved, sink.held_back().unwrap_or(position)).await;
                    pause = match advance {
                        0 if is_last => return,
                        0 => (pause * 2).min(IDLE_PAUSE),
                        _ => BUSY_PAUSE,
                    };
                    let is_full = advance >= READ_BYTES as u64 / 2;
                    if (is_full || is_last) && !self.shutdown.is_cancelled() {
                        continue;
                    }
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(task = self.task_id, container = self.container, %error, "cannot read output");
                    if failures == READ_ATTEMPTS {
                        return;
                    }
                    pause = BACKOFF.pause(failures, random(&self.ids));
                }
            }
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                () = self.finish.cancelled(), if !is_last => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn read(&self, position: u64) -> Result<crate::host::LogChunk, crate::host::HostError> {
        let read = self
            .host
            .read_log(&self.task_id, &self.container, position, READ_BYTES);
        read.await
    }

    /// Answers what is saved now.
    async fn save(&self, saved: u64, position: u64) -> u64 {
        if saved == position {
            return saved;
        }
        let result = self
            .records
            .save_log_position(&self.task_id, self.index, position)
            .await;
        match result {
            Ok(()) => position,
            Err(error) => {
                tracing::warn!(task = self.task_id, container = self.container, %error, "cannot save the log position");
                saved
            }
        }
    }
}
