//! One zone, and how many there are.

use api::route53::{self, Error};

use super::errors::invalid_input;
use super::{ids, render};
use crate::call::Call;

/// Most record sets of a zone by default, as on Amazon.
const RECORD_SETS_MAX: i64 = 10_000;
/// Most VPCs of a private zone by default, as on Amazon.
const VPCS_MAX: i64 = 300;

/// `GetHostedZone`.
///
/// # Errors
/// NoSuchHostedZone, InvalidInput.
pub async fn get_hosted_zone(
    call: Call<route53::GetHostedZone>,
) -> Result<route53::GetHostedZoneOutput, Error> {
    let scopes = ids::scopes(&call);
    let store = call.access().store();
    let zone = store.read(|state| ids::zone(state, &scopes, &call.input().id).map(ids::owned))?;
    Ok(route53::GetHostedZoneOutput {
        delegation_set: render::delegation_set(&zone.1),
        hosted_zone: render::zone(store, &zone).await,
        vp_cs: render::vpcs(&zone.1),
    })
}

/// `GetHostedZoneCount`.
///
/// # Errors
/// None.
pub async fn get_hosted_zone_count(
    call: Call<route53::GetHostedZoneCount>,
) -> Result<route53::GetHostedZoneCountOutput, Error> {
    let scopes = ids::scopes(&call);
    let store = call.access().store();
    let count = store.read(|state| ids::zones(state, &scopes).len());
    Ok(route53::GetHostedZoneCountOutput {
        hosted_zone_count: i64::try_from(count).unwrap_or(i64::MAX),
    })
}

/// `GetHostedZoneLimit`: Amazon's default; more than that is served too.
///
/// # Errors
/// NoSuchHostedZone, HostedZoneNotPrivate, InvalidInput.
pub async fn get_hosted_zone_limit(
    call: Call<route53::GetHostedZoneLimit>,
) -> Result<route53::GetHostedZoneLimitOutput, Error> {
    let (scopes, input) = (ids::scopes(&call), call.input());
    let store = call.access().store();
    let (_, namespace) =
        store.read(|state| ids::zone(state, &scopes, &input.hosted_zone_id).map(ids::owned))?;
    let (value, count) = match input.r#type {
        route53::HostedZoneLimitType::MaxRrsetsByZone => {
            (RECORD_SETS_MAX, render::record_set_count(store, &namespace).await)
        }
        route53::HostedZoneLimitType::MaxVpcsAssociatedByZone if namespace.vpc_id().is_none() => {
            let message = Some("The specified hosted zone is a public hosted zone".to_owned());
            return Err(Error::HostedZoneNotPrivate(route53::HostedZoneNotPrivate {
                message,
            }));
        }
        route53::HostedZoneLimitType::MaxVpcsAssociatedByZone => (VPCS_MAX, 1),
        route53::HostedZoneLimitType::Unmodelled(ref other) => {
            return Err(invalid_input(format!("Invalid limit type: {other}")));
        }
    };
    Ok(route53::GetHostedZoneLimitOutput {
        count,
        limit: route53::HostedZoneLimit {
            r#type: input.r#type.clone(),
            value,
        },
    })
}
