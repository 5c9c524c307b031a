//! Recovery: from an interruption by itself, from a lost journal by an explicit decision (FC-UPGRADE-0001 §16).

use std::path::{Path, PathBuf};
use std::time::Duration;

use authorization::GenerationReference;
use integrity::Digest;
use journal::{
    Event, Journal, Operation, RECORDS_FILE, RecoveredParent, ReleaseIdentity, TelemetrySink,
};
use rollback::{Generation, HomeLock, Layout, Parent, Part, VerifyDepth};
use versioning::GenerationNumber;

use crate::adopt::JOURNAL_FORMAT;
use crate::error::{Cause, Condition, Error, Result, is_integrity};
use crate::home::{locked, name_generations, no_current, replay};
use crate::lifecycle::{Fate, HomeState, Phase};
use crate::package::RELEASE_MANIFEST;
use crate::progress::ProgressListener;
use crate::seal::keyspace_map;
use crate::store_guard::not_running;
use crate::trust::{Admitted, Court, Wanted, keyring_of_files};
use crate::{Authorization, Environment, Home};

/// How many journals may be set aside in one home.
const MAXIMUM_REPLACED_JOURNALS: u32 = 1000;

/// What comes next after a recovery that could not be brought to its end.
const AGAIN: &str = "Run the same `femtoclaw-upgrade recover --generation` again.";

/// What is to be recovered.
#[derive(Debug, Clone)]
pub struct RecoverRequest {
    /// The home.
    pub home: PathBuf,
    /// The generation that is to be current, if the journal cannot tell any more.
    pub generation: Option<GenerationNumber>,
    /// How long to wait for the home's lock.
    pub lock_timeout: Duration,
}

/// Brings a home back to exactly one state.
///
/// After an interruption, opening the home is all that it takes: an attempt that had not reached its commit point is undone.
/// When the journal is lost or broken nothing is guessed: it takes a decision which generation is to be current. That
/// generation is verified first; then what is left of the old journal is set aside, and a new one begins that says what it
/// replaces. If only the witness is lost, and the journal itself agrees with the decision, the journal is kept.
///
/// Putting right what an interruption left needs no authority: it ends what was authorised before. A decision does, and whom the
/// keyring asks for where the journal is lost, its own files say.
///
/// # Errors
/// Without authority for a decision; if the journal is lost and no generation was named; if the generation named is not what
/// its manifest says; if the journal is intact and another generation is current. Nothing was changed then.
// trace: impl FC-16.3
pub fn recover<'e>(
    request: &RecoverRequest,
    environment: Environment<'e>,
    telemetry: &'e mut dyn TelemetrySink,
    authorization: Option<Authorization>,
    progress: &mut ProgressListener<'_>,
) -> Result<Home<'e>> {
    let refuse = |cause: Cause| Error::new(cause, Condition::Unchanged(None));
    let Some(wanted) = request.generation else {
        let home = Home::open(&request.home, environment, telemetry, request.lock_timeout)?;
        if home.state.current.is_none() && home.state.replaces_another {
            let cause = no_current(&home.layout, &home.state);
            return Err(Error::new(cause, home.unchanged()));
        }
        return Ok(home);
    };
    let layout = Layout::new(&request.home);
    // Nothing is locked or written before it is known that this is a home.
    require_generations(&layout)?;
    let lock =
        HomeLock::acquire(&layout, request.lock_timeout).map_err(|error| refuse(locked(error)))?;
    let available = require_generations(&layout)?;
    match what_the_journal_says(&layout, environment) {
        Says::Current(current) if current == wanted => {
            Home::open_locked(layout, lock, environment, telemetry)
        }
        Says::Current(current) => Err(refuse(Cause::NothingToRecover { current })),
        Says::Unusable(cause) => Err(refuse(cause)),
        Says::WitnessLost(state) if agrees(&state, wanted, &available) => {
            require_idle(&layout, &available).map_err(refuse)?;
            let decided = Decided::verify(&layout, wanted, &available).map_err(refuse)?;
            decided
                .admit(&layout, Some(&state), environment, authorization.as_ref())
                .map_err(refuse)?;
            // From here on the journal may be whole again, whatever goes wrong.
            journal::replace_witness(&layout.journal())
                .map_err(|error| Error::new(error, Condition::Unfinished).with_next(AGAIN))?;
            Home::open_locked(layout, lock, environment, telemetry)
                .map_err(|error| error.with_condition(Condition::Unfinished).with_next(AGAIN))
        }
        says @ (Says::WitnessLost(_) | Says::Damage | Says::Begun(_)) => {
            require_idle(&layout, &available).map_err(refuse)?;
            let decided = Decided::verify(&layout, wanted, &available).map_err(refuse)?;
            let admitted = decided
                .admit(&layout, says.state(), environment, authorization.as_ref())
                .map_err(refuse)?;
            if !matches!(says, Says::Begun(_)) {
                replace_journal(&layout, environment)?;
            }
            let mut home = Home::open_locked(layout, lock, environment, telemetry)?;
            home.make_current(decided, &admitted, progress)?;
            Ok(home)
        }
    }
}

