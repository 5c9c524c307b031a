//! Going back, and declaring that there is no need to (FC-UPGRADE-0001 §15).

use std::path::Path;

use durable::CloneMode;
use integrity::{Digest, LogicalDigest};
use journal::{DataPolicy, Event, Operation, RevertedRecords};
use rollback::{Generation, Layout, Part, VerifyDepth};
use serde::Serialize;
use storage_migration::{ARCHIVE, KeyspaceClass, SchemaDefinition};
use versioning::{GenerationNumber, RuntimeVersion};

use crate::error::{Cause, Error, Result};
use crate::home::{no_current, shorten};
use crate::lifecycle::{HomeState, Standing};
use crate::plan::open_current;
use crate::progress::{Activity, ProgressListener, report};
use crate::store_guard::StoreGuard;
use crate::trust::{Admitted, Wanted, digest_of};
use crate::{Authorization, Environment, Home, HomeView, preserve};

/// What a rollback did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RolledBack {
    /// The generation that was current, which is kept with all of its records.
    pub from: GenerationNumber,
    /// Its version.
    pub from_version: RuntimeVersion,
    /// The generation that is current now.
    pub to: GenerationNumber,
    /// Its version.
    pub to_version: RuntimeVersion,
    /// The generation before: what `to` is, or was built on if records were carried back.
    pub restored: GenerationNumber,
    /// What becomes of the records that were written since `from` was activated.
    pub data: DataPolicy,
    /// How many ledger records there are on both sides; none if they were not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<RevertedRecords>,
    /// Why they were not, if they were to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_counted: Option<String>,
}

impl RolledBack {
    /// What identifies this rollback before it is done, as the digest of a plan identifies an upgrade.
    pub(crate) fn digest(&self) -> Digest {
        digest_of(self)
    }

    /// Whether it is the same that is done.
    fn is_of(&self, approved: &Self) -> bool {
        let what = |this: &Self| (this.from, this.to, this.restored, this.data);
        what(self) == what(approved)
    }
}

/// How to go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollbackRequest<'r> {
    /// Why, for the journal: no secrets.
    pub reason: &'r str,
    /// What becomes of the records that were written since the current generation was activated.
    pub data: DataPolicy,
    /// Count the ledger records on both sides, for the journal. A store that a runtime has written to has to be read for
    /// that; what cannot be read is not counted, and keeps nobody from going back. Carrying records back counts them anyway.
    pub count: bool,
}

/// For this reason, with what was written since set aside, and nothing counted: the quickest way.
impl<'r> From<&'r str> for RollbackRequest<'r> {
    fn from(reason: &'r str) -> Self {
        Self { reason, data: DataPolicy::SetAside, count: false }
    }
}

impl HomeView<'_> {
    /// What a rollback would do.
    ///
    /// # Errors
    /// If there is no generation to go back to; [`Cause::NotCarriedBack`] if records cannot be carried back.
    pub fn plan_rollback(&self, data: DataPolicy) -> Result<RolledBack> {
        plan_rollback(&self.layout, &self.state, self.environment, data)
            .map_err(|cause| Error::new(cause, self.unchanged()))
    }
}

pub(crate) fn plan_rollback(
    layout: &Layout,
    state: &HomeState,
    environment: Environment<'_>,
    data: DataPolicy,
) -> std::result::Result<RolledBack, Cause> {
    let Some((from, current)) = state.current_generation() else {
        return Err(no_current(layout, state));
    };
    let Some((restored, target)) = state.rollback_target() else {
        return Err(Cause::NoRollbackTarget { generation: from });
    };
    let to = match data {
        DataPolicy::SetAside => restored,
        DataPolicy::Preserve => {
            preserve::require_way_back(environment, (from, current), (restored, target))?;
            state.next_generation()
        }
    };
    Ok(RolledBack {
        from,
        from_version: current.versions.runtime.clone(),
        to,
        to_version: target.versions.runtime.clone(),
        restored,
        data,
        records: None,
        not_counted: None,
    })
}

