//! What a history amounts to.

use std::collections::BTreeMap;

use integrity::Digest;
use journal::{
    AttemptNumber, Authority, Event, Operation, Record, RecoveredParent, ReleaseIdentity, SignedBy,
};
use versioning::{GenerationNumber, RuntimeVersion, Timestamp, Versions};

use super::{EventKind, Phase, transition};

/// The state of a home, as its journal tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeState {
    /// Where it stands.
    pub phase: Phase,
    /// Whose home it is.
    pub product: String,
    /// The generation that is current; none until an adoption completes.
    pub current: Option<GenerationNumber>,
    /// Whether the current generation has proven itself.
    pub standing: Standing,
    /// Every generation that was ever prepared.
    pub generations: BTreeMap<GenerationNumber, GenerationState>,
    /// The attempt that is going on, unless the phase is idle.
    pub attempt: Option<OpenAttempt>,
    /// On whose authority the current generation became current.
    pub authority: Option<Authority>,
    /// Whether this journal replaces one that was lost or broken, so that not all of the past is known.
    pub replaces_another: bool,
    /// When this journal began.
    pub began: Option<Timestamp>,
    /// Who may authorise; none while nobody has said so, and only development mode is left (FC-UPGRADE-0001 §21).
    pub keyring: Option<KeyringState>,
    /// The highest security epoch that was ever confirmed: no release of an earlier one is taken any more.
    pub security_floor: u64,
    /// The authorisations that were used up: by id, the digest of what was signed. An attempt that ended without effect gives
    /// its own back: what was allowed is still to be done.
    pub used: BTreeMap<String, Digest>,
}

/// Which keyring says who may authorise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyringState {
    /// Its epoch.
    pub epoch: u64,
    /// The digest of its bytes.
    pub digest: Digest,
    /// What the home is called in the audience of an authorisation.
    pub node: String,
}

/// Whether the current generation has proven itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is on trial: it has a number of starts to prove itself (FC-UPGRADE-0001 §15).
    Trial {
        /// Starts that it was activated with.
        tries: u32,
        /// Starts that are left.
        left: u32,
        /// Whether the last start was counted and not given back: its runtime is running, or ended otherwise than by
        /// being stopped in good order.
        running: bool,
    },
    /// It was confirmed.
    Confirmed,
}

/// What the journal says of one generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationState {
    /// Its versions.
    pub versions: Versions,
    /// The generation that it was built from.
    pub parent: Option<GenerationNumber>,
    /// The digest of its manifest, once sealed.
    pub manifest: Option<Digest>,
    /// What became of it.
    pub fate: Fate,
    /// What its store is held to.
    pub store: StoreStanding,
    /// Whether a runtime ever started on it.
    pub started: bool,
    /// When it last became current.
    pub activated: Option<Timestamp>,
    /// On whose authority it last became current.
    pub authority: Option<Authority>,
    /// The release that it was built from, if it came as a package.
    pub release: Option<ReleaseIdentity>,
}

/// What became of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is being built.
    Building,
    /// It is, or was, current, and is kept.
    Kept,
    /// It was left by a rollback: kept with all of its records, never activated again.
    Bad,
    /// Its attempt ended without effect: what was built is removed.
    Aborted,
    /// It was removed when nobody needed it any more.
    Collected,
}

/// What the store of a generation is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreStanding {
    /// No runtime has written to it: it is as the manifest sealed it.
    Sealed,
    /// A runtime has started on it since: only the engine's own checks and the schema's invariants hold.
    Started,
    /// It was closed and sealed anew when its runtime was stopped in good order, or by the upgrade that built on it.
    Closed {
        /// The digest of the file that seals it.
        seal: Digest,
    },
    /// It was closed and digested when an attempt left it.
    Quiesced {
        /// The digest over the files of the store.
        store: Digest,
    },
}

