//! Recovery: from an interruption by itself, from a lost journal by an explicit decision (FC-UPGRADE-0001 §16).

use std::path::{Path, PathBuf};
use std::time::Duration;

use integrity::Digest;
use journal::{Event, Journal, Operation, RECORDS_FILE, TelemetrySink};
use rollback::{Generation, HomeLock, Layout, Part, VerifyDepth};
use versioning::GenerationNumber;

use crate::adopt::JOURNAL_FORMAT;
use crate::environment::ProgressListener;
use crate::error::{Cause, Condition, Error, Result};
use crate::home::{name_generations, replay};
use crate::verify::untouched;
use crate::{Authorization, Environment, Home};

/// How many journals may be set aside in one home.
const MAXIMUM_REPLACED_JOURNALS: u32 = 1000;

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
/// generation is verified; what is left of the old journal is set aside; a new one begins, and says what it replaces.
///
/// # Errors
/// Without authority; if the journal is lost and no generation was named; if the generation named is not what its manifest
/// says; if the journal is intact and another generation is current.
pub fn recover<'e>(
    request: &RecoverRequest,
    environment: Environment<'e>,
    telemetry: &'e mut dyn TelemetrySink,
    authorization: Option<Authorization>,
    progress: &mut ProgressListener<'_>,
) -> Result<Home<'e>> {
    let refuse = |cause: Cause| Error::new(cause, untouched());
    let authorization =
        Authorization::require(authorization, Operation::Recover).map_err(refuse)?;
    let Some(wanted) = request.generation else {
        return Home::open(&request.home, environment, telemetry, request.lock_timeout);
    };
    let layout = Layout::new(&request.home);
    let generations = layout.generation_numbers().map_err(|error| refuse(error.into()))?;
    if generations.is_empty() {
        return Err(Error::new(Cause::NotAHome { path: request.home.clone() }, Condition::NoHome));
    }
    let lock =
        HomeLock::acquire(&layout, request.lock_timeout).map_err(|error| refuse(error.into()))?;
    match what_the_journal_says(&layout) {
        Says::Current(current) if current == wanted => {
            return Home::open_locked(layout, lock, environment, telemetry);
        }
        Says::Current(current) => return Err(refuse(Cause::NothingToRecover { current })),
        Says::Damage(cause) if !is_for_recovery(&cause) => return Err(refuse(cause)),
        Says::Damage(_) => set_journal_aside(&layout, environment).map_err(refuse)?,
        // The journal began anew before, and an interruption kept the decision from being recorded.
        Says::Nothing => {}
    }
    let mut home = Home::open_locked(layout, lock, environment, telemetry)?;
    home.make_current(wanted, &generations, &authorization, progress)
        .map_err(|cause| Error::new(cause, Condition::Unfinished))?;
    Ok(home)
}

enum Says {
    Current(GenerationNumber),
    Nothing,
    Damage(Cause),
}

fn what_the_journal_says(layout: &Layout) -> Says {
    let read = || replay(&journal::read(&layout.journal())?);
    match read() {
        Ok(state) => state.current.map_or(Says::Nothing, Says::Current),
        Err(cause) => Says::Damage(name_generations(cause, layout)),
    }
}

/// Only damage is for recovery; a disk that does not answer is not.
fn is_for_recovery(cause: &Cause) -> bool {
    matches!(cause, Cause::JournalLost { .. } | Cause::Contradiction { .. })
}

/// Sets what is left of the journal aside, whole, and begins a new one that says what it replaces.
fn set_journal_aside(
    layout: &Layout,
    environment: Environment<'_>,
) -> std::result::Result<(), Cause> {
    if layout.journal().exists() {
        durable::rename(&layout.journal(), &replaced_journal(layout.root()).0)?;
    }
    let replaced = replaced_journal(layout.root()).1;
    let replaces = match replaced.map(|journal| journal.join(RECORDS_FILE)) {
        Some(records) if records.exists() => Digest::of_file(&records)?,
        _ => Digest::of(b""),
    };
    let product = environment.catalogue.product().to_owned();
    let event = Event::Initialized { format: JOURNAL_FORMAT, product, replaces: Some(replaces) };
    Journal::create(&layout.journal(), event, environment.clock.now())?;
    Ok(())
}

/// The first free name for a journal that is set aside, and the one that was set aside last.
fn replaced_journal(root: &Path) -> (PathBuf, Option<PathBuf>) {
    let name = |number: u32| root.join(format!("journal.replaced-{number}"));
    let used = (1..MAXIMUM_REPLACED_JOURNALS).take_while(|number| name(*number).exists()).count();
    let used = u32::try_from(used).unwrap_or(MAXIMUM_REPLACED_JOURNALS);
    (name(used + 1), (used > 0).then(|| name(used)))
}

impl Home<'_> {
    fn make_current(
        &mut self,
        number: GenerationNumber,
        available: &[GenerationNumber],
        authorization: &Authorization,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<(), Cause> {
        if !available.contains(&number) {
            let available = available.to_vec();
            return Err(Cause::NoSuchGeneration { generation: number, available });
        }
        let generation = Generation::open(&self.layout, number, None)?;
        let store = Part::Store.directory();
        generation.verify(VerifyDepth::Content, |path| path == store)?;
        // Whether a runtime has written to the store is no longer known: the engine must be able to read all of it, and
        // every record must satisfy its schema.
        self.measure(&generation, progress)?;
        let attempt = self.begin(Operation::Recover, authorization.authority())?;
        self.append(
            attempt,
            Event::Recovered {
                generation: number,
                manifest: generation.digest(),
                versions: Box::new(generation.manifest().versions.clone()),
                reason: "the journal was lost or broken".to_owned(),
            },
        )?;
        let _ = self.layout.point_current_to(number);
        Ok(())
    }
}
