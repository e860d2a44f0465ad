//! What a load balancer finds out about targets that fail more often than their peers.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AnomalyDetection.html>

use serde::{Deserialize, Serialize};

/// Whether a target is anomalous, and what is done about that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnomalyDetection {
    /// It fails disproportionately often.
    pub is_anomalous: bool,
    /// It gets less than its peers, or not as much again yet.
    pub is_mitigated: bool,
}

impl AnomalyDetection {
    /// There is nothing to tell.
    pub fn is_normal(&self) -> bool {
        *self == Self::default()
    }
}
