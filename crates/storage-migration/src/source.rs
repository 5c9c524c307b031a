//! Where a migration reads from.

use durable::FileIdentity;

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

    /// How many records there are in each of the pieces that a keyspace can be read in, in the order of their keys: as
    /// far as is known without reading them. Whoever reads them counts. None, if it can be read in one piece only.
    ///
    /// # Errors
    /// What cannot be read.
    fn pieces(&self, keyspace: &str) -> Result<Option<Vec<u64>>, SourceError> {
        let _ = keyspace;
        Ok(None)
    }

    /// The files that a keyspace lies in, in the order in which they are read, if they are all that there is to it: so that
    /// another of the same name that lies in the very same ones holds the same records. None, if it is not known.
    fn files(&self, keyspace: &str) -> Option<Vec<FileIdentity>> {
        let _ = keyspace;
        None
    }

    /// As [`RecordSource::scan`], of one of the pieces, by its position. One after the other they give what
    /// [`RecordSource::scan`] gives. One that is not there has no records.
    ///
    /// # Errors
    /// As [`RecordSource::scan`].
    fn scan_piece(
        &self,
        keyspace: &str,
        piece: usize,
        visit: &mut Visitor<'_>,
    ) -> Result<(), SourceError> {
        if piece == 0 { self.scan(keyspace, visit) } else { Ok(()) }
    }
}