/// The generations of a home, of which there must be some.
fn require_generations(layout: &Layout) -> Result<Vec<GenerationNumber>> {
    crate::exposure::require_own_directories(layout)
        .map_err(|cause| Error::new(cause, Condition::Unchanged(None)))?;
    let found = layout.generation_numbers();
    let found = found.map_err(|error| Error::new(error, Condition::Unchanged(None)))?;
    if found.is_empty() {
        let path = layout.root().to_path_buf();
        return Err(Error::new(Cause::NotAHome { path }, Condition::NoHome));
    }
    Ok(found)
}

/// Refuses a decision for as long as a runtime is being run: without a journal nobody can tell which generation is its own.
fn require_idle(layout: &Layout, available: &[GenerationNumber]) -> std::result::Result<(), Cause> {
    available.iter().try_for_each(|number| not_running(layout, *number).map(drop))
}

/// Whether a journal that nothing vouches for can be kept: it agrees with the decision, nothing was going on, and it knows
/// every generation that is there. One that was cut short would not.
fn agrees(state: &HomeState, wanted: GenerationNumber, available: &[GenerationNumber]) -> bool {
    let is_kept = |number: &GenerationNumber| {
        let fate = state.generations.get(number).map(|found| found.fate);
        matches!(fate, Some(Fate::Kept | Fate::Bad))
    };
    state.current == Some(wanted) && state.phase == Phase::Idle && available.iter().all(is_kept)
}

/// What an explicit recovery would make current. Writes nothing.
///
/// # Errors
/// As [`recover`].
pub fn plan_recovery(
    home: &Path,
    wanted: GenerationNumber,
    environment: Environment<'_>,
) -> Result<Generation> {
    let layout = Layout::new(home);
    let decide = || {
        let available = layout.generation_numbers()?;
        match what_the_journal_says(&layout, environment) {
            Says::Current(current) if current != wanted => Err(Cause::NothingToRecover { current }),
            Says::Unusable(cause) => Err(cause),
            _ => Ok(Decided::verify(&layout, wanted, &available)?.generation),
        }
    };
    decide().map_err(|cause| Error::new(cause, Condition::Unchanged(None)))
}

/// What there is to go by.
enum Says {
    /// The journal is intact.
    Current(GenerationNumber),
    /// The journal is whole, but nothing vouches for its end.
    WitnessLost(HomeState),
    /// The journal is lost or broken.
    Damage,
    /// The journal began anew before, and an interruption kept the decision from being recorded.
    Begun(HomeState),
    /// Something else is wrong, which replacing the journal would not mend.
    Unusable(Cause),
}

impl Says {
    /// What can still be known of who may authorise.
    fn state(&self) -> Option<&HomeState> {
        match self {
            Self::WitnessLost(state) | Self::Begun(state) => Some(state),
            _ => None,
        }
    }
}