/// An attempt that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAttempt {
    /// Its number.
    pub number: AttemptNumber,
    /// What is attempted.
    pub operation: Operation,
    /// On whose authority.
    pub authority: Authority,
    /// The id of the authorisation that it uses up, if it was signed.
    pub authorization: Option<String>,
    /// The generation that is being built, if one is.
    pub to: Option<GenerationNumber>,
}

impl HomeState {
    /// The state before the first record.
    pub fn empty() -> Self {
        Self {
            phase: Phase::Empty,
            product: String::new(),
            current: None,
            standing: Standing::Confirmed,
            generations: BTreeMap::new(),
            attempt: None,
            authority: None,
            replaces_another: false,
            began: None,
            keyring: None,
            security_floor: 0,
            used: BTreeMap::new(),
        }
    }

    /// Folds a whole history.
    ///
    /// # Errors
    /// The first record that contradicts those before it, by number, and why.
    pub fn replay(records: &[Record]) -> Result<Self, (u64, String)> {
        let mut state = Self::empty();
        for record in records {
            // In place: after an error the state is thrown away.
            state
                .advance(record.seq, record.attempt, &record.event, record.time)
                .map_err(|reason| (record.seq, reason))?;
        }
        Ok(state)
    }

    /// The number that the next generation gets: numbers are never used again.
    pub fn next_generation(&self) -> GenerationNumber {
        self.generations.keys().last().map_or(GenerationNumber::FIRST, |last| last.next())
    }

    /// The state of the current generation.
    pub fn current_generation(&self) -> Option<(GenerationNumber, &GenerationState)> {
        let number = self.current?;
        self.generations.get(&number).map(|generation| (number, generation))
    }

    /// The generation that a rollback makes current: the one that the current generation was built from, if it is kept.
    pub fn rollback_target(&self) -> Option<(GenerationNumber, &GenerationState)> {
        let number = self.current_generation()?.1.parent?;
        let generation = self.generations.get(&number)?;
        (generation.fate == Fate::Kept).then_some((number, generation))
    }

    /// The version of the runtime that is current.
    pub fn runtime(&self) -> Option<&RuntimeVersion> {
        self.current_generation().map(|(_, generation)| &generation.versions.runtime)
    }

    /// Advances by one record, the `seq`-th.
    ///
    /// # Errors
    /// Why the record cannot follow, as a sentence; the state is then of no use.
    pub fn advance(
        &mut self,
        seq: u64,
        attempt: AttemptNumber,
        event: &Event,
        time: Timestamp,
    ) -> Result<(), String> {
        let phase = transition(self.phase, EventKind::of(event))
            .ok_or_else(|| format!("{} may not follow in phase “{}”", event.name(), self.phase))?;
        // Every record belongs to the attempt that is going on, or is the first of its own.
        let expected = self.attempt.as_ref().map_or(seq, |open| open.number);
        if attempt != expected {
            return Err(format!("it belongs to attempt {attempt}, not to {expected}"));
        }
        self.absorb(attempt, event, time)?;
        self.phase = phase;
        if phase == Phase::Idle {
            self.attempt = None;
        }
        Ok(())
    }

