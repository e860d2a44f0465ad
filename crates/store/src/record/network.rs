//! Records of networks beside VPCs and subnets: their keys and tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::network_acl::NetworkAcl;
use domain::network_interface::NetworkInterface;
use domain::prefix_list::PrefixList;
use domain::route_table::{InternetGateway, RouteTable};
use domain::security_group::SecurityGroup;

use crate::state::Indexes;
use crate::{Change, Changed, Record, State};

impl Record for SecurityGroup {
    type Key = String;
    const TABLE: &'static str = "security_group";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.security_groups
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.security_groups
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::SecurityGroup(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::SecurityGroup(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for NetworkAcl {
    type Key = String;
    const TABLE: &'static str = "network_acl";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.network_acls
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.network_acls
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::NetworkAcl(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::NetworkAcl(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for RouteTable {
    type Key = String;
    const TABLE: &'static str = "route_table";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.route_tables
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.route_tables
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::RouteTable(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::RouteTable(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for InternetGateway {
    type Key = String;
    const TABLE: &'static str = "internet_gateway";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.internet_gateways
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.internet_gateways
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::InternetGateway(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::InternetGateway(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for PrefixList {
    type Key = String;
    const TABLE: &'static str = "prefix_list";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.prefix_lists
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.prefix_lists
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::PrefixList(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::PrefixList(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for NetworkInterface {
    type Key = String;
    const TABLE: &'static str = "network_interface";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.network_interfaces
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.network_interfaces
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::NetworkInterface(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::NetworkInterface(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.network_interface(before, after);
    }
}
