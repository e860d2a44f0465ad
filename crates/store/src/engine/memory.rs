//! The engine that forgets: records live as long as some clone of it does.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Batch, Engine, Loaded, Operation};
use crate::StoreError;

/// Keeps records in memory. Clones share them: opening a clone is what a restart is to other engines.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    records: BTreeMap<(Cow<'static, str>, String), Operation>,
    loaded: Loaded,
}

impl Engine for Memory {
    fn load(
        &mut self,
        visit: &mut dyn FnMut(Operation) -> Result<(), StoreError>,
    ) -> Result<Loaded, StoreError> {
        let kept = self.0.lock();
        kept.records.values().cloned().try_for_each(visit)?;
        Ok(kept.loaded)
    }

    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let mut kept = self.0.lock();
        for entry in &batch.entries {
            for operation in &entry.operations {
                let key = (operation.table.clone(), operation.key.clone());
                match operation.value {
                    Some(_) => kept.records.insert(key, operation.clone()),
                    None => kept.records.remove(&key),
                };
            }
            kept.loaded.last_commit = entry.commit;
        }
        kept.loaded.at = Some(batch.at);
        Ok(())
    }
}
