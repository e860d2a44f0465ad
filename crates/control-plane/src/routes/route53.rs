//! Which handler serves which operation of Route 53, and which only refuse.

use api::route53;
use wire::Operation;

use super::refused::Refused;
use super::{Routes, name};
use crate::handlers::route53 as zones;

/// Why zones are not made.
const ZONES: &str = "hosted zones are made by namespaces of Cloud Map";
/// Why zones and their records are not changed.
const MANAGED: &str = "the zones are those of Cloud Map, which alone changes them";
/// Why the operations of health checks are refused.
const HEALTH_CHECKS: &str = "there are no health checkers of Route 53";
/// Why those of traffic policies are.
const TRAFFIC: &str = "there are no traffic policies";
/// Why those of DNSSEC are.
const DNSSEC: &str = "zones are not signed";
/// Why those of CIDR collections are.
const CIDRS: &str = "there is no routing by the address of clients";
/// Why those of delegation sets are.
const DELEGATION: &str = "there are no reusable delegation sets";
/// Why those of query logging are.
const LOGGING: &str = "queries are not logged";
/// Why those of other VPCs are.
const VPCS: &str = "a zone is seen in the VPC of its namespace";
/// Why those of places and limits are.
const PLACES: &str = "there is no routing by the place of clients";

impl Routes {
    pub(super) fn route53(&mut self) {
        self.on::<route53::GetChange, _, _>(zones::get_change);
        self.on::<route53::GetHostedZone, _, _>(zones::get_hosted_zone);
        self.on::<route53::GetHostedZoneCount, _, _>(zones::get_hosted_zone_count);
        self.on::<route53::GetHostedZoneLimit, _, _>(zones::get_hosted_zone_limit);
        self.on::<route53::ListHostedZones, _, _>(zones::list_hosted_zones);
        self.on::<route53::ListHostedZonesByName, _, _>(zones::list_hosted_zones_by_name);
        self.on::<route53::ListHostedZonesByVPC, _, _>(zones::list_hosted_zones_by_vpc);
        self.on::<route53::ListResourceRecordSets, _, _>(zones::list_resource_record_sets);
        self.on::<route53::ListTagsForResource, _, _>(zones::list_tags_for_resource);
        self.on::<route53::ListTagsForResources, _, _>(zones::list_tags_for_resources);
    }

    /// Each is decoded first, so that wrong input is answered as by an operation that is built.
    pub(super) fn refused_route53(&mut self) {
        self.refuse_change::<route53::ChangeResourceRecordSets>(|it| &it.hosted_zone_id);
        self.refuse_change::<route53::DeleteHostedZone>(|it| &it.id);
        self.refuse_change::<route53::UpdateHostedZoneComment>(|it| &it.id);
        self.refuse_route53::<route53::CreateHostedZone>(ZONES);
        self.refuse_route53::<route53::UpdateHostedZoneFeatures>(MANAGED);
        self.refuse_route53::<route53::ChangeTagsForResource>("tags of namespaces are Cloud Map's");
        self.refuse_route53::<route53::TestDNSAnswer>("ask the resolver of a VPC");
        self.refuse_route53::<route53::GetAccountLimit>(ZONES);
        self.refuse_route53::<route53::AssociateVPCWithHostedZone>(VPCS);
        self.refuse_route53::<route53::CreateVPCAssociationAuthorization>(VPCS);
        self.refuse_route53::<route53::DeleteVPCAssociationAuthorization>(VPCS);
        self.refuse_route53::<route53::DisassociateVPCFromHostedZone>(VPCS);
        self.refuse_route53::<route53::ListVPCAssociationAuthorizations>(VPCS);
        self.refuse_route53::<route53::GetGeoLocation>(PLACES);
        self.refuse_route53::<route53::ListGeoLocations>(PLACES);
        self.refuse_route53::<route53::CreateReusableDelegationSet>(DELEGATION);
        self.refuse_route53::<route53::DeleteReusableDelegationSet>(DELEGATION);
        self.refuse_route53::<route53::GetReusableDelegationSet>(DELEGATION);
        self.refuse_route53::<route53::GetReusableDelegationSetLimit>(DELEGATION);
        self.refuse_route53::<route53::ListReusableDelegationSets>(DELEGATION);
        self.refuse_route53::<route53::CreateQueryLoggingConfig>(LOGGING);
        self.refuse_route53::<route53::DeleteQueryLoggingConfig>(LOGGING);
        self.refuse_route53::<route53::GetQueryLoggingConfig>(LOGGING);
        self.refuse_route53::<route53::ListQueryLoggingConfigs>(LOGGING);
        self.refused_checks_and_keys();
        self.refused_traffic();
    }

