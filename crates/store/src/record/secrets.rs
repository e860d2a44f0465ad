//! Parameters, secrets and roles as records.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Scope;
use domain::parameter::{Parameter, ParameterVersion};
use domain::role::Role;
use domain::secret::{Secret, SecretVersion};

use crate::{Change, Changed, Record, State};

impl Record for Parameter {
    type Key = (Scope, String);
    const TABLE: &'static str = "parameter";

    fn key(&self) -> (Scope, String) {
        (self.scope.clone(), self.name.clone())
    }

    fn key_text(key: &(Scope, String)) -> String {
        let (Scope { account, region }, name) = key;
        format!("{account}/{region}/{name}")
    }

    fn table(state: &State) -> &BTreeMap<(Scope, String), Arc<Self>> {
        &state.parameters
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(Scope, String), Arc<Self>> {
        &mut state.parameters
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::Parameter(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::Parameter(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for ParameterVersion {
    type Key = (Scope, String, u64);
    const TABLE: &'static str = "parameter_version";

    fn key(&self) -> (Scope, String, u64) {
        (self.scope.clone(), self.name.clone(), self.version)
    }

    fn key_text(key: &(Scope, String, u64)) -> String {
        // Padded: the order on disk is the order in memory.
        let (Scope { account, region }, name, version) = key;
        format!("{account}/{region}/{name}:{version:020}")
    }

    fn table(state: &State) -> &BTreeMap<(Scope, String, u64), Arc<Self>> {
        &state.parameter_versions
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(Scope, String, u64), Arc<Self>> {
        &mut state.parameter_versions
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::ParameterVersion(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::ParameterVersion(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for Secret {
    type Key = (Scope, String);
    const TABLE: &'static str = "secret";

    fn key(&self) -> (Scope, String) {
        (self.scope.clone(), self.name.clone())
    }

    fn key_text(key: &(Scope, String)) -> String {
        let (Scope { account, region }, name) = key;
        format!("{account}/{region}/{name}")
    }

    fn table(state: &State) -> &BTreeMap<(Scope, String), Arc<Self>> {
        &state.secrets
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(Scope, String), Arc<Self>> {
        &mut state.secrets
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::Secret(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::Secret(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for SecretVersion {
    type Key = (Scope, String, String);
    const TABLE: &'static str = "secret_version";

    fn key(&self) -> (Scope, String, String) {
        (self.scope.clone(), self.name.clone(), self.id.clone())
    }

    fn key_text(key: &(Scope, String, String)) -> String {
        // No name has a colon.
        let (Scope { account, region }, name, id) = key;
        format!("{account}/{region}/{name}:{id}")
    }

    fn table(state: &State) -> &BTreeMap<(Scope, String, String), Arc<Self>> {
        &state.secret_versions
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(Scope, String, String), Arc<Self>> {
        &mut state.secret_versions
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::SecretVersion(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::SecretVersion(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for Role {
    type Key = (String, String);
    const TABLE: &'static str = "role";

    fn key(&self) -> (String, String) {
        role_key(&self.account, &self.name)
    }

    fn key_text(key: &(String, String)) -> String {
        let (account, name) = key;
        format!("{account}/{name}")
    }

    fn table(state: &State) -> &BTreeMap<(String, String), Arc<Self>> {
        &state.roles
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(String, String), Arc<Self>> {
        &mut state.roles
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::Role(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::Role(it) => Some(it),
            _ => None,
        }
    }
}

/// The key of a role: names that differ only in case are the same.
pub fn role_key(account: &str, name: &str) -> (String, String) {
    (account.to_owned(), name.to_ascii_lowercase())
}
