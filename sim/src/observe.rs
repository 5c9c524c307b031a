//! A disk that a crash left is opened by the product, recovered, and read down to the last record.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use sim::disk::{Disk, Fingerprint};
use sim::fault::FaultPlan;
use sim::world::World;
use upgrade::lifecycle::{Fate, HomeState, Standing, StoreStanding};
use upgrade::{Digest, Home, NoTelemetry, Record};
use versioning::{GenerationNumber, RuntimeVersion};

use crate::hooks;
use crate::scenario::{HOME, HOME_ON_DISK, Outcome, Step, environment, set_surroundings};

/// What a recovered home is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    /// The product opened it.
    Home(FoundHome),
    /// The product refused it, with a typed error.
    Refused {
        /// The stable name of the error.
        error: &'static str,
        /// What it says.
        message: String,
    },
    /// The product panicked.
    Panicked(String),
}

/// A home that the product has opened, and read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FoundHome {
    /// What is current.
    pub(crate) current: Option<GenerationNumber>,
    /// Whether it has proven itself.
    pub(crate) standing: Standing,
    /// The version of the runtime that is to be started.
    pub(crate) runtime: Option<RuntimeVersion>,
    /// The digest of the content of everything that is kept.
    pub(crate) contents: BTreeMap<GenerationNumber, Digest>,
    /// Who may authorise, and what.
    pub(crate) trusted: Trusted,
    /// What is not as it should be.
    pub(crate) problems: Vec<String>,
    /// The journal.
    pub(crate) records: Vec<Record>,
}

/// What a home amounts to, for comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// There is none: nothing was ever adopted.
    Nothing,
    /// The journal is lost, or was replaced: somebody has to say which generation is current.
    Undecided,
    /// This generation is current, and these are kept.
    Home {
        /// Which.
        current: GenerationNumber,
        /// Whether it has proven itself.
        standing: Standing,
        /// With the digests of their contents.
        contents: BTreeMap<GenerationNumber, Digest>,
        /// Who may authorise, and what.
        trusted: Trusted,
    },
}

/// Who may authorise, and what: nothing of it is in a generation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Trusted {
    /// The keyring: its epoch, and the digest of its bytes.
    pub(crate) keyring: Option<(u64, Digest)>,
    /// The highest security epoch that was ever confirmed.
    pub(crate) security_floor: u64,
}

impl State {
    /// The content of what is current.
    pub(crate) fn content(&self) -> Option<Digest> {
        match self {
            Self::Home { current, contents, .. } => contents.get(current).copied(),
            _ => None,
        }
    }

    /// Whether it is another one in nothing but the numbers of its generations: whoever tries again takes the next one.
    pub(crate) fn is_but_for_numbers(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Home { standing, contents, trusted, .. },
                Self::Home { standing: theirs, contents: kept, trusted: by_them, .. },
            ) => {
                let sorted = |contents: &BTreeMap<GenerationNumber, Digest>| {
                    let mut digests: Vec<_> = contents.values().copied().collect();
                    digests.sort_unstable();
                    digests
                };
                standing == theirs
                    && trusted == by_them
                    && self.content() == other.content()
                    && sorted(contents) == sorted(kept)
            }
            (one, other) => one == other,
        }
    }

    /// The same, but for what a start of a runtime changes: whether what is current has proven itself, and what follows from
    /// that.
    pub(crate) fn as_if_started_as(&self, other: &Self) -> Self {
        match (self.clone(), other) {
            (
                Self::Home { current, contents, trusted, .. },
                Self::Home { standing, trusted: theirs, .. },
            ) => {
                let trusted = Trusted { security_floor: theirs.security_floor, ..trusted };
                Self::Home { current, standing: *standing, contents, trusted }
            }
            (state, _) => state,
        }
    }
}

impl Found {
    /// What it amounts to; none if it could not be opened for a reason that no state explains.
    pub(crate) fn state(&self) -> Option<State> {
        match self {
            Self::Home(home) => Some(match home.current {
                Some(current) => {
                    let (standing, contents) = (home.standing, home.contents.clone());
                    State::Home { current, standing, contents, trusted: home.trusted.clone() }
                }
                None if home.records.iter().any(is_replacement) => State::Undecided,
                None => State::Nothing,
            }),
            Self::Refused { error: "not-a-home" | "never-adopted", .. } => Some(State::Nothing),
            Self::Refused { error, .. } if error == &"undecided" || is_lost_journal(error) => {
                Some(State::Undecided)
            }
            Self::Refused { .. } | Self::Panicked(_) => None,
        }
    }

