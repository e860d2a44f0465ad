//! Removes images that no task needs any more, now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::config::ImageSettings;
use crate::host::{Host, ImageCleanup, PullBehavior};
use crate::tasks::Tasks;

/// How often it is looked whether the disk is full.
const WATCH_PERIOD: Duration = Duration::from_secs(60);

/// Cleans until shutdown. Under `prefer-cached` nothing is removed for want of use, as Amazon's agent has it.
pub async fn run(
    host: Arc<dyn Host>,
    tasks: Arc<Tasks>,
    settings: ImageSettings,
    shutdown: CancellationToken,
) {
    let Some(interval) = settings.cleanup_interval else {
        return;
    };
    if settings.behavior == PullBehavior::PreferCached {
        return;
    }
    let mut ticks = tokio::time::interval(interval.min(WATCH_PERIOD));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut cleaned_at = Instant::now();
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let is_due = cleaned_at.elapsed() >= interval;
        if is_due {
            cleaned_at = Instant::now();
        }
        let cleanup = ImageCleanup {
            in_use: tasks.images(),
            minimum_age: settings.minimum_age,
            // Between the cycles only a full disk makes anything go.
            most: if is_due { settings.images_per_cycle } else { 0 },
            high_water_percent: settings.high_water_percent,
        };
        if let Err(error) = host.remove_unused_images(&cleanup).await {
            tracing::warn!(%error, "unused images cannot be removed");
        }
    }
}
