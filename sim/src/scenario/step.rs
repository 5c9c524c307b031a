//! The steps of scenarios: what is done with the product, through what it offers to everybody.

use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use femtoclaw_catalogue::FemtoClaw;
use sim::world::Mark;
use upgrade::{
    AdoptRequest, Authorization, Booted, Cancellation, Catalogue, DataPolicy, Digest,
    EngineOptions, Environment, Error, Home, NoTelemetry, RecoverRequest, Request, RollbackRequest,
    TelemetryEvent, TelemetrySink,
};
use versioning::{Clock, GenerationNumber, RuntimeVersion, Timestamp};

use super::cancelled::{self, Moment};
use super::flaw::{Flaw, Flawed};
use super::interference;
use super::runtime::{Course, both_fail, ended, halts, killed, launch, run};
use super::trust::{self, Wrong, WrongKeyring};
use super::{BINARY, HOME, SOURCE};
use crate::hooks;

/// How the storage engine is run: without threads, so that the same is done in every run.
pub(super) static ENGINE: EngineOptions = EngineOptions {
    memory_budget_bytes: 4 << 20,
    maximum_group_bytes: 4 << 20,
    open_runs: 8,
    recheck_every: 1,
    workers: 1,
    pipeline_bytes: 1 << 20,
    cache_bytes: 1 << 20,
    worker_threads: 0,
    cancellation: Cancellation::never(),
};

/// The clock that everything is given: it stands still until a step moves it.
struct SimulatedClock;

static SECONDS: AtomicI64 = AtomicI64::new(0);

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        let nanoseconds = i128::from(SECONDS.load(Ordering::SeqCst)) * 1_000_000_000;
        Timestamp::from_unix_nanoseconds(nanoseconds).unwrap_or(Timestamp::EPOCH)
    }
}

/// Sets the clock and the operator's name to what these steps make of them.
pub(crate) fn set_surroundings(steps: &[Step]) {
    SECONDS.store(0, Ordering::SeqCst);
    LONG.store(false, Ordering::SeqCst);
    steps.iter().for_each(|step| step.surround());
}

/// Whether the operator's name is long.
static LONG: AtomicBool = AtomicBool::new(false);

/// As long as a name can be without filling a record.
static LONG_NAME: LazyLock<String> = LazyLock::new(|| "operator ".repeat(1600));

/// What every operation is given here.
pub(crate) fn environment() -> Environment<'static> {
    environment_with(&FemtoClaw)
}

