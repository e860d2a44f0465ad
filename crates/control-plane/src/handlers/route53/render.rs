//! Zones and their records as they are shown.

use api::route53;
use domain::cloud_map::zone_records::{
    NAME_SERVERS, ZoneRecordData, ZoneRecordSet, absolute, count, count_of,
};
use domain::cloud_map::{Namespace, RoutingPolicy};
use domain::load_balancer::LoadBalancerKind;
use store::Store;

use super::ids::{OwnedZone, Zone};
use super::pieces;
use crate::handlers::elbv2;

/// The service whose zones these are.
const CLOUD_MAP: &str = "servicediscovery.amazonaws.com";
/// All sets of a service have the same: each is as likely as any other.
const WEIGHT: i64 = 1;

/// How many record sets the zone of a namespace has.
pub async fn record_set_count(store: &Store, namespace: &Namespace) -> i64 {
    let mut of_services = 0;
    for service in pieces::services(store, &namespace.id).await {
        let instances = pieces::instances(store, &service.id).await;
        of_services += count_of(&service, instances.iter().map(AsRef::as_ref));
    }
    i64::try_from(count(of_services)).unwrap_or(i64::MAX)
}

/// A zone.
pub async fn zone(store: &Store, (zone, namespace): &OwnedZone) -> route53::HostedZone {
    let arn = namespace.arn();
    route53::HostedZone {
        // The operation by which Cloud Map made it.
        caller_reference: namespace.operation_id.clone(),
        config: Some(route53::HostedZoneConfig {
            comment: Some(format!("Created by AWS Cloud Map namespace with ARN {arn}")),
            private_zone: Some(namespace.vpc_id().is_some()),
        }),
        id: format!("/hostedzone/{}", zone.id),
        linked_service: Some(route53::LinkedService {
            description: Some(arn),
            service_principal: Some(CLOUD_MAP.to_owned()),
        }),
        name: absolute(&namespace.name),
        resource_record_set_count: Some(record_set_count(store, namespace).await),
        ..route53::HostedZone::default()
    }
}

/// The zones of a page.
pub async fn zones(store: &Store, page: &[OwnedZone]) -> Vec<route53::HostedZone> {
    let mut shown = Vec::with_capacity(page.len());
    for it in page {
        shown.push(zone(store, it).await);
    }
    shown
}

/// A zone in a listing of a VPC's.
pub fn zone_summary((zone, namespace): Zone<'_>) -> route53::HostedZoneSummary {
    route53::HostedZoneSummary {
        hosted_zone_id: zone.id.clone(),
        name: absolute(&namespace.name),
        owner: route53::HostedZoneOwner {
            owning_account: Some(namespace.scope.account.clone()),
            owning_service: None,
        },
    }
}

/// The VPC in which a private zone is seen.
pub fn vpcs(namespace: &Namespace) -> Option<Vec<route53::VPC>> {
    let vpc_id = namespace.vpc_id()?;
    Some(vec![route53::VPC {
        vpc_id: Some(vpc_id.to_owned()),
        vpc_region: Some(namespace.scope.region.as_str().into()),
    }])
}

/// The servers of a public zone.
pub fn delegation_set(namespace: &Namespace) -> Option<route53::DelegationSet> {
    let servers = NAME_SERVERS.iter().map(|it| it.trim_end_matches('.').to_owned());
    namespace.vpc_id().is_none().then(|| route53::DelegationSet {
        name_servers: servers.collect(),
        ..route53::DelegationSet::default()
    })
}

/// The zone that the name of a load balancer stands in. A record has to name one: for regions that Amazon does not have,
/// that of the first one.
fn zone_of_load_balancer(dns_name: &str) -> &'static str {
    let found = elbv2::hosted_zone_of(dns_name);
    let other = || elbv2::hosted_zone(LoadBalancerKind::Application, "us-east-1");
    found.or_else(other).unwrap_or_default()
}

/// A set of records in a zone.
pub fn record_set(it: ZoneRecordSet) -> route53::ResourceRecordSet {
    let mut shown = route53::ResourceRecordSet {
        name: it.name,
        r#type: it.record_type.into(),
        ttl: it.ttl_seconds.map(i64::from),
        ..route53::ResourceRecordSet::default()
    };
    if let Some((identifier, routing)) = it.choice {
        shown.set_identifier = Some(identifier);
        match routing {
            RoutingPolicy::Multivalue => shown.multi_value_answer = Some(true),
            RoutingPolicy::Weighted => shown.weight = Some(WEIGHT),
        }
    }
    match it.data {
        ZoneRecordData::Values(values) => {
            let records = values.into_iter().map(|value| route53::ResourceRecord { value });
            shown.resource_records = Some(records.collect());
        }
        ZoneRecordData::Alias(dns_name) => {
            shown.alias_target = Some(route53::AliasTarget {
                hosted_zone_id: zone_of_load_balancer(&dns_name).to_owned(),
                dns_name: absolute(&dns_name),
                evaluate_target_health: true,
            });
        }
    }
    shown
}
