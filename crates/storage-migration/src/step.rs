//! One step of a migration: from one schema version to the next.

use versioning::SchemaVersion;

/// A record: key and value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// The key. Keyspaces are ordered by its bytes.
    pub key: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
}

/// What a step does with a keyspace of the schema that it starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Not even read: it stays as it is, under the same name.
    Keep,
    /// Stays as it is under the same name, but is read, so that other keyspaces can be derived from it. The step may call
    /// [`Emitter::derive`] and [`Emitter::derive_fragment`] on its records, and nothing else.
    Observe,
    /// Every record goes through [`MigrationStep::transform`], which says where it goes: into the same keyspace, into
    /// another, into several (split), beside records from elsewhere (merge), or into the archive.
    Rewrite,
}

/// A record that a step cannot transform. Stops the migration: what a step can foresee it must archive instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TransformError(pub String);

/// A record to try a migration on; see [`MigrationStep::examples`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The keyspace it is in.
    pub keyspace: &'static str,
    /// The record.
    pub record: Record,
}

/// A migration from one schema version to a later one.
///
/// # Laws
/// A step is pure: what it emits depends on its arguments alone (no clock, no randomness, no order of calls), so the same
/// state and the same step always give the same result (FC-UPGRADE-0001 §19).
pub trait MigrationStep: Sync {
    /// A stable name, such as `join-executions`.
    fn name(&self) -> &'static str;

    /// The schema that it starts from.
    fn from(&self) -> SchemaVersion;

    /// The schema that it leads to.
    fn to(&self) -> SchemaVersion;

    /// What happens to a keyspace of the schema that it starts from.
    fn action(&self, keyspace: &str) -> Action;

    /// What becomes of one record of a keyspace that is rewritten or observed.
    ///
    /// A record of a rewritten keyspace must be accounted for: at least one [`Emitter::emit`] or [`Emitter::fragment`], or
    /// exactly one [`Emitter::archive`] and none of those.
    ///
    /// # Errors
    /// When the record breaks what the schema promises.
    fn transform(
        &self,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
        out: &mut Emitter,
    ) -> Result<(), TransformError>;

    /// What becomes of a group of fragments: all that were sent to `keyspace` with the same group key, sorted by their
    /// bytes. Must emit at least one record; may archive none. Steps without fragments keep this default, which refuses.
    ///
    /// # Errors
    /// When the fragments cannot be joined.
    fn join(
        &self,
        keyspace: &str,
        group: &[u8],
        fragments: &[Vec<u8>],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        let _ = (group, fragments, out);
        Err(TransformError(format!("{} joins nothing into {keyspace}", self.name())))
    }

    /// Records that show what the step does, every branch of it. Its fingerprint is the digest of what becomes of them, so
    /// that an edited migration is told from the one that was applied.
    fn examples(&self) -> Vec<Example>;
}

/// One thing that became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The record lives on here.
    Emit {
        /// Keyspace of the next schema.
        keyspace: &'static str,
        /// The record there.
        record: Record,
        /// True if it is derived from a record that lives on elsewhere.
        derived: bool,
    },
    /// The record lives on in what its group is joined into.
    Fragment {
        /// Keyspace of the next schema whose join it takes part in.
        keyspace: &'static str,
        /// Fragments with the same group are joined.
        group: Vec<u8>,
        /// What the join gets to see.
        fragment: Vec<u8>,
        /// True if it is derived from a record that lives on elsewhere.
        derived: bool,
    },
    /// The record has no place in the next schema and goes to the archive.
    Archive {
        /// Why.
        reason: String,
    },
}

/// Collects what becomes of a record.
#[derive(Debug, Default)]
pub struct Emitter {
    outputs: Vec<Output>,
}

impl Emitter {
    /// The record lives on in this keyspace of the next schema.
    pub fn emit(&mut self, keyspace: &'static str, key: Vec<u8>, value: Vec<u8>) {
        let record = Record { key, value };
        self.outputs.push(Output::Emit { keyspace, record, derived: false });
    }

    /// Adds a record that is derived from this one (an index entry).
    pub fn derive(&mut self, keyspace: &'static str, key: Vec<u8>, value: Vec<u8>) {
        let record = Record { key, value };
        self.outputs.push(Output::Emit { keyspace, record, derived: true });
    }

    /// The record lives on in what this group is joined into.
    pub fn fragment(&mut self, keyspace: &'static str, group: Vec<u8>, fragment: Vec<u8>) {
        self.outputs.push(Output::Fragment { keyspace, group, fragment, derived: false });
    }

    /// Adds to a group something that is derived from this record.
    pub fn derive_fragment(&mut self, keyspace: &'static str, group: Vec<u8>, fragment: Vec<u8>) {
        self.outputs.push(Output::Fragment { keyspace, group, fragment, derived: true });
    }

    /// The record has no place in the next schema: it goes to the archive, with the reason.
    pub fn archive(&mut self, reason: impl Into<String>) {
        self.outputs.push(Output::Archive { reason: reason.into() });
    }

    /// Takes what was collected, leaving the emitter empty for the next record.
    pub fn take(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }
}