    fn absorb(
        &mut self,
        attempt: AttemptNumber,
        event: &Event,
        time: Timestamp,
    ) -> Result<(), String> {
        match event {
            Event::Initialized { product, replaces, .. } => {
                self.product.clone_from(product);
                self.replaces_another = replaces.is_some();
                self.began = Some(time);
            }
            Event::Authorized { operation, authority, signed, .. } => {
                self.use_up(*operation, *authority, signed.as_deref())?;
                self.authorize(attempt, *operation, *authority)?;
                if let (Some(open), Some(signed)) = (&mut self.attempt, signed) {
                    open.authorization = Some(signed.id.clone());
                }
            }
            Event::Refused { .. } => {}
            Event::Keyring { epoch, keyring, node, .. } => {
                self.change_keyring(KeyringState {
                    epoch: *epoch,
                    digest: *keyring,
                    node: node.clone(),
                })?;
            }
            Event::Prepared { from, to, target, release, .. } => {
                self.prepare(*from, *to, target, *release)?;
            }
            Event::Quiesced { generation, store, .. } => {
                let current = self.expect_current(*generation)?;
                // A seal says the same of every single file.
                if !matches!(current.store, StoreStanding::Closed { .. }) {
                    current.store = StoreStanding::Quiesced { store: *store };
                }
            }
            Event::Sealed { generation, manifest } => {
                self.expect_building(*generation)?.manifest = Some(*manifest);
            }
            Event::Activated { generation, tries } => self.activate(*generation, *tries, time)?,
            Event::Started { generation, runtime } => {
                let current = self.expect_current(*generation)?;
                if current.versions.runtime != *runtime {
                    let expected = &current.versions.runtime;
                    return Err(format!("generation {generation} is for runtime {expected}"));
                }
                current.store = StoreStanding::Started;
                current.started = true;
            }
            Event::Tried { generation, left } => self.count_try(*generation, *left)?,
            Event::Stopped { generation, left } => self.give_try_back(*generation, *left)?,
            Event::Closed { generation, seal } => {
                let current = self.expect_current(*generation)?;
                if current.store != StoreStanding::Started {
                    return Err(format!("generation {generation} was not started"));
                }
                current.store = StoreStanding::Closed { seal: *seal };
            }
            Event::Confirmed { generation } => {
                let release = self.expect_current(*generation)?.release;
                self.raise_floor(release);
                if self.standing == Standing::Confirmed {
                    return Err(format!("generation {generation} is not on trial"));
                }
                self.standing = Standing::Confirmed;
            }
            Event::Reverted { from, to, data, .. } => self.revert(*from, *to, *data, time)?,
            Event::Aborted { .. } => self.abort(),
            Event::Recovered {
                generation, manifest, versions, parent, as_sealed, release, ..
            } => {
                self.recover(*generation, *manifest, versions, *as_sealed, time)?;
                self.expect_current(*generation)?.release = *release;
                self.raise_floor(*release);
                if let Some(parent) = parent {
                    self.adopt_parent(*generation, parent);
                }
            }
            Event::Collected { generation } => self.collect(*generation)?,
        }
        Ok(())
    }

    /// Holds an authority to the keyring, and uses an authorisation up.
    fn use_up(
        &mut self,
        operation: Operation,
        authority: Authority,
        signed: Option<&SignedBy>,
    ) -> Result<(), String> {
        match (authority, &self.keyring, signed) {
            (Authority::Development, Some(_), _) => {
                Err(format!("the home has a keyring, and nobody signed this {operation}"))
            }
            (Authority::Signed, Some(keyring), Some(signed)) => {
                if signed.keyring_epoch != keyring.epoch {
                    let (found, expected) = (signed.keyring_epoch, keyring.epoch);
                    return Err(format!("it was held to keyring {found}, not to {expected}"));
                }
                let before = self.used.insert(signed.id.clone(), signed.statement);
                // A collection removes one generation after the other, each on record by itself.
                let goes_on = operation == Operation::Collect && before == Some(signed.statement);
                if before.is_some() && !goes_on {
                    return Err(format!("authorisation {} was used before", signed.id));
                }
                Ok(())
            }
            (Authority::Signed, _, _) => Err("nobody signed it, or there is no keyring".to_owned()),
            (Authority::Development | Authority::Standing, _, None) => Ok(()),
            (_, _, Some(_)) => Err("it is signed, and says that it is not".to_owned()),
        }
    }

