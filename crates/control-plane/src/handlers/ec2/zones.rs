//! Availability zones: three of each region, and those that have a subnet.

use std::collections::BTreeSet;

use api::ec2;
use domain::Scope;
use store::State;

use super::filters::{Filters, Rule};
use super::{check_dry_run, invalid_value};
use crate::call::Call;

/// Zones that every region has, as Amazon's have at least.
const LETTERS: [&str; 3] = ["a", "b", "c"];

/// Filters on what no zone here has match nothing.
const RULES: [Rule<ec2::AvailabilityZone>; 9] = [
    Rule {
        names: &["zone-name", "zoneName"],
        values: |it| it.zone_name.iter().cloned().collect(),
    },
    Rule {
        names: &["zone-id", "zoneId"],
        values: |it| it.zone_id.iter().cloned().collect(),
    },
    Rule {
        names: &["zone-type"],
        values: |it| it.zone_type.iter().cloned().collect(),
    },
    Rule {
        names: &["group-name"],
        values: |it| it.group_name.iter().cloned().collect(),
    },
    Rule {
        names: &["group-long-name"],
        values: |it| it.group_long_name.iter().cloned().collect(),
    },
    Rule {
        names: &["region-name", "regionName"],
        values: |it| it.region_name.iter().cloned().collect(),
    },
    Rule {
        names: &["opt-in-status"],
        values: |it| it.opt_in_status.iter().map(|it| it.as_str().to_owned()).collect(),
    },
    Rule {
        names: &["state"],
        values: |it| it.state.iter().map(|it| it.as_str().to_owned()).collect(),
    },
    Rule {
        names: &["message", "parent-zone-id", "parent-zone-name"],
        values: |_| Vec::new(),
    },
];

/// `DescribeAvailabilityZones`. No zone here needs to be opted into: `AllAvailabilityZones` adds none.
///
/// # Errors
/// InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn describe_availability_zones(
    call: Call<ec2::DescribeAvailabilityZones>,
) -> Result<ec2::DescribeAvailabilityZonesOutput, ec2::Error> {
    let input = call.input();
    let filters = Filters::of(&RULES, input.filters.as_ref())?;
    check_dry_run(input.dry_run)?;
    let region = &call.scope().region;
    let names = call.access().store().read(|state| names(state, call.scope()));
    let mut zones: Vec<_> = names.iter().map(|name| rendered(region, name)).collect();
    let wanted = input.zone_names.as_deref().unwrap_or_default();
    choose(&mut zones, wanted, "zone", |it| it.zone_name.as_deref())?;
    let wanted = input.zone_ids.as_deref().unwrap_or_default();
    choose(&mut zones, wanted, "zone-id", |it| it.zone_id.as_deref())?;
    zones.retain(|it| filters.match_all(it));
    Ok(ec2::DescribeAvailabilityZonesOutput {
        availability_zones: Some(zones),
    })
}

/// Zones that subnets can be made in.
pub(super) fn names(state: &State, scope: &Scope) -> BTreeSet<String> {
    let region = &scope.region;
    let always = LETTERS.iter().map(|letter| format!("{region}{letter}"));
    let subnets = state.subnets(scope);
    subnets
        .map(|it| it.availability_zone.clone())
        .chain(always)
        .collect()
}

/// Keeps those that are named, or all if none is.
fn choose(
    zones: &mut Vec<ec2::AvailabilityZone>,
    wanted: &[String],
    noun: &str,
    own: fn(&ec2::AvailabilityZone) -> Option<&str>,
) -> Result<(), ec2::Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let is_unknown = |name: &&String| !zones.iter().any(|it| own(it) == Some(name.as_str()));
    if let Some(unknown) = wanted.iter().find(is_unknown) {
        return Err(invalid_value(format!("Invalid availability {noun}: [{unknown}]")));
    }
    zones.retain(|it| wanted.iter().any(|name| own(it) == Some(name.as_str())));
    Ok(())
}

fn rendered(region: &str, name: &str) -> ec2::AvailabilityZone {
    ec2::AvailabilityZone {
        zone_name: Some(name.to_owned()),
        zone_id: Some(zone_id(name)),
        zone_type: Some("availability-zone".to_owned()),
        region_name: Some(region.to_owned()),
        network_border_group: Some(region.to_owned()),
        group_name: Some(format!("{region}-zg-1")),
        // On Amazon that of the region with a number; regions here have no long names.
        group_long_name: Some(format!("{region} 1")),
        state: Some(ec2::AvailabilityZoneState::Available),
        opt_in_status: Some(ec2::AvailabilityZoneOptInStatus::OptInNotRequired),
        messages: Some(Vec::new()),
        ..ec2::AvailabilityZone::default()
    }
}

/// `us-east-1a` → `use1-az1`: <https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html>. Amazon
/// shuffles the letters of each account; here they stand in the order of the numbers.
pub(super) fn zone_id(name: &str) -> String {
    let region = name.trim_end_matches(|it: char| it.is_ascii_lowercase());
    let letter = name[region.len()..].bytes().next().unwrap_or(b'a');
    let number = u32::from(letter - b'a') + 1;
    let mut short = String::new();
    for word in region.split('-') {
        short.push_str(match word {
            "north" => "n",
            "south" => "s",
            "east" => "e",
            "west" => "w",
            "central" => "c",
            "northeast" => "ne",
            "northwest" => "nw",
            "southeast" => "se",
            "southwest" => "sw",
            "gov" => "g",
            other => other,
        });
    }
    format!("{short}-az{number}")
}