    /// The journal, if it could be read.
    pub(crate) fn records(&self) -> &[Record] {
        match self {
            Self::Home(home) => &home.records,
            _ => &[],
        }
    }
}

fn is_replacement(record: &Record) -> bool {
    matches!(record.event, upgrade::Event::Initialized { replaces: Some(_), .. })
}

/// Everything that was seen of a disk.
#[derive(Debug)]
pub(crate) struct Observation {
    /// What the product made of it.
    pub(crate) found: Found,
    /// The disk once it was recovered and read.
    pub(crate) disk: Disk,
    /// How many operations that took.
    pub(crate) operations: usize,
    /// What a second opening did.
    pub(crate) second: Second,
    /// Descriptors that were left open.
    pub(crate) open: usize,
    /// What came of doing again what was interrupted, if that was tried.
    pub(crate) retry: Option<Retry>,
}

/// What opening a home again did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Second {
    /// It was the same.
    Nothing,
    /// The first was refused, and it changed nothing either; or the first panicked, and nobody opened it again.
    RefusedAgain,
    /// It found something to put right, or changed the disk: a sentence.
    Something(String),
}

/// What came of doing again what was interrupted.
#[derive(Debug)]
pub(crate) struct Retry {
    /// The step.
    pub(crate) outcome: Outcome,
    /// What the home was then.
    pub(crate) found: Found,
}

/// What there is to do with a disk beside recovering and reading it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted<'w> {
    /// What is to be done again.
    pub(crate) retry: Option<Again<'w>>,
    /// How what is current is read.
    pub(crate) current_is: CurrentIs,
}

/// A step that was interrupted and is done again, unless it has led to where it was to lead already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Again<'w> {
    pub(crate) scenario: &'w str,
    /// What the scenario does before it.
    pub(crate) behind: &'w [Step],
    pub(crate) step: Step,
    /// What there is before it, and behind it, undisturbed.
    pub(crate) from: &'w State,
    pub(crate) to: &'w State,
}

impl Again<'_> {
    /// What has led to where it was to lead already need not be done again; what is refused and leads nowhere is refused again.
    fn is_still_to_do(&self, found: &Found) -> bool {
        let leads_nowhere = self.step.must_be_refused() && self.from == self.to;
        leads_nowhere || found.state().as_ref() != Some(self.to)
    }
}

/// So many observations are recent; at most as many again are remembered.
const MOST_OBSERVED: usize = 2000;

/// A disk, and which step of which scenario was done again on it, if one was.
type Asked = (Fingerprint, Option<(String, usize)>);

/// What was seen of disks.
#[derive(Default)]
struct Observed {
    recent: BTreeMap<Asked, Rc<Observation>>,
    /// What was recent before there were too many.
    before: BTreeMap<Asked, Rc<Observation>>,
}

impl Observed {
    fn recall(&mut self, asked: &Asked) -> Option<Rc<Observation>> {
        if let Some(seen) = self.recent.get(asked) {
            return Some(Rc::clone(seen));
        }
        let seen = self.before.remove(asked)?;
        self.remember(asked.clone(), Rc::clone(&seen));
        Some(seen)
    }

    fn remember(&mut self, asked: Asked, seen: Rc<Observation>) {
        if self.recent.len() >= MOST_OBSERVED {
            self.before = std::mem::take(&mut self.recent);
        }
        self.recent.insert(asked, seen);
    }
}

thread_local! {
    static OBSERVED: RefCell<Observed> = RefCell::default();
}

/// What the product makes of a disk, asked once for each: many faults leave the same few disks, and only what must be true of
/// them differs.
pub(crate) fn observe_once(
    fingerprint: Fingerprint,
    wanted: Wanted<'_>,
    disk: impl FnOnce() -> Disk,
) -> Rc<Observation> {
    let again = wanted.retry.map(|again| (again.scenario.to_owned(), again.behind.len()));
    let asked = (fingerprint, again);
    if let Some(seen) = OBSERVED.with_borrow_mut(|observed| observed.recall(&asked)) {
        return seen;
    }
    let seen = Rc::new(observe(&disk(), wanted));
    OBSERVED.with_borrow_mut(|observed| observed.remember(asked, Rc::clone(&seen)));
    seen
}