    /// Epochs follow each other without gaps. Only a journal that replaces another may begin in the middle.
    fn change_keyring(&mut self, next: KeyringState) -> Result<(), String> {
        let expected = self.keyring.as_ref().map_or(1, |keyring| keyring.epoch.saturating_add(1));
        let begins_anew = self.keyring.is_none() && self.replaces_another && next.epoch > 0;
        if next.epoch != expected && !begins_anew {
            return Err(format!("keyring {} cannot follow: {expected} would", next.epoch));
        }
        if self.keyring.as_ref().is_some_and(|keyring| keyring.node != next.node) {
            return Err(format!("the home is not called {}", next.node));
        }
        self.keyring = Some(next);
        Ok(())
    }

    /// The floor rises only when a generation is confirmed, and never falls.
    fn raise_floor(&mut self, release: Option<ReleaseIdentity>) {
        let epoch = release.map_or(0, |release| release.security_epoch);
        self.security_floor = self.security_floor.max(epoch);
    }

    fn authorize(
        &mut self,
        number: AttemptNumber,
        operation: Operation,
        authority: Authority,
    ) -> Result<(), String> {
        match (operation, authority, self.standing) {
            (Operation::Upgrade, _, Standing::Trial { .. }) => {
                return Err("the current generation is on trial".to_owned());
            }
            // Only the end of a trial was authorised along with its beginning.
            (Operation::Rollback, Authority::Standing, Standing::Confirmed) => {
                return Err("nobody authorised to leave a confirmed generation".to_owned());
            }
            _ => {}
        }
        self.attempt =
            Some(OpenAttempt { number, operation, authority, authorization: None, to: None });
        Ok(())
    }

    fn count_try(&mut self, number: GenerationNumber, left: u32) -> Result<(), String> {
        self.expect_current(number)?;
        let Standing::Trial { tries, left: before, .. } = self.standing else {
            return Err(format!("generation {number} is not on trial"));
        };
        if before.checked_sub(1) != Some(left) {
            return Err(format!("generation {number} has {before} tries left, not {left} and one"));
        }
        self.standing = Standing::Trial { tries, left, running: true };
        Ok(())
    }

    fn give_try_back(&mut self, number: GenerationNumber, left: u32) -> Result<(), String> {
        self.expect_current(number)?;
        let Standing::Trial { tries, left: before, running: true } = self.standing else {
            return Err(format!("generation {number} has no try to give back"));
        };
        if before.checked_add(1) != Some(left) {
            return Err(format!("with {before} and one more it cannot have {left} tries left"));
        }
        self.standing = Standing::Trial { tries, left, running: false };
        Ok(())
    }

    fn prepare(
        &mut self,
        from: Option<GenerationNumber>,
        to: GenerationNumber,
        target: &Versions,
        release: Option<ReleaseIdentity>,
    ) -> Result<(), String> {
        if from != self.current {
            return Err("it starts from a generation that is not current".to_owned());
        }
        if to < self.next_generation() {
            return Err(format!("generation {to} was prepared before"));
        }
        // What records are carried back into is built on what a rollback leads to.
        let carries_back =
            self.attempt.as_ref().is_some_and(|open| open.operation == Operation::Rollback);
        let parent = if carries_back {
            let target = self.rollback_target();
            Some(target.ok_or("there is no generation to go back to")?.0)
        } else {
            from
        };
        let generation = GenerationState {
            versions: target.clone(),
            parent,
            manifest: None,
            fate: Fate::Building,
            store: StoreStanding::Sealed,
            started: false,
            activated: None,
            authority: None,
            release,
        };
        self.generations.insert(to, generation);
        if let Some(open) = &mut self.attempt {
            open.to = Some(to);
        }
        Ok(())
    }

    // trace: impl FC-7.1
    fn activate(
        &mut self,
        number: GenerationNumber,
        tries: u32,
        time: Timestamp,
    ) -> Result<(), String> {
        let authority = self.attempt.as_ref().map(|open| open.authority);
        // What is adopted ran before, so there is nothing to try; everything else has to prove itself.
        if (tries == 0) != (self.phase == Phase::Sealed(Operation::Adopt)) {
            return Err(format!("generation {number} cannot have {tries} tries"));
        }
        let generation = self.expect_building(number)?;
        generation.fate = Fate::Kept;
        generation.activated = Some(time);
        generation.authority = authority;
        self.current = Some(number);
        self.authority = authority;
        self.standing = match tries {
            0 => Standing::Confirmed,
            tries => Standing::Trial { tries, left: tries, running: false },
        };
        Ok(())
    }

