//! What can go wrong with the store.

use std::path::PathBuf;

/// A failure of the store itself. Cloned to every caller that it concerns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process has the store open.
    #[error(
        "{} is in use by {holder}: stop that process first (`gantry down` with the same --data-dir), or choose \
         another --data-dir",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
        /// Who has it, as far as is known.
        holder: String,
    },
    /// The data was written by a newer version.
    #[error("{what} has format {found}, this version of gantry reads up to {known}: use the newer version")]
    Newer {
        /// A file or a record.
        what: String,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// The data is not what was written.
    #[error("stored data is damaged: {what}")]
    Damaged {
        /// Where, and what is wrong.
        what: String,
    },
    /// Disk or database failed. Whether the last writes are stored is known only after the next load.
    #[error("cannot {doing}: {cause}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The system's words.
        cause: String,
    },
    /// A transaction wrote more than one commit may hold. Nothing of it was kept.
    #[error("the transaction writes {bytes} bytes, more than the {limit} of one commit")]
    TooLarge {
        /// Encoded size in bytes.
        bytes: usize,
        /// [`crate::MAX_COMMIT_BYTES`]
        limit: usize,
    },
    /// A record cannot be encoded. Nothing of the transaction was kept.
    #[error("cannot encode a record of {table}: {cause}")]
    Encoding {
        /// The record's table.
        table: &'static str,
        /// The encoder's words.
        cause: String,
    },
    /// The transaction panicked. Nothing of it was kept.
    #[error("the transaction panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// No answer in time: the transaction may still be carried out.
    #[error("the store did not answer in time")]
    TimedOut,
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
}

/// Why [`crate::Store::transact`] gave no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactError<E> {
    /// The closure said no; nothing was written.
    #[error("{0}")]
    Refused(E),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}
