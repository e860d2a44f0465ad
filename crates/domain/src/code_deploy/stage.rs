//! Stages of a deployment, in their order: lifecycle events and the waits between them.

use serde::{Deserialize, Serialize};

/// Where a deployment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    /// Before the replacement task set is made.
    BeforeInstall,
    /// The replacement task set is made, and gets its tasks.
    Install,
    /// It has them.
    AfterInstall,
    /// It gets the test traffic.
    AllowTestTraffic,
    /// It has it.
    AfterAllowTestTraffic,
    /// Somebody has to say that production traffic may be shifted.
    ReadyWait,
    /// Before production traffic is shifted.
    BeforeAllowTraffic,
    /// Production traffic is shifted, maybe in steps.
    AllowTraffic,
    /// The replacement has all of it.
    AfterAllowTraffic,
    /// The original task set stays for a while.
    TerminationWait,
    /// It is deleted; in a rollback, the replacement is.
    Terminate,
}

impl Stage {
    /// Those that are lifecycle events.
    pub const EVENTS: [Self; 8] = [
        Self::BeforeInstall,
        Self::Install,
        Self::AfterInstall,
        Self::AllowTestTraffic,
        Self::AfterAllowTestTraffic,
        Self::BeforeAllowTraffic,
        Self::AllowTraffic,
        Self::AfterAllowTraffic,
    ];

    /// The name of the lifecycle event, or of the stage where it is none.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeforeInstall => "BeforeInstall",
            Self::Install => "Install",
            Self::AfterInstall => "AfterInstall",
            Self::AllowTestTraffic => "AllowTestTraffic",
            Self::AfterAllowTestTraffic => "AfterAllowTestTraffic",
            Self::ReadyWait => "ReadyWait",
            Self::BeforeAllowTraffic => "BeforeAllowTraffic",
            Self::AllowTraffic => "AllowTraffic",
            Self::AfterAllowTraffic => "AfterAllowTraffic",
            Self::TerminationWait => "TerminationWait",
            Self::Terminate => "Terminate",
        }
    }

    /// The lifecycle event of that name that may have a hook.
    pub fn of_hook(name: &str) -> Option<Self> {
        let mut hooked = Self::EVENTS.into_iter().filter(|it| it.has_hook());
        hooked.find(|it| it.as_str() == name)
    }

    /// Whether somebody may be asked in it.
    pub fn has_hook(self) -> bool {
        matches!(
            self,
            Self::BeforeInstall
                | Self::AfterInstall
                | Self::AfterAllowTestTraffic
                | Self::BeforeAllowTraffic
                | Self::AfterAllowTraffic
        )
    }

    /// Whether it is only there with a listener of test traffic.
    pub fn needs_test_traffic(self) -> bool {
        matches!(self, Self::AllowTestTraffic | Self::AfterAllowTestTraffic)
    }
}
