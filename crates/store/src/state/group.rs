//! An index of records by something that several of them share.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use crate::Record;

/// Keys of records by group, in order. Empty groups are not kept. A record that changes and stays in its group costs
/// nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group<G: Ord, R: Record>(BTreeMap<G, BTreeSet<R::Key>>);

impl<G: Ord, R: Record> Default for Group<G, R> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<G: Ord + Clone, R: Record> Group<G, R> {
    /// Follows one record from the group it was in to the one it is in.
    pub fn update(&mut self, before: Option<(&G, &R)>, after: Option<(&G, &R)>) {
        if let (Some((old, _)), Some((new, _))) = (before, after)
            && old == new
        {
            return;
        }
        if let Some((group, record)) = before
            && let Some(members) = self.0.get_mut(group)
        {
            members.remove(&record.key());
            if members.is_empty() {
                self.0.remove(group);
            }
        }
        if let Some((group, record)) = after {
            if let Some(members) = self.0.get_mut(group) {
                members.insert(record.key());
            } else {
                self.0.insert(group.clone(), BTreeSet::from([record.key()]));
            }
        }
    }
}

impl<G: Ord, R: Record> Group<G, R> {
    /// The keys of a group.
    pub fn of<Q: Ord + ?Sized>(
        &self,
        group: &Q,
    ) -> impl DoubleEndedIterator<Item = &R::Key> + use<'_, G, R, Q>
    where
        G: Borrow<Q>,
    {
        self.0.get(group).into_iter().flatten()
    }
}
