//! Where a migration reads from.

/// What a source hands each record to: its key and its value.
pub type Visitor<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), SourceError> + 'a;

/// Why a source cannot be read to its end.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {keyspace} from {origin}: {reason}")]
pub struct SourceError {
    /// The keyspace that was read.
    pub keyspace: String,
    /// The file or store that was read.
    pub origin: String,
    /// What went wrong.
    pub reason: String,
}

/// Records by keyspace, in key order: a fjall store, or files of an older format.
///
/// It is read on another thread than the one that it was made on.
pub trait RecordSource: Sync {
    /// The logical names of all keyspaces that are there, sorted, empty ones included.
    fn keyspaces(&self) -> Vec<String>;

    /// Hands every record of a keyspace to `visit`, in ascending order of keys without repetition.
    ///
    /// Reads as a stream: memory is bounded by the largest record, never by the number of records.
    ///
    /// # Errors
    /// What cannot be read, or whatever `visit` returns.
    fn scan(&self, keyspace: &str, visit: &mut Visitor<'_>) -> Result<(), SourceError>;
}
