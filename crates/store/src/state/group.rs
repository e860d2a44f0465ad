//! An index of records by something that several of them share.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Record;

/// Records by group, in the order of their keys. Empty groups are not kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group<G: Ord, R: Record>(BTreeMap<G, BTreeMap<R::Key, Arc<R>>>);

impl<G: Ord, R: Record> Default for Group<G, R> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<G: Ord, R: Record> Group<G, R> {
    /// Follows one record from the group it was in to the one it is in.
    pub fn update(&mut self, before: Option<(G, &Arc<R>)>, after: Option<(G, &Arc<R>)>) {
        let is_same_group = matches!((&before, &after), (Some((old, _)), Some((new, _))) if old == new);
        if let Some((group, record)) = before
            && !is_same_group
            && let Some(members) = self.0.get_mut(&group)
        {
            members.remove(&record.key());
            if members.is_empty() {
                self.0.remove(&group);
            }
        }
        if let Some((group, record)) = after {
            self.0
                .entry(group)
                .or_default()
                .insert(record.key(), Arc::clone(record));
        }
    }

    /// The records of a group.
    pub fn of<Q: Ord + ?Sized>(
        &self,
        group: &Q,
    ) -> impl DoubleEndedIterator<Item = &Arc<R>> + use<'_, G, R, Q>
    where
        G: Borrow<Q>,
    {
        self.0.get(group).into_iter().flat_map(BTreeMap::values)
    }
}
