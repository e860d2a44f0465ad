//! DescribeCapacityReservation, ModifyCapacityReservation: there is none, as a load balancer has the capacity of its host.

use api::elbv2::{self, Error};

use super::errors::{not_permitted, validation};
use super::names;
use crate::call::Call;

/// `DescribeCapacityReservation`: that of a load balancer which has reserved nothing.
///
/// # Errors
/// LoadBalancerNotFound, ValidationError.
pub async fn describe_capacity_reservation(
    call: Call<elbv2::DescribeCapacityReservation>,
) -> Result<elbv2::DescribeCapacityReservationOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let store = call.access().store();
    store.read(|state| names::load_balancer(state, scope, &input.load_balancer_arn))?;
    Ok(elbv2::DescribeCapacityReservationOutput {
        capacity_reservation_state: Some(Vec::new()),
        ..elbv2::DescribeCapacityReservationOutput::default()
    })
}

/// `ModifyCapacityReservation`: none can be made, so that one is taken back is true already.
///
/// # Errors
/// LoadBalancerNotFound, OperationNotPermitted, ValidationError.
pub async fn modify_capacity_reservation(
    call: Call<elbv2::ModifyCapacityReservation>,
) -> Result<elbv2::ModifyCapacityReservationOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let store = call.access().store();
    store.read(|state| names::load_balancer(state, scope, &input.load_balancer_arn))?;
    let resets = input.reset_capacity_reservation == Some(true);
    match (&input.minimum_load_balancer_capacity, resets) {
        (None, true) => Ok(elbv2::ModifyCapacityReservationOutput {
            capacity_reservation_state: Some(Vec::new()),
            ..elbv2::ModifyCapacityReservationOutput::default()
        }),
        (Some(_), true) => Err(validation(
            "You cannot specify a minimum capacity and reset the capacity reservation at the same time",
        )),
        (Some(_), false) => Err(not_permitted(
            "This operation is not allowed: a load balancer has the capacity of its host: none can be reserved.",
        )),
        (None, false) => Err(validation(
            "You must specify a minimum capacity or reset the capacity reservation",
        )),
    }
}
