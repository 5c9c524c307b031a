//! Generations: stage, seal, open, collect (FC-UPGRADE-0001 §7, §15).
//!
//! A home holds numbered generations, each with everything that must move together. The next one is built under a staging
//! name beside the current one, made durable, sealed by a manifest over every file, and renamed into place. From then on it
//! is never modified by this system. Which generation is current is not decided here but by the journal: activating and
//! reverting are appends, so a rollback restores exactly what was there, because nothing touched it.
//!
//! ```text
//! home/
//!   journal/                hash-chained records: the one authority on what is current
//!   generations/7/          manifest.json  runtime/  store/  config/  policy/  extensions/  set-aside/
//!   generations/.staging-8/ an attempt that has not been sealed
//!   current                 a link for people, derived from the journal, never trusted
//!   lock                    who holds the lock, which is on the directory itself: for messages
//! ```

mod error;
mod generation;
mod layout;
mod lock;
mod manifest;
mod part;
mod running;
mod staging;

pub use error::{Error, Result};
pub use generation::{Generation, VerifyDepth};
pub use layout::{Layout, Swept};
pub use lock::{HomeLock, is_lock_file};
pub use manifest::{
    AppliedStep, MANIFEST_FORMAT, Manifest, MigrationMetadata, Origin, Parent, SealedKeyspace,
};
pub use part::Part;
pub use running::{NotRunning, RunningLock};
pub use staging::Staging;
