//! The journal: the hash-chained, durable log of every attempt, decision, step and outcome, and the one authority on which
//! generation is current (FC-UPGRADE-0001 §9, §16, §17).
//!
//! # On disk
//! `records.jsonl` holds one JSON object a line:
//!
//! ```json
//! {"seq":4,"time":"…","attempt":1,"event":{"type":"ACTIVATED","generation":1,"tries":0},"previous":"blake3:…","hash":"blake3:…"}
//! ```
//!
//! `hash` is the BLAKE3 digest of the literal bytes of the line before `,"hash":`, and `previous` is the `hash` of the line
//! before (the digest of nothing for the first one). So a line can be checked with `b3sum` alone.
//!
//! Behind the last record the file is padded with newlines: space that is written and synced ahead of time, so that a full
//! disk never blocks a revert. Readers of JSON Lines pass over them.
//!
//! `witness` says which record was acknowledged last. It never decides what is current: it is there to tell a torn
//! append (never acknowledged, cut off) from a record that was lost or altered later (acknowledged, refused).
//!
//! # How an append becomes durable
//! The line is written over the padding and synced; then the witness is written and synced; then the append is
//! acknowledged. Whatever fails on the way leaves the outcome unknown, and the handle unusable: drop it and open the
//! journal again. [`Journal::open`] finds the record there or not, and writes it once more if the witness does not vouch
//! for it, because after a failed sync the bytes that a read shows need not be the bytes on disk.

mod error;
mod event;
mod file;
mod inspect;
mod read;
mod record;
mod telemetry;
mod witness;

pub use error::{Error, Result};
pub use event::{
    Authority, DataPolicy, Event, Operation, RecoveredParent, ReleaseIdentity, RevertedRecords,
    SignedBy, Signer,
};
pub use file::{Journal, RESERVE_BYTES, Repair, replace_witness};
pub use inspect::{Inspection, Stretch, inspect};
pub use read::{MAXIMUM_JOURNAL_BYTES, read, read_without_witness};
pub use record::{AttemptNumber, MAXIMUM_RECORD_BYTES, Record};
pub use telemetry::{
    JsonLines, NoTelemetry, OperationEvent, OperationResult, TelemetryEvent, TelemetrySink,
};

/// The file that holds the records.
pub const RECORDS_FILE: &str = "records.jsonl";
/// The file that says which record was acknowledged last.
pub const WITNESS_FILE: &str = "witness";
