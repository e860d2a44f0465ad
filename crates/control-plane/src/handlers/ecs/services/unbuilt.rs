//! What Amazon accepts of a service and Gantry does not obey yet: nothing accepted is ignored.

use api::ecs;

use crate::handlers::ecs::errors::{is_filled, refuse_unbuilt};

/// Refuses the first member that is not built yet. Building one removes its line.
///
/// # Errors
/// UnsupportedFeatureException that names the member.
pub fn refuse(input: &ecs::CreateServiceInput) -> Result<(), ecs::Error> {
    refuse_unbuilt(&[
        ("monitoring", input.monitoring.is_some()),
        (
            "volumeConfigurations",
            is_filled(input.volume_configurations.as_ref()),
        ),
        (
            "vpcLatticeConfigurations",
            is_filled(input.vpc_lattice_configurations.as_ref()),
        ),
    ])
}
