//! Certificates as records.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::CertificateArn;
use domain::certificate::Certificate;

use crate::{Change, Changed, Record, State};

impl Record for Certificate {
    type Key = CertificateArn;
    const TABLE: &'static str = "certificate";

    fn key(&self) -> CertificateArn {
        self.arn.clone()
    }

    fn key_text(key: &CertificateArn) -> String {
        key.as_str().to_owned()
    }

    fn table(state: &State) -> &BTreeMap<CertificateArn, Arc<Self>> {
        &state.certificates
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<CertificateArn, Arc<Self>> {
        &mut state.certificates
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::Certificate(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::Certificate(it) => Some(it),
            _ => None,
        }
    }
}
