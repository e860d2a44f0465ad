//! Client aliases and proxies of Service Connect as records.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::service_connect::{ClientAlias, ClientAliasKey, ServiceConnectProxy};

use crate::state::Indexes;
use crate::{Change, Changed, Record, State};

impl Record for ClientAlias {
    type Key = ClientAliasKey;
    const TABLE: &'static str = "client_alias";

    fn key(&self) -> ClientAliasKey {
        self.key.clone()
    }

    fn key_text(key: &ClientAliasKey) -> String {
        format!("{} {} {}", key.namespace_id, key.dns_name, key.port)
    }

    fn table(state: &State) -> &BTreeMap<ClientAliasKey, Arc<Self>> {
        &state.client_aliases
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<ClientAliasKey, Arc<Self>> {
        &mut state.client_aliases
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::ClientAlias(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::ClientAlias(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for ServiceConnectProxy {
    /// Host and VPC.
    type Key = (String, String);
    const TABLE: &'static str = "service_connect_proxy";

    fn key(&self) -> (String, String) {
        (self.host_id.clone(), self.vpc_id.clone())
    }

    fn key_text((host_id, vpc_id): &(String, String)) -> String {
        format!("{host_id} {vpc_id}")
    }

    fn table(state: &State) -> &BTreeMap<(String, String), Arc<Self>> {
        &state.service_connect_proxies
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(String, String), Arc<Self>> {
        &mut state.service_connect_proxies
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::ServiceConnectProxy(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::ServiceConnectProxy(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.service_connect_proxy(before, after);
    }
}