impl Home<'_> {
    /// Makes the generation current again that the current one was built from: binary, store, configuration, policy and
    /// extensions exactly as they were when it was left. Nothing is copied or rebuilt: nothing ever wrote to them.
    ///
    /// The abandoned generation is kept with every record that was written since its activation (set aside). It need not
    /// be readable: going back from what is damaged is what a rollback is for. With [`DataPolicy::Preserve`] it must be:
    /// then a new generation is built, which is the one before with all that was written since, led back and verified.
    ///
    /// `approved` is what was shown; if anything else would be done now, nothing is.
    ///
    /// # Errors
    /// If there is none to go back to, if it is not what it was when it was left, or if a runtime has the store open;
    /// [`Cause::NotCarriedBack`] if records could not be carried back.
    // trace: impl FC-27.1.3
    // trace: impl FC-15.1 FC-15.2.1 FC-15.2.2 FC-15.2.3
    pub fn rollback<'r>(
        &mut self,
        approved: Option<&RolledBack>,
        authorization: Option<Authorization>,
        request: impl Into<RollbackRequest<'r>>,
        progress: &mut ProgressListener<'_>,
    ) -> Result<RolledBack> {
        let request = request.into();
        self.require_authority(authorization.as_ref(), Operation::Rollback)?;
        let unchanged = self.unchanged();
        let refuse = |cause| Error::new(cause, unchanged.clone());
        let planned = plan_rollback(&self.layout, &self.state, self.environment, request.data);
        let mut outcome = planned.map_err(refuse)?;
        if approved.is_some_and(|approved| !outcome.is_of(approved)) {
            let (from, to) = (outcome.from, outcome.to);
            let found = format!("it would go back from generation {from} to generation {to}");
            return Err(refuse(Cause::Overtaken(found)));
        }
        let wanted = Wanted::rollback(&self.state, &outcome);
        let admitted = self.admit(authorization.as_ref(), &wanted)?;
        let guard = self.check_target(&outcome, progress).map_err(refuse)?;
        match request.data {
            DataPolicy::SetAside => {
                if request.count {
                    report(progress, Activity::Verifying, "counting what was written since");
                    match self.count_ledgers(&outcome, progress) {
                        Ok(records) => outcome.records = Some(records),
                        Err(cause) => outcome.not_counted = Some(cause.to_string()),
                    }
                }
                self.revert(&outcome, &admitted, request.reason)?;
            }
            DataPolicy::Preserve => {
                let guard = guard.as_ref();
                self.preserve(&mut outcome, (&admitted, request.reason), guard, progress)?;
            }
        }
        drop(guard);
        Ok(outcome)
    }

    /// The ledger records on both sides of a rollback. Reads the stores that runtimes have written to.
    // trace: impl FC-15.4
    fn count_ledgers(
        &self,
        outcome: &RolledBack,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<RevertedRecords, Cause> {
        let from = self.open_known(outcome.from)?;
        let activated = from.manifest().ledger_records();
        let left = self.ledger_records(&from, progress)?;
        let restored = self.ledger_records(&self.open_known(outcome.to)?, progress)?;
        Ok(RevertedRecords { activated, left, restored })
    }

    fn ledger_records(
        &self,
        generation: &Generation,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<u64, Cause> {
        if !self.is_started(generation) {
            return Ok(generation.manifest().ledger_records());
        }
        let schema = self.schema(generation.manifest().versions.storage)?;
        Ok(ledger_records(&schema, &self.measure_any(generation, progress)?))
    }

    /// A generation by its number, held to the manifest that is on record.
    pub(crate) fn open_known(
        &self,
        number: GenerationNumber,
    ) -> std::result::Result<Generation, Cause> {
        let manifest = self.state.generations.get(&number).and_then(|state| state.manifest);
        Ok(Generation::open(&self.layout, number, manifest)?)
    }

    /// Verifies the generation that a rollback leads to, and makes sure that no runtime has the store open of the one that
    /// it leaves, until the value is dropped. Nothing is needed of what is left. Nothing is written.
    // trace: impl FC-15.2.2 FC-20.3
    pub(crate) fn check_target(
        &self,
        outcome: &RolledBack,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Option<StoreGuard>, Cause> {
        let target = self.open_known(outcome.restored)?;
        report(progress, Activity::Checking, "checking the generation that will be current");
        self.check_generation(&target, VerifyDepth::Except(is_immutable_table))?;
        let acquire = || StoreGuard::acquire(&self.layout, outcome.from);
        // Damage must not keep anybody from leaving what is damaged; and an error may be of the moment, so it is looked at
        // twice. Anything else leaves open whether a runtime has the store open, and that must be known.
        match acquire().or_else(|cause| if is_damage(&cause) { acquire() } else { Err(cause) }) {
            Ok(guard) => Ok(Some(guard)),
            Err(cause) if is_damage(&cause) => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// Goes back to a generation that was verified.
    ///
    /// # Errors
    /// If it could not be put on record: then the current generation still is current.
    pub(crate) fn revert(
        &mut self,
        outcome: &RolledBack,
        admitted: &Admitted,
        reason: &str,
    ) -> Result<()> {
        match self.put_revert_on_record(outcome, admitted, reason) {
            Ok(()) => {}
            Err(cause) => self.conclude(cause, |state| state.current == Some(outcome.to))?,
        }
        // For people only; the journal has decided.
        let _ = self.layout.point_current_to(outcome.to);
        Ok(())
    }

    // trace: impl FC-15.3 FC-15.4 FC-28.1.2
    fn put_revert_on_record(
        &mut self,
        outcome: &RolledBack,
        admitted: &Admitted,
        reason: &str,
    ) -> std::result::Result<(), Cause> {
        let attempt = self.begin(Operation::Rollback, admitted)?;
        // What is left goes on record as far as it is sealed; it must not keep anybody from leaving it, and is not read.
        let left = self.open_known(outcome.from);
        if let Ok(Some((store, parts))) = left.and_then(|left| self.sealed_digests(&left)) {
            self.append(attempt, Event::Quiesced { generation: outcome.from, store, parts })?;
        }
        self.append(
            attempt,
            Event::Reverted {
                from: outcome.from,
                to: outcome.to,
                data: DataPolicy::SetAside,
                reason: shorten(reason),
                records: outcome.records,
            },
        )
    }

    /// Declares the generation on trial healthy; nothing if it was confirmed already.
    ///
    /// # Errors
    /// If another generation is current, or what appending says.
    pub fn confirm(&mut self, generation: GenerationNumber) -> Result<()> {
        self.require_current(generation)?;
        if self.state.standing == Standing::Confirmed {
            return Ok(());
        }
        let there = || -> std::result::Result<(), Cause> {
            let current = open_current(&self.layout, &self.state)?;
            self.check_generation(&current, VerifyDepth::Shape)
        };
        there().map_err(|cause| Error::new(cause, self.unchanged()))?;
        match self.note(Event::Confirmed { generation }) {
            Ok(()) => Ok(()),
            Err(cause) => self.conclude(cause, |state| {
                state.current == Some(generation) && state.standing == Standing::Confirmed
            }),
        }
    }

    /// Refuses what was meant for another generation than the current one.
    pub(crate) fn require_current(&self, generation: GenerationNumber) -> Result<()> {
        let cause = match self.state.current {
            Some(current) if current == generation => return Ok(()),
            Some(current) => Cause::Overtaken(format!("generation {current} is current")),
            None => no_current(&self.layout, &self.state),
        };
        Err(Error::new(cause, self.unchanged()))
    }
}

/// How many of the records of a store are in ledgers. What was archived is one.
pub(crate) fn ledger_records(schema: &SchemaDefinition, found: &LogicalDigest) -> u64 {
    let is_ledger = |name: &str| {
        let class = schema.keyspace(name).map(|keyspace| keyspace.class);
        name == ARCHIVE || class == Some(KeyspaceClass::Ledger)
    };
    found.iter().filter(|(name, _)| is_ledger(name)).map(|(_, content)| content.records).sum()
}

/// Whether a file of a generation is a table of its store. The engine never writes to one that it has finished, and holds
/// every block that it reads to a checksum. They are nearly all there is of a store: a rollback that read them would take the
/// longer the more there is.
fn is_immutable_table(path: &str) -> bool {
    let of_store =
        path.strip_prefix(Part::Store.directory()).and_then(|path| path.strip_prefix('/'));
    of_store.is_some_and(|path| storage_migration::clone_mode(Path::new(path)) == CloneMode::Link)
}

/// Whether the lock of a store cannot be taken because the store is damaged.
fn is_damage(cause: &Cause) -> bool {
    match cause {
        Cause::Altered(_) => true,
        Cause::File(error) => {
            error.is_damage() || error.source.kind() == std::io::ErrorKind::NotADirectory
        }
        _ => false,
    }
}