/// Lets the product recover a disk, and reads all of it.
pub(crate) fn observe(disk: &Disk, wanted: Wanted<'_>) -> Observation {
    set_surroundings(&[]);
    hooks::install(Some(World::new(disk.clone(), FaultPlan::none())));
    let found = looked(wanted.current_is, Scope::Everything);
    let (recovered, operations) =
        hooks::with(|world| (world.disk().clone(), world.log().len())).unwrap_or_default();
    let second = match &found {
        Found::Panicked(_) => Second::RefusedAgain,
        first => look_again(first, recovered.fingerprint_without(&[])),
    };
    let to_do = wanted.retry.filter(|again| again.is_still_to_do(&found));
    let retry = to_do.map(|Again { behind, step, .. }| {
        set_surroundings(behind);
        let acted = catch_unwind(AssertUnwindSafe(|| Outcome::of(&step.act())));
        match acted {
            Ok(outcome) => Retry { outcome, found: look_on(Scope::Everything) },
            Err(_) => {
                let found = Found::Panicked(crate::panics::last());
                Retry { outcome: Outcome::Done, found }
            }
        }
    });
    let open = hooks::with(|world| world.open_descriptors()).unwrap_or_default();
    hooks::install(None);
    Observation { found, disk: recovered, operations, second, open, retry }
}

/// Recovers the home that is there, and reads all of it: whatever is known of what is current, that is read.
pub(crate) fn look() -> Found {
    set_surroundings(&[]);
    looked(CurrentIs::Read, Scope::Everything)
}

/// The same of a home that was read before something was done to it: nothing that is known is read again.
pub(crate) fn look_on(scope: Scope) -> Found {
    looked(CurrentIs::LikeOthers, scope)
}

/// What is read of a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everything that is kept.
    Everything,
    /// What is current, beside the journal.
    Current,
}

/// What is done about a generation that is current, and byte for byte one that was read before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum CurrentIs {
    /// It is read again, and has to be what it was.
    #[default]
    Read,
    /// Nobody reads it again, as nobody does of the others.
    LikeOthers,
}

fn looked(current_is: CurrentIs, scope: Scope) -> Found {
    match catch_unwind(|| read(current_is, scope)) {
        Ok(Ok(home)) => Found::Home(home),
        Ok(Err(error)) => Found::Refused { error: error.name(), message: error.to_string() },
        Err(_) => Found::Panicked(crate::panics::last()),
    }
}

fn read(current_is: CurrentIs, scope: Scope) -> Result<FoundHome, upgrade::Error> {
    let mut telemetry = NoTelemetry;
    let home = Home::open(Path::new(HOME), environment(), &mut telemetry, Duration::ZERO)?;
    let current = home.state().current;
    let in_scope = |number| scope == Scope::Everything || current == Some(number);
    let numbers = home.state().generations.keys().copied().filter(|number| in_scope(*number));
    let sealed: BTreeMap<_, _> =
        numbers.filter_map(|number| Some((number, sealed(&home, number)?))).collect();
    let known = READ.with_borrow(|read| -> BTreeMap<_, _> {
        let known = sealed
            .iter()
            .filter(|(number, _)| current_is == CurrentIs::LikeOthers || current != Some(**number));
        known.filter_map(|(number, sealed)| Some((*number, *read.get(sealed)?))).collect()
    });
    let wanted = |number| in_scope(number) && !known.contains_key(&number);
    let mut report = home.verify_only(wanted, &mut |_| {})?;
    let contents = report
        .generations
        .iter()
        .filter_map(|found| Some((found.generation, found.logical?.content)));
    let mut contents: BTreeMap<_, _> = contents.collect();
    report.problems.extend(remember(&sealed, &contents));
    contents.extend(known);
    Ok(FoundHome {
        current,
        standing: home.state().standing,
        runtime: home.state().runtime().cloned(),
        contents,
        trusted: trusted(home.state()),
        problems: report.problems,
        records: home.records().to_vec(),
    })
}

fn trusted(state: &HomeState) -> Trusted {
    let keyring = state.keyring.as_ref().map(|keyring| (keyring.epoch, keyring.digest));
    Trusted { keyring, security_floor: state.security_floor }
}

/// What a generation is, and what it is held to: its directory, byte for byte, the digest of its manifest, which the journal
/// has, and what its store is held to.
type Sealed = (Fingerprint, Digest, Held);