fn environment_with(catalogue: &'static dyn Catalogue) -> Environment<'static> {
    let operator = if LONG.load(Ordering::SeqCst) { LONG_NAME.as_str() } else { "simulator" };
    Environment { catalogue, clock: &SimulatedClock, operator, engine: &ENGINE }
}

/// One thing that is done to a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// An installation is adopted.
    Adopt,
    /// An upgrade to this version.
    Upgrade(&'static str),
    /// The same, with a catalogue that has a flaw, which the product must find.
    Flawed(&'static str, Flaw),
    /// An upgrade that somebody cancels.
    Cancelled(&'static str, Moment),
    /// An upgrade with migrations that have no place for some records.
    Archiving(&'static str),
    /// An upgrade that must be refused as things are.
    Denied(&'static str),
    /// A runtime of another version starts, which must be refused.
    StartOther,
    /// An upgrade of a plan that is not the one that was approved.
    Stale(&'static str),
    /// An upgrade while a runtime has the store open.
    UpgradeInUse(&'static str),
    /// A rollback while a runtime has the store open.
    RollbackInUse,
    /// An upgrade from files of an older format, to which somebody writes when something is reported for this time.
    UpgradeWritten(&'static str, u64),
    /// An adoption of an installation to which somebody writes, likewise.
    AdoptWritten(u64),
    /// An upgrade without authority.
    Unauthorized(&'static str),
    /// Only to prepare: a release is packed, of this security epoch.
    Publish(&'static str, u64),
    /// The first keyring is installed.
    Keyring,
    /// The next one is installed, in which somebody has a new key.
    NextKeyring,
    /// The same, with something wrong, which the product must find.
    WrongKeyring(WrongKeyring),
    /// The next one is installed, which revokes the publisher of this release; another vouches for it.
    RevokePublisher(&'static str),
    /// Only to prepare: somebody puts a keyring of their own behind the one that is there.
    ForgeKeyring,
    /// Somebody says which generation is current, without authority.
    RecoverUnsigned(u32),
    /// The same, by a keyring of their own.
    RecoverForged(u32),
    /// An upgrade to a signed package, on a signed authorisation.
    Signed(&'static str),
    /// The same, with something wrong, which the product must find.
    Wrongly(&'static str, Wrong),
    /// A rollback on a signed authorisation.
    SignedRollback,
    /// An upgrade while somebody else tries to do it too, again and again.
    Rivalled(&'static str),
    /// The generation on trial is confirmed.
    Confirm,
    /// Back to the previous generation.
    Rollback,
    /// Back to it, with what was written since.
    Preserve,
    /// Back to the previous generation, and again on the same handle if it fails.
    Stubborn,
    /// What nobody needs is given back.
    Collect,
    /// The home is opened: whatever was going on is brought to its end.
    Open,
    /// Somebody says which generation is current.
    RecoverGeneration(u32),
    /// A runtime starts, writes so many records, and stops.
    Run(u64),
    /// A runtime starts, writes so many records, is told that they are durable, and is killed.
    Killed(u64),
    /// A runtime starts, and dies.
    Start,
    /// A runtime that knows nothing of homes is launched, and ends. While it runs, nobody goes back from under it.
    Launch,
    /// Its launcher says how it has ended.
    Ended(Course),
    /// It has died, no try is left, and the disk does not give the generation before: the home halts.
    Halts,
    /// What the home has gone back to is launched, and fails too: the home stays where it is.
    BothFail,
    /// Only to prepare: a runtime starts, and stops in good order, so many times.
    Restarts(u64),
    /// A runtime is to start on a generation that has no try left: it goes back instead.
    StartTooOften,
    /// A runtime starts, and says that it does not work.
    Fail,
    /// The clock jumps, by so many seconds.
    Clock(i64),
    /// Only to prepare: an upgrade to this version is interrupted just before its commit point.
    Interrupted(&'static str),
    /// Only to prepare: the journal is lost.
    LoseJournal,
    /// Only to prepare: the journal is damaged.
    DamageJournal,
    /// Only to prepare: what vouches for the journal's last record is lost.
    LoseWitness,
    /// From here on the operator's name is long, and so is what he leaves in the journal.
    LongOperator,
    /// It is short again.
    ShortOperator,
    /// Only to prepare: there is an empty directory where the home is to be, which anybody may look into.
    OpenDirectory,
    /// Only to prepare: somebody leaves temporary files, half a database, and a stale lock.
    Litter,
}

/// What came of a step, as everybody can see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was done.
    Done,
    /// It was refused, or failed: the stable name of the error, and whether it says that nothing has changed.
    Refused {
        /// The name.
        error: &'static str,
        /// Whether it says so.
        unchanged: bool,
    },
}

/// Why a step was refused, or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    name: &'static str,
    unchanged: bool,
    message: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.message)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        use upgrade::Condition;
        let unchanged = matches!(
            error.condition(),
            Condition::NoHome | Condition::Unchanged(_) | Condition::Undone(_)
        );
        Self { name: error.name(), unchanged, message: error.to_string() }
    }
}

/// What a runtime meets while it writes: it says nothing of the home.
impl From<storage_migration::MigrationError> for Refusal {
    fn from(error: storage_migration::MigrationError) -> Self {
        Self { name: "runtime-store", unchanged: false, message: error.to_string() }
    }
}

impl Outcome {
    pub(crate) fn of(result: &Result<(), Refusal>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(refusal) => Self::Refused { error: refusal.name, unchanged: refusal.unchanged },
        }
    }
}

impl Step {
    /// For people.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Adopt => "adopt".to_owned(),
            Self::Upgrade(version) => format!("upgrade to {version}"),
            Self::Flawed(version, flaw) => format!("upgrade to {version} ({flaw:?})"),
            Self::Unauthorized(version) => format!("upgrade to {version} without authority"),
            Self::Signed(version) => format!("signed upgrade to {version}"),
            Self::Wrongly(version, wrong) => {
                format!("upgrade to {version}, signed wrongly ({wrong:?})")
            }
            Self::Cancelled(version, moment) => {
                format!("upgrade to {version}, cancelled ({moment:?})")
            }
            Self::Rivalled(version) => format!("upgrade to {version} beside a second upgrader"),
            Self::Run(records) => format!("a runtime writes {records} records"),
            Self::Killed(records) => format!("a runtime writes {records} records, and is killed"),
            Self::RecoverGeneration(number) => format!("recover generation {number}"),
            Self::Clock(seconds) => format!("the clock jumps by {seconds} s"),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    /// Whether somebody writes to what is current meanwhile: then its content is between two states.
    pub(crate) fn writes_records(self) -> bool {
        matches!(self, Self::Run(_) | Self::Killed(_) | Self::UpgradeWritten(..))
    }

    /// Whether somebody else writes to what it reads.
    pub(crate) fn is_written_to(self) -> bool {
        matches!(self, Self::UpgradeWritten(..) | Self::AdoptWritten(_))
    }

    /// Whether somebody publishes on the way what it is about, beside the home.
    pub(crate) fn publishes(self) -> bool {
        matches!(self, Self::Wrongly(..))
    }

    /// Whether a runtime is started on the way: then a try may be spent, and nothing else be done yet.
    pub(crate) fn starts_a_runtime(self) -> bool {
        matches!(
            self,
            Self::Run(_)
                | Self::Killed(_)
                | Self::Start
                | Self::StartTooOften
                | Self::Fail
                | Self::Launch
        )
    }

    /// Whether it is an attempt to change the home that the product must refuse.
    pub(crate) fn must_be_refused(self) -> bool {
        if let Self::Cancelled(_, moment) = self {
            return moment != Moment::TOO_LATE;
        }
        matches!(
            self,
            Self::Flawed(..)
                | Self::Unauthorized(_)
                | Self::Wrongly(..)
                | Self::WrongKeyring(_)
                | Self::RecoverUnsigned(_)
                | Self::RecoverForged(_)
                | Self::Denied(_)
                | Self::Stale(_)
                | Self::UpgradeInUse(_)
                | Self::RollbackInUse
                | Self::UpgradeWritten(..)
                | Self::AdoptWritten(_)
                | Self::StartOther
                | Self::StartTooOften
                | Self::Ended(Course::Spent)
                | Self::Halts
                | Self::BothFail
        )
    }

    /// Whether nobody who may do it has said so.
    pub(crate) fn lacks_authority(self) -> bool {
        matches!(
            self,
            Self::Unauthorized(_)
                | Self::Wrongly(..)
                | Self::WrongKeyring(_)
                | Self::RecoverUnsigned(_)
                | Self::RecoverForged(_)
        )
    }

    /// Does it.
    ///
    /// # Errors
    /// What the product says.
    pub(crate) fn act(self) -> Result<(), Refusal> {
        match self {
            Self::Run(records) => start(|booted| run(booted, records)),
            Self::Killed(records) => start(|booted| killed(&booted, records)),
            Self::Restarts(times) => {
                (0..times).try_for_each(|_| start(|booted| Ok(booted.stop()?)))
            }
            Self::Start | Self::StartTooOften => start(|_| Ok(())),
            Self::StartOther => boot(&RuntimeVersion::new(9, 9, 9), |_| Ok(())),
            Self::Launch => launch(),
            Self::Ended(course) => ended(course),
            Self::Halts => halts(),
            Self::BothFail => both_fail(),
            Self::Fail => start(|booted| Ok(booted.fail("simulated").map(|_| ())?)),
            other => Ok(other.operate()?),
        }
    }

    /// What is not done by a runtime.
    fn operate(self) -> Result<(), Error> {
        match self {
            Self::Adopt => adopt(&mut || {}),
            Self::Upgrade(version) | Self::Denied(version) => {
                apply(version, &FemtoClaw, development(), &mut || {})
            }
            Self::Flawed(version, flaw) => {
                apply(version, Flawed::with(flaw), development(), &mut || {})
            }
            Self::Archiving(version) => {
                apply(version, Flawed::with(Flaw::Archives), development(), &mut || {})
            }
            Self::Cancelled(version, moment) => cancelled::upgrade(version, moment),
            Self::Unauthorized(version) => apply(version, &FemtoClaw, None, &mut || {}),
            Self::Stale(version) => {
                let approved = Some(Digest::of(b"another plan"));
                apply_approved(version, approved, &FemtoClaw, development(), &mut || {})
            }
            Self::RecoverGeneration(number) => {
                recover(number, |generation| trust::recovery(generation).or_else(development))
            }
            Self::RecoverUnsigned(number) => recover(number, |_| None),
            Self::RecoverForged(number) => recover(number, trust::forged_recovery),
            Self::Confirm | Self::Rollback | Self::Preserve | Self::Stubborn | Self::Collect => {
                self.on_home()
            }
            // Whatever was going on is brought to its end.
            Self::Open => with_home(|_| Ok(())),
            Self::Clock(_) | Self::LongOperator | Self::ShortOperator => {
                self.surround();
                Ok(())
            }
            other => other.signed(),
        }
    }

    /// What is about no home: what time it is, and who operates.
    fn surround(self) {
        match self {
            Self::Clock(seconds) => {
                SECONDS.fetch_add(seconds, Ordering::SeqCst);
            }
            Self::LongOperator | Self::ShortOperator => {
                LONG.store(self == Self::LongOperator, Ordering::SeqCst);
            }
            _ => {}
        }
    }

    /// What is about keyrings, releases and signatures.
    fn signed(self) -> Result<(), Error> {
        match self {
            Self::Publish(version, security_epoch) => {
                trust::publish(version, security_epoch);
                Ok(())
            }
            Self::Keyring => trust::keyring(),
            Self::NextKeyring => trust::next_keyring(None),
            Self::WrongKeyring(wrong) => trust::next_keyring(Some(wrong)),
            Self::RevokePublisher(version) => trust::revoke_publisher(version),
            Self::ForgeKeyring => {
                trust::forge_keyring();
                Ok(())
            }
            Self::Signed(version) => trust::upgrade(version, None),
            Self::Wrongly(version, wrong) => trust::upgrade(version, Some(wrong)),
            Self::SignedRollback => trust::rollback(),
            other => other.interfered_with(),
        }
    }

    /// What somebody else has a hand in.
    fn interfered_with(self) -> Result<(), Error> {
        match self {
            Self::AdoptWritten(nth) => interference::written_to(LOG_OF_INSTALLATION, nth, adopt),
            Self::UpgradeWritten(version, nth) => {
                interference::written_to(LOG_OF_ADOPTED, nth, |meanwhile| {
                    apply(version, &FemtoClaw, development(), meanwhile)
                })
            }
            Self::UpgradeInUse(version) => {
                interference::in_use(|| apply(version, &FemtoClaw, development(), &mut || {}))
            }
            Self::RollbackInUse => interference::in_use(|| Self::Rollback.on_home()),
            Self::Rivalled(version) => {
                apply(version, &FemtoClaw, development(), &mut interference::second_upgrader)
            }
            Self::OpenDirectory => interference::open_directory(),
            Self::Interrupted(version) => interference::interrupt(version),
            Self::LoseJournal => interference::lose_journal(&["records.jsonl", "witness"]),
            Self::DamageJournal => interference::damage_journal(),
            Self::LoseWitness => interference::lose_journal(&["witness"]),
            Self::Litter => interference::litter(),
            other => unreachable!("nobody does {other:?}"),
        }
    }

    /// What the handle of a home offers.
    fn on_home(self) -> Result<(), Error> {
        let back = |home: &mut Home<'_>| {
            home.rollback(None, development(), "simulated", &mut |_| {}).map(|_| ())
        };
        with_home(|home| match self {
            Self::Confirm => {
                let current = home.state().current.unwrap_or(GenerationNumber::FIRST);
                home.confirm(current)
            }
            Self::Rollback => back(home),
            Self::Preserve => {
                let (reason, data) = ("simulated", DataPolicy::Preserve);
                let request = RollbackRequest { reason, data, count: false };
                home.rollback(None, development(), request, &mut |_| {}).map(|_| ())
            }
            Self::Stubborn => back(home).or_else(|error| back(home).map_err(|_| error)),
            Self::Collect => home.collect(0, development()).map(|_| ()),
            other => unreachable!("a home does not offer {other:?}"),
        })
    }
}

/// Opens the home anew, and does something with it.
pub(super) fn with_home<T>(
    act: impl FnOnce(&mut Home<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut telemetry = Marks;
    let root = Path::new(HOME);
    act(&mut Home::open(root, environment(), &mut telemetry, Duration::ZERO)?)
}

pub(super) fn development() -> Option<Authorization> {
    Some(Authorization::development())
}

fn adopt(meanwhile: &mut dyn FnMut()) -> Result<(), Error> {
    let request = AdoptRequest {
        source: SOURCE.into(),
        home: HOME.into(),
        assumed: None,
        runtime: None,
        lock_timeout: Duration::ZERO,
    };
    let mut telemetry = Marks;
    upgrade::adopt(&request, environment(), &mut telemetry, &mut |_| meanwhile()).map(|_| ())
}

/// A log of the installation, and its copy in the generation that it was adopted as.
const LOG_OF_INSTALLATION: &str = "/simulated/installation/data/execution.wal";
const LOG_OF_ADOPTED: &str = "/simulated/home/generations/1/store/data/execution.wal";

/// Upgrades; `meanwhile` is called whenever something is reported.
pub(super) fn apply(
    version: &str,
    catalogue: &'static dyn Catalogue,
    authorization: Option<Authorization>,
    meanwhile: &mut dyn FnMut(),
) -> Result<(), Error> {
    apply_approved(version, None, catalogue, authorization, meanwhile)
}

fn apply_approved(
    version: &str,
    approved: Option<Digest>,
    catalogue: &'static dyn Catalogue,
    authorization: Option<Authorization>,
    meanwhile: &mut dyn FnMut(),
) -> Result<(), Error> {
    let environment = environment_with(catalogue);
    apply_in(environment, &mut Marks, version, (approved, authorization), meanwhile)
}

/// Upgrades as the environment wants it.
pub(super) fn apply_in(
    environment: Environment<'_>,
    telemetry: &mut dyn TelemetrySink,
    version: &str,
    (approved, authorization): (Option<Digest>, Option<Authorization>),
    meanwhile: &mut dyn FnMut(),
) -> Result<(), Error> {
    let mut home = Home::open(Path::new(HOME), environment, telemetry, Duration::ZERO)?;
    let request = Request {
        target: version.parse().ok(),
        runtime: Some(BINARY.into()),
        ..Request::default()
    };
    home.apply(&request, approved, authorization, &mut |_| meanwhile()).map(|_| ())
}

fn recover(
    number: u32,
    authority: impl FnOnce(GenerationNumber) -> Option<Authorization>,
) -> Result<(), Error> {
    let generation = (1..number).fold(GenerationNumber::FIRST, |found, _| found.next());
    let request = RecoverRequest {
        home: HOME.into(),
        generation: Some(generation),
        lock_timeout: Duration::ZERO,
    };
    let mut telemetry = Marks;
    let authorization = authority(generation);
    upgrade::recover(&request, environment(), &mut telemetry, authorization, &mut |_| {})
        .map(|_| ())
}

/// A runtime starts, of whatever version the home is at.
fn start(then: impl FnOnce(Booted<'_>) -> Result<(), Refusal>) -> Result<(), Refusal> {
    let version = {
        let mut telemetry = NoTelemetry;
        let home = Home::open(Path::new(HOME), environment(), &mut telemetry, Duration::ZERO)?;
        home.state().runtime().cloned()
    };
    version.map_or(Ok(()), |version| boot(&version, then))
}

/// A runtime of this version starts.
fn boot(
    version: &RuntimeVersion,
    then: impl FnOnce(Booted<'_>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut telemetry = Marks;
    let root = Path::new(HOME);
    then(upgrade::boot(root, version, environment(), &mut telemetry, Duration::ZERO)?)
}

/// Marks each record of the journal as soon as it was acknowledged.
pub(super) struct Marks;

impl TelemetrySink for Marks {
    fn emit(&mut self, _event: &TelemetryEvent) {
        hooks::with(|world| world.mark(Mark::Record));
        interference::on_record();
    }
}
