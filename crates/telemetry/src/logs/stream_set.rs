//! A set of stream numbers, one bit each: cheap to copy for every query of a group with many streams.

/// Stream numbers of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StreamSet(Vec<u64>);

impl StreamSet {
    pub(crate) fn insert(&mut self, stream: u32) {
        let word = stream as usize / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (stream % 64);
    }

    pub(crate) fn remove(&mut self, stream: u32) {
        if let Some(word) = self.0.get_mut(stream as usize / 64) {
            *word &= !(1 << (stream % 64));
        }
    }

    pub(crate) fn contains(&self, stream: u32) -> bool {
        self.0
            .get(stream as usize / 64)
            .is_some_and(|word| word & (1 << (stream % 64)) != 0)
    }

    /// Is any of these in the set?
    pub(crate) fn contains_any(&self, streams: &[u32]) -> bool {
        streams.iter().any(|it| self.contains(*it))
    }
}

impl FromIterator<u32> for StreamSet {
    fn from_iter<I: IntoIterator<Item = u32>>(streams: I) -> StreamSet {
        let mut set = StreamSet::default();
        streams.into_iter().for_each(|it| set.insert(it));
        set
    }
}