fn what_the_journal_says(layout: &Layout, environment: Environment<'_>) -> Says {
    let read = || replay(&journal::read(&layout.journal())?, environment);
    match read().map_err(|cause| name_generations(cause, layout)) {
        Ok(state) => match state.current {
            Some(current) => Says::Current(current),
            None if state.replaces_another => Says::Begun(state),
            None => Says::Unusable(Cause::NeverAdopted { path: layout.root().to_path_buf() }),
        },
        Err(Cause::JournalLost { cause: journal::Error::WitnessUnreadable { .. }, .. }) => {
            let records = journal::read_without_witness(&layout.journal());
            let state = records.ok().and_then(|records| replay(&records, environment).ok());
            state.map_or(Says::Damage, Says::WitnessLost)
        }
        Err(Cause::JournalLost { .. } | Cause::Contradiction { .. }) => Says::Damage,
        Err(cause) => Says::Unusable(cause),
    }
}

/// Begins a new journal that says what it replaces, and sets what is left of the old one aside, whole.
///
/// The new one is built and synced first, so that a full disk leaves the old one where it is.
fn replace_journal(layout: &Layout, environment: Environment<'_>) -> Result<()> {
    let begun = layout.root().join("journal.begun");
    let begin = || -> std::result::Result<bool, Cause> {
        let there = durable::exists(&layout.journal())?;
        let old = match (there, last_replaced_journal(layout.root())?) {
            (true, _) => Some(layout.journal()),
            (false, last) => last.map(|number| replaced_journal(layout.root(), number)),
        };
        // What cannot be digested is kept all the same.
        let replaces = old.and_then(|old| Digest::of_file(&old.join(RECORDS_FILE)).ok());
        let replaces = Some(replaces.unwrap_or_else(|| Digest::of(b"")));
        let product = environment.catalogue.product().to_owned();
        durable::remove_tree(&begun)?;
        let event = Event::Initialized { format: JOURNAL_FORMAT, product, replaces };
        Journal::create(&begun, event, environment.clock.now())?;
        Ok(there)
    };
    let there = begin().map_err(|cause| Error::new(cause, Condition::Unchanged(None)))?;
    let replace = || -> std::result::Result<(), Cause> {
        if there {
            let next = last_replaced_journal(layout.root())?.map_or(1, |number| number + 1);
            durable::rename(&layout.journal(), &replaced_journal(layout.root(), next))?;
        }
        Ok(durable::rename(&begun, &layout.journal())?)
    };
    replace().map_err(|cause| Error::new(cause, Condition::Unfinished).with_next(AGAIN))
}

fn replaced_journal(root: &Path, number: u32) -> PathBuf {
    root.join(format!("journal.replaced-{number}"))
}

fn last_replaced_journal(root: &Path) -> durable::Result<Option<u32>> {
    let mut last = None;
    for number in 1..MAXIMUM_REPLACED_JOURNALS {
        if !durable::exists(&replaced_journal(root, number))? {
            break;
        }
        last = Some(number);
    }
    Ok(last)
}

/// A generation that was decided on, and verified.
struct Decided {
    generation: Generation,
    as_sealed: bool,
    parent: Option<Box<RecoveredParent>>,
}

impl Decided {
    fn verify(
        layout: &Layout,
        number: GenerationNumber,
        available: &[GenerationNumber],
    ) -> std::result::Result<Self, Cause> {
        if !available.contains(&number) {
            let available = available.to_vec();
            return Err(Cause::NoSuchGeneration { generation: number, available });
        }
        let generation = Generation::open(layout, number, None)?;
        let as_sealed = verify_but_store(&generation)?;
        let parent = match generation.manifest().origin.parent() {
            None => None,
            Some(parent) => recovered_parent(layout, parent)?,
        };
        Ok(Self { generation, as_sealed, parent })
    }

    /// Whether it was decided by those who may.
    fn admit(
        &self,
        layout: &Layout,
        state: Option<&HomeState>,
        environment: Environment<'_>,
        authorization: Option<&Authorization>,
    ) -> std::result::Result<Admitted, Cause> {
        // Where a new journal was begun and not finished, its keyring need not be on record yet.
        let state = state.filter(|state| state.keyring.is_some());
        let court = Court::convene(layout, state, environment.clock.now(), None)?;
        let (generation, manifest) = (self.generation.number(), self.generation.digest());
        let wanted = Wanted::recover(GenerationReference { generation, manifest });
        court.judge(authorization, &wanted)
    }
}