/// What the store of a generation is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    /// To the manifest.
    Manifest,
    /// To nothing: a runtime has written to it, and has not closed it.
    Nothing,
    /// To the seal that it was closed with: its digest, which the journal has, and the file, byte for byte.
    Seal(Digest, Option<Fingerprint>),
    /// To the digest that it had when it was left, which the journal has.
    Digest(Digest),
}

/// So many generations are remembered.
const MOST_REMEMBERED: usize = 100_000;

thread_local! {
    /// Generations that the product has read down to the last record, with the digest of their content. They are byte for byte
    /// what they were, or the product reads them again.
    static READ: RefCell<BTreeMap<Sealed, Digest>> = const { RefCell::new(BTreeMap::new()) };
}

/// Remembers what was read, and returns what was otherwise the last time: each a sentence.
fn remember(
    sealed: &BTreeMap<GenerationNumber, Sealed>,
    contents: &BTreeMap<GenerationNumber, Digest>,
) -> Vec<String> {
    let mut otherwise = Vec::new();
    READ.with_borrow_mut(|remembered| {
        for (number, content) in contents {
            let Some(sealed) = sealed.get(number) else { continue };
            if remembered.len() >= MOST_REMEMBERED {
                remembered.clear();
            }
            if remembered.insert(*sealed, *content).is_some_and(|before| before != *content) {
                let what = "is byte for byte one that was read before, and reads otherwise";
                otherwise.push(format!("generation {number} {what}"));
            }
        }
    });
    otherwise
}

fn sealed(home: &Home<'_>, number: GenerationNumber) -> Option<Sealed> {
    let state = home.state().generations.get(&number)?;
    if !matches!(state.fate, Fate::Kept | Fate::Bad) {
        return None;
    }
    let below = |path: &str| {
        let path = format!("{HOME_ON_DISK}/{path}");
        hooks::with(|world| world.disk().fingerprint_below(&path)).flatten()
    };
    // What cannot be read is not what it was, whatever its bytes are.
    if !hooks::with(|world| world.is_readable())? {
        return None;
    }
    let held = match (state.started, state.store) {
        (false, _) => Held::Manifest,
        (true, StoreStanding::Closed { seal }) => {
            Held::Seal(seal, below(&format!("seals/{number}.json")))
        }
        (true, StoreStanding::Quiesced { store }) => Held::Digest(store),
        (true, _) => Held::Nothing,
    };
    Some((below(&format!("generations/{number}"))?, state.manifest?, held))
}

fn look_again(first: &Found, before: Fingerprint) -> Second {
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let mut telemetry = NoTelemetry;
        Home::open(Path::new(HOME), environment(), &mut telemetry, Duration::ZERO)
            .map(|home| home.recovery().is_nothing())
    }));
    match (first, opened) {
        (_, Err(_)) => Second::Something(format!("it panics: {}", crate::panics::last())),
        (Found::Home(_), Ok(Err(error))) => Second::Something(format!("it is refused: {error}")),
        (Found::Home(_), Ok(Ok(false))) => {
            Second::Something("it found something to put right".to_owned())
        }
        (Found::Home(_), Ok(Ok(true))) => {
            let after = hooks::with(|world| world.disk().fingerprint_without(&[]));
            if after == Some(before) {
                Second::Nothing
            } else {
                Second::Something("it changed the disk".to_owned())
            }
        }
        // The first was opened and read: what cannot be read may well be opened.
        (_, Ok(_)) => {
            let after = hooks::with(|world| world.disk().fingerprint_without(&[]));
            if after == Some(before) {
                Second::RefusedAgain
            } else {
                Second::Something("refused, it changed the disk".to_owned())
            }
        }
    }
}

/// Whether an error says that the journal is lost or broken, and takes a decision.
fn is_lost_journal(error: &str) -> bool {
    let names = ["missing", "broken", "truncated", "forked", "witness-lost", "too-large", "lost"];
    error.strip_prefix("journal-").is_some_and(|rest| names.contains(&rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_byte_for_byte_the_same_and_reads_otherwise_is_a_problem() {
        let number = GenerationNumber::FIRST;
        let sealed = BTreeMap::from([(number, (1, Digest::of(b"manifest"), Held::Manifest))]);
        let read = |content: &[u8]| remember(&sealed, &[(number, Digest::of(content))].into());
        assert_eq!(read(b"content"), [] as [String; 0]);
        assert_eq!(read(b"content"), [] as [String; 0], "it is what it was");
        let what = "is byte for byte one that was read before, and reads otherwise";
        assert_eq!(read(b"another content"), [format!("generation {number} {what}")]);
    }
}
