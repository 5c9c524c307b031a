//! One transaction over binary, data, configuration, policy and extensions: what a runtime links.
//!
//! - [`boot`] is what a runtime calls first: it locks the home, puts right what an interruption left, verifies the current
//!   generation and returns its parts, or refuses.
//! - [`Home::launch`] is for launchers of runtimes that do not link this: [`Home::stopped`], [`Home::crashed`] and
//!   [`Home::failed`] end what it begins.
//! - [`adopt`] makes an unmanaged installation generation 1 of a new home.
//! - [`HomeView`] looks at a home; [`Home`] changes it: [`Home::apply`], [`Home::rollback`], [`Home::confirm`],
//!   [`Home::fail`], [`Home::collect`], [`Home::verify`]; [`recover`] brings it back.
//!
//! The engine knows no schema and no release: the runtime's [`Catalogue`] does. It asks nothing of its surroundings: clock,
//! operator and versions come in with the [`Environment`].

mod adopt;
mod apply;
mod audit;
mod boot;
mod catalogue;
mod closing;
mod collect;
mod consent;
mod environment;
mod error;
mod export;
mod exposure;
mod home;
mod launch;
pub mod lifecycle;
mod package;
mod plan;
mod preserve;
mod progress;
mod recover;
mod refusal;
mod revert;
mod seal;
mod since;
mod status;
mod store_guard;
mod trial;
mod trust;
mod verify;

pub use adopt::{AdoptRequest, Adopted, INVENTORY, RUNTIME_BINARY, adopt, inspect};
pub use apply::{Applied, Summary};
pub use audit::{AuditTrail, HeadViolation, InvalidHead, JournalHead};
pub use boot::{Booted, boot};
pub use catalogue::{
    AdoptedFile, Adoption, AdoptionRefusal, Artifact, Catalogue, ConfigurationStretch, Files,
    Finding, FindingOutcome, InstalledExtensions, MigratedConfiguration, OfferedExtensions,
    Release, SealedFiles,
};
pub use collect::Collected;
pub use consent::Consent;
pub use environment::Environment;
pub use error::{Cause, Condition, Error, Result, TrialFailure};
pub use home::{Home, HomeView, Recovery};
pub use launch::Launch;
pub use package::{PackagedFile, SignedRelease, describe_package, package_contents};
pub use plan::{
    Needs, Pinned, Plan, PlannedAuthority, PlannedBinary, PlannedFrom, PlannedKeyspace,
    PlannedPart, PlannedStep, PlannedTo, Request, Sample, SampleBasis, TRIAL_TRIES,
};
pub use progress::{Activity, Progress, ProgressListener};
pub use recover::{RecoverRequest, plan_recovery, recover};
pub use refusal::{Refusal, Refusals};
pub use revert::{RollbackRequest, RolledBack};
pub use rollback::Part;
pub use since::Since;
pub use status::{AttemptStatus, GenerationStatus, KeyringStatus, Status};
pub use trial::runtime_binary;
pub use trust::{
    Authorization, InstalledKeyring, InvalidAuthorization, KeyringProposal, Terms, draft_recovery,
};
pub use verify::{Depth, VerifiedGeneration, VerifiedRecords, VerifyReport};

// What the signatures above speak of.
pub use config_migration::{EffectiveConfiguration, IntendedDifference, Setting};
pub use gate::{Cancellation, Cancelled, Closed, NotDrained, Pass, WriteGate};
pub use integrity::Digest;
pub use journal::{
    Authority, DataPolicy, Event, JsonLines, NoTelemetry, Operation, Record, ReleaseIdentity,
    Repair, RevertedRecords, SignedBy, Signer, Stretch, TelemetryEvent, TelemetrySink,
};
pub use rollback::{Generation, Manifest, Origin, RunningLock};
pub use storage_migration::{EngineOptions, RecordSource, Store};
pub use {
    authorization, capability_migration, compatibility, config_migration, extension_migration,
    release,
};
