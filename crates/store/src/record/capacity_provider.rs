//! Capacity providers as records.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::CapacityProviderArn;
use domain::capacity_provider::CapacityProvider;

use crate::{Change, Changed, Record, State};

impl Record for CapacityProvider {
    type Key = CapacityProviderArn;
    const TABLE: &'static str = "capacity_provider";

    fn key(&self) -> CapacityProviderArn {
        self.arn.clone()
    }

    fn key_text(key: &CapacityProviderArn) -> String {
        key.as_str().to_owned()
    }

    fn table(state: &State) -> &BTreeMap<CapacityProviderArn, Arc<Self>> {
        &state.capacity_providers
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<CapacityProviderArn, Arc<Self>> {
        &mut state.capacity_providers
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::CapacityProvider(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::CapacityProvider(it) => Some(it),
            _ => None,
        }
    }
}