    fn abort(&mut self) {
        let open = self.attempt.as_ref();
        // What a collection has removed before stays removed on its authority.
        let given_back = open.filter(|open| open.operation != Operation::Collect);
        if let Some(id) = given_back.and_then(|open| open.authorization.as_ref()) {
            self.used.remove(id);
        }
        let to = open.and_then(|open| open.to);
        if let Some(generation) = to.and_then(|to| self.generations.get_mut(&to)) {
            generation.fate = Fate::Aborted;
        }
    }

    fn recover(
        &mut self,
        number: GenerationNumber,
        manifest: Digest,
        versions: &Versions,
        as_sealed: bool,
        time: Timestamp,
    ) -> Result<(), String> {
        if self.current.is_some() || !self.replaces_another {
            return Err("the journal does not replace another".to_owned());
        }
        let mut generation = recovered_generation(versions, manifest, as_sealed, Some(time));
        self.authority = self.attempt.as_ref().map(|open| open.authority);
        generation.authority = self.authority;
        self.generations.insert(number, generation);
        self.current = Some(number);
        self.standing = Standing::Confirmed;
        Ok(())
    }

    /// The generation that a recovered one was built from, so that there is a way back.
    fn adopt_parent(&mut self, child: GenerationNumber, parent: &RecoveredParent) {
        let RecoveredParent { generation, manifest, versions, as_sealed } = parent;
        let state = recovered_generation(versions, *manifest, *as_sealed, None);
        self.generations.insert(*generation, state);
        if let Some(child) = self.generations.get_mut(&child) {
            child.parent = Some(*generation);
        }
    }

    fn collect(&mut self, number: GenerationNumber) -> Result<(), String> {
        if self.current == Some(number) {
            return Err(format!("generation {number} is current"));
        }
        if self.rollback_target().is_some_and(|(target, _)| target == number) {
            return Err(format!("generation {number} is what a rollback leads to"));
        }
        let generation = self
            .generations
            .get_mut(&number)
            .filter(|generation| matches!(generation.fate, Fate::Kept | Fate::Bad))
            .ok_or_else(|| format!("generation {number} is not kept"))?;
        generation.fate = Fate::Collected;
        Ok(())
    }

    fn expect_current(&mut self, number: GenerationNumber) -> Result<&mut GenerationState, String> {
        if self.current != Some(number) {
            return Err(format!("generation {number} is not current"));
        }
        self.generations.get_mut(&number).ok_or_else(|| format!("there is no generation {number}"))
    }

    fn expect_building(
        &mut self,
        number: GenerationNumber,
    ) -> Result<&mut GenerationState, String> {
        let building = self.attempt.as_ref().and_then(|open| open.to);
        if building != Some(number) {
            return Err(format!("generation {number} is not being built"));
        }
        self.generations.get_mut(&number).ok_or_else(|| format!("there is no generation {number}"))
    }
}

/// A generation whose past is lost with a journal. If its files are no longer as sealed, a runtime must have written to it.
fn recovered_generation(
    versions: &Versions,
    manifest: Digest,
    as_sealed: bool,
    activated: Option<Timestamp>,
) -> GenerationState {
    GenerationState {
        versions: versions.clone(),
        parent: None,
        manifest: Some(manifest),
        fate: Fate::Kept,
        store: if as_sealed { StoreStanding::Sealed } else { StoreStanding::Started },
        started: !as_sealed,
        activated,
        authority: None,
        release: None,
    }
}

mod reverting;
#[cfg(test)]
mod tests;
