//! FARGATE tasks without a place. There are no container instances to its caller, so none is named: not even which
//! clusters have the hosts.

use domain::host::Resources;
use store::State;

use super::{PlacementFailure, refusals};

/// Amazon's reason, for each task: <https://repost.aws/knowledge-center/ecs-fargate-runtask-capacity>
pub const CAPACITY_UNAVAILABLE: &str =
    "Capacity is unavailable at this time. Please try again later or in a different availability zone";

/// One failure for each task that is `missing`. What the hosts say is told in numbers: "2 hosts: 2 lack CPU units
/// (1024 needed, most free 256)."
pub fn unplaced(
    state: &State,
    wanted: &Resources,
    refused: &[PlacementFailure],
    missing: usize,
) -> Vec<PlacementFailure> {
    if missing == 0 {
        return Vec::new();
    }
    let told = refusals::tell_hosts(state, wanted, refused);
    let detail = told.unwrap_or_else(|| "No host takes FARGATE tasks there.".to_owned());
    let failure = PlacementFailure {
        arn: None,
        reason: CAPACITY_UNAVAILABLE.to_owned(),
        detail: Some(detail),
        in_event: CAPACITY_UNAVAILABLE.to_owned(),
    };
    vec![failure; missing]
}

/// The same without its host.
pub fn nameless(it: PlacementFailure) -> PlacementFailure {
    let detail = it.detail.unwrap_or_else(|| format!("The task {}.", it.in_event));
    PlacementFailure {
        arn: None,
        detail: Some(detail),
        ..it
    }
}