    fn refused_checks_and_keys(&mut self) {
        self.refuse_route53::<route53::CreateHealthCheck>(HEALTH_CHECKS);
        self.refuse_route53::<route53::DeleteHealthCheck>(HEALTH_CHECKS);
        self.refuse_route53::<route53::GetHealthCheck>(HEALTH_CHECKS);
        self.refuse_route53::<route53::GetHealthCheckLastFailureReason>(HEALTH_CHECKS);
        self.refuse_route53::<route53::GetHealthCheckStatus>(HEALTH_CHECKS);
        self.refuse_route53::<route53::ListHealthChecks>(HEALTH_CHECKS);
        self.refuse_route53::<route53::UpdateHealthCheck>(HEALTH_CHECKS);
        self.refuse_route53::<route53::ActivateKeySigningKey>(DNSSEC);
        self.refuse_route53::<route53::CreateKeySigningKey>(DNSSEC);
        self.refuse_route53::<route53::DeactivateKeySigningKey>(DNSSEC);
        self.refuse_route53::<route53::DeleteKeySigningKey>(DNSSEC);
        self.refuse_route53::<route53::DisableHostedZoneDNSSEC>(DNSSEC);
        self.refuse_route53::<route53::EnableHostedZoneDNSSEC>(DNSSEC);
        self.refuse_route53::<route53::GetDNSSEC>(DNSSEC);
    }

    fn refused_traffic(&mut self) {
        self.refuse_route53::<route53::ChangeCidrCollection>(CIDRS);
        self.refuse_route53::<route53::CreateCidrCollection>(CIDRS);
        self.refuse_route53::<route53::DeleteCidrCollection>(CIDRS);
        self.refuse_route53::<route53::ListCidrBlocks>(CIDRS);
        self.refuse_route53::<route53::ListCidrCollections>(CIDRS);
        self.refuse_route53::<route53::ListCidrLocations>(CIDRS);
        self.refuse_route53::<route53::CreateTrafficPolicy>(TRAFFIC);
        self.refuse_route53::<route53::CreateTrafficPolicyInstance>(TRAFFIC);
        self.refuse_route53::<route53::CreateTrafficPolicyVersion>(TRAFFIC);
        self.refuse_route53::<route53::DeleteTrafficPolicy>(TRAFFIC);
        self.refuse_route53::<route53::DeleteTrafficPolicyInstance>(TRAFFIC);
        self.refuse_route53::<route53::GetTrafficPolicy>(TRAFFIC);
        self.refuse_route53::<route53::GetTrafficPolicyInstance>(TRAFFIC);
        self.refuse_route53::<route53::ListTrafficPolicies>(TRAFFIC);
        self.refuse_route53::<route53::ListTrafficPolicyInstances>(TRAFFIC);
        self.refuse_route53::<route53::ListTrafficPolicyInstancesByHostedZone>(TRAFFIC);
        self.refuse_route53::<route53::ListTrafficPolicyInstancesByPolicy>(TRAFFIC);
        self.refuse_route53::<route53::ListTrafficPolicyVersions>(TRAFFIC);
        self.refuse_route53::<route53::UpdateTrafficPolicyComment>(TRAFFIC);
        self.refuse_route53::<route53::UpdateTrafficPolicyInstance>(TRAFFIC);
    }

    fn refuse_route53<O: Operation<Error = route53::Error>>(&mut self, why: &'static str) {
        self.on::<O, _, _>(move |_| async move { Err(zones::not_supported(why)) });
        let exception = "InvalidInput";
        self.refusals
            .insert((name(O::SERVICE), O::NAME), Refused { why, exception });
    }

    /// A zone that is there may be changed by Cloud Map only.
    fn refuse_change<O: Operation<Error = route53::Error>>(&mut self, zone_id: fn(&O::Input) -> &str) {
        self.on::<O, _, _>(move |call| async move {
            let zone_id = zone_id(call.input());
            Err(zones::managed_elsewhere(&call, zone_id))
        });
        // AccessDenied, which no model lists, is said of zones that there are.
        let refused = Refused {
            why: MANAGED,
            exception: "NoSuchHostedZone",
        };
        self.refusals.insert((name(O::SERVICE), O::NAME), refused);
    }
}
