//! What the containers of a world do. An image is named after it, so that a log tells it.

use std::time::Duration;

use crate::dice::Dice;

/// The character of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Behaviour {
    /// Runs until it is stopped.
    Steady,
    /// Takes long to start, and to stop.
    Slow,
    /// Ends soon after its start in half of the cases, while there are faults.
    Flaky,
    /// Runs for minutes, then ends, while there are faults.
    EndsLater,
    /// Never runs: its image is not there.
    CannotPull,
    /// Ends with an exit code as soon as it runs.
    EndsAtOnce,
    /// Its health check succeeds after a while.
    Healthy,
    /// Its health check never succeeds.
    NeverHealthy,
    /// Its health check succeeds, then fails in half of the cases, while there are faults.
    Sickens,
    /// Does its work and ends well, as a hook or a job does.
    Finishes,
}

/// Whether things that need not go wrong do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// They do.
    Stormy,
    /// Only what cannot go well fails.
    Calm,
}

/// The life of one container, as decided when it arrives.
#[derive(Clone, Debug)]
pub struct Life {
    /// Until its image is there, or cannot be had.
    pub pull: Duration,
    /// Why its image cannot be had.
    pub pull_error: Option<&'static str>,
    /// From then until it runs.
    pub start: Duration,
    /// After how long it ends by itself, and how.
    pub end: Option<(Duration, i32)>,
    /// Whether its health check succeeds from then on, after its start; before that it does not.
    pub health: Vec<(Duration, bool)>,
    /// From the wish that it stops until it has.
    pub stop: Duration,
}

impl Behaviour {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Steady,
        Self::Slow,
        Self::Flaky,
        Self::EndsLater,
        Self::CannotPull,
        Self::EndsAtOnce,
        Self::Healthy,
        Self::NeverHealthy,
        Self::Sickens,
        Self::Finishes,
    ];

    /// Its image, and the family of its task definition.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Slow => "slow",
            Self::Flaky => "flaky",
            Self::EndsLater => "ends-later",
            Self::CannotPull => "cannot-pull",
            Self::EndsAtOnce => "ends-at-once",
            Self::Healthy => "healthy",
            Self::NeverHealthy => "never-healthy",
            Self::Sickens => "sickens",
            Self::Finishes => "finishes",
        }
    }

    /// The behaviour of an image.
    pub fn of_image(image: &str) -> Self {
        let found = Self::ALL.into_iter().find(|it| it.name() == image);
        found.unwrap_or(Self::Steady)
    }

    /// Its container has a health check.
    pub fn is_checked(self) -> bool {
        matches!(self, Self::Healthy | Self::NeverHealthy | Self::Sickens)
    }

    /// No task of it ever gets healthy.
    pub fn is_hopeless(self) -> bool {
        matches!(
            self,
            Self::CannotPull | Self::EndsAtOnce | Self::NeverHealthy | Self::Finishes
        )
    }

    /// Decides one life.
    pub fn life(self, dice: &mut Dice, weather: Weather) -> Life {
        let is_stormy = weather == Weather::Stormy;
        let pace = if self == Self::Slow { 10 } else { 1 };
        let mut life = Life {
            pull: dice.millis(20, 800 * pace),
            pull_error: None,
            start: dice.millis(10, 400 * pace),
            end: None,
            health: Vec::new(),
            stop: dice.millis(5, 500 * pace),
        };
        match self {
            Self::Steady | Self::Slow => {}
            Self::Flaky if is_stormy && dice.percent(50) => life.end = Some((dice.millis(1, 9_000), 1)),
            Self::EndsLater if is_stormy => life.end = Some((dice.millis(10_000, 240_000), 0)),
            Self::Flaky | Self::EndsLater => {}
            Self::CannotPull => life.pull_error = Some("image not found"),
            Self::EndsAtOnce => life.end = Some((dice.millis(1, 300), 3)),
            Self::Finishes => life.end = Some((dice.millis(1, 3_000), 0)),
            Self::Healthy | Self::Sickens => {
                let first = dice.millis(0, 8_000);
                life.health.push((first, true));
                if self == Self::Sickens && is_stormy && dice.percent(50) {
                    let later = first + dice.millis(500, 60_000);
                    life.health.push((later, false));
                }
            }
            Self::NeverHealthy => {}
        }
        life
    }
}
