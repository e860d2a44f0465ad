//! Questions about networks. An account has few of their resources: all are looked at.

use std::sync::Arc;

use domain::Scope;
use domain::dhcp_options::DhcpOptions;
use domain::elastic_address::ElasticAddress;
use domain::nat_gateway::{EgressOnlyInternetGateway, NatGateway};
use domain::network_acl::NetworkAcl;
use domain::network_interface::NetworkInterface;
use domain::prefix_list::PrefixList;
use domain::route_table::{InternetGateway, RouteTable};
use domain::security_group::SecurityGroup;
use domain::vpc_endpoint::VpcEndpoint;

use super::State;

impl State {
    /// Security groups of a scope, by id.
    pub fn security_groups(&self, scope: &Scope) -> impl Iterator<Item = &Arc<SecurityGroup>> + use<'_> {
        let scope = scope.clone();
        self.all::<SecurityGroup>().filter(move |it| it.scope == scope)
    }

    /// Network ACLs of a scope, by id.
    pub fn network_acls(&self, scope: &Scope) -> impl Iterator<Item = &Arc<NetworkAcl>> + use<'_> {
        let scope = scope.clone();
        self.all::<NetworkAcl>().filter(move |it| it.scope == scope)
    }

    /// Route tables of a scope, by id.
    pub fn route_tables(&self, scope: &Scope) -> impl Iterator<Item = &Arc<RouteTable>> + use<'_> {
        let scope = scope.clone();
        self.all::<RouteTable>().filter(move |it| it.scope == scope)
    }

    /// Internet gateways of a scope, by id.
    pub fn internet_gateways(&self, scope: &Scope) -> impl Iterator<Item = &Arc<InternetGateway>> + use<'_> {
        let scope = scope.clone();
        self.all::<InternetGateway>().filter(move |it| it.scope == scope)
    }

    /// Managed prefix lists of the users of a scope, by id.
    pub fn prefix_lists(&self, scope: &Scope) -> impl Iterator<Item = &Arc<PrefixList>> + use<'_> {
        let scope = scope.clone();
        self.all::<PrefixList>().filter(move |it| it.scope == scope)
    }

    /// NAT gateways of a scope, with those deleted of late, by id.
    pub fn nat_gateways(&self, scope: &Scope) -> impl Iterator<Item = &Arc<NatGateway>> + use<'_> {
        let scope = scope.clone();
        self.all::<NatGateway>().filter(move |it| it.scope == scope)
    }

    /// Egress-only internet gateways of a scope, by id.
    pub fn egress_only_internet_gateways(
        &self,
        scope: &Scope,
    ) -> impl Iterator<Item = &Arc<EgressOnlyInternetGateway>> + use<'_> {
        let scope = scope.clone();
        self.all::<EgressOnlyInternetGateway>()
            .filter(move |it| it.scope == scope)
    }

    /// Elastic addresses of a scope, by id.
    pub fn elastic_addresses(&self, scope: &Scope) -> impl Iterator<Item = &Arc<ElasticAddress>> + use<'_> {
        let scope = scope.clone();
        self.all::<ElasticAddress>().filter(move |it| it.scope == scope)
    }

    /// Elastic addresses that a network interface has, by id.
    pub fn elastic_addresses_of(
        &self,
        network_interface_id: &str,
    ) -> impl Iterator<Item = &Arc<ElasticAddress>> + use<'_> {
        let of_interfaces = &self.indexes.elastic_addresses_by_interface;
        of_interfaces
            .of(network_interface_id)
            .filter_map(|id| self.get::<ElasticAddress>(id))
    }

    /// VPC endpoints of a scope, by id.
    pub fn vpc_endpoints(&self, scope: &Scope) -> impl Iterator<Item = &Arc<VpcEndpoint>> + use<'_> {
        let scope = scope.clone();
        self.all::<VpcEndpoint>().filter(move |it| it.scope == scope)
    }

    /// Sets of DHCP options of a scope, by id.
    pub fn dhcp_options(&self, scope: &Scope) -> impl Iterator<Item = &Arc<DhcpOptions>> + use<'_> {
        let scope = scope.clone();
        self.all::<DhcpOptions>().filter(move |it| it.scope == scope)
    }

    /// Network interfaces of a scope that stand for themselves, by id.
    pub fn network_interfaces(
        &self,
        scope: &Scope,
    ) -> impl Iterator<Item = &Arc<NetworkInterface>> + use<'_> {
        let scope = scope.clone();
        self.all::<NetworkInterface>().filter(move |it| it.scope == scope)
    }
}
