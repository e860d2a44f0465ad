//! Stages of a deployment that is not a rolling one, and how far it has come.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html>

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::deployment_strategy::{ALL_TRAFFIC, Weight};
use crate::lifecycle_hook::HookRun;

#[cfg(test)]
mod tests;

/// Stages of a deployment that is not a rolling one, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LifecycleStage {
    /// More than one older revision has tasks: all but the one with the traffic go.
    ReconcileService,
    /// Before the first task of the new revision.
    PreScaleUp,
    /// Tasks of the new revision start, until as many are healthy as are wanted.
    ScaleUp,
    /// They are all there.
    PostScaleUp,
    /// The new revision gets the test traffic.
    TestTrafficShift,
    /// It has it.
    PostTestTrafficShift,
    /// Before a shift of production traffic; a stage of hooks only, shown as the one that follows.
    PreProductionTrafficShift,
    /// The new revision gets production traffic, or more of it.
    ProductionTrafficShift,
    /// It has all of it.
    PostProductionTrafficShift,
    /// Both revisions run, should the new one be given up after all.
    BakeTime,
    /// Tasks of the old revision stop.
    CleanUp,
}

impl LifecycleStage {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::ReconcileService,
        Self::PreScaleUp,
        Self::ScaleUp,
        Self::PostScaleUp,
        Self::TestTrafficShift,
        Self::PostTestTrafficShift,
        Self::PreProductionTrafficShift,
        Self::ProductionTrafficShift,
        Self::PostProductionTrafficShift,
        Self::BakeTime,
        Self::CleanUp,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReconcileService => "RECONCILE_SERVICE",
            Self::PreScaleUp => "PRE_SCALE_UP",
            Self::ScaleUp => "SCALE_UP",
            Self::PostScaleUp => "POST_SCALE_UP",
            Self::TestTrafficShift => "TEST_TRAFFIC_SHIFT",
            Self::PostTestTrafficShift => "POST_TEST_TRAFFIC_SHIFT",
            Self::PreProductionTrafficShift => "PRE_PRODUCTION_TRAFFIC_SHIFT",
            Self::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
            Self::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
            Self::BakeTime => "BAKE_TIME",
            Self::CleanUp => "CLEAN_UP",
        }
    }

    /// Whether hooks run in it.
    pub fn has_hooks(self) -> bool {
        !matches!(self, Self::ScaleUp | Self::BakeTime | Self::CleanUp)
    }

    /// Whether a deployment can pause in it.
    pub fn can_pause(self) -> bool {
        self.has_hooks() && !matches!(self, Self::TestTrafficShift | Self::ProductionTrafficShift)
    }
}

/// How far a deployment in stages has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentLifecycle {
    /// Where it is.
    pub stage: LifecycleStage,
    /// Since when.
    pub since: Timestamp,
    /// Id of the deployment that has the traffic and keeps its tasks until CLEAN_UP; a first deployment has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue: Option<String>,
    /// Test traffic of the new revision.
    pub test_weight: Weight,
    /// Production traffic of the new revision.
    pub production_weight: Weight,
    /// Hooks of this stage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookRun>,
}

impl DeploymentLifecycle {
    /// What follows the current stage.
    pub fn next_stage(&self) -> LifecycleStage {
        use LifecycleStage as S;
        match self.stage {
            S::ReconcileService => S::PreScaleUp,
            S::PreScaleUp => S::ScaleUp,
            S::ScaleUp => S::PostScaleUp,
            S::PostScaleUp => S::TestTrafficShift,
            S::TestTrafficShift => S::PostTestTrafficShift,
            S::PostTestTrafficShift => S::PreProductionTrafficShift,
            S::PreProductionTrafficShift => S::ProductionTrafficShift,
            S::ProductionTrafficShift if self.production_weight < ALL_TRAFFIC => S::PreProductionTrafficShift,
            S::ProductionTrafficShift => S::PostProductionTrafficShift,
            S::PostProductionTrafficShift => S::BakeTime,
            S::BakeTime | S::CleanUp => S::CleanUp,
        }
    }

    /// The deployment of the old revision keeps its tasks for now.
    pub fn keeps(&self, deployment: &str) -> bool {
        self.stage != LifecycleStage::CleanUp && self.blue.as_deref() == Some(deployment)
    }

    /// Some of the production traffic has not been given to the new revision yet.
    pub fn has_traffic_to_shift(&self) -> bool {
        self.stage < LifecycleStage::PostProductionTrafficShift && self.production_weight < ALL_TRAFFIC
    }

    /// Tasks of the new revision are wanted.
    pub fn scales_up(&self) -> bool {
        self.stage >= LifecycleStage::ScaleUp
    }
}
