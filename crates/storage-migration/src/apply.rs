//! One step applied to one record or group, with every rule of [`MigrationStep`](crate::MigrationStep) enforced.

use crate::path::Stage;
use crate::{Action, Emitter, KeyspaceClass, MigrationError, Output, Result};

/// The engine's limit on keys.
const MAXIMUM_KEY_BYTES: usize = u16::MAX as usize;

// trace: impl FC-6.2 FC-18.1.2
impl Stage<'_, '_> {
    /// What becomes of a record of a rewritten or observed keyspace: it is in the emitter afterwards.
    ///
    /// # Errors
    /// The step's own refusal, or the rule that it breaks.
    pub(crate) fn transform(
        &self,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
        emitter: &mut Emitter,
    ) -> Result<()> {
        let step = self.step.name();
        emitter.clear();
        if let Err(error) = self.step.transform(keyspace, key, value, emitter) {
            let (keyspace, key) = (keyspace.to_owned(), key.to_vec());
            return Err(MigrationError::Transform { step, keyspace, key, reason: error.0 });
        }
        let rule_broken = |rule| {
            let (keyspace, key) = (keyspace.to_owned(), key.to_vec());
            Err(MigrationError::RuleBroken { step, keyspace, key, rule })
        };
        let tally = Tally::of(emitter);
        if tally.dropped > 0 {
            return self.check_dropped(keyspace, emitter).or_else(rule_broken);
        }
        match self.step.action(keyspace) {
            Action::Keep => return rule_broken("a kept keyspace is not transformed"),
            Action::Observe if tally.lives_on + tally.archived > 0 => {
                return rule_broken("a record that is only observed may derive, nothing else");
            }
            Action::Observe => {}
            Action::Rewrite if tally.lives_on + tally.archived == 0 => {
                let (keyspace, key) = (keyspace.to_owned(), key.to_vec());
                return Err(MigrationError::RecordLost { step, keyspace, key });
            }
            Action::Rewrite if tally.archived > 1 => {
                return rule_broken("a record is archived at most once");
            }
            Action::Rewrite if tally.archived > 0 && tally.lives_on > 0 => {
                return rule_broken("a record either lives on or is archived, not both");
            }
            Action::Rewrite => {}
        }
        self.check_targets(emitter)
    }

    /// Only what is derived may be dropped, and then nothing else becomes of it.
    fn check_dropped(
        &self,
        keyspace: &str,
        emitter: &Emitter,
    ) -> std::result::Result<(), &'static str> {
        let class = self.from.keyspace(keyspace).map(|keyspace| keyspace.class);
        if self.step.action(keyspace) != Action::Rewrite {
            return Err("only what is rewritten may be dropped");
        }
        if class != Some(KeyspaceClass::Index) && self.to.version > self.from.version {
            return Err("only records of an index may be dropped");
        }
        if emitter.outputs().count() != 1 {
            return Err("a record that is dropped is dropped once, and nothing else becomes of it");
        }
        Ok(())
    }

    /// What becomes of a group of fragments: it is in the emitter afterwards.
    ///
    /// # Errors
    /// The step's own refusal, or the rule that it breaks.
    pub(crate) fn join(
        &self,
        keyspace: &str,
        group: &[u8],
        fragments: &[Vec<u8>],
        emitter: &mut Emitter,
    ) -> Result<()> {
        let step = self.step.name();
        emitter.clear();
        if let Err(error) = self.step.join(keyspace, group, fragments, emitter) {
            let (keyspace, group) = (keyspace.to_owned(), group.to_vec());
            return Err(MigrationError::Join { step, keyspace, group, reason: error.0 });
        }
        if !emitter.outputs().all(|output| matches!(output, Output::Emit { .. })) {
            let (keyspace, key) = (keyspace.to_owned(), group.to_vec());
            let rule = "a join emits or derives records; it archives none and makes no fragments";
            return Err(MigrationError::RuleBroken { step, keyspace, key, rule });
        }
        if emitter.outputs().next().is_none() {
            let (keyspace, group) = (keyspace.to_owned(), group.to_vec());
            return Err(MigrationError::GroupLost { step, keyspace, group });
        }
        self.check_targets(emitter)
    }

    fn check_targets(&self, emitter: &Emitter) -> Result<()> {
        emitter.outputs().try_for_each(|output| match output {
            Output::Emit { keyspace, key, value, .. } => {
                self.check_target(keyspace)?;
                check_storable(keyspace, key, value)
            }
            Output::Fragment { keyspace, .. } => self.check_target(keyspace),
            Output::Archive { .. } | Output::Drop => Ok(()),
        })
    }

    /// Records are added only to keyspaces that are written anew: those that the step creates or rewrites.
    fn check_target(&self, keyspace: &str) -> Result<()> {
        let step = self.step.name();
        if self.to.keyspace(keyspace).is_none() {
            let (keyspace, to) = (keyspace.to_owned(), self.to.version);
            return Err(MigrationError::UnknownKeyspace { step, keyspace, to });
        }
        let existed = self.from.keyspace(keyspace).is_some();
        if existed && self.step.action(keyspace) != Action::Rewrite {
            return Err(MigrationError::EmittedIntoKept { step, keyspace: keyspace.to_owned() });
        }
        Ok(())
    }
}

/// Whether the engine can hold a record: it panics on the others.
pub(crate) fn check_storable(keyspace: &str, key: &[u8], value: &[u8]) -> Result<()> {
    let reason = if key.is_empty() {
        "the key is empty"
    } else if key.len() > MAXIMUM_KEY_BYTES {
        "the key has more than 65535 bytes"
    } else if u32::try_from(value.len()).is_err() {
        "the value has 2^32 bytes or more"
    } else {
        return Ok(());
    };
    let (keyspace, key) = (keyspace.to_owned(), key.to_vec());
    Err(MigrationError::NotStorable { keyspace, key, reason })
}

/// How the outputs of one record account for it.
struct Tally {
    lives_on: u64,
    archived: u64,
    dropped: u64,
}

impl Tally {
    fn of(emitter: &Emitter) -> Self {
        let mut tally = Self { lives_on: 0, archived: 0, dropped: 0 };
        for output in emitter.outputs() {
            match output {
                Output::Emit { derived: false, .. } | Output::Fragment { derived: false, .. } => {
                    tally.lives_on += 1;
                }
                Output::Emit { .. } | Output::Fragment { .. } => {}
                Output::Archive { .. } => tally.archived += 1,
                Output::Drop => tally.dropped += 1,
            }
        }
        tally
    }
}
