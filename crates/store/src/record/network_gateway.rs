//! Records of what leads out of networks, and of what their machines are told: their keys and tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::dhcp_options::DhcpOptions;
use domain::elastic_address::ElasticAddress;
use domain::nat_gateway::{EgressOnlyInternetGateway, NatGateway};
use domain::vpc_endpoint::VpcEndpoint;

use crate::state::Indexes;
use crate::{Change, Changed, Record, State};

impl Record for NatGateway {
    type Key = String;
    const TABLE: &'static str = "nat_gateway";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.nat_gateways
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.nat_gateways
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::NatGateway(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::NatGateway(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for EgressOnlyInternetGateway {
    type Key = String;
    const TABLE: &'static str = "egress_only_internet_gateway";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.egress_only_internet_gateways
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.egress_only_internet_gateways
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::EgressOnlyInternetGateway(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::EgressOnlyInternetGateway(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for ElasticAddress {
    type Key = String;
    const TABLE: &'static str = "elastic_address";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.elastic_addresses
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.elastic_addresses
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::ElasticAddress(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::ElasticAddress(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.elastic_address(before, after);
    }
}

impl Record for VpcEndpoint {
    type Key = String;
    const TABLE: &'static str = "vpc_endpoint";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.vpc_endpoints
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.vpc_endpoints
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::VpcEndpoint(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::VpcEndpoint(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for DhcpOptions {
    type Key = String;
    const TABLE: &'static str = "dhcp_options";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.dhcp_options
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.dhcp_options
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::DhcpOptions(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::DhcpOptions(it) => Some(it),
            _ => None,
        }
    }
}
