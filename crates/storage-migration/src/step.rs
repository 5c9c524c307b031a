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

/// A migration from one schema version to a later one; or back, to the one before ([`Emitter::drop_derived`]).
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
    /// exactly one [`Emitter::archive`] and none of those, or exactly one [`Emitter::drop_derived`] and nothing else.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output<'o> {
    /// The record lives on here.
    Emit {
        /// Keyspace of the next schema.
        keyspace: &'static str,
        /// The record's key there.
        key: &'o [u8],
        /// Its value there.
        value: &'o [u8],
        /// True if it is derived from a record that lives on elsewhere.
        derived: bool,
    },
    /// The record lives on in what its group is joined into.
    Fragment {
        /// Keyspace of the next schema whose join it takes part in.
        keyspace: &'static str,
        /// Fragments with the same group are joined.
        group: &'o [u8],
        /// What the join gets to see.
        fragment: &'o [u8],
        /// True if it is derived from a record that lives on elsewhere.
        derived: bool,
    },
    /// The record has no place in the next schema and goes to the archive.
    Archive {
        /// Why.
        reason: &'o str,
    },
    /// The record is derived from others, which live on and can tell it again: nothing becomes of it.
    Drop,
}

/// Collects what becomes of a record. All bytes go into one buffer that is used again for the next record, so that a step
/// which writes into it ([`Emitter::emit_with`]) costs no allocation.
#[derive(Debug, Default)]
pub struct Emitter {
    bytes: Vec<u8>,
    outputs: Vec<Placed>,
    /// Where a value comes to be before it is placed.
    value: Vec<u8>,
}

/// An output whose bytes are in the emitter's buffer, from the end of the one before: key or group to `middle`, value,
/// fragment or reason from there to `end`.
#[derive(Debug, PartialEq, Eq)]
struct Placed {
    kind: Kind,
    keyspace: &'static str,
    derived: bool,
    middle: usize,
    end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Emit,
    Fragment,
    Archive,
    Drop,
}

impl Emitter {
    /// The record lives on in this keyspace of the next schema.
    pub fn emit(&mut self, keyspace: &'static str, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.place(Kind::Emit, keyspace, false, key.as_ref(), value.as_ref());
    }

    /// As [`Emitter::emit`], with the value that `write` leaves in the empty buffer that it is given.
    ///
    /// # Errors
    /// What `write` says; then nothing was emitted.
    pub fn emit_with<E>(
        &mut self,
        keyspace: &'static str,
        key: impl AsRef<[u8]>,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut value = std::mem::take(&mut self.value);
        value.clear();
        write(&mut value)?;
        self.place(Kind::Emit, keyspace, false, key.as_ref(), &value);
        self.value = value;
        Ok(())
    }

    /// Adds a record that is derived from this one (an index entry).
    pub fn derive(
        &mut self,
        keyspace: &'static str,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) {
        self.place(Kind::Emit, keyspace, true, key.as_ref(), value.as_ref());
    }

    /// The record lives on in what this group is joined into.
    pub fn fragment(
        &mut self,
        keyspace: &'static str,
        group: impl AsRef<[u8]>,
        fragment: impl AsRef<[u8]>,
    ) {
        self.place(Kind::Fragment, keyspace, false, group.as_ref(), fragment.as_ref());
    }

    /// Adds to a group something that is derived from this record.
    pub fn derive_fragment(
        &mut self,
        keyspace: &'static str,
        group: impl AsRef<[u8]>,
        fragment: impl AsRef<[u8]>,
    ) {
        self.place(Kind::Fragment, keyspace, true, group.as_ref(), fragment.as_ref());
    }

    /// The record has no place in the next schema: it goes to the archive, with the reason.
    pub fn archive(&mut self, reason: impl AsRef<str>) {
        self.place(Kind::Archive, "", false, b"", reason.as_ref().as_bytes());
    }

    /// The record is derived from others, which live on and can tell it again: nothing becomes of it. Only records of an index,
    /// and records of any keyspace in a step that leads back, may be dropped: what such a step makes is led forward again,
    /// and held to what there was.
    pub fn drop_derived(&mut self) {
        self.place(Kind::Drop, "", false, b"", b"");
    }

    /// What was collected, in order.
    pub fn outputs(&self) -> impl Iterator<Item = Output<'_>> {
        let starts = std::iter::once(0).chain(self.outputs.iter().map(|output| output.end));
        self.outputs.iter().zip(starts).map(|(output, start)| self.output(output, start))
    }

    /// Forgets everything, for the next record.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.outputs.clear();
    }

    /// Whether the same was collected.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        self.bytes == other.bytes && self.outputs == other.outputs
    }

    fn place(
        &mut self,
        kind: Kind,
        keyspace: &'static str,
        derived: bool,
        first: &[u8],
        second: &[u8],
    ) {
        self.bytes.extend_from_slice(first);
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(second);
        let end = self.bytes.len();
        self.outputs.push(Placed { kind, keyspace, derived, middle, end });
    }

    fn output(&self, output: &Placed, start: usize) -> Output<'_> {
        let Placed { kind, keyspace, derived, middle, end } = *output;
        let part = |range: std::ops::Range<usize>| self.bytes.get(range).unwrap_or_default();
        let (first, second) = (part(start..middle), part(middle..end));
        match kind {
            Kind::Emit => Output::Emit { keyspace, key: first, value: second, derived },
            Kind::Fragment => {
                Output::Fragment { keyspace, group: first, fragment: second, derived }
            }
            // It was placed from a text.
            Kind::Archive => {
                Output::Archive { reason: std::str::from_utf8(second).unwrap_or_default() }
            }
            Kind::Drop => Output::Drop,
        }
    }
}