/// The release that a generation was built from, if it came as a package.
fn release_of(generation: &Generation) -> std::result::Result<Option<ReleaseIdentity>, Cause> {
    if generation.manifest().files.get(RELEASE_MANIFEST).is_none() {
        return Ok(None);
    }
    let bytes = generation.read_sealed(RELEASE_MANIFEST)?;
    let manifest = release::Manifest::parse(&bytes).map_err(release::Error::from)?;
    let security_epoch = manifest.description().security_epoch;
    Ok(Some(ReleaseIdentity { manifest: manifest.digest(), security_epoch }))
}

/// The generation that one was built from, as the way back. If it is not what it was it is none, which is no reason to
/// refuse its child; that it cannot be read at this moment is one.
fn recovered_parent(
    layout: &Layout,
    parent: &Parent,
) -> std::result::Result<Option<Box<RecoveredParent>>, Cause> {
    let found = Generation::open(layout, parent.generation, Some(parent.manifest));
    let verified = found.map_err(Cause::from).and_then(|parent| {
        let as_sealed = verify_but_store(&parent)?;
        let versions = parent.manifest().versions.clone();
        let (generation, manifest) = (parent.number(), parent.digest());
        Ok(Box::new(RecoveredParent { generation, manifest, versions, as_sealed }))
    });
    match verified {
        Ok(parent) => Ok(Some(parent)),
        Err(Cause::Generation(error)) if is_integrity(&error) => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// Holds everything but the store to its seal, and says whether the store is as sealed too. If it is not, a runtime must have
/// written to it: which none can have done to files of an older format, so these are held to their seal as well.
fn verify_but_store(generation: &Generation) -> std::result::Result<bool, Cause> {
    if keyspace_map(generation.manifest()).is_none() {
        generation.verify(VerifyDepth::Content, |_| false)?;
        return Ok(true);
    }
    let store = Part::Store.directory();
    generation.verify(VerifyDepth::Content, |path| path == store)?;
    match generation.verify(VerifyDepth::Content, |_| false) {
        Ok(()) => Ok(true),
        Err(error) if is_integrity(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Home<'_> {
    fn make_current(
        &mut self,
        decided: Decided,
        admitted: &Admitted,
        progress: &mut ProgressListener<'_>,
    ) -> Result<()> {
        let number = decided.generation.number();
        match self.record_decision(decided, admitted, progress) {
            Ok(()) => {}
            Err(cause) => self.conclude(cause, |state| state.current == Some(number))?,
        }
        let _ = self.layout.point_current_to(number);
        Ok(())
    }

    fn record_decision(
        &mut self,
        decided: Decided,
        admitted: &Admitted,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<(), Cause> {
        let Decided { generation, as_sealed, parent } = decided;
        let release = release_of(&generation)?;
        self.take_over_keyring()?;
        let attempt = self.begin(Operation::Recover, admitted)?;
        // The engine must be able to read all of a store that a runtime has written to. Its records may break an invariant:
        // that is for `verify` to say, and no reason to stay without a current generation.
        self.measure_any(&generation, progress)?;
        let event = Event::Recovered {
            generation: generation.number(),
            manifest: generation.digest(),
            versions: Box::new(generation.manifest().versions.clone()),
            as_sealed,
            parent,
            reason: "the journal was lost or broken".to_owned(),
            release,
        };
        self.append(attempt, event)
    }

    /// Puts the keyring on record that the files have: it outlives the journal.
    fn take_over_keyring(&mut self) -> std::result::Result<(), Cause> {
        if self.state.keyring.is_some() {
            return Ok(());
        }
        let Some((keyring, node)) = keyring_of_files(&self.layout, self.environment.clock.now())?
        else {
            return Ok(());
        };
        let (epoch, keyring) = (keyring.epoch(), keyring.digest());
        let operator = self.environment.operator.to_owned();
        self.note(Event::Keyring { epoch, keyring, node, operator, signers: Vec::new() })
    }
}
